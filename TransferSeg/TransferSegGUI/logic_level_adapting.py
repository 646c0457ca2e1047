"""What is learned from corrected levels, for the logic: keeping corrections, adapting models, readings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from . import wording
from .logic_base import Callback, OnEvent
from .logic_level import LevelMethods

if TYPE_CHECKING:
    from .adaptation import AdaptResult, AdaptRun
    from .level_cases import LevelCase, LevelCases
    from .level_results import L3Result
    from .runs import Run


class LevelAdaptingMethods(LevelMethods):
    """Corrections of a level: as training cases, and as a reader's readings."""

    def l3Cases(self) -> LevelCases:
        """The corrected CTs that models can learn from; they are kept in the storage folder, for all scenes.

        Example
        -------
        >>> [case.id for case in logic.l3Cases()]
        ['CT_abdomen']
        """
        if self._levelCases is None:
            from .level_cases import LevelCases

            self._levelCases = LevelCases()
        return self._levelCases

    _levelCases: Any = None

    def addL3Case(self, result: L3Result, *, id: str = "", callback: Callback | None = None) -> LevelCase | Run:
        """Keep a copy of the CT with the slice on which its plane stands; the same CT again replaces its case.

        Example
        -------
        >>> logic.addL3Case(result).slice
        141
        """
        from .exchange import snapshot
        from .level_adapting import AddCaseRun
        from .level_inputs import whyNotCt
        from .level_numbers import worldPoint
        from .level_readings import caseName, patientName

        now = self.l3Results(self._planeOf(result))[0]
        problem = whyNotCt(now.volumeNode)
        if problem is not None:
            raise wording.problem(problem)
        facts = {
            "slice": now.sliceIndex,
            "mm": worldPoint(now.planeNode, now.sliceIndex)[2],
            "level": now.level,
            "id": id or caseName(now.volumeNode),
            "patient": patientName(now.volumeNode),
        }
        run = AddCaseRun(self.client, self.l3Cases(), snapshot(now.volumeNode), facts, callback=callback)
        run.whenClosing = self.shutdown
        run.begin()
        return run if callback is not None else run.wait()

    def cannotAdaptL3(self, modelName: str, cases: Any, name: str) -> str | None:
        """Why adapting a level's model cannot start now, in plain words; None when it can.

        Example
        -------
        >>> logic.cannotAdaptL3("l3-map-phantom", [], "my-l3")
        'Add at least one training case.'
        """
        return self._whyNotNow() or self._whyNotAdaptL3(modelName, cases, name)

    def adaptL3(
        self,
        model: str | None,
        cases: LevelCases | Sequence[LevelCase],
        *,
        name: str,
        strategy: str = "half-lr",
        epochs: int = 0,
        seed: int = 0,
        device: str = "auto",
        queue: bool = True,
        callback: Callable[[AdaptResult | None, Any], None] | None = None,
        onEvent: OnEvent | None = None,
    ) -> AdaptResult | AdaptRun:
        """Adapt a level's model to corrected CTs; held-out ones are scored in mm before and after.

        Example
        -------
        >>> logic.adaptL3("l3-map-phantom", logic.l3Cases(), name="our-l3").verdict
        'better'
        """
        from .adaptation_checks import included
        from .level_adapting import LevelAdaptRun

        info = self._levelModel(model)
        problem = self._whyNotAdaptL3(info.name, cases, name) or (None if queue else self._whyNotNow())
        if problem is not None:
            raise wording.problem(problem)
        request = {"name": name, "model": info.name, "strategy": strategy, "device": device}
        request |= {"epochs": int(epochs), "seed": int(seed), "options": {}}
        told = self._tellingOfModel(callback)
        run = LevelAdaptRun(self.client, info, included(cases), request, callback=told, onEvent=onEvent)
        return self._start(run, callback)

    def saveReading(self, result: L3Result, reader: str, review: int = 1, path: str | Path | None = None) -> Path:
        """Append where the plane stands as a reader's reading to a CSV for ``transferseg readers``; the file.

        Example
        -------
        >>> logic.saveReading(result, "Reader A", review=2).name
        'readings.csv'
        """
        from .level_readings import saveReading

        return saveReading(self.l3Results(self._planeOf(result))[0], reader, review, path)

    def _whyNotAdaptL3(self, modelName: str, cases: Any, name: str) -> str | None:
        from TransferSegLib.errors import TransferSegError

        from .adaptation_checks import included, whyNotName
        from .level_cases import whyNot

        try:
            info = self._levelModel(modelName)
        except TransferSegError as error:
            return error.message
        chosen = included(cases)
        other = next((case.level for case in chosen if case.level != (info.card.level or case.level)), None)
        if other is not None:
            return _("The model finds {own}, the cases are of {other}.").format(own=info.card.level, other=other)
        return whyNot(chosen) or whyNotName(name)
