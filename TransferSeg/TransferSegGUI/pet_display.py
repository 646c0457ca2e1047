"""PET over CT with the hot look, and the views on a lesion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

OPACITY = 0.45
TOP_SUV = 10.0
HOT = ("vtkMRMLPETProceduralColorNodePET-Heat", "vtkMRMLColorTableNodeFileColdToHotRainbow.txt")
GREY = "vtkMRMLColorTableNodeInvertedGrey"
SOFT_TISSUE = (-160.0, 240.0)


def showPet(petNode: Any, ctNode: Any, factor: float) -> None:
    """PET in hot colours, SUV 0 to 10, over the CT in its soft-tissue window; inverted grey where there is no CT.

    ``factor`` makes SUV of the PET's values.
    """
    _window(petNode, 0.0, TOP_SUV / factor)
    display = petNode.GetDisplayNode()
    if ctNode is None:
        display.SetAndObserveColorNodeID(GREY)
        slicer.util.setSliceViewerLayers(background=petNode, foreground=None, fit=_needsFit(petNode))
        return
    colours = next((name for name in HOT if slicer.mrmlScene.GetNodeByID(name) is not None), None)
    if colours is not None:
        display.SetAndObserveColorNodeID(colours)
    _window(ctNode, *SOFT_TISSUE)
    slicer.util.setSliceViewerLayers(
        background=ctNode, foreground=petNode, foregroundOpacity=OPACITY, fit=_needsFit(ctNode)
    )


def jump(point: Sequence[float]) -> None:
    """Centre all slice views on a point, RAS mm."""
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *point, slicer.vtkMRMLSliceNode.CenteredJumpSlice)


def _window(node: Any, low: float, high: float) -> None:
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(low, high)


def _needsFit(background: Any) -> bool:
    """Views that show the volume already keep the place and zoom that the user chose."""
    application = getattr(slicer, "app", None)
    if not hasattr(application, "layoutManager") or application.layoutManager() is None:
        return False
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return not composites or any(node.GetBackgroundVolumeID() != background.GetID() for node in composites)
