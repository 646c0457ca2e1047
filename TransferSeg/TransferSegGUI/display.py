"""What the views show of a result: the right layers behind it, without moving a view that shows the patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import slicer

PREFERRED_FOREGROUND = ("t1gd", "t1", "t2", "flair")
PET_OPACITY = 0.5


def showResult(volumes: Mapping[str, Any], reference: str) -> None:
    """Put the inputs of a result behind it.

    The reference image is the background; the image that a radiologist compares it with most is the foreground,
    invisible (its slider brings it up), except PET, which lies over CT. Views that show another volume are fitted;
    where they have the background already they are left as the user arranged them, but for a missing foreground.
    """
    background, foreground, opacity = layers(volumes, reference)
    if background is None:
        return
    if _isShown({reference: background}):
        _addForeground(foreground, opacity)
        return
    slicer.util.setSliceViewerLayers(
        background=background,
        foreground=foreground,
        foregroundOpacity=opacity,
        fit=_layoutManager() is not None and not _isShown(volumes),
    )


def layers(volumes: Mapping[str, Any], reference: str) -> tuple[Any, Any, float]:
    """(background, foreground or None, its opacity) for the volumes of a result, those that are gone left out."""
    there = {role: node for role, node in volumes.items() if node is not None}
    if "ct" in there and "pet" in there:
        return there["ct"], there["pet"], PET_OPACITY
    foreground = next((role for role in PREFERRED_FOREGROUND if role in there and role != reference), None)
    return there.get(reference), there.get(foreground), 0.0


def _addForeground(foreground: Any, opacity: float) -> None:
    """Put the foreground into the views that have none."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if foreground is not None and slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID() or "") is None:
            composite.SetForegroundVolumeID(foreground.GetID())
            composite.SetForegroundOpacity(opacity)


def _isShown(volumes: Mapping[str, Any]) -> bool:
    """Whether every view shows one of the volumes already, so that the user's place and zoom are kept."""
    ids = {node.GetID() for node in volumes.values() if node is not None}
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return bool(composites) and all(node.GetBackgroundVolumeID() in ids for node in composites)


def _layoutManager() -> Any:
    """The layout manager, or None without a main window."""
    application = getattr(slicer, "app", None)
    return application.layoutManager() if hasattr(application, "layoutManager") else None
