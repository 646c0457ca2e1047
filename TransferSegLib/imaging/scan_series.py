"""Which pictures of a DICOM folder are the CT stack: scouts, reports and saved pictures are left out, and said."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, UnreadableFile
from .dicom import NOT_IMAGES, dicom_header, is_dicom_file, series_key, slices_of
from .stack import Slice

_SAVED_PICTURE = "1.2.840.10008.5.1.4.1.1.7"  # secondary capture and its multi-frame kinds
_SCOUT_WORDS = {"LOCALIZER", "SCOUT", "TOPOGRAM"}
# A stack of fewer slices beside a real one is a scout or a stray picture.
_FEW = 4
# What is left out, as one and as many.
_MANY = {
    "report or other file without an image": "reports or other files without an image",
    "localiser (scout)": "localisers (scouts)",
    "colour picture": "colour pictures",
    "picture without a position": "pictures without a position",
    "scout or stray picture": "scouts or stray pictures",
    "picture of no CT": "pictures of no CT",
    "saved picture": "saved pictures",
    "picture in another plane": "pictures in another plane",
    "copy of a slice": "copies of slices",
}
_AXIAL = np.cos(np.radians(45.0))


@dataclass(frozen=True)
class Stack:
    """Slices of one series that share a plane, a matrix and a pixel size."""

    key: str
    label: str
    modality: str
    frame_of_reference: str
    saved: bool
    slices: tuple[Slice, ...]
    headers: tuple[Any, ...]

    @property
    def axial(self) -> bool:
        """Whether the slices lie nearer to the axial plane than to the others."""
        orientation = self.slices[0].orientation
        return bool(abs(np.cross(orientation[:3], orientation[3:])[2]) > _AXIAL)


def choose_stack(path: str | Path) -> tuple[Stack, list[str]]:
    """The stack that ``path`` (a folder, or one file of a series) stands for, and notes on what was left out.

    Raises
    ------
    InputError
        No picture, only a localiser, several stacks between which nothing decides, or two series mixed in one.
    """
    path = Path(path)
    files = dicom_files(path)
    headers = [(file, dicom_header(file)) for file in files]
    if path.is_file():
        wanted = series_key(next(header for file, header in headers if file == path))
        headers = [(file, header) for file, header in headers if series_key(header) == wanted]
    left: Counter[str] = Counter()
    stacks = _stacks(headers, left)
    if not stacks:
        raise InputError(f"{path}: {_why_nothing(left)}")
    chosen = _only(_narrowed(stacks, left), path)
    chosen, copies = _without_copies(chosen)
    _check_not_mixed(chosen, path)
    left["copy of a slice"] += copies
    told = [f"{count} {what if count == 1 else _MANY[what]}" for what, count in left.items() if count]
    return chosen, [f"Left out of the DICOM folder: {', '.join(told)}."] if told else []


def dicom_files(path: Path) -> list[Path]:
    """DICOM files beside or in ``path``; of a folder without any, those of its subfolders."""
    folder = path if path.is_dir() else path.parent
    found = [file for file in sorted(folder.iterdir()) if is_dicom_file(file)]
    if not found and path.is_dir():
        found = [file for depth in ("*/*", "*/*/*", "*/*/*/*") for file in sorted(folder.glob(depth))]
        found = [file for file in found if is_dicom_file(file)]
    if not found:
        raise UnreadableFile(f"{path}: a folder without DICOM images; give an image file or a series folder")
    return found


def _stacks(headers: list[tuple[Path, Any]], left: Counter[str]) -> list[Stack]:
    """Pictures with a place, by series, plane, matrix and pixel size; the others are counted in ``left``."""
    groups: dict[tuple, list[tuple[Slice, Any]]] = defaultdict(list)
    for path, header in headers:
        why = _why_no_slice(header)
        try:
            parts = [] if why else slices_of(path, header)
        except InputError:
            why, parts = "picture without a position", []
        if why:
            left[why] += 1
        for part in parts:
            plane = tuple(np.round(np.array(part.orientation) / 4e-3).astype(int))
            size = (part.rows, part.columns, *(round(side, 3) for side in part.pixel_spacing))
            groups[(series_key(header), _near(groups, plane), size)].append((part, header))
    return [_stack(key[0], found) for key, found in groups.items()]


def _why_no_slice(header: Any) -> str:
    if not header.get("Rows") or str(header.get("Modality", "")) in NOT_IMAGES:
        return "report or other file without an image"
    if {str(word).upper() for word in header.get("ImageType") or ()} & _SCOUT_WORDS:
        return "localiser (scout)"
    return "colour picture" if int(header.get("SamplesPerPixel") or 1) != 1 else ""


def _near(groups: dict[tuple, list], plane: tuple[int, ...]) -> tuple[int, ...]:
    """A plane already seen that differs by rounding alone, else this one."""
    return next((key[1] for key in groups if np.abs(np.subtract(key[1], plane)).max() <= 1), plane)


def _stack(key: str, found: list[tuple[Slice, Any]]) -> Stack:
    first = found[0][1]
    name = str(first.get("SeriesDescription") or first.get("ProtocolName") or "no description")
    modality = str(first.get("Modality") or "")
    return Stack(
        key=key,
        label=f"{name} [{modality}, {len(found)} slices]",
        modality=modality,
        frame_of_reference=str(first.get("FrameOfReferenceUID") or ""),
        saved=str(first.get("SOPClassUID") or "").startswith(_SAVED_PICTURE),
        slices=tuple(part for part, _ in found),
        headers=tuple(header for _, header in found),
    )


def _narrowed(stacks: list[Stack], left: Counter[str]) -> list[Stack]:
    """Prefer stacks to scouts, CT to other kinds, images to saved pictures, axial to other planes."""
    for what, wanted in (
        ("scout or stray picture", lambda stack: len(stack.slices) >= _FEW),
        ("picture of no CT", lambda stack: stack.modality == "CT"),
        ("saved picture", lambda stack: not stack.saved),
        ("picture in another plane", lambda stack: stack.axial),
    ):
        kept = [stack for stack in stacks if wanted(stack)]
        if kept and len(kept) < len(stacks):
            left[what] += sum(len(stack.slices) for stack in stacks if stack not in kept)
            stacks = kept
    return stacks


def _only(stacks: list[Stack], path: Path) -> Stack:
    if len(stacks) == 1:
        return stacks[0]
    names = "; ".join(f"{stack.slices[0].path.name} = {stack.label}" for stack in stacks[:8])
    if len({stack.key for stack in stacks}) == 1:
        raise InputError(
            f"{path}: {len(stacks)} stacks of different matrix or plane mixed in one series ({names}); export each as "
            "its own series"
        )
    raise InputError(f"{path}: {len(stacks)} image series in one folder ({names}); give one file of the wanted one")


def _without_copies(stack: Stack) -> tuple[Stack, int]:
    """The stack without files that are copies of one another (one SOP instance, one place)."""
    seen, kept = set(), []
    for part, header in zip(stack.slices, stack.headers):
        uid = str(header.get("SOPInstanceUID") or part.path)
        if (uid, part.frame, part.position) not in seen:
            seen.add((uid, part.frame, part.position))
            kept.append((part, header))
    if len(kept) == len(stack.slices):
        return stack, 0
    return _stack(stack.key, kept), len(stack.slices) - len(kept)


def _check_not_mixed(stack: Stack, path: Path) -> None:
    """Refuse two reconstructions under one series identifier whose slices lie among each other."""
    heights: dict[tuple, list[float]] = defaultdict(list)
    normal = np.cross(stack.slices[0].orientation[:3], stack.slices[0].orientation[3:])
    for part, header in zip(stack.slices, stack.headers):
        kind = (str(header.get("SeriesNumber") or ""), str(header.get("ConvolutionKernel") or ""))
        heights[kind].append(float(np.dot(part.position, normal)))
    ranges = sorted((min(found), max(found), kind) for kind, found in heights.items())
    for (_, end, one), (start, _, other) in itertools.pairwise(ranges):
        if start < end:
            names = " and ".join("number {} kernel {}".format(kind[0] or "?", kind[1] or "?") for kind in (one, other))
            raise InputError(f"{path}: two series mixed in one ({names}); export each as its own series")


def _why_nothing(left: Counter[str]) -> str:
    if left["localiser (scout)"]:
        return "only a localiser (scout) picture; give the axial CT series"
    if left["colour picture"]:
        return "only RGB pictures; give the axial CT series"
    if left["picture without a position"]:
        return "DICOM pictures without a position in space; export the axial CT series from its source"
    return "DICOM, but no image series; give the axial CT series"
