"""The adapting part of the logic: training cases, strategies, adapting, what was interrupted, evaluating."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from . import history, models, wording
from .logic_base import Callback, LogicBase
from .roles import RoleGuess, guessRoles, inputVolumes, isInput

if TYPE_CHECKING:
    from .adaptation import AdaptResult, AdaptRun, Interrupted
    from .runs import Run
    from .training_cases import TrainingCase, TrainingCases


class AdaptingMethods(LogicBase):
    """Adapting a model to a few corrected cases, and saying truthfully whether it helped."""

    def trainingCases(self, parameterNode: Any = None) -> TrainingCases:
        """The training cases that are kept with the scene (``parameterNode``: the module's own by default).

        Example
        -------
        >>> cases = logic.trainingCases()
        >>> cases.addFromScene({"flair": f, "t1": t, "t1gd": g, "t2": u}, segmentation, {"oedema": "oedema"}, "p07")
        >>> cases.addFolders("/data/ms")
        2
        """
        from .training_cases import TrainingCases

        node = self.getParameterNode() if parameterNode is None else parameterNode
        node = getattr(node, "parameterNode", node)
        if self._cases is None or self._cases.node is not node:
            self._cases = TrainingCases(node)
        return self._cases

    def strategies(self, modelName: str | None = None) -> list[tuple[str, str]]:
        """The ways to adapt a model: [(name, sentence)].

        Example
        -------
        >>> logic.strategies()[1][0]
        'half-lr'
        """
        from TransferSegLib.strategies import strategy

        names = models.strategiesFor(modelName)
        return [(name, wording.strategySentence(name) or strategy(name).sentence) for name in names]

    def curricula(self) -> list[tuple[str, str]]:
        """The orders in which a training can meet its cases: [(name, sentence)], plain order (``none``) first.

        Example
        -------
        >>> logic.curricula()[1][0]
        'transfer-teacher'
        """
        from .curricula import curricula

        return curricula()

    def groups(self, modelName: str, strategy: str, onDone: Callback) -> Run:
        """What a strategy trains of a model, with a drawing of its blocks; ``onDone(value, error)`` gets
        ``{"trainable", "total", "picture" (PNG path), "blocks"}``.

        Example
        -------
        >>> logic.groups("brain-unet-phantom", "freeze-encoder", lambda value, error: print(value["trainable"]))
        """
        from .exchange import ExchangeFolder

        folder = ExchangeFolder()
        self._pictures.append(folder)  # they are shown until Slicer ends
        info = models.findModel(modelName)
        picture = str(folder.file("groups.png"))
        args = {"action": "groups", "name": str(info.folder), "strategy": strategy, "picture": picture}
        return self._ask("models", args, lambda value: value, onDone)

    def cannotAdapt(self, modelName: str, cases: Any, name: str) -> str | None:
        """Why adapting cannot start now, in plain words; None when it can.

        Example
        -------
        >>> logic.cannotAdapt("brain-unet-phantom", logic.trainingCases(), "my-model")
        'Add at least one training case.'
        """
        return self._whyNotNow() or self._whyNotAdapt(modelName, cases, name)

    def adapt(
        self,
        model: str,
        cases: TrainingCases | Sequence[TrainingCase],
        *,
        name: str,
        strategy: str = "half-lr",
        curriculum: str = "none",
        epochs: int = 0,
        seed: int = 0,
        device: str = "auto",
        options: Mapping[str, Any] | None = None,
        queue: bool = True,
        resume: bool = False,
        callback: Callable[[AdaptResult | None, Any], None] | None = None,
        onEvent: Callable[[AdaptRun, dict], None] | None = None,
    ) -> AdaptResult | AdaptRun:
        """Adapt a model to training cases and score the held-out ones before and after.

        Parameters
        ----------
        model : name of the model to start from
        cases : those of ``trainingCases()``, or a list of them
        name : of the new model (letters, digits, ``-`` and ``_``)
        curriculum : one of ``curricula()``; where nothing was learned before (strategy ``scratch``) the lesions'
            volume says which cases are easy, as there is no model that could
        epochs : 0 is the network's default
        options : further ones of ``transferseg finetune``, for example ``{"patch": 64, "batch": 1}``
        resume : go on with an interrupted adaptation of that name (then the other arguments are its own)
        callback, onEvent, queue : as in ``segment``

        Example
        -------
        >>> cases = logic.trainingCases()
        >>> result = logic.adapt("brain-unet-phantom", cases, name="ms-model", strategy="freeze-encoder")
        >>> result.verdict, result.message
        ('better', 'better on 2 of 3 held-out cases: mean Dice 0.61 → 0.74')
        """
        from .adaptation import AdaptRun
        from .adaptation_checks import included
        from .curricula import curriculumOptions

        if resume:
            return self.resumeAdaptation(name, callback, onEvent)
        problem = self._whyNotAdapt(model, cases, name) or (None if queue else self._whyNotNow())
        if problem is not None:
            raise wording.problem(problem)
        info = models.findModel(model)
        request = {"name": name, "model": model, "strategy": strategy, "device": device}
        request |= {"epochs": int(epochs), "seed": int(seed)}
        request["options"] = curriculumOptions(curriculum, strategy) | dict(options or {})
        told = self._tellingOfModel(callback)
        run = AdaptRun(self.client, info, included(cases), request, callback=told, onEvent=onEvent)
        return self._start(run, callback)

    def interruptedAdaptations(self) -> list[Interrupted]:
        """Adaptations that Slicer's end or a crash interrupted; each can be resumed or discarded.

        Example
        -------
        >>> [(found.name, found.epochsDone) for found in logic.interruptedAdaptations()]
        [('ms-model', 12)]
        """
        from .adaptation_store import interrupted

        return [store.describe() for store in interrupted()]

    def resumeAdaptation(
        self,
        name: str,
        callback: Callable[[AdaptResult | None, Any], None] | None = None,
        onEvent: Callable[[AdaptRun, dict], None] | None = None,
    ) -> AdaptResult | AdaptRun:
        """Go on with an interrupted adaptation from its last checkpoint.

        Example
        -------
        >>> logic.resumeAdaptation("ms-model").verdict
        'better'
        """
        from .adaptation import AdaptRun
        from .adaptation_store import interrupted

        store = next((store for store in interrupted() if store.name == name), None)
        if store is None:
            raise wording.problem(_("There is no interrupted adaptation {name}.").format(name=name))
        told = self._tellingOfModel(callback)
        run = AdaptRun(self.client, None, [], {"name": name}, resume=True, callback=told, onEvent=onEvent)
        return self._start(run, callback)

    def discardAdaptation(self, name: str) -> None:
        """Remove what an interrupted adaptation left; the user's own cases are not touched.

        Example
        -------
        >>> logic.discardAdaptation("ms-model")
        """
        from .adaptation_store import interrupted

        for store in interrupted():
            if store.name == name:
                store.discard()

    def evaluate(
        self,
        model: str,
        cases: TrainingCases | Sequence[TrainingCase],
        *,
        device: str = "auto",
        callback: Callback | None = None,
        onEvent: Callable[[Run, dict], None] | None = None,
    ) -> dict | Run:
        """Segment cases and compare with their truth: ``{"cases": [{"id", "dice", ...}], "mean": {...}}``.

        Example
        -------
        >>> logic.evaluate("brain-unet-phantom", logic.trainingCases())["mean"]["dice"]
        0.61
        """
        from .adaptation import EvaluateRun
        from .adaptation_checks import included, problemText

        info = models.findModel(model)
        chosen = included(cases)
        problem = problemText(info, chosen, training=False)
        if problem is not None:
            raise wording.problem(problem)
        run = EvaluateRun(self.client, info, chosen, device, callback=callback, onEvent=onEvent)
        return self._start(run, callback)

    def imagesOf(self, segmentationNode: Any, modelName: str) -> dict[str, RoleGuess]:
        """The images that a segmentation belongs to: those it was made from, else guessed as ``guessRoles`` does.

        Example
        -------
        >>> logic.imagesOf(result.segmentationNode, "brain-unet-phantom")["flair"].node.GetName()
        'FLAIR'
        """
        info = models.findModel(modelName)
        own = history.inputsOf(segmentationNode)
        reference = segmentationNode.GetNodeReference(segmentationNode.GetReferenceImageGeometryReferenceRole())
        if not own and isInput(reference):
            own = {info.card.reference: reference}
        found = {role: RoleGuess(own[role]) for role in info.roles if role in own}
        rest = [role for role in info.roles if role not in found]
        others = [node for node in inputVolumes() if node not in [guess.node for guess in found.values()]]
        return found | (guessRoles(rest, others) if rest else {})

    @property
    def adaptRun(self) -> AdaptRun | None:
        """The adaptation that is going on, or None."""
        from .adaptation import AdaptRun

        return self.running if isinstance(self.running, AdaptRun) else None

    def _whyNotAdapt(self, modelName: str, cases: Any, name: str) -> str | None:
        """What is lacking for an adaptation, apart from the time."""
        from TransferSegLib.errors import TransferSegError

        from .adaptation_checks import included, problemText, whyNotName

        if not modelName:
            return _("Choose a model to start from.")
        try:
            info = models.findModel(modelName)
        except TransferSegError as error:
            return error.message
        return models.whyNotHere(info) or problemText(info, included(cases)) or whyNotName(name)

    def _isTrainedOn(self, node: Any) -> bool:
        """Whether a training case of the scene needs the node."""
        known = self._cases is not None and slicer.mrmlScene.IsNodePresent(self._cases.node)
        cases = self._cases if known else self.trainingCases() if hasattr(self, "getParameterNode") else None
        return cases is not None and cases.uses(node)
