"""Adapting a model: cases out of the scene, the worker's training, the verdict; nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import slicer
from slicer.i18n import tr as _

from . import wording
from .adaptation_checks import whyNotName
from .adaptation_store import TRAINING, AdaptationStore, Interrupted
from .case_export import CaseExport
from .models import ModelInfo
from .runs import Run
from .training_case import TrainingCase

__all__ = ["AdaptResult", "AdaptRun", "EvaluateRun", "Interrupted"]

# Going on after these would fail in the same way.
HOPELESS = ("bad-input", "wrong-use", "bad-package", "no-device", "missing-dependency")


@dataclass
class AdaptResult:
    """How an adaptation ended.

    ``before`` and ``after`` are evaluate's dicts of the held-out cases (None where nothing was held out);
    ``verdict`` is ``better worse no-difference not-measured`` and ``message`` the sentence for the user.
    """

    name: str
    package: str
    verdict: str
    message: str
    before: dict | None = None
    after: dict | None = None
    report: str = ""
    seconds: float = 0.0
    trainable: int = 0
    total: int = 0
    held_out: list[str] = field(default_factory=list)
    trained_on: list[str] = field(default_factory=list)
    stopped: bool = False
    value: dict[str, Any] = field(default_factory=dict, repr=False)
    """The worker's whole answer."""


class _CollectingRun(Run):
    """A run that first brings training cases out of the scene, one after the other."""

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)
        self._collecting = False
        self._observation: Any = None

    def collect(self, export: CaseExport, then: Callable[[Any], None]) -> None:
        """Write all cases, then ``then(path of the list)``."""
        self._collecting = True
        self._observation = slicer.mrmlScene.AddObserver(slicer.mrmlScene.StartCloseEvent, self._onSceneCloses)
        self.say(_("Collecting the cases"))
        count = len(export.pending)

        def step(_value: Any = None) -> None:
            self.done, self.total = count - len(export.pending), count
            self.tell({"event": "progress", "stage": self.stage, "done": self.done, "total": count})
            if export.pending:
                self.inBackground(export.take(*export.pending.pop(0)), step)
            else:
                self.inBackground(finish, collected)

        def finish() -> Any:
            export.writeFolders()
            return export.finish()

        def collected(path: Any) -> None:
            self._collecting = False
            self._stopObserving()
            for text in export.notes:
                self.messages.append(text)
                self.tell({"event": "message", "text": text})
            then(path)

        step()

    def cleanUp(self) -> None:
        """The scene is not looked at any more."""
        self._stopObserving()

    def _stopObserving(self) -> None:
        if self._observation is not None:
            slicer.mrmlScene.RemoveObserver(self._observation)
            self._observation = None

    def _onSceneCloses(self, caller: Any, event: Any) -> None:
        self.cancel(_("The scene was closed while its cases were being collected."))


class AdaptRun(_CollectingRun):
    """An adaptation that is going on; see ``Run``."""

    def __init__(
        self,
        client: Any,
        info: ModelInfo | None,
        cases: Sequence[TrainingCase],
        request: dict[str, Any],
        *,
        resume: bool = False,
        callback: Callable[[AdaptResult | None, Any], None] | None = None,
        onEvent: Callable[[AdaptRun, dict], None] | None = None,
    ) -> None:
        super().__init__(client, callback=callback, onEvent=onEvent)
        self.name: str = request["name"]
        self._info = info
        self._cases = list(cases)
        self._request = request
        self._resume = resume
        self._store = AdaptationStore(self.name)
        self._ours = False

    def stop(self) -> None:
        """End early and keep the best so far; before the training began nothing is to be kept, and it is cancelled."""
        if self.job is not None and not self.job.finished:
            self.job.stop()
        else:
            self.cancel()

    def work(self) -> None:
        """Collect the cases, or go on where the last run was cut off."""
        if self._resume:
            self._goOn()
            return
        problem = whyNotName(self.name)  # once more: another run of that name may have ended since it was asked for
        if problem is not None:
            raise wording.problem(problem)
        self._store.create({key: self._request[key] for key in ("model", "strategy", "epochs", "seed", "device")})
        self._ours = True
        self.collect(CaseExport(self._store.folder, self._cases, self._info), self._train)

    def cleanUp(self) -> None:
        """Keep what can be gone on with, remove the rest."""
        super().cleanUp()
        if not self._ours:
            return
        if self.state == "done":
            self._store.finish()
        elif self._isKept():
            self._store.release()
            self.error.hint = _("What was learned so far is kept: the adaptation can be resumed.")
        else:
            self._store.discard()

    def _goOn(self) -> None:
        """Ask for the rest, or only take what was finished already."""
        self._store.claim()
        try:
            self._store.checkPackage()
            value = self._store.finishedRun()
            args = self._store.arguments() if value is None else {}
        except Exception:
            self._store.release()  # nothing was touched: it can be resumed when this is mended
            raise
        self._ours = True
        self._store.clearHalf()
        self.metrics = self._store.metrics()
        if self.metrics:  # the curves are drawn as far as they go
            self.tell({"event": "metric", **self.metrics[-1]})
        if value is not None:
            self._done(value)
        else:
            self.ask("finetune", args, self._done)

    def _train(self, listFile: Any) -> None:
        heldOut = [case.id for case in self._cases if case.heldOut]
        args = {
            "from": str(self._info.folder),
            "data": str(listFile),
            "strategy": self._request["strategy"],
            "out": str(self._store.package),
            "run": str(self._store.runFolder),
            "hold_out": heldOut or ["none"],  # without it the worker would choose some itself
            "epochs": self._request["epochs"] or None,
            "seed": self._request["seed"],
            "device": self._request["device"],
            **self._request["options"],
        }
        self._store.keep(args=args, state=TRAINING)
        self.ask("finetune", args, self._done)

    def _done(self, value: dict[str, Any]) -> None:
        named = {key: value[key] for key in AdaptResult.__dataclass_fields__ if key in value}
        self.succeed(AdaptResult(**{**named, "name": self.name, "value": value}))

    def _isKept(self) -> bool:
        """Whether the adaptation can be resumed after this end."""
        if self.state == "cancelled" or self._store.request.get("state") != TRAINING:
            return False
        return self.error.code not in HOPELESS or (self._store.runFolder / "checkpoint.pt").is_file()


class EvaluateRun(_CollectingRun):
    """A model held against the truth of cases."""

    def __init__(
        self, client: Any, info: ModelInfo, cases: Sequence[TrainingCase], device: str, **options: Any
    ) -> None:
        super().__init__(client, **options)
        self._info, self._cases, self._device = info, list(cases), device
        self._folder: Any = None

    def work(self) -> None:
        """Write the cases to an exchange folder, then ask."""
        from .exchange import ExchangeFolder

        self._folder = ExchangeFolder()
        self.collect(CaseExport(self._folder.path, self._cases, self._info, allowNew=False), self._ask)

    def cleanUp(self) -> None:
        """Remove the exchange folder."""
        super().cleanUp()
        if self._folder is not None:
            self._folder.remove()

    def _ask(self, listFile: Any) -> None:
        args = {"model": str(self._info.folder), "data": str(listFile), "device": self._device}
        self.ask("evaluate", args, self.succeed)
