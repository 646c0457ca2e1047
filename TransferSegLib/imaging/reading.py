"""Reading one 3-D image, refusing whatever could give a silent wrong result."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, UnreadableFile
from ..storage import scratch_folder
from .complete import why_incomplete, why_no_header
from .dicom import is_dicom_file, read_dicom, series_grid
from .formats import SUFFIXES, image_suffix, picture_suffix
from .grid import Grid
from .nifti import NiftiHeader, why_not_orthonormal, why_two_geometries, why_unusable
from .pictures import read_picture_mask

# ITK's warnings would reach stderr; what matters among them is an error of ours.
sitk.ProcessObject_SetGlobalWarningDisplay(False)

Result = TypeVar("Result")


def read_image(path: str | Path, *, what: str = "image", channel: int | None = None) -> sitk.Image:
    """Read a 3-D scalar image: NIfTI, NRRD, MHA/MHD, or a DICOM series (its folder or one of its files).

    A truth may be a picture (PNG, JPEG, TIFF, BMP), as `read_picture_mask` reads it; other pictures are refused here.

    Parameters
    ----------
    path : path
        The file or folder.
    what : {"image", "truth"}
        An image must not be constant; a truth must hold whole numbers and may be all background.
    channel : int, optional
        Take this volume of a 4-D file (the Decathlon keeps its sequences so). Without it 4-D is refused.

    Raises
    ------
    InputError
        One line that names the file: missing, truncated, 4-D, RGB, 2-D, empty, NaN, constant,
        singular or non-orthonormal direction, DICOM with missing slices or mixed orientation.
    """
    path = Path(path)
    if what == "truth" and picture_suffix(path) is not None:
        return read_picture_mask(path)
    if _is_dicom(path):
        image = read_dicom(path)
    else:
        _header(path, channel=channel)
        problem = why_incomplete(path, finite=True)
        if problem is not None:
            raise _faulty(path, problem)
        image = _one_line(path, lambda: _read(path, channel))
    check_grid(Grid.of(image), path)
    check_voxels(image, path, what)
    return image


def read_header(path: str | Path) -> Grid:
    """The grid of an image without its voxels; refuses the same geometries as ``read_image``."""
    path = Path(path)
    if _is_dicom(path):
        grid = series_grid(path)
    else:
        grid = _header(path)
    check_grid(grid, path)
    return grid


def check_grid(grid: Grid, path: str | Path) -> None:
    """Raise ``InputError`` for a grid that is flat, singular, sheared or has no positive spacing."""
    if min(grid.size) < 2:
        raise InputError(f"{path}: a single slice of {grid.size} voxels; give a whole 3-D volume")
    if not np.isfinite(grid.spacing + grid.origin).all() or min(grid.spacing) <= 0:
        raise InputError(f"{path}: its voxel size {grid.spacing} or origin is not usable; correct the header")
    problem = why_not_orthonormal(grid.matrix)
    if problem:
        raise InputError(f"{path}: its direction matrix {problem}; resample it to an upright grid")


def _is_dicom(path: Path) -> bool:
    if path.is_dir():
        return True
    if not path.exists():
        raise UnreadableFile(f"{path}: no such file; check the path")
    if image_suffix(path) is not None:
        return False
    if is_dicom_file(path):
        return True
    raise UnreadableFile(f"{path}: not an image; give {', '.join(SUFFIXES)} or a DICOM series folder")


def _read(path: Path, channel: int | None) -> sitk.Image:
    with _unmistakable(path) as name:
        if channel is None:
            return sitk.ReadImage(name)
        reader = sitk.ImageFileReader()
        reader.SetFileName(name)
        reader.ReadImageInformation()
        if reader.GetDimension() == 4:
            reader.SetExtractSize([*reader.GetSize()[:3], 0])
            reader.SetExtractIndex([0, 0, 0, channel])
        return reader.Execute()


@contextlib.contextmanager
def _unmistakable(path: Path) -> Iterator[str]:
    """A name under which ITK reads this very file: beside ``x.nii`` it takes ``x.nii.gz`` for that one."""
    name = path.name.lower()
    rival = path.with_name(path.name[:-3] if name.endswith(".nii.gz") else path.name + ".gz")
    if ".nii" not in name[-7:] or not rival.exists():
        yield str(path)
        return
    with scratch_folder("alone") as folder:
        alone = folder / path.name
        try:
            alone.symlink_to(path.absolute())
        except OSError:  # Windows without the right to make links
            shutil.copyfile(path, alone)
        yield str(alone)


def _header(path: Path, *, channel: int | None = None) -> Grid:
    """Check all that the header alone shows, and return the grid."""
    try:
        problem = why_no_header(path)
        header = NiftiHeader.read(path) if image_suffix(path) in (".nii", ".nii.gz") else None
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    if header is not None:
        problem = problem or why_unusable(header)
    if problem:
        raise _faulty(path, problem)
    reader = sitk.ImageFileReader()
    with _unmistakable(path) as name:
        reader.SetFileName(name)
        _one_line(path, reader.ReadImageInformation)
    _check_kind(reader, path, channel)
    grid = _grid_of(reader)
    problem = why_two_geometries(header, grid) if header is not None else None
    if problem:
        raise InputError(f"{path}: {problem}")
    return grid


def _check_kind(reader: sitk.ImageFileReader, path: Path, channel: int | None) -> None:
    size = tuple(reader.GetSize())
    if channel is not None and not 0 <= channel < (size[3] if len(size) == 4 else 1):
        raise InputError(f"{path}: has no volume {channel}, its size is {size}; correct the list of channels")
    if any(n == 0 for n in size):
        raise InputError(f"{path}: an empty image of {size} voxels; export it again")
    if len(size) == 2:
        raise InputError(f"{path}: a 2-D picture of {size} pixels; give a 3-D volume")
    if (len(size) > 3 and channel is None) or len(size) > 4:
        raise InputError(f"{path}: {len(size)}-D, {size} voxels; split it and give one 3-D volume a file")
    if reader.GetNumberOfComponents() != 1:
        kind = "RGB or vector" if reader.GetNumberOfComponents() > 2 else "complex or vector"
        raise InputError(f"{path}: a {kind} image; give a scalar (grey) 3-D volume")


def _grid_of(reader: sitk.ImageFileReader) -> Grid:
    """The 3-D part of a header's grid; a negative spacing becomes a flipped axis, as in the image itself."""
    n = reader.GetDimension()
    matrix = np.array(reader.GetDirection()).reshape(n, n)[:3, :3]
    spacing = np.array(reader.GetSpacing()[:3])
    matrix = matrix * np.where(spacing < 0, -1, 1)
    return Grid(reader.GetSize()[:3], tuple(np.abs(spacing)), reader.GetOrigin()[:3], tuple(matrix.ravel()))


