"""Contenders of tmtv_report.py: one of them, once, on the arrays of a folder; the answer is JSON on the last line."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import common
import numpy as np

Spacing = tuple[float, float, float]


def ours(work: Path, spacing: Spacing) -> tuple[Callable[[], object], Callable[[object], dict]]:
    """This library's whole report."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import scipy.ndimage
    import scipy.spatial

    from TransferSegLib.imaging import Grid
    from TransferSegLib.lesions import compare_lesions, find_lesions, totals
    from TransferSegLib.measuring import surface_distances

    _ = scipy.ndimage, scipy.spatial
    prediction, truth, suv = (np.load(work / f"{name}.npy") for name in ("prediction", "truth", "suv"))
    grid = Grid(prediction.shape[::-1], spacing[::-1])

    def run() -> tuple:
        sums = [totals(find_lesions(suv, mask, grid)) for mask in (prediction, truth)]
        return compare_lesions(prediction, truth, suv, grid), sums

    def values(found: tuple) -> dict:
        errors, sums = found
        voxels = surface_distances(prediction > 0, truth > 0, spacing=spacing, voxels=True)
        return {
            "HD of voxels": voxels.percentile(100),
            # As MedPy's: over the points of both surfaces, not the mean of the two directed means.
            "ASSD of voxels": np.concatenate([voxels.prediction_distances, voxels.truth_distances]).mean(),
            "NSD of voxels": voxels.within(5.0),
            "NSD": errors.nsd,
            "HD": errors.hausdorff_mm,
            "HD95": errors.hd95_mm,
            "mean distance": errors.mean_distance_mm,
            "BJI": errors.bji,
            "Dice": errors.dice,
            "Dmax of centroids": sums[1].dmax_centroid_mm,
            "Dmax of voxels": sums[1].dmax_voxel_mm,
            "true lesions found (approach 1)": errors.approach1.true_positive,
            "found (approach 2)": errors.approach2.true_positive,
            "false positive lesions": errors.approach1.false_positive,
        }

    return run, values


def medpy(measure: str) -> Callable:
    """MedPy's ``hd`` or ``assd``."""

    def prepare(work: Path, spacing: Spacing) -> tuple:
        from medpy.metric import binary

        masks = [np.load(work / f"{name}.npy") for name in ("prediction", "truth")]
        name = f"{measure.upper()} of voxels"
        return lambda: getattr(binary, measure)(*masks, voxelspacing=spacing), lambda value: {name: float(value)}

    return prepare


def monai(measure: str) -> Callable:
    """MONAI's surface Dice (on voxels, or on surface elements) or Hausdorff distance."""

    def prepare(work: Path, spacing: Spacing) -> tuple:
        import torch
        from monai import metrics

        torch.set_num_threads(2)
        masks = [np.load(work / f"{name}.npy") for name in ("prediction", "truth")]
        options = {"include_background": True, "spacing": list(spacing)}

        def run() -> float:
            pair = [torch.from_numpy(mask)[None, None] for mask in masks]
            if measure == "hd":
                return metrics.compute_hausdorff_distance(*pair, **options)
            fine = measure == "nsd-elements"
            return metrics.compute_surface_dice(*pair, class_thresholds=[5.0], use_subvoxels=fine, **options)

        name = {"hd": "HD of voxels", "nsd": "NSD of voxels", "nsd-elements": "NSD"}[measure]
        return run, lambda value: {name: float(value)}

    return prepare


CONTENDERS = {
    "ours": ours,
    "medpy-hd": medpy("hd"),
    "medpy-assd": medpy("assd"),
    "monai-nsd": monai("nsd"),
    "monai-hd": monai("hd"),
    "monai-nsd-elements": monai("nsd-elements"),
}


def main() -> None:
    """Load, take the memory mark, run once and time, answer."""
    name, work, *spacing = sys.argv[1:]
    keep, sys.stdout = sys.stdout, sys.stderr
    run, values = CONTENDERS[name](Path(work), tuple(map(float, spacing)))
    with common.Peak() as peak:
        started, used = time.perf_counter(), time.process_time()
        found = run()
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - used
        memory = peak.highest - peak.start
    figures = {"seconds": seconds, "cpu_seconds": cpu_seconds, "memory_bytes": memory, "values": values(found)}
    keep.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
