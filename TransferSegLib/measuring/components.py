"""Connected components of a mask, each cut out: the lesions of a segmentation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import UsageError
from .parts import Part, parts_of, trimmed

CONNECTIVITIES = {6: 1, 18: 2, 26: 3}
"""Neighbours of a voxel: by faces, also by edges, also by corners; with SciPy's rank of the structure."""


def components(mask: np.ndarray | Sequence[Part], *, connectivity: int = 18) -> list[Part]:
    """The connected components of a mask.

    They are found by connected-components-3d where that is installed (the extra ``components``) and by SciPy
    otherwise; both give the same components in the same order.

    Parameters
    ----------
    mask : bool or integer (k, j, i), or its parts
        What is not 0 is inside. Parts must be separate, as ``separate_parts`` cuts them.
    connectivity : 6, 18 or 26
        Which voxels are neighbours; 18, by faces and edges, is what autoPET and TMTV-Net use.

    Returns
    -------
    list of Part
        In raster order of each component's first voxel, the order in which ``scipy.ndimage.label`` numbers.

    Raises
    ------
    UsageError
        For another connectivity.
    """
    if connectivity not in CONNECTIVITIES:
        raise UsageError(f"connectivity: got {connectivity}; give 6, 18 or 26")
    found = [own for part in parts_of(mask) for own in _components_of(part, connectivity)]
    return sorted(found, key=_first_voxel)


def _components_of(part: Part, connectivity: int) -> list[Part]:
    from scipy.ndimage import find_objects

    labels, count = _labelled(part.mask, connectivity)
    if count == 1:
        return [trimmed(part)]
    found = []
    for number, box in enumerate(find_objects(labels, count), 1):
        place = tuple(slice(own.start + cut.start, own.start + cut.stop) for own, cut in zip(part.box, box))
        found.append(Part(place, labels[box] == number))
    return found


def _labelled(mask: np.ndarray, connectivity: int) -> tuple[np.ndarray, int]:
    """An integer array of the mask's shape, its components 1 to ``count`` in any order, and ``count``."""
    if not mask.size:
        return np.zeros(mask.shape, np.int32), 0
    try:
        import cc3d
    except ImportError:
        from scipy.ndimage import generate_binary_structure, label

        return label(mask, generate_binary_structure(3, CONNECTIVITIES[connectivity]))
    labels, count = cc3d.connected_components(mask, connectivity=connectivity, return_N=True, out_dtype=np.uint32)
    return labels.view(np.int32), int(count)


def _first_voxel(part: Part) -> tuple[int, int, int]:
    k, j, i = np.unravel_index(int(part.mask.argmax()), part.mask.shape)
    first = part.start + (k, j, i)
    return int(first[0]), int(first[1]), int(first[2])
