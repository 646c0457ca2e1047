"""TransferSeg's logic: nodes in, nodes out, for the panels and for the Python console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from . import history, inputs, models, roles, wording
from .library_words import inOwnWords
from .logic_adapting import AdaptingMethods
from .logic_level_adapting import LevelAdaptingMethods
from .logic_light import LightMethods
from .logic_live import LiveMethods
from .logic_models import ModelMethods
from .logic_pet import PetMethods
from .logic_pet_changing import PetChangingMethods
from .logic_pet_keeping import PetKeepingMethods

if TYPE_CHECKING:
    from .roles import RoleGuess
    from .segmenting import SegmentResult, SegmentRun


class LogicMethods(
    ModelMethods,
    AdaptingMethods,
    LevelAdaptingMethods,
    PetMethods,
    PetChangingMethods,
    PetKeepingMethods,
    LiveMethods,
    LightMethods,
):
    """What ``slicer.util.getModuleLogic("TransferSeg")`` offers.

    Every method that takes long blocks without freezing Slicer, or returns at once when it is given a
    ``callback(result, error)``, which is called later on the main thread with one of the two None.

    Example
    -------
    >>> logic = slicer.util.getModuleLogic("TransferSeg")
    >>> roles = logic.guessRoles("brain-unet-phantom")
    >>> result = logic.segment("brain-unet-phantom", {role: guess.node for role, guess in roles.items()})
    >>> result.volumesMl
    {'tumour': 12.31, 'necrosis': 2.5, 'oedema': 40.02, 'scar': 0.0}
    """

    def guessRoles(self, modelName: str, volumeNodes: list | None = None) -> dict[str, RoleGuess]:
        """Which volume of the scene (or of ``volumeNodes``) is which image of the model.

        Returns
        -------
        dict of role to RoleGuess
            ``RoleGuess(node, doubtful, reason)`` for the roles that were found. Ask the user about a doubtful one:
            its ``reason`` is a plain sentence.

        Example
        -------
        >>> logic.guessRoles("brain-unet-phantom")["flair"].node.GetName()
        'FLAIR'
        """
        return roles.guessRoles(models.findModel(modelName).roles, volumeNodes)

    def missing(self, modelName: str, volumes: Mapping[str, Any], *, unconfirmed: tuple[str, ...] = ()) -> str | None:
        """Why segmenting cannot start now, in plain words; None when it can.

        Parameters
        ----------
        volumes : mapping of role to volume node or None
        unconfirmed : roles whose doubtful guess the user has not confirmed yet

        Example
        -------
        >>> logic.missing("brain-unet-phantom", {})
        'Choose the image for FLAIR, T1, T1 with contrast, T2.'
        """
        return self._whyNotNow() or self._whyNotSegment(modelName, volumes, unconfirmed)

    def segment(
        self,
        model: str,
        volumes: Mapping[str, Any],
        *,
        resample: str = "auto",
        register: str = "auto",
        brainMask: str = "auto",
        device: str = "auto",
        uncertainty: bool = False,
        showPreparation: bool = False,
        queue: bool = True,
        callback: Callable[[SegmentResult | None, Any], None] | None = None,
        onEvent: Callable[[SegmentRun, dict], None] | None = None,
    ) -> SegmentResult | SegmentRun:
        """Segment volumes of the scene; the result becomes a segmentation node, an earlier one is hidden and kept.

        Parameters
        ----------
        model : name of a model
        volumes : mapping of role to volume node
        resample, register, brainMask : ``"auto"``, ``"on"`` or ``"off"``
        device : ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        uncertainty : make a volume of the model's uncertainty (0 sure to 1 unsure)
        showPreparation : also bring the registered images and the brain mask into the scene
        queue : wait for a run that is going on; False refuses (``UsageError``), as the panel does
        callback : called with (result, error); the method then returns a ``SegmentRun`` at once
        onEvent : called with (run, event) at every progress

        Raises
        ------
        TransferSegError
            With ``message`` in plain words. What can be known before any work is raised even with a callback.

        Example
        -------
        >>> result = logic.segment("brain-unet-phantom", {"flair": flair, "t1": t1, "t1gd": t1gd, "t2": t2})
        >>> result.segmentationNode.GetName()
        'FLAIR brain-unet-phantom'
        """
        from .segmenting import SegmentRun

        problem = self._whyNotSegment(model, volumes) or (None if queue else self._whyNotNow())
        if problem is not None:
            raise wording.problem(problem)
        info = models.findModel(model)
        options = {
            "resample": resample,
            "register": register,
            "brainMask": brainMask,
            "device": device,
            "uncertainty": uncertainty,
            "showPreparation": showPreparation,
        }
        taken = inputs.takeInputs(volumes, info.roles, info.card.reference)
        return self._start(
            SegmentRun(self.client, info, taken, options, self._telling(model, callback), onEvent), callback
        )

    def undo(self) -> str | None:
        """Take the newest result back and show the one before; a sentence that says what was done, None if nothing.

        A result that was edited since is hidden, not removed.

        Example
        -------
        >>> logic.undo()
        'FLAIR brain-unet-phantom_1 was removed. Shown again: FLAIR brain-unet-phantom.'
        """
        return history.undo(self._isTrainedOn)

    @property
    def canUndo(self) -> bool:
        """Whether there is a result that ``undo`` would take back."""
        return history.newest() is not None

    def warm(self, modelName: str) -> None:
        """Start the worker and load a model in the background, so that the next segmentation is quick.

        Nothing happens while a run is going on, and none is needed again for the model that was loaded last.

        Example
        -------
        >>> logic.warm("brain-unet-phantom")
        """
        from TransferSegLib.errors import TransferSegError

        if self._whyNotNow() is not None:
            return
        with suppress(TransferSegError):
            folder = str(models.findModel(modelName).folder)
            if self._warmed != folder or self.client.state == "stopped":
                self.client.warm(folder)
                self._warmed = folder

    def deviceReason(self, device: str = "auto") -> str:
        """Where a segmentation would run and why, as far as it is known; empty before the worker is up.

        Example
        -------
        >>> logic.deviceReason()
        'GPU not found: runs on the CPU (2 cores).'
        """
        name, reason = getattr(self._client, "device", ("", ""))
        if device == "auto":
            return inOwnWords(reason) if reason else self._deviceSeen
        if device.startswith("cuda") and name == "cpu":
            return _("There is no GPU that can be used: choose Automatic.")
        return ""

    def computesOnCpu(self) -> bool:
        """Whether the worker has told that there is no graphics card that it can use; False before it is up.

        Example
        -------
        >>> logic.computesOnCpu()
        True
        """
        return getattr(self._client, "device", ("", ""))[0] == "cpu"

    _deviceSeen = ""
    _warmed = ""

    def _telling(self, model: str, callback: Any) -> Callable[[Any, Any], None]:
        """A callback that also tells those who listen for results."""

        def told(result: Any, error: Any) -> None:
            if result is not None:
                self._deviceSeen = _("The last one ran on the {device}.").format(
                    device=wording.deviceName(result.device)
                )
                self.resultMade.emit(result)
                if model not in self._timed:  # the chooser shows the time that was measured
                    self._timed.add(model)
                    self.changed.emit()
            if callback is not None:
                callback(result, error)

        return told

    def _whyNotSegment(self, modelName: str, volumes: Mapping[str, Any], unconfirmed: Any = ()) -> str | None:
        """What is lacking for a segmentation, apart from the time."""
        from TransferSegLib.errors import TransferSegError

        if not modelName:
            return _("Choose a model.")
        try:
            info = models.findModel(modelName)
        except TransferSegError as error:
            return error.message
        if models.isPet(info):
            text = _("{name} finds lesions in PET/CT: use the tab PET/CT, which knows the PET's unit.")
            return text.format(name=info.name)
        return models.whyNotHere(info) or inputs.whyNotUsable(volumes, info.roles, unconfirmed)
