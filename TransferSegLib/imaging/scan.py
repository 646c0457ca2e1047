"""Scan: a CT as a row of slices from head to foot, each at its true place."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .dicom import is_dicom_file
from .formats import image_stem
from .grid import Grid
from .reading import read_image


@dataclass(frozen=True, eq=False)
class Scan:
    """A scan and where each of its slices lies.

    Parameters
    ----------
    image : SimpleITK.Image
        3-D, scalar, as SimpleITK reads it. With gantry tilt or uneven slices its grid is the nominal one:
        ``positions`` hold the truth.
    axis : {0, 1, 2}
        Image axis (i, j, k) nearest to the superior-inferior direction; slices are counted along it.
    positions : (n, 3) array
        LPS centre of each slice, mm.
    files : tuple of str
        DICOM file name of each slice, or empty.
    notes : tuple of str
        Sentences for the user: tilt, uneven slices, what was left out of the folder.
    modality : str
        As DICOM writes it (``CT``, ``MR``, ``PT``), empty where the file does not say.
    """

    image: sitk.Image = field(repr=False)
    axis: int
    positions: np.ndarray = field(repr=False)
    files: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    modality: str = ""

    @property
    def count(self) -> int:
        """Number of slices along ``axis``."""
        return len(self.positions)

    @property
    def heights(self) -> np.ndarray:
        """Height of each slice's centre, (n,), mm towards the head (LPS S)."""
        return self.positions[:, 2]

    @property
    def superior_first(self) -> bool:
        """Whether slice 0 is the one nearest to the head."""
        return bool(self.heights[0] > self.heights[-1])

    @property
    def grid(self) -> Grid:
        """The image's grid (nominal where ``positions`` are not even)."""
        return Grid.of(self.image)

    @property
    def even(self) -> bool:
        """Whether the image's grid places every slice (to 0.5 mm), as it does without tilt and gaps."""
        return bool(np.abs(self.positions - _grid_positions(self.grid, self.axis)).max() < 0.5)

    @property
    def tilt(self) -> float:
        """Degrees by which the slices lean against the axial plane."""
        upwards = np.cross(*np.delete(self.grid.matrix, self.axis, axis=1).T)[2]
        return float(np.degrees(np.arccos(min(abs(upwards), 1.0))))

    def array(self) -> np.ndarray:
        """The voxels, (k, j, i), a read-only view: no copy is made."""
        return sitk.GetArrayViewFromImage(self.image)


def scan_of(
    image: sitk.Image,
    *,
    positions: np.ndarray | None = None,
    files: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    modality: str = "",
) -> Scan:
    """The scan that an image is; ``positions``, (n, 3) LPS mm, when the grid does not tell them."""
    grid = Grid.of(image)
    axis = anatomical_axes(grid)[2]
    if positions is None:
        positions = _grid_positions(grid, axis)
    return Scan(image, axis, np.asarray(positions, float), tuple(files), tuple(notes), modality)


def read_scan(path: str | Path) -> Scan:
    """Read a CT: an image file, a DICOM folder or one file of a DICOM series.

    Raises
    ------
    InputError
        As ``read_image`` does. Of a DICOM folder also: several series between which nothing decides, slices
        repeated, two series mixed. Gantry tilt and uneven slices are no error here: the notes say them.
    """
    path = Path(path)
    if path.is_dir() or (path.is_file() and is_dicom_file(path)):
        from .scan_dicom import read_dicom_scan

        return read_dicom_scan(path)
    return scan_of(read_image(path), modality=_stated_modality(path))


def anatomical_axes(grid: Grid) -> tuple[int, int, int]:
    """The image axes nearest to left-right, front-back and foot-head, each taken once."""
    matrix = np.abs(grid.matrix)
    return max(itertools.permutations(range(3)), key=lambda axes: sum(matrix[row, axes[row]] for row in range(3)))


def _grid_positions(grid: Grid, axis: int) -> np.ndarray:
    """LPS centres, (n, 3) mm, of a grid's slices along ``axis``."""
    index = np.tile((np.array(grid.size) - 1) / 2.0, (grid.size[axis], 1))
    index[:, axis] = np.arange(grid.size[axis])
    return grid.points(index)


def _stated_modality(path: Path) -> str:
    """``Modality`` of the JSON file that converters such as dcm2niix write beside an image."""
    try:
        stated = json.loads((path.parent / f"{image_stem(path)}.json").read_text(encoding="utf-8"))
        return str(stated.get("Modality") or "")
    except (OSError, ValueError, AttributeError):
        return ""
