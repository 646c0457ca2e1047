"""The Adapt panel: a model, a few corrected cases, what may change, and whether it helped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .cases_box import CasesBox
from .curriculum_box import CurriculumBox
from .interrupted_box import InterruptedBox
from .new_name import NewName
from .panel import Panel
from .result_view import ResultView
from .revealing import reveal
from .signals import Signal
from .source_box import SourceBox
from .strategy_box import StrategyBox
from .training_box import TrainingBox


class AdaptPanel(Panel):
    """Adapts a model to training cases; ``resourcePath`` gives the path of a name in Resources."""

    def __init__(self, logic: Any, resourcePath: Callable[[str], str]) -> None:
        super().__init__(logic, resourcePath, "AdaptPanel")
        self.modelWanted = Signal()
        """Emitted with a model's name when the user wants to segment with it."""
        self.interrupted = InterruptedBox(self.ui, logic)
        self.source = SourceBox(self.ui, logic)
        self.cases = CasesBox(self.ui, logic)
        self.strategy = StrategyBox(self.ui, logic)
        self.curriculum = CurriculumBox(self.ui, logic)
        self.name = NewName(self.ui, logic)
        self.training = TrainingBox(self.ui)
        self.result = ResultView(self.ui)
        self._drawSoon = qt.QTimer(self.widget)  # a child: it does not outlive the widgets that it draws in
        self._drawSoon.setSingleShot(True)
        self._drawSoon.connect("timeout()", self.strategy.draw)
        self._connect()
        self.ui.detailsButton.collapsed = True
        self._showError("")
        self.refresh()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Bind the panel to the module's parameters, or to none."""
        self.bind(None)
        self.name.setParameterNode(parameterNode)
        self.cases.setCases(None if parameterNode is None else self.logic.trainingCases(parameterNode))
        self.bind(parameterNode)
        if parameterNode is not None:
            # Binding a whole number without limits takes the spin box's limits away.
            self.ui.epochsSpin.setRange(0, 1000)
            self.ui.seedSpin.setRange(0, 1000000)
            self.strategy.select(parameterNode.strategy)
            self.curriculum.select(parameterNode.curriculum)
        self.source.setParameterNode(parameterNode)
        self._propose()
        self._updateStart()

    def refresh(self) -> None:
        """Read models, strategies and interrupted trainings again."""
        self.strategy.forget()
        self.name.refresh()
        self.source.refresh()

    def enter(self) -> None:
        """The panel is shown."""
        self.name.refresh()
        self.source.follow()
        self.cases.show()  # nodes and files may have come and gone; this looks at Start too
        self._drawSoon.start(0)

    def setBlocked(self, reason: str | None) -> None:
        """Disable Start with a reason that lies outside this panel, or allow it again."""
        self._blocked = reason
        self.strategy.setBlocked(reason)
        self._updateStart()

    def offerCase(self, modelName: str, volumes: Mapping[str, Any], segmentationNode: Any) -> None:
        """Open "Add from scene" with what the Segment panel hands over."""
        self.source.choose(modelName)
        self.cases.offer(volumes, segmentationNode)

    def cleanup(self) -> None:
        """Let go of scene and logic."""
        self.setParameterNode(None)
        self.removeObservers()
        self.cases.form.cleanup()
        self.training.cleanup()
        self.logic.changed.disconnect(self.refresh)
        self.logic.runsChanged.disconnect(self._onRuns)

    def start(self, _checked: bool = False) -> None:
        """Start the training."""
        if not self.ui.startButton.enabled:
            return
        node, cases = self._parameterNode, self.cases.cases
        self._begin(node.newName, sum(case.included and not case.heldOut for case in cases.list))
        self._launch(
            lambda: self.logic.adapt(
                self.source.model.name,
                cases,
                name=node.newName,
                strategy=self.strategy.name,
                curriculum=self.curriculum.name,
                epochs=node.epochs,
                seed=node.seed,
                device=node.device,
                queue=False,
                callback=self._onDone,
                onEvent=self.training.update,
            )
        )

    def resume(self, interrupted: Any) -> None:
        """Go on with an interrupted training."""
        self._begin(interrupted.name, 0)
        self._launch(
            lambda: self.logic.resumeAdaptation(interrupted.name, callback=self._onDone, onEvent=self.training.update)
        )

    def _connect(self) -> None:
        ui = self.ui
        ui.startButton.connect("clicked(bool)", self.start)
        ui.nameEdit.connect("textChanged(QString)", lambda _text: self._updateStart())
        self.source.changed.connect(self._onSource)
        self.cases.changed.connect(self._updateStart)
        self.strategy.changed.connect(self._onStrategy)
        self.curriculum.changed.connect(self._onCurriculum)
        self.interrupted.resumeWanted.connect(self.resume)
        self.result.modelWanted.connect(self.modelWanted.emit)
        self.logic.changed.connect(self.refresh)
        self.logic.runsChanged.connect(self._onRuns)

    def _begin(self, name: str, training: int) -> None:
        self._showError("")
        self.result.clear()
        self.training.start(name, training)

    def _launch(self, launch: Callable[[], Any]) -> None:
        from TransferSegLib.errors import TransferSegError

        with slicer.util.tryWithErrorDisplay(_("The training could not be started."), waitCursor=True):
            try:
                run = launch()
            except TransferSegError as error:
                self._onDone(None, error)
                return
            if not run.finished:
                self.run = self.training.run = run
                self._fold()
                reveal(self.ui.runBox)
        if self.run is None:
            self.training.finish()
        self._updateStart()

    def _fold(self) -> None:
        """What was chosen makes room, so that the curves are seen without scrolling."""
        for section in (self.ui.sourceButton, self.ui.casesButton, self.ui.strategyButton, self.ui.newModelButton):
            section.collapsed = True

    def _onDone(self, result: Any, error: Any) -> None:
        """The run is over; called on the main thread."""
        self.run = None
        self.training.finish()
        if error is None:
            self.result.show(result)
            reveal(self.ui.resultBox)
            self.training.progress.log(result.message)
            self.name.used()
            self.refresh()
        else:
            self._onError(error)
        self._updateStart()

    def _onError(self, error: Any) -> None:
        if getattr(error, "code", "") == "cancelled":
            self._showError(_("Discarded. Your images, outlines and models are as they were."))
            return
        lines = ("⚠ " + getattr(error, "message", str(error)), getattr(error, "hint", ""))
        self._showError("\n".join(filter(None, lines)))
        self.training.progress.log(str(error))
        self.training.progress.log(getattr(error, "details", ""))

    def _showError(self, text: str) -> None:
        self.ui.errorText.text = text
        self.ui.errorText.setVisible(bool(text))

    def _onParameters(self, _caller: Any = None, _event: Any = None) -> None:
        """What the node says, into the widgets that ``connectGui`` does not know."""
        self.source.follow()
        self.strategy.select(self._parameterNode.strategy)
        self.curriculum.select(self._parameterNode.curriculum)

    def _onSource(self) -> None:
        self.cases.setModel(self.source.model)
        self.strategy.setModel(self.source.model)
        if self._parameterNode is not None:
            self.strategy.select(self._parameterNode.strategy)
        self._propose()
        self._updateStart()

    def _onStrategy(self, name: str) -> None:
        if self._parameterNode is not None and self._parameterNode.strategy != name:
            self._parameterNode.strategy = name
        self._propose()

    def _onCurriculum(self, name: str) -> None:
        if self._parameterNode is not None and self._parameterNode.curriculum != name:
            self._parameterNode.curriculum = name

    def _propose(self) -> None:
        if self.source.model is not None and self.run is None:
            self.name.propose(self.source.model.name, self.strategy.name)

    def _onRuns(self) -> None:
        self.name.refresh()
        self._updateStart()
        self.strategy.draw()

    def _updateStart(self) -> None:
        """Enable Start, or say why it is not."""
        reason, tip = self._reason(), _("Train the new model. It takes minutes; Slicer can be used meanwhile.")
        self.ui.startButton.setEnabled(reason is None)
        self.ui.startButton.setToolTip(reason or tip)
        self.ui.startReason.text = reason or ""
        self.ui.startReason.setVisible(bool(reason) and self.run is None)
        busy = _("Wait until the work that is going on is done.") if self.logic.running is not None else None
        self.interrupted.refresh(self._blocked or busy)

    def _reason(self) -> str | None:
        if self.run is not None:
            self.name.hide()
            return _("A training is running.")
        wrongName = self.name.problem()
        if self._blocked:
            return self._blocked
        if self.logic.running is not None:
            return _("Wait until the work that is going on is done.")
        if self.source.model is None or self._parameterNode is None:
            return _("Choose a model to start from.")
        return wrongName or self.logic.cannotAdapt(self.source.model.name, self.cases.cases, self.ui.nameEdit.text)
