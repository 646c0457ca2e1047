"""The PET/CT panel: PET and CT, unit, threshold or model, one button; lesions, totals that follow, the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _

from . import pet_results
from .error_line import ErrorLine
from .library_words import inOwnWords
from .model_chooser import describe
from .panel import Panel
from .pet_changes import Changes
from .pet_inputs import CT, PET, noPetReason
from .pet_report_box import PetReportBox
from .pet_result_box import PetResultBox
from .pet_rule_box import RuleBox
from .pet_unit_box import PetUnitBox
from .progress_box import ProgressBox
from .revealing import reveal
from .segment_panel import SETTLED_AFTER_MS

LIVE_MS = 120
"""While a threshold is being turned, not each step is measured."""


class PetPanel(Panel):
    """Measures lesions in PET/CT of the scene; ``resourcePath`` gives the path of a name in Resources."""

    def __init__(self, logic: Any, resourcePath: Callable[[str], str]) -> None:
        super().__init__(logic, resourcePath, "PetPanel")
        self._reasons = {PET: "", CT: ""}
        self._filling = False
        self.progress = ProgressBox(self.ui, self.cancel)
        self.errors = ErrorLine(self.ui)
        self.changes = Changes()
        self.unit = PetUnitBox(self.ui)
        self.rule = RuleBox(self.ui)
        self.result = PetResultBox(self.ui, logic, self.changes)
        self.report = PetReportBox(self.ui, logic, self.changes, self.export)
        self._settled, self._live = (self._timer(wait) for wait in (SETTLED_AFTER_MS, LIVE_MS))
        for section in (self.ui.truthButton, self.ui.reportButton, self.ui.detailsButton):
            section.collapsed = True
        self._connect()
        self._refreshModels()
        self._onResult()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Bind the panel to the module's parameters, or to none."""
        self._filling = self.report.filling = True
        for choices in (self.unit.choices, self.report.choices):
            choices.setParameterNode(None)
        self.bind(parameterNode)
        for choices in (self.unit.choices, self.report.choices):
            choices.setParameterNode(parameterNode)
        self._filling = self.report.filling = False
        if parameterNode is not None:
            if pet_results.newest() is None:
                self.rule.show(None if parameterNode.petctRule == "none" else parameterNode.petctRule)
            self._syncModel()
            self.fill()

    def enter(self) -> None:
        """The panel is shown."""
        self._refreshModels()
        self.result.show()
        self.fill()

    def setBlocked(self, reason: str | None) -> None:
        """Disable what needs the worker with a reason that lies outside this panel, or allow it again."""
        self._blocked = reason
        self._update()

    @property
    def model(self) -> str:
        """The chosen model, empty for the threshold alone."""
        return self.ui.methodSelector.itemData(self.ui.methodSelector.currentIndex) or ""

    def selectModel(self, name: str) -> bool:
        """Choose a model, for example one that was just adapted."""
        self._refreshModels()
        index = self.ui.methodSelector.findData(name)
        if index >= 0:
            self.ui.methodSelector.setCurrentIndex(index)
        return index >= 0

    def fill(self) -> None:
        """Guess PET and CT unless they are chosen; say what is in doubt."""
        self._settled.stop()
        if self._parameterNode is None:
            return
        guesses = self.logic.guessPetCt()
        self._filling = True
        for role, selector in ((PET, self.ui.petSelector), (CT, self.ui.ctSelector)):
            guess = guesses.get(role)
            if selector.currentNode() is None or self._reasons[role]:
                if guess is not None and guess.node is not selector.currentNode():
                    selector.setCurrentNode(guess.node)
                self._reasons[role] = guess.reason if guess is not None and guess.doubtful else ""
                if guess is None and role == PET:
                    self._reasons[role] = noPetReason()
        self._filling = False
        self._update()

    def apply(self, _checked: bool = False) -> None:
        """Start measuring."""
        if self.ui.applyButton.enabled:
            images = (self.ui.petSelector.currentNode(), self.ui.ctSelector.currentNode())
            given = {"unit": self.unit.unit, "byHand": self.unit.byHand, "truth": self.ui.truthSelector.currentNode()}
            given |= {"rule": self.rule.rule, "model": self.model or None, "device": self._parameterNode.device}
            self._launch(lambda told: self.logic.measureTmtv(*images, **given, queue=False, **told), self._measured)

    def export(self, folder: str, language: str) -> None:
        """Write the report of the result that is shown."""
        result = self.result.result
        if result is not None and self.run is None:
            self._launch(
                lambda told: self.logic.exportTmtv(result, folder, language=language, **told), self.report.written
            )

    def cancel(self) -> None:
        """End the run that is going on."""
        if self.run is not None:
            self.run.cancel()

    def sceneChanged(self) -> None:
        """The scene was closed or another one loaded."""
        self._reasons = {PET: "", CT: ""}
        self.errors.clear()
        self.changes.clear()
        self.report.forget()
        self.result.say("")

    def cleanup(self) -> None:
        """Let go of scene, logic and timers."""
        self._settled.stop()
        self._live.stop()
        self.changes.clear()
        self.setParameterNode(None)
        self.removeObservers()
        self.result.cleanup()
        self.logic.changed.disconnect(self._refreshModels)
        self.logic.runsChanged.disconnect(self._update)

    def _timer(self, wait: int) -> Any:
        timer = qt.QTimer()
        timer.setSingleShot(True)
        timer.setInterval(wait)
        return timer

    def _connect(self) -> None:
        ui, scene = self.ui, slicer.mrmlScene
        ui.applyButton.connect("clicked(bool)", self.apply)
        ui.methodSelector.connect("currentIndexChanged(int)", self._onModel)
        ui.thresholdsTable.connect("cellClicked(int,int)", self._onStandingRule)
        for role, selector in ((PET, ui.petSelector), (CT, ui.ctSelector)):
            selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda _node, role=role: self._onImage(role))
        self._settled.timeout.connect(self._onSettled)
        self._live.timeout.connect(self._applyRule)
        self.unit.changed.connect(self._update)
        self.rule.changed.connect(self._onRule)
        self.result.shown.connect(self._onResult)
        self.changes.failed.connect(self._onFailed)
        self.logic.changed.connect(self._refreshModels)
        self.logic.runsChanged.connect(self._update)
        self.addObserver(scene, slicer.vtkMRMLScene.NodeAddedEvent, self._onNodes)
        self.addObserver(scene, slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, self._onNodeGoes)
        self.addObserver(scene, slicer.vtkMRMLScene.NodeRemovedEvent, self._onNodes)

    def _launch(self, launch: Callable[[dict[str, Any]], Any], then: Callable[[Any], None]) -> None:
        self.errors.clear()
        self.progress.start(_("Handing over the images"))
        reveal(self.ui.runBox)

        def told(value: Any, error: Any) -> None:
            self._onDone(value, error, then)

        try:
            run = launch({"callback": told, "onEvent": self.progress.update})
        except Exception as error:  # whatever it is, the panel says it in one line and stays usable
            told(None, error)
            return
        self.run = None if run.finished else run
        self._update()

    def _onDone(self, value: Any, error: Any, then: Callable[[Any], None]) -> None:
        """A run is over; called on the main thread."""
        self.run = None
        self.progress.finish()
        if error is not None:
            self.progress.log(self.errors.show(error))
        else:
            then(value)
        self._update()

    def _measured(self, result: Any) -> None:
        for note in result.notes:
            self.progress.log(inOwnWords(note))
        self.result.say("")
        reveal(self.ui.resultButton)

    def _onFailed(self, error: Any) -> None:
        self.progress.log(self.errors.show(error))
        self.result.show()

    def _onImage(self, role: str) -> None:
        if not self._filling:
            self._reasons[role] = ""
            self._update()

    def _onModel(self, _index: int = -1) -> None:
        if self._parameterNode is not None and self._parameterNode.petctModel != self.model:
            self._parameterNode.petctModel = self.model
        self._update()

    def _onRule(self) -> None:
        """Another threshold: it is noted, and a result that can follow does."""
        if self._parameterNode is not None:
            self._parameterNode.petctRule = self.rule.rule or "none"
        self._live.start()
        self._update()

    def _onStandingRule(self, row: int, _column: int) -> None:
        rows = pet_results.record(self.result.node)["thresholds"] if self.result.node is not None else []
        if row < len(rows) and self.ui.ruleSelector.enabled:
            self.rule.choose(rows[row]["rule"])

    def _applyRule(self) -> None:
        node, rule = self.result.node, self.rule.rule
        kept = pet_results.record(node) if node is not None else {}
        if not kept or kept["edited"] or kept["rule"] == rule or (rule is None and not kept["method"]):
            return
        self.changes.ask("rule", lambda told: self.logic.setTmtvThreshold(node, rule, callback=told))

    def _onResult(self) -> None:
        """Another result, or another state of it."""
        node = self.result.node
        kept = pet_results.record(node) if node is not None else {}
        if kept and not kept["edited"] and not self._live.isActive() and not self.changes.busy:
            self.rule.show(kept["rule"])
        self.report.show(node)
        self._update()

    def _onNodes(self, _caller: Any, _event: Any) -> None:
        if self._parameterNode is not None:
            self._settled.start()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeGoes(self, _caller: Any, _event: Any, node: Any) -> None:
        """A node is about to leave the scene: a selector left alone would silently take another image instead."""
        if self._parameterNode is not None:
            for selector in (self.ui.petSelector, self.ui.ctSelector, self.ui.truthSelector):
                if node is selector.currentNode():
                    selector.setCurrentNode(None)

    def _onSettled(self) -> None:
        self.result.show()
        self.fill()

    def _onParameters(self, _caller: Any = None, _event: Any = None) -> None:
        for choices in (self.unit.choices, self.report.choices):
            choices.show()
        self._syncModel()
        self._update()

    def _syncModel(self) -> None:
        wanted = self._parameterNode.petctModel
        if wanted != self.model and not self.selectModel(wanted):
            self._parameterNode.petctModel = self.model

    def _refreshModels(self) -> None:
        """Read the list of models again and keep the choice where it is still there."""
        chosen, selector = self.model, self.ui.methodSelector
        selector.blockSignals(True)
        selector.clear()
        selector.addItem(_("The threshold alone"), "")
        for info in self.logic.petModels():
            selector.addItem(
                info.name if info.offered else _("{model} (not proposed)").format(model=info.name), info.name
            )
        selector.setCurrentIndex(max(selector.findData(chosen), 0))
        selector.blockSignals(False)
        self._update()

    def _update(self) -> None:
        """Enable what can be done, or say why it cannot."""
        ui, petNode = self.ui, self.ui.petSelector.currentNode()
        self.unit.show(petNode)
        reason = self._whyNot(petNode)
        ui.applyButton.setEnabled(reason is None)
        ui.applyButton.toolTip = reason or _("Finds the lesions of this PET and measures them.")
        ui.applyReason.text = reason or ""
        said = ui.unitLabel.text.lstrip("⚠ ")
        ui.applyReason.setVisible(bool(reason) and self.run is None and petNode is not None and reason != said)
        for label, role in ((ui.petReason, PET), (ui.ctReason, CT)):
            label.text = self._reasons[role]
            label.setVisible(bool(self._reasons[role]))
        info = next((one for one in self.logic.petModels() if one.name == self.model), None)
        ui.methodInfo.text = describe(info) if info is not None else ""
        ui.methodInfo.setVisible(info is not None)
        node = self.result.node
        edited = node is not None and bool(pet_results.record(node).get("edited"))
        self.rule.setEnabled(self.run is None)
        if edited:
            ui.ruleSelector.toolTip = _("The outlines were edited by hand. Another threshold makes a new result.")

    def _whyNot(self, petNode: Any) -> str | None:
        if self._blocked:
            return self._blocked
        if self.run is not None:
            return _("A measurement is running.")
        if self.rule.rule is None and not self.model:
            return _("Choose a threshold: without a model there is no outline to take as it is.")
        given = {"model": self.model or None, "unit": self.unit.unit, "byHand": self.unit.byHand}
        return self.logic.missingForTmtv(petNode, self.ui.ctSelector.currentNode(), **given)
