"""Labels of a live model: a segmentation that is written slice by slice, in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from . import data_tree, history, results
from .grids import NodeGrid
from .live_slices import FollowedSlices
from .truths import sharedImage


class LiveLabels:
    """A segmentation node on a volume's grid, empty at first; ``node`` is editable as any other.

    Parameters
    ----------
    grid : the volume's own
    model : ModelInfo
    inputIds : {role: id of the volume node}
    """

    def __init__(self, grid: NodeGrid, model: Any, inputIds: Mapping[str, str]) -> None:
        name = _("{volume} {model} live").format(volume=grid.nodeName, model=model.name)
        empty = np.zeros(grid.shape, np.uint8)
        self.node = results.makeSegmentation(empty, grid, model.card.labels, name)
        self._grid = grid
        self._changed = 0
        segments = self.node.GetSegmentation()
        self._first = segments.GetSegmentIDs()[0]
        data_tree.putBeside([self.node], grid.node)
        history.record(
            self.node,
            parts=(),
            inputIds=inputIds,
            values={one: segments.GetSegment(one).GetLabelValue() for one in segments.GetSegmentIDs()},
            mark=history.fingerprint(empty),
            facts={"Model": model.name, "Weights": model.card.weights_sha256, "Preparation": "live mode"},
        )
        self._noteChange()

    @property
    def isTheirs(self) -> bool:
        """Whether the segmentation is gone, or somebody else wrote into it."""
        if slicer.mrmlScene.GetNodeByID(self.node.GetID() or "") is not self.node:
            return True
        image = self.node.GetBinaryLabelmapInternalRepresentation(self._first)
        return image is None or image.GetMTime() != self._changed or self._voxels() is None

    def write(self, slices: FollowedSlices, index: int, labels: np.ndarray) -> None:
        """Put labels (j, i) into slice ``index``; the other slices stay as they are. Not where ``isTheirs``."""
        slices.plane(self._voxels(), index)[...] = labels
        image = self.node.GetBinaryLabelmapInternalRepresentation(self._first)
        image.GetPointData().GetScalars().Modified()
        image.Modified()
        self._noteChange()

    def finish(self) -> None:
        """No more comes: what is there now is the result, and later changes are the user's."""
        if not self.isTheirs:
            self.node.SetAttribute(history.FINGERPRINT, history.fingerprint(self._voxels()))

    def _voxels(self) -> np.ndarray | None:
        return sharedImage(self.node, self._grid)

    def _noteChange(self) -> None:
        image = self.node.GetBinaryLabelmapInternalRepresentation(self._first)
        self._changed = image.GetMTime() if image is not None else 0
