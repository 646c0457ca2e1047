"""The CT in which a level is looked for: which one, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from .inputs import whyNotUsable
from .level_axis import LevelAxis
from .roles import MODALITY, RoleGuess, dicomValue, guessRoles, inputVolumes, isInput

CT = "ct"


def guessCt() -> RoleGuess | None:
    """The CT of the scene; of several the one that the views show, with a reason to look at it."""
    nodes = [node for node in inputVolumes() if dicomValue(node, MODALITY) in ("", "CT")]
    guess = guessRoles((CT,), nodes).get(CT)
    if guess is None or not guess.doubtful:
        return guess
    if len(nodes) == 1:
        return RoleGuess(guess.node, True, _("It is the only image that could be a CT: make sure that it is one."))
    shown = _shownVolume()
    if shown is not None and shown in nodes and shown is not guess.node:
        return RoleGuess(shown, True, guess.reason)
    return guess


def noCtReason() -> str:
    """Why no CT was found in the scene."""
    if not inputVolumes():
        return _("No image is loaded. Load a CT, or take the sample from the Sample Data module.")
    return _("None of the images looks like a CT. Choose one if it is.")


def whyNotCt(node: Any) -> str | None:
    """A plain sentence about what is wrong with a CT, else None."""
    if node is None:
        return _("Choose a CT.")
    if not isInput(node):
        return _("{volume} is no image; choose a CT.").format(volume=node.GetName())
    modality = dicomValue(node, MODALITY)
    if modality not in ("", "CT"):
        return _("{volume} is of the modality {modality}; choose a CT.").format(
            volume=node.GetName(), modality=modality
        )
    image = node.GetImageData()
    if image is not None and image.GetNumberOfScalarComponents() > 1:
        return _("{volume} has several values a voxel (colour or 4-D); choose a CT.").format(volume=node.GetName())
    return whyNotUsable({CT: node}, (CT,))


def shownSlice(volumeNode: Any) -> int:
    """The slice of the CT that the view across its head-foot axis shows; the middle one where none does."""
    axis = LevelAxis.of(volumeNode)
    transform = volumeNode.GetParentTransformNode()
    for view in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        matrix = view.GetSliceToRAS()
        if abs(matrix.GetElement(2, 2)) < 0.7:  # not the view across the body
            continue
        point = [matrix.GetElement(row, 3) for row in range(3)]
        if transform is not None:
            local = [0.0, 0.0, 0.0]
            volumeNode.TransformPointFromWorld(point, local)
            point = local
        return axis.index(point)
    return axis.count // 2


def _shownVolume() -> Any:
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        node = slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
        if node is not None:
            return node
    return None
