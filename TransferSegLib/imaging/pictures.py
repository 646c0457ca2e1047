"""Pictures (PNG, JPEG, TIFF, BMP) as images of one slice, masks among them, and label maps written as PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, UnreadableFile
from ..storage import writing
from .grid import Grid

if TYPE_CHECKING:
    from PIL import Image

# A painted mask is anti-aliased between 0 and 255: what is brighter than this is inside.
MASK_THRESHOLD = 127
# Values of labels beside 255 in a picture: whether 255 is one of them cannot be told.
_LABELS_UP_TO = 32
_MODES = ("1", "L", "P", "RGB", "LA", "PA", "RGBA")


def read_picture(path: str | Path, *, grey: bool | None = None) -> sitk.Image:
    """A picture as an image of one slice of uint8: one component for grey, three (red, green, blue) for colour.

    A pixel counts as 1 mm, whatever resolution the file states; row 0 is the picture's upper edge, as it is shown
    (a camera's turn is followed). The grey of colours is the luminance 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).

    Parameters
    ----------
    path : path
    grey : bool, optional
        Whether luminance or colours are wanted; None takes the picture as it is.

    Raises
    ------
    InputError
        One line that names the file: missing, damaged, transparent, more than 8 bits a channel, several pictures in
        one file, other colours than RGB, one colour all over.
    """
    picture = _opened(Path(path))
    if grey is None:
        grey = not _coloured(picture)
    array = np.asarray(picture.convert("L" if grey else "RGB"))
    if array.min() == array.max():
        raise InputError(f"{path}: every pixel is {int(array.flat[0])}; the picture is empty, export it again")
    return sitk.GetImageFromArray(np.ascontiguousarray(array[None]), isVector=not grey)


def read_picture_mask(path: str | Path) -> sitk.Image:
    """A mask that is a picture, as a label map uint8 of one slice.

    Values up to 127 are labels as they are. A brighter pixel says that the mask is painted (0 and 255, anti-aliased
    between): then what is above 127 is label 1. Of a palette of colours the numbers are the labels.

    Raises
    ------
    InputError
        As ``read_picture``; a mask in colours, or one of which that cannot be told.
    """
    picture = _opened(Path(path))
    if picture.mode == "P" and _coloured(picture):
        values = np.asarray(picture)
    elif picture.mode == "1":
        values = np.asarray(picture).astype(np.uint8)
    else:
        colours = np.asarray(picture.convert("RGB"))
        values = colours[..., 0]
        if (colours != values[..., None]).any():
            raise InputError(f"{path}: a mask in colours; give each label its own grey value, or a palette")
    found = np.flatnonzero(np.bincount(values.ravel(), minlength=256))
    if found[-1] > MASK_THRESHOLD:
        between = found[(found > 0) & (found < found[-1])]
        if between.size and between[-1] <= _LABELS_UP_TO:
            raise InputError(
                f"{path}: holds the values {', '.join(map(str, [*between[:6], found[-1]]))}; give labels from 1 to "
                f"{MASK_THRESHOLD}, or 0 and 255 alone"
            )
        values = (values > MASK_THRESHOLD).astype(np.uint8)
    return sitk.GetImageFromArray(np.ascontiguousarray(values[None]))


def picture_grid(path: str | Path) -> Grid:
    """The grid of a picture, one pixel a millimetre and one slice; reads no pixel."""
    return Grid((*_header(Path(path)), 1), (1.0, 1.0, 1.0))


def is_coloured(path: str | Path) -> bool:
    """Whether a picture is one of colours, by its header."""
    from PIL import Image

    with _told(Path(path)), Image.open(path) as picture:
        return _coloured(picture)


def write_label_picture(labels: sitk.Image, path: str | Path) -> None:
    """Write a label map of one slice as PNG, each pixel's grey value its label; whole or not at all.

    Raises
    ------
    InputError
        The label map has several slices.
    StorageError
        The folder cannot be written or the disk is full.
    """
    from PIL import Image

    array = sitk.GetArrayFromImage(labels)
    if array.ndim != 3 or array.shape[0] != 1 or array.dtype != np.uint8:
        raise InputError(f"{path}: a PNG holds the labels of one picture; end it in .nii.gz, .nii, .nrrd or .mha")
    with writing(path, suffix=".png") as temporary:
        Image.fromarray(array[0]).save(temporary, format="PNG")


def _opened(path: Path) -> Image.Image:
    """The pixels of a picture that is checked, turned as it is shown."""
    from PIL import Image, ImageOps

    with _told(path), Image.open(path) as picture:
        _check(picture, path)
        picture.load()
        return ImageOps.exif_transpose(picture)


def _header(path: Path) -> tuple[int, int]:
    """Width and height as the picture is shown."""
    from PIL import Image

    with _told(path), Image.open(path) as picture:
        turned = picture.getexif().get(0x0112, 1) >= 5
        return picture.size[::-1] if turned else picture.size


class _told:
    """Errors of the decoder as one line that names the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            raise UnreadableFile(f"{path}: no such file; check the path")

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from PIL import Image, UnidentifiedImageError

        if isinstance(error, Image.DecompressionBombError):
            raise InputError(f"{self._path}: is larger than 178 million pixels; cut it into parts") from error
        if isinstance(error, UnidentifiedImageError):
            problem = "it is an empty file" if self._path.stat().st_size == 0 else "its content is no picture"
            raise UnreadableFile(f"{self._path}: {problem}, or damaged; export it again as PNG") from error
        if isinstance(error, (OSError, SyntaxError, ValueError, EOFError)):
            raise UnreadableFile(f"{self._path}: is truncated or damaged; copy or export it again") from error


def _check(picture: Image.Image, path: Path) -> None:
    """Refuse what would be read as something else than it shows."""
    count = getattr(picture, "n_frames", 1)
    if count > 1 and picture.format != "MPO":  # a camera's second picture is a preview
        raise InputError(f"{path}: holds {count} pictures; give one a file")
    bits = _bits(picture, path)
    if bits > 8:
        raise InputError(f"{path}: {bits} bits a channel; convert it to 8")
    if picture.mode not in _MODES:
        raise InputError(f"{path}: its colours are {picture.mode}; convert it to RGB or grey")
    alpha = picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info
    if alpha and picture.convert("RGBA").getchannel("A").getextrema() != (255, 255):
        raise InputError(f"{path}: has transparent pixels (an alpha channel); flatten it onto its background")


def _bits(picture: Image.Image, path: Path) -> int:
    """Bits a channel as the file keeps them: the decoder cuts 16 bits of colours to 8 without a word."""
    if picture.mode.startswith(("I;16", "RGB;16")):
        return 16
    if picture.mode in ("I", "F"):
        return 16 if picture.format == "PNG" else 32
    if picture.format == "PNG":
        with path.open("rb") as file:
            return file.read(25)[24]
    if picture.format == "TIFF":
        return max(picture.tag_v2.get(258, (8,)))
    return 8


def _coloured(picture: Image.Image) -> bool:
    """Whether a picture has colours; a palette of greys has none."""
    if picture.mode in ("P", "PA"):
        palette = np.asarray(picture.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
        return bool((palette != palette[:, :1]).any())
    return picture.mode not in ("1", "L", "LA")
