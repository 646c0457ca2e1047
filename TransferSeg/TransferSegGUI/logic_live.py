"""Live mode from panel and console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from . import models, wording
from .live_models import whyNotFollow, whyNotImages
from .logic_base import LogicBase

if TYPE_CHECKING:
    from .live_run import LiveResult, LiveRun


class LiveMethods(LogicBase):
    """A 2-D model that follows the slice that is looked at, or a volume that changes."""

    @property
    def live(self) -> LiveRun | None:
        """The live mode that is on, or None.

        Example
        -------
        >>> logic.live.rate.perSecond, logic.live.rate.latencyMs, logic.live.dropped
        (14.2, 66.0, 3)
        """
        return self.running if getattr(self.running, "givesWay", False) else None

    def whyNotLive(
        self, modelName: str, volumes: Mapping[str, Any], *, unconfirmed: tuple[str, ...] = ()
    ) -> str | None:
        """Why live mode cannot be switched on now, in plain words; None when it can.

        Example
        -------
        >>> logic.whyNotLive("brain-unet-phantom", {})
        'brain-unet-phantom works on whole volumes, live mode on slices: choose a 2-D model.'
        """
        from TransferSegLib.errors import TransferSegError

        if not modelName:
            return _("Choose a model.")
        try:
            info = models.findModel(modelName)
        except TransferSegError as error:
            return error.message
        problem = whyNotFollow(info) or whyNotImages(info, volumes, unconfirmed)
        return problem or (None if self.live is not None else self._whyNotNow())

    def startLive(
        self,
        model: str,
        volumes: Mapping[str, Any],
        *,
        resample: str = "auto",
        register: str = "auto",
        brainMask: str = "auto",
        device: str = "auto",
        callback: Callable[[LiveResult | None, Any], None] | None = None,
        onEvent: Callable[[LiveRun, dict], None] | None = None,
    ) -> LiveRun:
        """Let a 2-D model follow the view that shows its slices, and images whose voxels change; returns at once.

        Each frame is written into one slice of a new segmentation, the newest first: frames that were asked for
        while the worker was busy are dropped. It ends with ``stopLive``, when a volume or the scene goes, when the
        segmentation is edited, and when other work is started from the console.

        Parameters
        ----------
        model : name of a 2-D model
        volumes : mapping of role to volume node
        resample, register, brainMask, device : as in ``segment``
        callback : called with (result, error) when it ends
        onEvent : called with (run, event) while it is opened and after each frame

        Raises
        ------
        TransferSegError
            With ``message`` in plain words.

        Example
        -------
        >>> run = logic.startLive("liver-2d-light", {"ct": ct})
        >>> logic.stopLive().frames
        212
        """
        from .live_run import LiveRun

        problem = self.whyNotLive(model, volumes)
        if problem is not None:
            raise wording.problem(problem)
        options = {"resample": resample, "register": register, "brainMask": brainMask, "device": device}
        run = LiveRun(self.client, models.findModel(model), volumes, options, callback or _nobody, onEvent)
        return self._start(run, callback or _nobody)

    def stopLive(self, reason: str = "") -> LiveResult | None:
        """Switch live mode off; what it left, or None where it was off.

        Example
        -------
        >>> logic.stopLive().segmentationNode.GetName()
        'CT liver-2d-light live'
        """
        run = self.live
        return None if run is None else run.stop(reason)


def _nobody(_result: Any, _error: Any) -> None:
    """Nobody wants to know."""
