"""Small PET/CT cases on disk: a body with one hot ball, PET and CT on different grids."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from TransferSegLib.imaging import Grid, from_array, write_image

PET_GRID = Grid((20, 22, 18), (4.0, 4.0, 3.0), (-40.0, -44.0, 10.0))
CT_GRID = Grid((40, 44, 18), (2.0, 2.0, 3.0), (-41.0, -45.0, 10.0))


def ball(grid: Grid, centre: tuple[float, float, float], radius: float) -> np.ndarray:
    """bool (k, j, i): within ``radius`` mm of an LPS point."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.size], indexing="ij"), -1).reshape(-1, 3)
    inside = np.linalg.norm(grid.points(index) - np.array(centre), axis=1) <= radius
    return inside.reshape(grid.size).transpose(2, 1, 0)


def write_case(folder: Path, seed: int = 0, *, unit: str | None = "SUV") -> Path:
    """A case folder with PET, CT and the PET's mask."""
    rng = np.random.default_rng(seed)
    centre = (rng.uniform(-10, 10), rng.uniform(-10, 10), 37.0)
    lesion = ball(PET_GRID, centre, 10)
    suv = ball(PET_GRID, (0, 0, 37), 36) + 8.0 * lesion + 0.05 * rng.standard_normal(PET_GRID.shape)
    hu = np.where(ball(CT_GRID, (0, 0, 37), 36), 30, -1000) + 20 * ball(CT_GRID, centre, 10)
    write_image(from_array(suv.astype(np.float32), PET_GRID), folder / "PET.nii.gz")
    write_image(from_array(hu.astype(np.int16), CT_GRID), folder / "CT.nii.gz")
    write_image(from_array(lesion.astype(np.uint8), PET_GRID), folder / "PET_mask.nii.gz")
    if unit:
        (folder / "PET.json").write_text(json.dumps({"Units": unit}))
    return folder
