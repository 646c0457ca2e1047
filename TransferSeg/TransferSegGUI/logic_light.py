"""The logic's part for light versions: what can be taught, making one, going on with one that was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from . import models, wording
from .logic_base import Callback, LogicBase, OnEvent

if TYPE_CHECKING:
    from .light_data import LightCases
    from .light_request import LightRequest
    from .light_result import LightResult
    from .light_run import LightRun
    from .runs import Run
    from .training_cases import TrainingCase, TrainingCases


class LightMethods(LogicBase):
    """Small models that are nearly as good: a student that a model teaches, pruned, exported, measured."""

    def lightStudents(
        self, model: str, callback: Callback | None = None, onEvent: OnEvent | None = None
    ) -> list[dict] | Run:
        """The networks that a model can teach: ``[{network, title, dims, parameters, times, usual}]``.

        ``times`` are its operations for a voxel as a multiple of the model's, None where that is several networks.

        Example
        -------
        >>> [row["network"] for row in logic.lightStudents("petct-light-phantom") if row["usual"]]
        ['unet']
        """
        args = {"action": "students", "name": str(models.findModel(model).folder)}
        return self._ask("models", args, lambda value: value["students"], callback, onEvent)

    def makeLightVersion(
        self,
        model: str,
        data: str | Path | TrainingCases | Sequence[TrainingCase] | None = None,
        *,
        student: str = "",
        prune: float | None = None,
        onnx: str | Path | None = None,
        int8: bool = False,
        unlabelled: str | Path | None = None,
        holdOut: Sequence[str] | None = None,
        name: str | None = None,
        labelMap: Mapping[str, str] | None = None,
        measure: bool = True,
        device: str = "auto",
        options: Mapping[str, Mapping[str, Any]] | None = None,
        queue: bool = True,
        callback: Callable[[LightResult | None, Any], None] | None = None,
        onEvent: Callable[[LightRun, dict], None] | None = None,
    ) -> LightResult | LightRun:
        """Teach a student, prune it, export it and measure both: those steps that are asked for, one after the other.

        Parameters
        ----------
        model : name of the model to begin with
        data : folder of cases with truths (a level model's CSV), or training cases as ``adapt`` takes them
        student : a network of ``lightStudents``, or a model that is taught further; empty: the model itself
        prune : share of the maps to keep, None for no pruning
        onnx : file to export to; ``int8``: in 8 bits, where that keeps the Dice
        unlabelled : folder of cases without truths, which take part in the teaching
        holdOut : ids of the cases that are only scored (default: a fifth of the patients from five cases on)
        name : of the first new model; free ones are found without it
        labelMap : {label of the truths: the model's label, or ``"none"``}
        options : further ones of ``transferseg distill`` and ``prune``: ``{"distil": {"epochs": 40}, "prune": {...}}``
        callback, onEvent, queue : as in ``segment``

        What is finished stays when a later step fails or is cancelled; ``resumeLightVersion`` goes on.

        Example
        -------
        >>> result = logic.makeLightVersion("brain-unet-phantom", "/data/ms", student="unet3d-8-16-32", prune=0.5)
        >>> [(column.name, column.parameters, column.score) for column in result.columns][1:]
        [('brain-unet-phantom-light', 85701, 0.58), ('brain-unet-phantom-light-pruned', 21513, 0.57)]
        """
        from .light_run import LightRun

        given = {"prune": prune, "onnx": onnx, "int8": int8, "unlabelled": unlabelled, "holdOut": holdOut}
        given |= {"name": name, "labelMap": labelMap, "measure": measure, "device": device, "options": options}
        problem = self.whyNotLight(model, data, student=student, **given) or (None if queue else self._whyNotNow())
        if problem is not None:
            raise wording.problem(problem)
        info, request = models.findModel(model), self.lightRequest(model, data, student=student, **given)
        run = LightRun(
            self.client,
            info,
            request,
            self._lightStore(request),
            _included(data),
            callback=self._tellingOfLight(callback),
            onEvent=onEvent,
        )
        return self._start(run, callback)

    def lightRequest(
        self,
        model: str,
        data: Any = None,
        *,
        student: str = "",
        prune: float | None = None,
        onnx: Any = None,
        int8: bool = False,
        unlabelled: Any = None,
        holdOut: Sequence[str] | None = None,
        name: str | None = None,
        labelMap: Mapping[str, str] | None = None,
        measure: bool = True,
        device: str = "auto",
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> LightRequest:
        """What ``makeLightVersion`` would do, the new models' names in ``names``.

        Example
        -------
        >>> logic.lightRequest("brain-unet-phantom", "/data/ms", student="unet2d-32-64").names
        {'distil': 'brain-unet-phantom-light'}
        """
        from dataclasses import replace

        from .light_request import LightRequest, lightNames

        cases = _included(data)
        collected = data is not None and not isinstance(data, (str, Path))
        if collected:
            holdOut = [case.id for case in cases if case.heldOut]
        request = LightRequest(
            model=model,
            task=models.findModel(model).card.task,
            student=student,
            data="" if collected or not data else str(Path(data).absolute()),
            collected=collected,
            unlabelled=str(Path(unlabelled).absolute()) if unlabelled else "",
            heldOut=None if holdOut is None else list(holdOut),
            keep=prune,
            onnx=str(Path(onnx).absolute()) if onnx else "",
            int8=bool(int8),
            measure=measure,
            device=device,
            labelMap=dict(labelMap or {}),
            options={step: dict(more) for step, more in (options or {}).items()},
        )
        return replace(request, names=lightNames(request, self._takenNames(), name or ""))

    def whyNotLight(self, model: str, data: Any = None, **given: Any) -> str | None:
        """Why a light version cannot be made so, in plain words, apart from the time; ``makeLightVersion``'s arguments.

        Example
        -------
        >>> logic.whyNotLight("l3-cnn4-phantom", "/data/levels.csv", student="unet2d-32-64")
        'l3-cnn4-phantom gives no outlines, which a student learns from; it can be pruned and exported.'
        """
        from TransferSegLib.errors import TransferSegError

        from .adaptation_checks import problemText
        from .light_request import whyNotLight

        if not model:
            return _("Choose a model.")
        try:
            info = models.findModel(model)
        except TransferSegError as error:
            return error.message
        request = self.lightRequest(model, data, **given)
        problem = whyNotLight(info, request, self._takenNames())
        if problem is not None or not request.collected or not request.needsCases:
            return problem
        if request.needsHeldOut and not request.heldOut:
            return _("Pruning and 8 bits need cases that are only scored: mark one as held out in the Adapt tab.")
        return problemText(info, _included(data))

    def lightCases(
        self,
        model: str,
        data: str | Path,
        *,
        holdOut: Sequence[str] | None = None,
        callback: Callable[[LightCases | None, Any], None],
    ) -> None:
        """Look in the background which cases a folder has for a model, and which would be held out.

        Example
        -------
        >>> logic.lightCases("brain-unet-phantom", "/data/ms", callback=lambda cases, error: print(cases.text))
        12 cases of 10 patients; held out: p03, p07.
        """
        from .light_data import lookAt

        card = models.findModel(model).card
        self.client.background(lambda: lookAt(str(data), card, holdOut, needed=False), callback)

    def interruptedLightVersions(self) -> list[LightRequest]:
        """Light versions that were cancelled or cut off; each can be gone on with or discarded.

        Example
        -------
        >>> [request.names for request in logic.interruptedLightVersions()]
        [{'distil': 'brain-unet-phantom-light'}]
        """
        from .light_store import interruptedLight

        return [store.light for store in interruptedLight()]

    def resumeLightVersion(
        self,
        name: str,
        callback: Callable[[LightResult | None, Any], None] | None = None,
        onEvent: Callable[[LightRun, dict], None] | None = None,
    ) -> LightResult | LightRun:
        """Go on with an interrupted light version, named by one of the models that it makes.

        Example
        -------
        >>> logic.resumeLightVersion("brain-unet-phantom-light").made
        'brain-unet-phantom-light'
        """
        from .light_run import LightRun

        store = self._interruptedLight(name)
        request = store.light
        info = models.findModel(request.model)
        told = self._tellingOfLight(callback)
        run = LightRun(self.client, info, request, store, resume=True, callback=told, onEvent=onEvent)
        return self._start(run, callback)

    def discardLightVersion(self, name: str) -> None:
        """Remove what an interrupted light version left half-made; its finished models stay.

        Example
        -------
        >>> logic.discardLightVersion("brain-unet-phantom-light")
        """
        self._interruptedLight(name).giveUp()

    def _interruptedLight(self, name: str) -> Any:
        from .light_store import interruptedLight

        store = next((one for one in interruptedLight() if name in one.light.names.values()), None)
        if store is None:
            raise wording.problem(_("There is no interrupted light version {name}.").format(name=name))
        return store

    def _lightStore(self, request: LightRequest) -> Any:
        from .light_store import LightStore
        from .new_name import proposedName

        first = next(iter(request.names.values()), None) or proposedName(request.model, "onnx", self._takenNames())
        return LightStore(first)

    def _takenNames(self) -> set[str]:
        """Names that models have, or will have when what was interrupted goes on."""
        from .adaptation_store import interrupted

        names = {info.name for info in models.listModels()} | {store.name for store in interrupted()}
        return names.union(*(request.names.values() for request in self.interruptedLightVersions()))

    def _tellingOfLight(self, callback: Any) -> Callable[[Any, Any], None]:
        """A callback that also tells those who list models, of what was finished before an error too."""

        def told(result: Any, error: Any) -> None:
            self.changed.emit()
            if callback is not None:
                callback(result, error)

        return told


def _included(data: Any) -> list[Any]:
    """The cases of a list that are used; none where it is a path."""
    if data is None or isinstance(data, (str, Path)):
        return []
    from .adaptation_checks import included

    return included(data)
