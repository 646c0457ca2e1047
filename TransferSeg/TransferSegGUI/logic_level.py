"""The levels' part of the logic: finding L3, outlining and measuring its slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from . import models, wording
from .logic_base import Callback, LogicBase, OnEvent

if TYPE_CHECKING:
    from .level_results import L3Result
    from .roles import RoleGuess
    from .runs import Run


class LevelMethods(LogicBase):
    """Vertebral levels in CT: where L3 is, and what is on its slice."""

    def levelModels(self) -> list[Any]:
        """The models that find a level, those that are offered first.

        Example
        -------
        >>> [info.name for info in logic.levelModels()]
        ['l3-map-phantom', 'l3-cnn4-phantom']
        """
        return [info for info in models.listModels() if info.card is not None and info.card.task == models.LEVEL]

    def guessCt(self) -> RoleGuess | None:
        """Which volume of the scene is the CT; None where there is none. Its ``reason`` is a plain sentence.

        Example
        -------
        >>> logic.guessCt().node.GetName()
        'CT abdomen'
        """
        from .level_inputs import guessCt

        return guessCt()

    def missingForL3(self, volumeNode: Any, model: str | None = None) -> str | None:
        """Why L3 cannot be looked for now, in plain words; None when it can.

        Example
        -------
        >>> logic.missingForL3(None)
        'Choose a CT.'
        """
        return self._whyNotNow() or self._whyNotL3(volumeNode, model)

    def findL3(
        self,
        volumeNode: Any,
        *,
        model: str | None = None,
        height: float | None = None,
        device: str = "auto",
        queue: bool = True,
        callback: Callable[[L3Result | None, Any], None] | None = None,
        onEvent: OnEvent | None = None,
    ) -> L3Result | Run:
        """Find L3 in a CT: a labelled plane, the body composition on its slice, and the views there.

        Parameters
        ----------
        volumeNode : the CT
        model : name of a level model; None is the first that is offered
        height : of the patient in metres, for the skeletal muscle index; None where it is not known
        queue, callback, onEvent : as in ``segment``

        Raises
        ------
        TransferSegError
            With ``message`` in plain words. That L3 is not in view, uncertain, or the image no CT is an answer.

        Example
        -------
        >>> result = logic.findL3(ct, height=1.75)
        >>> result.answer, result.sliceIndex, round(result.areasCm2["skeletal_muscle"], 1)
        ('found', 141, 128.4)
        """
        from .level_finding import FindRun, takeCt

        problem = self._whyNotL3(volumeNode, model) or (None if queue else self._whyNotNow())
        if problem is not None:
            raise wording.problem(problem)
        info = self._levelModel(model)
        taken = takeCt(volumeNode)
        run = FindRun(self.client, info, taken, height or None, device, callback=callback, onEvent=onEvent)
        return self._start(run, callback)

    def markL3(self, volumeNode: Any, sliceIndex: int | None = None, *, level: str = "L3") -> L3Result:
        """Put the plane of a level on a slice by hand; None is the slice that the views show.

        Example
        -------
        >>> logic.markL3(ct, 140).answer
        'given'
        """
        from .level_finding import markByHand
        from .level_inputs import shownSlice, whyNotCt

        problem = whyNotCt(volumeNode)
        if problem is not None:
            raise wording.problem(problem)
        return markByHand(volumeNode, shownSlice(volumeNode) if sliceIndex is None else int(sliceIndex), level)

    def measureL3(
        self,
        result: L3Result,
        sliceIndex: int | None = None,
        *,
        height: float | None = None,
        queue: bool = True,
        callback: Callback | None = None,
        onEvent: OnEvent | None = None,
    ) -> L3Result | Run:
        """Outline and measure another slice; None is the one to which the plane was dragged.

        Example
        -------
        >>> logic.measureL3(result, 143).measuredIndex
        143
        """
        from .level_finding import MeasureRun, takeCt

        plane = self._planeOf(result)
        now = self.l3Results(plane)[0]
        problem = self._whyNotL3(now.volumeNode, None) or (None if queue else self._whyNotNow())
        if problem is not None:
            raise wording.problem(problem)
        index = now.sliceIndex if sliceIndex is None else int(sliceIndex)
        taken = takeCt(now.volumeNode)
        info = self._modelOfLevel(now.level)
        run = MeasureRun(self.client, info, plane, index, taken, height or None, callback=callback, onEvent=onEvent)
        return self._start(run, callback)

    def l3Results(self, planeNode: Any = None) -> list[L3Result]:
        """All levels that the scene holds, newest first, as they are now; or that of one plane node.

        Example
        -------
        >>> [(found.volumeName, found.sliceIndex) for found in logic.l3Results()]
        [('CT abdomen', 141)]
        """
        from . import level_results

        chosen = [planeNode] if planeNode is not None else reversed(level_results.planes())
        return [level_results.resultOf(plane) for plane in chosen]

    def l3Numbers(self, result: L3Result, height: float | None = None) -> dict[str, Any] | None:
        """Measure the outlines as they are now; None where nothing is outlined.

        Example
        -------
        >>> logic.l3Numbers(result, height=1.75)["skeletal_muscle_index"]
        41.9
        """
        from .level_numbers import update

        return update(self._planeOf(result), height)

    def confirmL3(self, result: L3Result, checked: bool = True) -> None:
        """Note that a reader looked at slice and outlines; an edit takes it back.

        Example
        -------
        >>> logic.confirmL3(result)
        """
        from .level_numbers import confirm

        confirm(self._planeOf(result), checked)

    def l3Csv(self, results: Sequence[L3Result] | None = None) -> str:
        """The numbers as CSV, one line a CT (all of the scene by default).

        Example
        -------
        >>> logic.l3Csv().splitlines()[0][:21]
        'ct,level,slice,mm,ske'
        """
        from . import level_results
        from .level_numbers import csvText

        chosen = level_results.planes() if results is None else [self._planeOf(result) for result in results]
        return csvText([plane for plane in chosen if level_results.record(plane).get("numbers")])

    def undoL3(self) -> str | None:
        """Take the newest level back with its outlines; what a reader confirmed is hidden and kept.

        Example
        -------
        >>> logic.undoL3()
        'L3 of CT abdomen was removed.'
        """
        from . import level_results

        return level_results.undo()

    def _levelModel(self, name: str | None) -> Any:
        """A level's model by name, or the first that can be used."""
        if name:
            info = models.findModel(name)
            if info.card.task != models.LEVEL:
                raise wording.problem(_("{name} finds no level; choose another model.").format(name=name))
            return info
        usable = [info for info in self.levelModels() if info.available]
        if not usable:
            raise wording.problem(
                _("No model that finds a vertebral level is installed. Import one in the Models tab.")
            )
        return usable[0]

    def _modelOfLevel(self, level: str) -> Any:
        """A model of the plane's level, as what is measured depends on it; any other where there is none."""
        usable = [info for info in self.levelModels() if info.available and models.levelOf(info) == level]
        return usable[0] if usable else self._levelModel(None)

    def _whyNotL3(self, volumeNode: Any, model: str | None) -> str | None:
        from TransferSegLib.errors import TransferSegError

        from .level_inputs import whyNotCt

        try:
            self._levelModel(model)
        except TransferSegError as error:
            return error.message
        return whyNotCt(volumeNode)

    def _planeOf(self, result: Any) -> Any:
        """The plane node of a result, or of a node itself, while it is in the scene."""
        from . import level_results

        plane = getattr(result, "planeNode", result)
        if plane is None or not slicer.mrmlScene.IsNodePresent(plane) or plane not in level_results.planes():
            raise wording.problem(_("There is no plane: find the level, or set it by hand, first."))
        if level_results.volumeOf(plane) is None:
            raise wording.problem(_("The CT of this plane is no longer in the scene."))
        return plane
