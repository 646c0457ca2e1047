"""A sparse mask as a few small boxes: lesions of a whole body are measured in these, never in a whole volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK = 8
"""Edge in voxels of the blocks that are looked at first."""

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Part:
    """Some voxels of a mask, cut out.

    Attributes
    ----------
    box : three slices (k, j, i)
        Where the part lies in the volume.
    mask : bool, of the box's shape
        Its voxels; other parts of the volume that reach into the box are left out.
    """

    box: Box
    mask: np.ndarray

    @property
    def start(self) -> np.ndarray:
        """First voxel (k, j, i) of the box."""
        return np.array([axis.start for axis in self.box])

    @property
    def voxels(self) -> int:
        """How many voxels it has."""
        return int(np.count_nonzero(self.mask))

    def indices(self) -> np.ndarray:
        """Its voxels, (n, 3) as k, j, i of the volume, in raster order."""
        return np.argwhere(self.mask) + self.start

    def keep(self, inside: np.ndarray) -> Part:
        """Its voxels that are also in ``inside`` (bool, of the box's shape), in the smallest box."""
        return trimmed(Part(self.box, self.mask & inside))


def separate_parts(mask: np.ndarray) -> list[Part]:
    """Cut a mask into parts that are further apart than neighbours.

    The mask is looked at in blocks of ``BLOCK`` voxels; blocks that hold anything and touch, by a corner at least, make
    one part. So no two parts have voxels in one 2x2x2 neighbourhood: components, surface elements and counts of the
    parts are those of the whole mask, while the memory needed is that of the largest part.

    Parameters
    ----------
    mask : bool or integer (k, j, i)
        What is not 0 is inside.

    Returns
    -------
    list of Part
        Empty for an empty mask.
    """
    from scipy.ndimage import find_objects, label

    if not mask.size:
        return []
    blocks, count = label(_filled_blocks(mask), np.ones((3, 3, 3), bool))
    parts = []
    for number, found in enumerate(find_objects(blocks, count), 1):
        box = tuple(slice(axis.start * BLOCK, min(axis.stop * BLOCK, n)) for axis, n in zip(found, mask.shape))
        own = blocks[found] == number
        inside = mask[box] != 0
        if not own.all():
            inside &= _enlarged(own, inside.shape)
        parts.append(trimmed(Part(box, inside)))
    return parts


def parts_of(mask: np.ndarray | Sequence[Part]) -> list[Part]:
    """A mask as its separate parts; parts stay as they are."""
    return separate_parts(mask) if isinstance(mask, np.ndarray) else list(mask)


def voxels_of(parts: Sequence[Part]) -> int:
    """How many voxels some parts have together."""
    return sum(part.voxels for part in parts)


def put_together(parts: Sequence[Part], shape: tuple[int, ...]) -> np.ndarray:
    """The mask, bool of ``shape``, that some parts make."""
    mask = np.zeros(shape, bool)
    for part in parts:
        mask[part.box] |= part.mask
    return mask


def overlaps(first: Sequence[Part], second: Sequence[Part]) -> Iterator[tuple[int, int, int]]:
    """Every pair that has voxels in common: place in ``first``, place in ``second``, how many voxels."""
    if not first or not second:
        return
    starts = np.array([part.start for part in second])
    stops = np.array([[axis.stop for axis in part.box] for part in second])
    for place, part in enumerate(first):
        begin, end = part.start, np.array([axis.stop for axis in part.box])
        for other in np.flatnonzero(((starts < end) & (stops > begin)).all(axis=1)):
            common = _common_voxels(part, second[other])
            if common:
                yield place, int(other), common


def common_voxels(first: Sequence[Part], second: Sequence[Part]) -> int:
    """How many voxels two masks have in common; the parts of each have none in common with one another."""
    return sum(count for *_, count in overlaps(first, second))


def trimmed(part: Part) -> Part:
    """The same voxels in the smallest box that holds them; in an empty box where there are none."""
    box, mask = [], part.mask
    for axis in range(3):
        filled = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        first, last = (int(filled[0]), int(filled[-1]) + 1) if filled.size else (0, 0)
        mask = mask[(slice(None),) * axis + (slice(first, last),)]
        box.append(slice(part.box[axis].start + first, part.box[axis].start + last))
    return Part(tuple(box), np.ascontiguousarray(mask))


def _common_voxels(one: Part, other: Part) -> int:
    box = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one.box, other.box)]
    cuts = [
        tuple(slice(axis.start - own.start, axis.stop - own.start) for axis, own in zip(box, part.box))
        for part in (one, other)
    ]
    return int(np.count_nonzero(one.mask[cuts[0]] & other.mask[cuts[1]]))


def _filled_blocks(mask: np.ndarray) -> np.ndarray:
    """Which blocks hold anything: bool, each axis a ``BLOCK``-th (rounded up) of the mask's."""
    values = mask.view(np.uint8) if mask.dtype == bool else mask
    if values.dtype != np.uint8:
        values = (values != 0).view(np.uint8)
    layers = [values[k : k + BLOCK].max(axis=0) for k in range(0, mask.shape[0], BLOCK)]
    filled = np.array(layers)
    for axis in (1, 2):
        filled = np.maximum.reduceat(filled, np.arange(0, mask.shape[axis], BLOCK), axis=axis)
    return filled != 0


def _enlarged(blocks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Blocks as voxels, cut to ``shape``."""
    for axis in range(3):
        blocks = blocks.repeat(BLOCK, axis=axis)
    return blocks[tuple(slice(n) for n in shape)]
