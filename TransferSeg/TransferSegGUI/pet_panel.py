"""The PET/CT panel: PET and CT, unit, threshold or model, one button; lesions, totals that follow, the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from . import pet_results
from .panel import Panel
from .pet_changes import Changes
from .pet_images_box import PetImagesBox
from .pet_model_box import PetModelBox
from .pet_report_box import PetReportBox
from .pet_result_box import PetResultBox
from .pet_rule_box import RuleBox
from .pet_unit_box import PetUnitBox
from .pet_words import keptText
from .pet_work import PetWork
from .scene_follower import SceneFollower

LIVE_MS = 120
"""While a threshold is being turned, not each step is measured."""


class PetPanel(Panel):
    """Measures lesions in PET/CT of the scene; ``resourcePath`` gives the path of a name in Resources."""

    def __init__(self, logic: Any, resourcePath: Callable[[str], str]) -> None:
        super().__init__(logic, resourcePath, "PetPanel")
        self.work = PetWork(self.ui, logic)
        self.images = PetImagesBox(self.ui, logic)
        self.models = PetModelBox(self.ui, logic)
        self.changes = Changes()
        self.unit = PetUnitBox(self.ui)
        self.rule = RuleBox(self.ui)
        self.result = PetResultBox(self.ui, logic, self.changes)
        self.report = PetReportBox(self.ui, logic, self.changes, self.export)
        self.follower = SceneFollower(lambda: self._parameterNode is not None, self._selectors)
        self._live = qt.QTimer()
        self._live.setSingleShot(True)
        self._live.setInterval(LIVE_MS)
        for section in (self.ui.truthButton, self.ui.reportButton, self.ui.detailsButton):
            section.collapsed = True
        self._connect()
        self.models.refresh()
        self._onResult()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Bind the panel to the module's parameters, or to none."""
        self.images.filling = self.report.filling = True
        for choices in (self.unit.choices, self.report.choices):
            choices.setParameterNode(None)
        self.bind(parameterNode)
        for choices in (self.unit.choices, self.report.choices):
            choices.setParameterNode(parameterNode)
        self.images.filling = self.report.filling = False
        if parameterNode is not None:
            if pet_results.newest() is None:
                self.rule.show(None if parameterNode.petctRule == "none" else parameterNode.petctRule)
            self._syncModel()
            self.fill()

    def enter(self) -> None:
        """The panel is shown."""
        self.models.refresh()
        self.result.show()
        self.fill()

    def setBlocked(self, reason: str | None) -> None:
        """Disable what needs the worker with a reason that lies outside this panel, or allow it again."""
        self._blocked = reason
        self._update()

    def selectModel(self, name: str) -> bool:
        """Choose a model, for example one that was just adapted."""
        return self.models.select(name)

    def fill(self) -> None:
        """Guess PET and CT unless they are chosen."""
        self.follower.stop()
        if self._parameterNode is not None:
            self.images.fill()
            self._update()

    def apply(self, _checked: bool = False) -> None:
        """Start measuring."""
        if self.ui.applyButton.enabled:
            given = {"unit": self.unit.unit, "byHand": self.unit.byHand, "truth": self.ui.truthSelector.currentNode()}
            given |= {"rule": self.rule.rule, "model": self.models.name or None, "device": self._parameterNode.device}
            self.work.measure(self.images.pet, self.images.ct, **given)

    def export(self, folder: str, language: str) -> None:
        """Write the report of the result that is shown."""
        if self.result.result is not None:
            self.work.export(self.result.result, folder, language)

    def sceneChanged(self) -> None:
        """The scene was closed or another one loaded."""
        self.images.forget()
        self.work.errors.clear()
        self.changes.clear()
        self.report.forget()
        self.result.say("")

    def cleanup(self) -> None:
        """Let go of scene, logic and timers."""
        self.follower.cleanup()
        self._live.stop()
        self.changes.clear()
        self.setParameterNode(None)
        self.removeObservers()
        self.result.cleanup()
        self.logic.changed.disconnect(self._onModels)
        self.logic.runsChanged.disconnect(self._update)

    def _selectors(self) -> tuple[Any, ...]:
        return self.ui.petSelector, self.ui.ctSelector, self.ui.truthSelector

    def _connect(self) -> None:
        ui = self.ui
        ui.applyButton.connect("clicked(bool)", self.apply)
        ui.trainingButton.connect("clicked(bool)", lambda _checked: self.work.keepCase(self.result.result))
        ui.thresholdsTable.connect("cellClicked(int,int)", self._onStandingRule)
        self.follower.settled.connect(self._onSettled)
        self._live.timeout.connect(self._applyRule)
        self.images.changed.connect(self._update)
        self.models.changed.connect(self._onModel)
        self.unit.changed.connect(self._update)
        self.rule.changed.connect(self._onRule)
        self.result.shown.connect(self._onResult)
        self.changes.failed.connect(self._onFailed)
        self.work.measured.connect(lambda _result: self.result.say(""))
        self.work.kept.connect(lambda case: self.result.say(keptText(case)))
        self.work.written.connect(self.report.written)
        self.work.changed.connect(self._update)
        self.logic.changed.connect(self._onModels)
        self.logic.runsChanged.connect(self._update)

    def _onFailed(self, error: Any) -> None:
        self.work.show(error)
        self.result.show()

    def _onModels(self) -> None:
        self.models.refresh()
        self._update()

    def _onModel(self) -> None:
        if self._parameterNode is not None and self._parameterNode.petctModel != self.models.name:
            self._parameterNode.petctModel = self.models.name
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
        if wanted != self.models.name and not self.selectModel(wanted):
            self._parameterNode.petctModel = self.models.name

    def _update(self) -> None:
        """Enable what can be done, or say why it cannot."""
        ui, petNode = self.ui, self.images.pet
        self.unit.show(petNode)
        reason = self._whyNot(petNode)
        ui.applyButton.setEnabled(reason is None)
        ui.applyButton.toolTip = reason or _("Finds the lesions of this PET and measures them.")
        ui.applyReason.text = reason or ""
        said = ui.unitLabel.text.lstrip("⚠ ")
        ui.applyReason.setVisible(bool(reason) and self.work.run is None and petNode is not None and reason != said)
        self.images.show()
        self.models.show()
        node = self.result.node
        why = self.logic.missingForTmtvCase(node)
        ui.trainingButton.setVisible(node is not None)
        ui.trainingButton.setEnabled(why is None and self.work.adding is None)
        tip = _("Keep PET, CT and lesions as they are outlined now, so that a model can learn from them.")
        ui.trainingButton.toolTip = why or tip
        edited = node is not None and bool(pet_results.record(node).get("edited"))
        self.rule.setEnabled(self.work.run is None)
        if edited:
            ui.ruleSelector.toolTip = _("The outlines were edited by hand. Another threshold makes a new result.")

    def _whyNot(self, petNode: Any) -> str | None:
        if self._blocked:
            return self._blocked
        if self.work.run is not None:
            return _("A measurement is running.")
        if self.rule.rule is None and not self.models.name:
            return _("Choose a threshold: without a model there is no outline to take as it is.")
        given = {"model": self.models.name or None, "unit": self.unit.unit, "byHand": self.unit.byHand}
        return self.logic.missingForTmtv(petNode, self.images.ct, **given)
