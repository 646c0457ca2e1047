"""Writes CT phantoms and the CSV that says where a level lies in each."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..events import Events, quiet
from ..imaging import write_image
from ..storage import write_json
from .ct_phantom import ct_phantom
from .ct_projection import ct_projection

# Seeds of one data set lie this far from those of the next, so that two sets share no patient.
SEED_STRIDE = 100_003


def case_seed(seed: int, number: int) -> int:
    """The phantom seed of case ``number`` (from 1) of the set ``seed``."""
    return int(seed) * SEED_STRIDE + int(number)


def write_ct_phantoms(
    folder: str | Path,
    count: int,
    seed: int = 0,
    kind: str = "adult",
    *,
    level: str = "L3",
    field: str | None = None,
    spacing: tuple[float, float, float] | None = None,
    masks: bool = False,
    quick: bool = True,
    projections_only: bool = False,
    views: tuple[str, ...] = ("frontal",),
    events: Events | None = None,
) -> Path:
    """Write ``count`` phantoms ``ct-KIND-NNNN.nii.gz`` and ``levels.csv``; returns the CSV's path.

    The CSV has ``id, patient, level, ct, mm, where`` (``mm`` empty and ``where`` above, below or absent when the level
    is not shown), then ``lumbar``, ``field`` and ``phantom_seed``. With ``masks`` the vertebrae are written beside each
    CT. With ``projections_only`` each ``ct`` is a ``.npz`` with ``pixels`` and ``row``, and ``mm`` counts from its top.

    Raises
    ------
    UsageError
        A count below 1, an unknown kind, field or level.
    StorageError
        The folder cannot be written.
    """
    if count < 1:
        raise UsageError(f"count {count}: at least one phantom is needed; give a count of 1 or more")
    folder, events, rows = Path(folder), quiet(events), []
    folder.mkdir(parents=True, exist_ok=True)
    about = {}
    for number in range(1, count + 1):
        name, own = f"ct-{kind}-{number:04d}", case_seed(seed, number)
        if projections_only:
            row, about[name] = _projection(folder, name, own, kind, level, field, views)
        else:
            row, about[name] = _volume(folder, name, own, kind, level, field, spacing, masks, quick)
        rows.append({"id": name, "patient": name, "level": level} | row)
        events.progress("making phantoms", number, count)
    write_json(folder / "phantoms.json", {"seed": seed, "kind": kind, "cases": about})
    return _table(folder / "levels.csv", rows)


def _volume(folder, name, own, kind, level, field, spacing, masks, quick) -> tuple[dict, dict]:
    phantom = ct_phantom(own, kind=kind, field=field, spacing=spacing, quick=quick)
    write_image(phantom.image, folder / f"{name}.nii.gz")
    where = phantom.where(level)
    row = {"ct": f"{name}.nii.gz", "mm": "" if where else f"{phantom.levels[level]:.2f}", "where": where}
    if masks:
        write_image(phantom.vertebrae, folder / f"{name}-vertebrae.nii.gz")
    return row | _columns(phantom.attributes), phantom.attributes


def _projection(folder, name, own, kind, level, field, views) -> tuple[dict, dict]:
    made = ct_projection(own, kind=kind, views=views, field=field)
    where = made.where(level)
    np.savez_compressed(folder / f"{name}.npz", pixels=made.pixels.astype(np.float16), row=made.rows.get(level, np.nan))
    row = {"ct": f"{name}.npz", "mm": "" if where else f"{made.rows[level] * made.row_mm:.2f}", "where": where}
    return row | _columns(made.attributes), made.attributes


def _columns(attributes: dict) -> dict:
    return {"lumbar": attributes["lumbar"], "field": attributes["field"], "phantom_seed": attributes["seed"]}


def _table(path: Path, rows: list[dict]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path
