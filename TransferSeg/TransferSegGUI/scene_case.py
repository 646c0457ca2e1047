"""The form that makes a training case of images in the scene and a corrected outline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from .label_mapping import LabelMapping
from .wording import roleName

NO_IMAGES = ["vtkMRMLLabelMapVolumeNode", "vtkMRMLTensorVolumeNode", "vtkMRMLVectorVolumeNode"]
"""Kinds of scalar volumes that a model cannot read; the Segment panel hides them too."""


class SceneCaseForm(VTKObservationMixin):
    """Segmentation, the images of the model's roles, and what each segment is.

    Parameters
    ----------
    ui : object with the children ``sceneFrame segmentationSelector caseNameEdit rolesWidget mappingLabel
        mappingTable sceneDoubts sceneReason addCaseButton closeSceneButton``
    add : called with (volumes, segmentationNode, labelMap, id) when the user adds the case
    """

    def __init__(self, ui: Any, logic: Any, add: Callable[[dict, Any, dict, str], None]) -> None:
        VTKObservationMixin.__init__(self)
        self.ui = ui
        self.logic = logic
        self._add = add
        self._model: Any = None
        self._rows: dict[str, tuple[Any, Any]] = {}
        self._doubts: dict[str, Any] = {}
        self._filling = False
        self.mapping = LabelMapping(ui.mappingTable, self._showReason)
        ui.segmentationSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._onSegmentation)
        ui.addCaseButton.connect("clicked(bool)", self._onAdd)
        ui.closeSceneButton.connect("clicked(bool)", lambda _checked: self.close())
        ui.sceneFrame.setVisible(False)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, self._onNodeRemoved)

    @property
    def isOpen(self) -> bool:
        """Whether the form is shown."""
        return not self.ui.sceneFrame.isHidden()

    def setModel(self, info: Any) -> None:
        """The model to start from decides which images and labels are asked for."""
        changed = getattr(info, "name", None) != getattr(self._model, "name", None)
        self._model = info
        if changed or set(self._rows) != set(self._roles()):
            self._makeRows()
            if self.isOpen:
                self._onSegmentation()

    def open(self, volumes: Mapping[str, Any] | None = None, segmentationNode: Any = None) -> None:
        """Show the form, filled with what is given or with what is found in the scene."""
        self.ui.sceneFrame.setVisible(True)
        self.ui.caseNameEdit.text = ""
        if segmentationNode is not None:
            self.ui.segmentationSelector.setCurrentNode(segmentationNode)
        self._onSegmentation()
        for role, node in (volumes or {}).items():
            self._doubts.pop(role, None)
            if role in self._rows and node is not None:
                self._rows[role][1].setCurrentNode(node)
        self._showReason()

    def refresh(self) -> None:
        """Look at the segments again: they may have been edited since the form was opened."""
        if self.isOpen:
            self.mapping.follow(self._segmentation(), self._labels())
            self._showReason()

    def close(self) -> None:
        """Hide the form."""
        self.ui.sceneFrame.setVisible(False)
        self.ui.addSceneButton.checked = False

    def cleanup(self) -> None:
        """Let go of the scene."""
        self.removeObservers()

    def volumes(self) -> dict[str, Any]:
        """{role: volume node} of the chosen images."""
        chosen = {role: selector.currentNode() for role, (_label, selector) in self._rows.items()}
        return {role: node for role, node in chosen.items() if node is not None}

    def reason(self) -> str | None:
        """Why the case cannot be added yet; None when it can."""
        if self._model is None:
            return _("Choose a model to start from.")
        if self._segmentation() is None:
            return _("Choose the segmentation that you corrected.")
        missing = [roleName(role) for role in self._rows if role not in self.volumes()]
        if missing:
            return _("Choose the {image} image.").format(image=missing[0])
        nodes = [node.GetID() for node in self.volumes().values()]
        if len(set(nodes)) < len(nodes):
            return _("One image is chosen for two roles.")
        return self.mapping.reason()

    def _roles(self) -> tuple[str, ...]:
        return tuple(self._model.roles) if self._model is not None else ()

    def _labels(self) -> Sequence[Any]:
        return self._model.labels if self._model is not None else ()

    def _segmentation(self) -> Any:
        return self.ui.segmentationSelector.currentNode()

    def _makeRows(self) -> None:
        form = self.ui.rolesWidget.layout()
        while form.rowCount():
            form.removeRow(0)
        self._rows = {}
        for role in self._roles():
            label = qt.QLabel(_("{image}:").format(image=roleName(role)))
            selector = slicer.qMRMLNodeComboBox()
            selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
            selector.hideChildNodeTypes = NO_IMAGES
            selector.noneEnabled, selector.addEnabled, selector.removeEnabled = True, False, False
            selector.renameEnabled = False
            selector.setMRMLScene(slicer.mrmlScene)
            selector.setToolTip(_("The {image} image that the outline belongs to.").format(image=roleName(role)))
            selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda _node: self._showReason())
            form.addRow(label, selector)
            self._rows[role] = (label, selector)

    def _onSegmentation(self, _node: Any = None) -> None:
        """Another outline: guess its images, and list its segments."""
        if not self.isOpen:
            return
        node = self._segmentation()
        self._filling = True
        self._doubts = {}
        try:
            guesses = self.logic.imagesOf(node, self._model.name) if node is not None and self._model else {}
            for role, (_label, selector) in self._rows.items():
                guess = guesses.get(role)
                selector.setCurrentNode(None if guess is None else guess.node)
                if guess is not None and guess.doubtful:
                    self._doubts[role] = guess
        finally:
            self._filling = False
        self.mapping.fill(node, self._labels())
        for widget in (self.ui.mappingLabel, self.ui.mappingTable):
            widget.setVisible(node is not None)
        self._showReason()

    def _doubtText(self) -> str:
        """What the user is asked to check before adding: doubtful guesses that are still chosen."""
        lines = [
            _("⚠ Please check the {image} image: {reason}").format(image=roleName(role), reason=guess.reason)
            for role, guess in self._doubts.items()
            if role in self._rows and self._rows[role][1].currentNode() is guess.node
        ]
        return "\n".join(lines)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeRemoved(self, _caller: Any, _event: Any, node: Any) -> None:
        """A chosen node leaves the scene: the selector would silently take another one in its place."""
        for selector in (self.ui.segmentationSelector, *(selector for _label, selector in self._rows.values())):
            if selector.currentNode() is node:
                selector.setCurrentNode(None)

    def _showReason(self) -> None:
        if self._filling:
            return
        reason = self.reason()
        doubts = self._doubtText()
        self.ui.sceneDoubts.text = doubts
        self.ui.sceneDoubts.setVisible(bool(doubts))
        self.ui.addCaseButton.setEnabled(reason is None)
        self.ui.addCaseButton.setToolTip(reason or _("Add these images and this outline to the training cases."))
        self.ui.sceneReason.text = reason or ""
        self.ui.sceneReason.setVisible(bool(reason))

    def _onAdd(self, _checked: bool = False) -> None:
        self.refresh()
        if self.reason() is not None:
            return
        self._add(self.volumes(), self._segmentation(), self.mapping.labelMap(), self.ui.caseNameEdit.text.strip())
