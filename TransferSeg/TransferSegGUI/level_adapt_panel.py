"""Adapting a level's model to corrected CTs: what may change, the name, progress, and a verdict in mm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .interrupted_box import InterruptedBox
from .level_result_view import LevelResultView
from .models import LEVEL
from .new_name import NewName
from .panel import Panel
from .revealing import reveal
from .signals import Signal
from .strategy_box import StrategyBox
from .training_box import TrainingBox


class _Named:
    """The parameter node as ``NewName`` sees it: the name of a level's new model has a parameter of its own."""

    def __init__(self, parameterNode: Any) -> None:
        self._node = parameterNode

    @property
    def newName(self) -> str:
        """The name in the field."""
        return self._node.l3NewName

    @newName.setter
    def newName(self, name: str) -> None:
        self._node.l3NewName = name


class LevelAdaptPanel(Panel):
    """The part of the L3 panel that adapts the chosen model; ``models`` is its chooser."""

    def __init__(self, logic: Any, resourcePath: Callable[[str], str], models: Any) -> None:
        super().__init__(logic, resourcePath, "L3AdaptPanel")
        self.modelWanted = Signal()
        """Emitted with a model's name when the user wants to find the level with it."""
        self._model = models.info
        self.interrupted = InterruptedBox(self.ui, logic, LEVEL)
        self.strategy = StrategyBox(self.ui, logic)
        self.name = NewName(self.ui, logic)
        self.training = TrainingBox(self.ui)
        self.result = LevelResultView(self.ui)
        self._drawSoon = qt.QTimer(self.widget)
        self._drawSoon.setSingleShot(True)
        self._drawSoon.connect("timeout()", self.strategy.draw)
        self.ui.strategyButton.collapsed = True
        self.ui.detailsButton.collapsed = True
        self._connect()
        self._showError("")
        self.refresh()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Bind the panel to the module's parameters, or to none."""
        self.bind(None)
        self.name.setParameterNode(None if parameterNode is None else _Named(parameterNode))
        self.bind(parameterNode)
        if parameterNode is not None:
            self.ui.epochsSpin.setRange(0, 1000)  # binding takes the limits away
            self.strategy.select(parameterNode.l3Strategy)
        self._propose()
        self.update()

    def setModel(self, info: Any) -> None:
        """The model to start from (``ModelInfo`` or None)."""
        self._model = info
        self.strategy.setModel(info)
        if self._parameterNode is not None:
            self.strategy.select(self._parameterNode.l3Strategy)
        text = _("Starts from {model}, which stays as it is.").format(model=info.name) if info else ""
        self.ui.sourceLabel.text = text
        self._propose()
        self.update()

    def refresh(self) -> None:
        """Read names, strategies and interrupted trainings again."""
        self.strategy.forget()
        self.name.refresh()
        self.update()

    def enter(self) -> None:
        """The panel is shown."""
        self.refresh()
        self._drawSoon.start(0)

    def setBlocked(self, reason: str | None) -> None:
        """Disable Start with a reason that lies outside this panel, or allow it again."""
        self._blocked = reason
        self.strategy.setBlocked(reason)
        self.update()

    def start(self, _checked: bool = False) -> None:
        """Start the training."""
        if not self.ui.startButton.enabled:
            return
        node, cases = self._parameterNode, self.logic.l3Cases()
        self._begin(self.ui.nameEdit.text, sum(case.included and not case.heldOut for case in cases))
        self._launch(
            lambda: self.logic.adaptL3(
                self._model.name,
                cases,
                name=self.ui.nameEdit.text,
                strategy=self.strategy.name,
                epochs=node.l3Epochs,
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

    def cleanup(self) -> None:
        """Let go of scene and logic."""
        self.setParameterNode(None)
        self.removeObservers()
        self.training.cleanup()
        self.logic.changed.disconnect(self.refresh)
        self.logic.runsChanged.disconnect(self._onRuns)

    def update(self) -> None:
        """Enable Start, or say why it is not."""
        reason, tip = self._reason(), _("Train the new model. It takes minutes; Slicer can be used meanwhile.")
        self.ui.startButton.setEnabled(reason is None)
        self.ui.startButton.setToolTip(reason or tip)
        self.ui.startReason.text = reason or ""
        self.ui.startReason.setVisible(bool(reason) and self.run is None)
        busy = _("Wait until the work that is going on is done.") if self.logic.running is not None else None
        self.interrupted.refresh(self._blocked or busy)

    def _connect(self) -> None:
        self.ui.startButton.connect("clicked(bool)", self.start)
        self.ui.nameEdit.connect("textChanged(QString)", lambda _text: self.update())
        self.strategy.changed.connect(self._onStrategy)
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
                self.ui.strategyButton.collapsed = True
                reveal(self.ui.runBox)
        if self.run is None:
            self.training.finish()
        self.update()

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
        self.update()

    def _onError(self, error: Any) -> None:
        if getattr(error, "code", "") == "cancelled":
            self._showError(_("Discarded. Your corrections and models are as they were."))
            return
        lines = ("⚠ " + getattr(error, "message", str(error)), getattr(error, "hint", ""))
        self._showError("\n".join(filter(None, lines)))
        self.training.progress.log(str(error))
        self.training.progress.log(getattr(error, "details", ""))

    def _showError(self, text: str) -> None:
        self.ui.errorText.text = text
        self.ui.errorText.setVisible(bool(text))

    def _onParameters(self, _caller: Any = None, _event: Any = None) -> None:
        self.strategy.select(self._parameterNode.l3Strategy)

    def _onStrategy(self, name: str) -> None:
        if self._parameterNode is not None and self._parameterNode.l3Strategy != name:
            self._parameterNode.l3Strategy = name
        self._propose()

    def _propose(self) -> None:
        if self._model is not None and self.run is None:
            self.name.propose(self._model.name, self.strategy.name)

    def _onRuns(self) -> None:
        self.name.refresh()
        self.update()
        self.strategy.draw()

    def _reason(self) -> str | None:
        from TransferSegLib.errors import TransferSegError

        if self.run is not None:
            self.name.hide()
            return _("A training is running.")
        wrongName = self.name.problem()
        if self._blocked:
            return self._blocked
        if self.logic.running is not None:
            return _("Wait until the work that is going on is done.")
        if self._model is None or self._parameterNode is None:
            return _("There is no model to start from.")
        try:
            return wrongName or self.logic.cannotAdaptL3(self._model.name, self.logic.l3Cases(), self.ui.nameEdit.text)
        except TransferSegError as error:
            return error.message
