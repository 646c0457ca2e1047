"""The volumes that live mode follows: which of them changed, and that one of them leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin


class VolumeFollower(VTKObservationMixin):
    """Follows volume nodes.

    Parameters
    ----------
    volumes : {role: node}
    onChanged : called when the voxels of one changed
    onGone : called with a sentence when one of them is removed or the scene is closed

    Attributes
    ----------
    changed : list of str
        Roles whose voxels are others than at first.
    """

    def __init__(self, volumes: Mapping[str, Any], onChanged: Callable[[], None], onGone: Callable[[str], Any]) -> None:
        VTKObservationMixin.__init__(self)
        self.changed: list[str] = []
        self._volumes = dict(volumes)
        self._onChanged, self._onGone = onChanged, onGone
        self._stamps = {role: _stamp(node) for role, node in self._volumes.items()}
        # Whoever writes into the voxels in place (arrayFromVolumeModified) tells the node only.
        for event in (slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent, vtk.vtkCommand.ModifiedEvent):
            for node in self._volumes.values():
                self.addObserver(node, event, self._onModified)
        scene = slicer.mrmlScene
        self.addObserver(scene, slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, self._onNodeGoes)
        self.addObserver(scene, slicer.vtkMRMLScene.StartCloseEvent, self._onSceneCloses)

    def cleanup(self) -> None:
        """Let go of the volumes."""
        self.removeObservers()

    def _onModified(self, _caller: Any, _event: Any) -> None:
        """A node was modified: other voxels, or only its name, its place or how it is shown."""
        now = {role: _stamp(node) for role, node in self._volumes.items()}
        others = [role for role, stamp in now.items() if stamp != self._stamps[role]]
        self._stamps = now
        if others:
            self.changed += [role for role in others if role not in self.changed]
            self._onChanged()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeGoes(self, _caller: Any, _event: Any, node: Any) -> None:
        if any(node is volume for volume in self._volumes.values()):
            self._onGone(_("{volume} was removed, so live mode was switched off.").format(volume=node.GetName()))

    def _onSceneCloses(self, _caller: Any, _event: Any) -> None:
        self._onGone(_("The scene was closed, so live mode was switched off."))


def _stamp(node: Any) -> int:
    """What is another when a node's voxels are: VTK counts modifications of all objects together."""
    image = node.GetImageData()
    return 0 if image is None else image.GetMTime()
