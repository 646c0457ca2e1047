"""False positives on the raw whole-body PET of STS_001: what lies outside its tumour, by thresholds and by models.

    python benchmarks/petct_whole_body.py MODEL [MODEL ...]

The folder has no whole-body CT of this patient: a model runs with the three CT channels empty (as beyond a CT's field
of view), which a tenth of its training windows had too. The tumour is the truth of the sarcoma crop of this patient,
grown by 10 mm. A model that was trained on STS_001 must not be given.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scipy import ndimage

from TransferSegLib.cases import Case, LoadedCase
from TransferSegLib.imaging import Grid, from_array, read_image, read_pet, to_array
from TransferSegLib.jobs.predict import Model, predict_array
from TransferSegLib.packages import find_package
from TransferSegLib.preparing import prepare_petct, restore_labels

AROUND_MM = 10.0


def tumour(data: Path, grid: Grid) -> np.ndarray:
    """bool (k, j, i) on the whole body's grid: the crop's truth, grown."""
    mask = read_image(data / "petct_ibsi_sts" / "STS_001" / "PET_mask.nii.gz", what="truth")
    moved = sitk.Resample(mask, list(grid.size), sitk.Transform(), sitk.sitkNearestNeighbor, grid.origin, grid.spacing,
                          grid.direction)  # fmt: skip
    away = ndimage.distance_transform_edt(to_array(moved) == 0, sampling=grid.spacing[::-1])
    return away <= AROUND_MM


def predicted(model: Model, pet: sitk.Image) -> np.ndarray:
    """bool (k, j, i) of a model that is given no CT; its refiner, which needs one at full size, is left out."""
    grid = Grid.of(pet)
    air = from_array(np.full(grid.shape, -1024, np.int16), grid)
    case = Case("STS_001", "STS_001", {"pet": Path("PET"), "ct": Path("none")})
    prepared = prepare_petct(LoadedCase(case, {"pet": pet, "ct": air}, grid, "pet"), spacing=model.card.spacing)
    labels = predict_array(model, prepared.array, prepared.mask).labels
    return to_array(restore_labels(labels, prepared)) > 0


def main() -> int:
    """Print a row a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args()
    series = next(p.parent for p in sorted((args.data / "pet_raw_dicom_sts001").rglob("*")) if _is_pet(p))
    pet = read_pet(series).image
    grid, suv = Grid.of(pet), sitk.GetArrayFromImage(pet)
    inside = tumour(args.data, grid)
    masks = {f"SUV >= {t:g}": suv >= t for t in (2.0, 2.5, 4.0)} | {"SUV >= 41 % of SUVmax": suv >= 0.41 * suv.max()}
    for name in args.models:
        masks[name] = predicted(Model.open(find_package(name)), pet)
    print("| method | inside the tumour, ml | outside, ml |\n|---|---:|---:|")
    for name, mask in masks.items():
        volumes = [float(np.count_nonzero(part)) * grid.voxel_ml for part in (mask & inside, mask & ~inside)]
        print(f"| {name} | {volumes[0]:.1f} | {volumes[1]:.1f} |")
    return 0


def _is_pet(path: Path) -> bool:
    import pydicom

    if not path.is_file():
        return False
    try:
        return pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Modality"]).get("Modality") == "PT"
    except pydicom.errors.InvalidDicomError:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
