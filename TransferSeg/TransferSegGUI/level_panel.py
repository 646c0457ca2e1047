"""The L3 panel: a CT, one button, the slice in the views, numbers on it, corrections and what is learned from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from .level_adapt_panel import LevelAdaptPanel
from .level_cases_box import LevelCasesBox
from .level_inputs import noCtReason
from .level_numbers_box import LevelNumbersBox
from .level_reading_box import LevelReadingBox
from .level_result_box import LevelResultBox
from .level_work import LevelWork
from .model_chooser import ModelChooser
from .models import LEVEL, levelOf
from .panel import Panel
from .scene_follower import SceneFollower

HIGHEST_M = 2.6


class LevelPanel(Panel):
    """Finds a model's level (L3) in CTs of the scene; ``resourcePath`` gives the path of a name in Resources."""

    def __init__(self, logic: Any, resourcePath: Callable[[str], str]) -> None:
        super().__init__(logic, resourcePath, "L3Panel")
        self.models = ModelChooser(self.ui, logic, LEVEL)
        self.work = LevelWork(self.ui, logic)
        self.result = LevelResultBox(self.ui, logic)
        self.numbers = LevelNumbersBox(self.ui, logic)
        self.reading = LevelReadingBox(self.ui, logic)
        self.cases = LevelCasesBox(self.ui, logic)
        self.adapt = LevelAdaptPanel(logic, resourcePath, self.models)
        self.ui.adaptPlace.layout().addWidget(self.adapt.widget)
        self._reason = ""
        self._filling = False
        self.follower = SceneFollower(lambda: self._parameterNode is not None, lambda: [self.ui.ctSelector])
        for section in (self.ui.readingButton, self.ui.casesButton, self.ui.aboutButton, self.ui.detailsButton):
            section.collapsed = True
        self._connect()
        self.models.refresh()
        self._onResult()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Bind the panel to the module's parameters, or to none."""
        self._filling = True
        self.bind(parameterNode)
        # Binding a number without limits takes the spin boxes' limits away.
        self.ui.heightSpin.setRange(0.0, HIGHEST_M)
        self.ui.reviewSpin.setRange(1, 99)
        self._filling = False
        self.adapt.setParameterNode(parameterNode)
        if parameterNode is not None:
            self._syncModel()
            self.fill()
            self._onHeight()

    def enter(self) -> None:
        """The panel is shown."""
        self.models.refresh()
        self.cases.show()
        self.result.show()
        self.adapt.enter()
        self.fill()

    def setBlocked(self, reason: str | None) -> None:
        """Disable what needs the worker with a reason that lies outside this panel, or allow it again."""
        self._blocked = reason
        self.adapt.setBlocked(reason)
        self._update()

    def selectModel(self, name: str) -> bool:
        """Choose a model, for example one that was just adapted."""
        self.models.refresh()
        return self.models.select(name)

    def fill(self) -> None:
        """Guess the CT unless one is chosen; say why there is none."""
        self.follower.stop()
        if self._parameterNode is None:
            return
        if self.ui.ctSelector.currentNode() is None or self._reason:
            guess = self.logic.guessCt()
            self._filling = True
            if guess is not None and guess.node is not self.ui.ctSelector.currentNode():
                self.ui.ctSelector.setCurrentNode(guess.node)
            self._filling = False
            self._reason = noCtReason() if guess is None else guess.reason if guess.doubtful else ""
        self._update()

    def find(self, _checked: bool = False) -> None:
        """Start looking for the level."""
        if self.ui.findButton.enabled:
            node, device = self.ui.ctSelector.currentNode(), self._parameterNode.device
            self.work.find(node, model=self.models.name, height=self._height(), device=device)

    def measure(self, _checked: bool = False) -> None:
        """Outline and measure the slice to which the plane was moved."""
        if self.ui.useSliceButton.enabled:
            self.work.measure(self.result.result, self._height())

    def sceneChanged(self) -> None:
        """The scene was closed or another one loaded."""
        self._reason = ""
        self.work.errors.clear()
        self.result.forget()

    def cleanup(self) -> None:
        """Let go of scene, logic and timers."""
        self.follower.cleanup()
        self.models.cleanup()
        self.setParameterNode(None)
        self.removeObservers()
        for box in (self.result, self.numbers, self.cases, self.adapt):
            box.cleanup()
        self.logic.changed.disconnect(self.models.refresh)
        self.logic.deviceKnown.disconnect(self.models.propose)
        self.logic.runsChanged.disconnect(self._update)

    def _connect(self) -> None:
        ui = self.ui
        ui.findButton.connect("clicked(bool)", self.find)
        ui.useSliceButton.connect("clicked(bool)", self.measure)
        ui.markButton.connect("clicked(bool)", self._mark)
        ui.addCaseButton.connect("clicked(bool)", lambda _checked: self.work.addCase(self.result.result))
        ui.ctSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._onCt)
        ui.heightSpin.connect("valueChanged(double)", lambda _value: self._onHeight())
        self.follower.settled.connect(self._onSettled)
        self.models.changed.connect(self._onModel)
        self.result.changed.connect(self._onResult)
        self.numbers.failed.connect(self.work.errors.show)
        self.work.made.connect(self.result.add)
        self.work.changed.connect(self._update)
        self.adapt.modelWanted.connect(self.selectModel)
        self.cases.changed.connect(self.adapt.update)
        self.logic.changed.connect(self.models.refresh)
        self.logic.deviceKnown.connect(self.models.propose)
        self.logic.runsChanged.connect(self._update)

    def _mark(self, _checked: bool = False) -> None:
        self.work.mark(self.ui.ctSelector.currentNode(), levelOf(self.models.info))

    def _onCt(self, _node: Any = None) -> None:
        if not self._filling:
            self._reason = ""
            self._update()

    def _onHeight(self) -> None:
        if not self._filling:
            self.numbers.setHeight(self._height())

    def _onModel(self, name: str) -> None:
        if self._parameterNode is not None and self._parameterNode.l3Model != name:
            self._parameterNode.l3Model = name
        self.adapt.setModel(self.models.info)
        self._update()

    def _onResult(self) -> None:
        """Another result, or its plane stands elsewhere."""
        result = self.result.result
        self.numbers.show(self.result.plane)
        self.reading.show(result)
        self._update()

    def _onSettled(self) -> None:
        self.result.show()
        self.fill()

    def _onParameters(self, _caller: Any = None, _event: Any = None) -> None:
        self._syncModel()
        self._update()

    def _syncModel(self) -> None:
        """The chooser follows the parameter node; a node that names no model of this computer takes the chooser's."""
        wanted = self._parameterNode.l3Model
        if wanted != self.models.name and not (wanted and self.selectModel(wanted)):
            self._parameterNode.l3Model = self.models.name

    def _height(self) -> float | None:
        """The patient's height in metres, None where it was not given."""
        return float(self.ui.heightSpin.value) or None

    def _update(self) -> None:
        """Enable what can be done, or say why it cannot."""
        ui, node = self.ui, self.ui.ctSelector.currentNode()
        reason = self._whyNot(node)
        ui.findButton.setEnabled(reason is None)
        level = levelOf(self.models.info)
        ui.findButton.text = _("Find {level}").format(level=level)
        tip = _("Finds {level} in this CT and measures muscle and fat on its slice.").format(level=level)
        ui.findButton.toolTip = reason or tip
        ui.findReason.text = reason or ""
        ui.findReason.setVisible(bool(reason) and self.work.run is None and node is not None)
        ui.ctReason.text = self._reason
        ui.ctReason.setVisible(bool(self._reason))
        result = self.result.result
        placed = result is not None and result.sliceIndex is not None and result.volumeNode is not None
        other = placed and result.measuredIndex != result.sliceIndex
        ui.useSliceButton.setVisible(bool(other))
        ui.useSliceButton.setEnabled(bool(other) and self._blocked is None and self.logic.running is None)
        ui.markButton.setEnabled(node is not None and self.work.run is None)
        ui.addCaseButton.setEnabled(bool(placed) and self.work.adding is None)
        self.adapt.update()

    def _whyNot(self, node: Any) -> str | None:
        if self._blocked:
            return self._blocked
        if self.work.run is not None:
            return _("A search is running.")
        return self.logic.missingForL3(node, self.models.name)