def check_voxels(image: sitk.Image, path: Path, what: str = "image") -> None:
    """Raise ``InputError`` for NaN, for an image that is constant, for a truth of fractions."""
    voxels = sitk.GetArrayViewFromImage(image)
    low, high = float(voxels.min()), float(voxels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = int(np.size(voxels) - np.count_nonzero(np.isfinite(voxels)))
        raise InputError(f"{path}: {bad} voxels are NaN or infinite; replace them (for example by 0)")
    if what == "image" and low == high:
        raise InputError(f"{path}: every voxel is {low:g}; the image is empty, export it again")
    if what == "truth" and voxels.dtype.kind == "f" and (voxels != np.rint(voxels)).any():
        raise InputError(f"{path}: not a label map, it holds values such as {_fraction(voxels):g}; give whole numbers")


def _fraction(voxels: np.ndarray) -> float:
    return float(voxels[voxels != np.rint(voxels)][0])


def _one_line(path: Path, action: Callable[[], Result]) -> Result:
    """Run an ITK call; its many-line exception becomes one ``InputError``."""
    try:
        return action()
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        text = next((line for line in lines if "ERROR" in line), lines[-1] if lines else "")
        raise _itk_error(path, str(error), text) from error


def _faulty(path: Path, problem: str) -> InputError:
    """A file that is not whole; what its problem says to do (after a semicolon) is about a whole one."""
    if ";" in problem:
        return InputError(f"{path}: {problem}")
    return UnreadableFile(f"{path}: {problem}; copy or export it again")


def _itk_error(path: Path, whole: str, line: str) -> InputError:
    geometry = {
        "determinant is 0": "its direction matrix is singular (two axes run the same way); correct the header",
        "Zero-valued spacing": "its voxel size is 0 along an axis; correct the header",
        "orthonormal": "its direction is sheared or singular; resample it to an upright grid or correct the header",
    }
    broken = {
        "Unable to determine ImageIO": "its content is not what its suffix says, or it is damaged; export it again",
        "expected": "it is truncated or damaged; copy or export it again",
        "fread got only": "it is truncated or damaged; copy or export it again",
        "bad_alloc": "not enough memory to read it; close other programs",
    }
    for kind, known in ((InputError, geometry), (UnreadableFile, broken)):
        found = next((text for mark, text in known.items() if mark in whole), None)
        if found:
            return kind(f"{path}: {found}")
    told = line.rpartition("ERROR: ")[2][:120] or "unknown reason"
    return UnreadableFile(f"{path}: cannot be read ({told}); export it again")
