"""The Segment panel: model, images, preparation, Apply, progress, result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from . import history
from .choice_selectors import ChoiceSelectors, automaticChoices, deviceChoices
from .error_line import ErrorLine
from .library_words import inOwnWords
from .live_box import LiveBox
from .model_chooser import ModelChooser
from .panel import Panel
from .progress_box import ProgressBox
from .result_box import ResultBox
from .revealing import reveal
from .role_selectors import RoleSelectors
from .scene_follower import SceneFollower
from .signals import Signal

WARM_AFTER_MS = 400
"""Who goes through the list of models does not want each of them."""


class SegmentPanel(Panel):
    """Segments the volumes of the scene; ``resourcePath`` gives the path of a name in Resources."""

    def __init__(self, logic: Any, resourcePath: Callable[[str], str]) -> None:
        super().__init__(logic, resourcePath, "SegmentPanel")
        self.trainingCaseWanted = Signal()
        """Emitted with (model name, {role: volume node}, segmentation node)."""
        self.choices = ChoiceSelectors(
            {
                "resample": (self.ui.resampleSelector, automaticChoices()),
                "register": (self.ui.registerSelector, automaticChoices()),
                "brainMask": (self.ui.brainMaskSelector, automaticChoices()),
                "device": (self.ui.deviceSelector, deviceChoices()),
            }
        )
        self.models = ModelChooser(self.ui, logic)
        self.selectors = RoleSelectors(self.ui)
        self.progress = ProgressBox(self.ui, self.cancel)
        self.result = ResultBox(self.ui, logic)
        self.errors = ErrorLine(self.ui)
        self.live = LiveBox(self.ui, logic, self.errors, self._chosen, self._onLive)
        self.follower = SceneFollower(lambda: self._parameterNode is not None)  # the selectors follow by themselves
        self._warmSoon = qt.QTimer()
        self._warmSoon.setSingleShot(True)
        self._warmSoon.setInterval(WARM_AFTER_MS)
        self._connect()
        self._showDevice()
        self.models.refresh()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Bind the panel to the module's parameters, or to none."""
        self.choices.setParameterNode(None)
        self.selectors.setParameterNode(None)  # what connectGui writes is not the user's choice
        self.bind(parameterNode)
        if parameterNode is None:
            return
        self.selectors.setParameterNode(parameterNode)
        self.choices.setParameterNode(parameterNode)
        self._syncModel()
        self.fill()

    def refresh(self) -> None:
        """Read models and scene again."""
        self.models.refresh()
        self.result.refresh()
        self.fill()

    def enter(self) -> None:
        """The panel is shown."""
        self.refresh()
        self._warmSoon.start()

    def setBlocked(self, reason: str | None) -> None:
        """Disable Apply with a reason that lies outside this panel, or allow it again."""
        self._blocked = reason
        self.live.setBlocked(reason)
        self._updateApply()
        self._warmSoon.start()

    def selectModel(self, name: str) -> bool:
        """Choose a model, for example one that was just adapted."""
        self.models.refresh()
        return self.models.select(name)

    def fill(self, everything: bool = False) -> None:
        """Guess the images that the user has not chosen; ``everything``: those too."""
        from TransferSegLib.errors import TransferSegError

        self.follower.stop()
        if self._parameterNode is not None and self.models.name:
            with suppress(TransferSegError):  # Apply says what is wrong with the model
                self.selectors.fill(self.logic.guessRoles(self.models.name), everything=everything)

    def apply(self, _checked: bool = False) -> None:
        """Start segmenting."""
        if not self.ui.applyButton.enabled:
            return
        with slicer.util.tryWithErrorDisplay(_("The segmentation could not be started."), waitCursor=True):
            self._start()

    def cancel(self) -> None:
        """End the run that is going on."""
        if self.run is not None:
            self.run.cancel()

    def sceneChanged(self) -> None:
        """Results whose nodes are gone are forgotten, and so are messages."""
        self.selectors.forgetEmpty()
        self.result.show()
        self.errors.clear()

    def cleanup(self) -> None:
        """Let go of scene, logic and timers."""
        self.live.stop()
        self.follower.cleanup()
        self._warmSoon.stop()
        self.models.cleanup()
        self.setParameterNode(None)
        self.removeObservers()
        self.selectors.removeObservers()
        self.logic.changed.disconnect(self.models.refresh)
        self.logic.runsChanged.disconnect(self._updateApply)
        self.logic.resultMade.disconnect(self.result.add)
        self.logic.deviceKnown.disconnect(self._showDevice)
        self.logic.deviceKnown.disconnect(self.models.propose)

    def _connect(self) -> None:
        ui = self.ui
        ui.applyButton.connect("clicked(bool)", self.apply)
        ui.guessButton.connect("clicked(bool)", lambda _checked: self.fill(everything=True))
        ui.trainingButton.connect("clicked(bool)", self._offerTrainingCase)
        self.choices.changed.connect(self._showDevice)
        self.follower.settled.connect(self._onSettled)
        self._warmSoon.timeout.connect(self._warm)
        self.models.changed.connect(self._onModel)
        self.selectors.changed.connect(self._onImages)
        self.logic.changed.connect(self.models.refresh)
        self.logic.runsChanged.connect(self._updateApply)
        self.logic.resultMade.connect(self.result.add)
        self.logic.deviceKnown.connect(self._showDevice)
        self.logic.deviceKnown.connect(self.models.propose)

    def _onSettled(self) -> None:
        self.result.refresh()
        self.fill()

    def _onModel(self, name: str) -> None:
        self.selectors.setRoles(self.models.roles)
        if self._parameterNode is not None:
            if self._parameterNode.model != name:
                self._parameterNode.model = name
            self.fill()
        self.live.followChoice()
        self._updateApply()
        self._warmSoon.start()

    def _onImages(self) -> None:
        if self._parameterNode is not None:  # else the module is being left: what is on stays on
            self.live.followChoice()
        self._updateApply()

    def _chosen(self) -> tuple:
        """What live mode is to run with."""
        return self.models.name, self.selectors.volumes(), self.selectors.unconfirmed, self.choices.values()

    def _onLive(self) -> None:
        """Live mode began or ended."""
        self.result.refresh()
        self._updateApply()

    def _warm(self) -> None:
        """Load the chosen model ahead, so that the first Apply is quick: only for a user who looks at this panel."""
        idle = self._blocked is None and self.run is None and bool(self.models.name)
        if idle and self.widget.isVisible() and slicer.util.mainWindow() is not None and not self.logic.running:
            self.logic.warm(self.models.name)

    def _onParameters(self, _caller: Any = None, _event: Any = None) -> None:
        self.choices.show()
        self._syncModel()
        self._updateApply()

    def _syncModel(self) -> None:
        """The chooser follows the parameter node; a node that names no model of this computer takes the chooser's."""
        wanted = self._parameterNode.model
        if wanted == self.models.name or (wanted and self.selectModel(wanted)):
            return
        self._parameterNode.model = self.models.name
        if wanted:
            text = _("The model “{model}” is not on this computer. Import it in the Models tab, or use the one shown.")
            self.errors.warn(text.format(model=wanted))

    def _showDevice(self) -> None:
        self.ui.deviceReason.text = self.logic.deviceReason(self.choices.value("device"))
        self.ui.deviceReason.setVisible(bool(self.ui.deviceReason.text))

    def _updateApply(self) -> None:
        """Enable Apply, or say why it is not."""
        reason = self._reason()
        self.ui.applyButton.setEnabled(reason is None)
        self.ui.applyButton.toolTip = reason or _("Segments the images with the chosen model.")
        self.ui.applyReason.text = reason or ""
        self.ui.applyReason.setVisible(bool(reason) and self.run is None)
        self.live.show()

    def _reason(self) -> str | None:
        if self._blocked:
            return self._blocked
        if self.run is not None:
            return _("A segmentation is running.")
        return self.logic.missing(self.models.name, self.selectors.volumes(), unconfirmed=self.selectors.unconfirmed)

    def _start(self) -> None:
        self.errors.clear()
        self.progress.start(_("Handing over the images"))
        reveal(self.ui.runBox)
        try:
            self.run = self.logic.segment(
                self.models.name,
                self.selectors.volumes(),
                **self.choices.values(),
                uncertainty=self.ui.uncertainty.checked,
                showPreparation=self.ui.showPreparation.checked,
                queue=False,
                callback=self._onDone,
                onEvent=self.progress.update,
            )
        except Exception as error:  # whatever it is, the panel says it in one line and stays usable
            self._onDone(None, error)
            return
        if self.run.finished:
            self.run = None
        self._updateApply()

    def _onDone(self, result: Any, error: Any) -> None:
        """The run is over; called on the main thread."""
        self.run = None
        self.progress.finish()
        if error is not None:
            self.progress.log(self.errors.show(error))
        else:
            for text in (*result.steps, *result.notes, self.ui.resultText.text):
                self.progress.log(inOwnWords(text))
            reveal(self.ui.resultButton)
        self._showDevice()
        self._updateApply()
        self._warmSoon.start()  # a run that was cancelled may have ended the worker

    def _offerTrainingCase(self, _checked: bool = False) -> None:
        node = self.result.node
        if node is not None:
            self.trainingCaseWanted.emit(node.GetAttribute("TransferSeg.Model"), history.inputsOf(node), node)
