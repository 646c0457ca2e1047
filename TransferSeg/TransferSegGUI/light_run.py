"""Making a light version: distil, prune, export and measure, one after the other in the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from . import light_data, wording
from .adaptation import HOPELESS, _CollectingRun
from .adaptation_store import TRAINING
from .case_export import CaseExport
from .light_request import DISTIL, EXPORT, PRUNE, LightRequest
from .light_result import SOURCE, LightResult, lightResult
from .light_store import LightStore
from .models import LEVEL, ModelInfo

MEASURE = "measure"


class LightRun(_CollectingRun):
    """A light version that is being made; see ``Run``.

    Parameters
    ----------
    cases : of the Adapt panel, where they are what it is made by
    resume : go on with what the store of that name keeps
    """

    def __init__(
        self,
        client: Any,
        info: ModelInfo,
        request: LightRequest,
        store: LightStore,
        cases: Sequence[Any] = (),
        *,
        resume: bool = False,
        callback: Callable[[LightResult | None, Any], None] | None = None,
        onEvent: Callable[[Any, dict], None] | None = None,
    ) -> None:
        super().__init__(client, callback=callback, onEvent=onEvent)
        self.request = request
        self.values: dict[str, Any] = {}
        """Answers of the finished steps."""
        self.sizes: dict[str, dict] = {}
        self._info, self._store, self._cases, self._resume = info, store, list(cases), resume
        self._ours = False
        self._todo: list[tuple[str, str]] = []
        self._count = 0
        self._title = ""

    @property
    def soFar(self) -> LightResult:
        """What is finished, put together."""
        return lightResult(self.request, self._folders(), self.values, self.sizes)

    def work(self) -> None:
        """Claim the folder, look at the cases, then the steps."""
        if self._resume:
            self._store.claim()
            self._ours = True
            self._plan()
            return
        self._store.create({"model": self.request.model, "light": self.request.toJson()})
        self._ours = True
        if self.request.collected:
            self.collect(CaseExport(self._store.folder, self._cases, self._info), self._look)
        elif self.request.needsCases and self.request.task != LEVEL:
            self._look(self.request.data)
        else:
            self._plan()

    def cancel(self, message: str = "") -> None:
        """End; what is finished stays, and what was begun can be gone on with."""
        super().cancel(message or " ".join((_("Cancelled."), *self._staying())))

    def explained(self, error: Any) -> Any:
        """With the step in which it happened, and what stays."""
        if error.code != "cancelled":
            said = f"{self._title}: {error.message}" if self._title else error.message
            error.args = (" ".join((said, *self._staying(error))),)
        return error

    def tell(self, event: dict[str, Any]) -> None:
        """Say which step it is before what the worker says of it."""
        step = f"{self._number()}{self._title}: " if self._title else ""
        if step and not self.stage.startswith(step):
            self.stage = step + self.stage
        super().tell(event)

    def cleanUp(self) -> None:
        """Keep what can be gone on with, remove what is half-made."""
        super().cleanUp()
        if not self._ours:
            return
        self._ours = False
        if self.state == "done":
            self._store.finish()
        elif self._isKept():
            self._store.release()
        else:
            self._store.giveUp()

    def _look(self, path: Any) -> None:
        """Look which cases there are, and fix which are held out: the same for all steps."""
        card, held, needed = self._info.card, self.request.heldOut, self.request.needsHeldOut
        self.say(_("Looking at the cases"))

        def taken(found: light_data.LightCases) -> None:
            self.request = replace(self.request, heldOut=found.heldOut)
            self._plan()

        self.inBackground(lambda: light_data.lookAt(str(path), card, held, needed=needed), taken)

    def _plan(self) -> None:
        request = self.request
        self._store.keep(light=request.toJson(), state=TRAINING)
        self.values = self._store.finished() if self._resume else {}
        self._todo = [(step, step) for step in request.steps if step not in self.values]
        if request.measure:
            self._todo += [(MEASURE, kind) for kind in (SOURCE, *request.names)]
        self._count = len(self._todo)
        self._next()

    def _next(self) -> None:
        """The next step, or the end."""
        if not self._todo:
            self._title = ""
            self.succeed(self.soFar)
            return
        step, kind = self._todo.pop(0)
        self._title = stepTitle(step)
        if step == MEASURE:
            self._measure(kind)
        elif step == EXPORT:
            self.ask("models", self._exportArguments(), lambda value: self._done(EXPORT, value))
        else:
            store = self._store.step(step, self.request.names[step])
            store.checkPackage()
            store.clearHalf()
            verb, args = self._verb(step)
            shared = {"data": self._data(), "out": str(store.package), "run": str(store.runFolder)}
            shared |= {"device": self.request.device, "map": self.request.labelMap or None}
            more = self.request.options.get(step, {})
            self.ask(verb, {**shared, **args, **more}, lambda value: self._done(step, value))

    def _done(self, step: str, value: dict[str, Any]) -> None:
        self.values[step] = value
        self._next()

    def _measure(self, kind: str) -> None:
        """Measure a model; one that cannot be measured is told, and no reason to end."""
        folder = str(self._folders()[kind])
        device = None if self.request.device == "auto" else self.request.device

        def measured(value: dict[str, Any]) -> None:
            self.sizes[kind] = value["size"]
            self._next()

        def otherwise(error: Any) -> None:
            self.messages.append(wording.plainError(error).message)
            self.tell({"event": "message", "text": self.messages[-1]})
            self._next()

        self.ask("models", {"action": "measure", "name": folder, "device": device}, measured, otherwise)

    def _verb(self, step: str) -> tuple[str, dict[str, Any]]:
        request = self.request
        if step == DISTIL:
            source = str(self._folders()[SOURCE])
            args = {"teacher": source, "student": request.student, "unlabelled": request.unlabelled or None}
            return "distill", {**args, "hold_out": request.heldOut or ["none"]}
        args = {"model": str(self._current()), "keep": request.keep, "hold_out": request.heldOut or None}
        return "prune", args

    def _exportArguments(self) -> dict[str, Any]:
        request = self.request
        args = {"action": "export", "name": str(self._current()), "out": request.onnx}
        if request.int8:
            held = {"hold_out": request.heldOut or None, "map": request.labelMap or None}
            args |= {"int8": True, "data": self._data(), **held}
        return args

    def _data(self) -> str:
        from .case_export import LIST

        return str(self._store.folder / LIST) if self.request.collected else self.request.data

    def _folders(self) -> dict[str, Path]:
        """{step or "source": folder of the model}."""
        from TransferSegLib.places import models_folder

        made = {kind: models_folder() / name for kind, name in self.request.names.items()}
        return {SOURCE: Path(self._info.folder), **made}

    def _current(self) -> Path:
        """The model that was made last, else the one to begin with."""
        made = [kind for kind in (DISTIL, PRUNE) if kind in self.values]
        return self._folders()[made[-1] if made else SOURCE]

    def _number(self) -> str:
        text = _("Step {n} of {total}, ")
        return text.format(n=self._count - len(self._todo), total=self._count) if self._count > 1 else ""

    def _isKept(self) -> bool:
        """Whether it can be gone on with after this end."""
        if self._store.request.get("state") != TRAINING or not self._store.begun():
            return False
        return self.state == "cancelled" or self.error.code not in HOPELESS

    def _staying(self, error: Any = None) -> list[str]:
        """Sentences on what stays."""
        texts = [_("“{name}” is finished and stays.").format(name=name) for name in self.soFar.models]
        hopeless = error is not None and error.code in HOPELESS
        if self._ours and not hopeless and self._store.begun():
            texts.append(_("The rest can be gone on with."))
        return texts


def stepTitle(step: str) -> str:
    """What a step does."""
    titles = {DISTIL: _("teaching"), PRUNE: _("pruning"), EXPORT: _("exporting"), MEASURE: _("measuring")}
    return titles[step]
