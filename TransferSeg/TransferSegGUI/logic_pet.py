"""PET/CT's part of the logic: SUV, lesions, totals that follow, the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from . import models, wording
from .logic_base import Callback, OnEvent
from .logic_pet_base import PetBase, keyOf

if TYPE_CHECKING:
    from .pet_results import TmtvResult
    from .pet_units import PetUnit
    from .roles import RoleGuess
    from .runs import Run


class PetMethods(PetBase):
    """Lesions in PET/CT: TMTV, TLG, Dmax, physiological uptake, the report."""

    def petModels(self) -> list[Any]:
        """The models that find lesions in PET/CT, those that are offered first.

        Example
        -------
        >>> all("pet" in info.roles for info in logic.petModels())
        True
        """
        return [info for info in models.listModels() if models.isPet(info) and info.available]

    def guessPetCt(self) -> dict[str, RoleGuess]:
        """Which volumes of the scene are PET and CT; the ``reason`` of a doubtful one is a plain sentence.

        Example
        -------
        >>> logic.guessPetCt()["pet"].node.GetName()
        'PET'
        """
        from .pet_inputs import guessPetCt

        return guessPetCt()

    def petUnit(self, petNode: Any, unit: str | None = None, byHand: Mapping[str, Any] | None = None) -> PetUnit:
        """What the PET's values are and what makes SUV of them, by the node, by DICOM, or by the user.

        Parameters
        ----------
        unit : ``suv`` or ``bqml``, for a node that does not tell it
        byHand : ``weight_kg dose_mbq injected acquired half_life_s height_m sex``, recorded as entered by hand

        Raises
        ------
        TransferSegError
            Unknown unit, or what is missing for SUV.

        Example
        -------
        >>> logic.petUnit(pet).unit
        'suv'
        """
        from .pet_units import petUnit

        return petUnit(petNode, unit, byHand)

    def missingForTmtv(
        self,
        petNode: Any,
        ctNode: Any = None,
        *,
        model: str | None = None,
        unit: str | None = None,
        byHand: Mapping[str, Any] | None = None,
    ) -> str | None:
        """Why a TMTV cannot be measured now, in plain words; None when it can.

        Example
        -------
        >>> logic.missingForTmtv(None)
        'Choose a PET.'
        """
        return self._whyNotNow() or self._whyNotTmtv(petNode, ctNode, model, unit, byHand)

    def measureTmtv(
        self,
        petNode: Any,
        ctNode: Any = None,
        *,
        rule: str | None = "4.0",
        model: str | None = None,
        unit: str | None = None,
        byHand: Mapping[str, Any] | None = None,
        physiological: bool = True,
        truth: Any = None,
        device: str = "auto",
        queue: bool = True,
        callback: Callback | None = None,
        onEvent: OnEvent | None = None,
    ) -> TmtvResult | Run:
        """Find and measure the lesions of a PET; they become a segmentation node, an earlier one is hidden and kept.

        Parameters
        ----------
        petNode, ctNode : volumes, each on its own grid; the CT helps to tell organs, and most models need it
        rule : an SUV (``4.0``), a share of each lesion's SUVmax (``41%``), or None for a model's mask as it is
        model : name of a PET/CT model; None is the threshold alone
        unit, byHand : as in ``petUnit``
        physiological : tell brain, bladder, kidneys and heart apart by rule
        truth : a segmentation node to compare with
        queue, callback, onEvent : as in ``segment``

        Raises
        ------
        TransferSegError
            With ``message`` in plain words; a PET of unknown unit never gives a TMTV.

        Example
        -------
        >>> result = logic.measureTmtv(pet, ct)
        >>> result.tmtvMl, result.count
        (2.58, 3)
        """
        from .pet_runs import FindRun, Wanted

        problem = self._whyNotTmtv(petNode, ctNode, model, unit, byHand) or (None if queue else self._whyNotNow())
        if problem is not None:
            raise wording.problem(problem)
        if rule is None and not model:
            raise wording.problem(_("Give a threshold, or choose a model."))
        info = models.findModel(model) if model else None
        wanted = Wanted(rule, info, self.petUnit(petNode, unit, byHand), physiological, device)
        run = FindRun(
            self.client, petNode, ctNode, wanted, self._truthArray(truth, petNode), self._keepLive,
            callback=self._asResult(callback, truth), onEvent=onEvent,
        )  # fmt: skip
        return self._finished(self._start(run, callback), callback, truth)

    def tmtvResults(self, segmentationNode: Any = None) -> list[TmtvResult]:
        """All results that the scene holds, newest first, or that of one segmentation node.

        Example
        -------
        >>> [found.petName for found in logic.tmtvResults()]
        ['PET']
        """
        from . import pet_results

        chosen = [segmentationNode] if segmentationNode is not None else reversed(pet_results.results())
        return [pet_results.resultOf(node) for node in chosen]

    def setTmtvThreshold(
        self, result: TmtvResult, rule: str | None, *, callback: Callback | None = None
    ) -> TmtvResult | Run:
        """Measure with another threshold; moves between lesion and physiological are kept.

        Example
        -------
        >>> logic.setTmtvThreshold(result, "2.5").rule
        '2.5'
        """
        from . import pet_results

        node = self._lesionsOf(result)
        kept = pet_results.record(node)
        if kept["edited"]:
            text = _("The outlines were edited by hand. Measure again for another threshold; this result is kept.")
            raise wording.problem(text)
        if rule is None and not kept["method"]:
            raise wording.problem(_("Only a model's mask can be taken as it is; give a threshold."))
        return self._measureAgain(node, rule, kept["moves"], None, callback)

    def moveUptake(self, result: TmtvResult, number: int, to: str, *, callback: Callback | None = None) -> Any:
        """Make an uptake a ``lesion``, ``physiological``, or an organ's; the totals follow.

        Example
        -------
        >>> logic.moveUptake(result, 1, "bladder").count
        2
        """
        from TransferSegLib.jobs.tmtv_uptake import organ_of

        from . import pet_results, pet_segments
        from .grids import NodeGrid

        node = self._lesionsOf(result)
        kept = pet_results.record(node)
        lesion = next((one for one in kept["lesions"] if one["number"] == number), None)
        if lesion is None:
            raise wording.problem(_("There is no uptake {n}.").format(n=number))
        if not kept["edited"]:
            moves = [one for one in kept["moves"] if one["voxel"] != lesion["voxel"]]
            moves.append({"voxel": lesion["voxel"], "to": organ_of(to) or "lesion"})
            return self._measureAgain(node, kept["rule"], moves, None, callback)
        drawn = pet_segments.readKinds(node, NodeGrid.of(pet_results.petOf(node)))
        drawn = pet_segments.withKind(drawn, lesion["voxel"], organ_of(to))
        return self._measureAgain(node, None, kept["moves"], drawn, callback, rewrite=True)

    def updateTmtv(
        self, result: TmtvResult, *, renumber: bool = False, callback: Callback | None = None
    ) -> TmtvResult | Run:
        """Measure the outlines as they are now, after an edit; ``renumber``: also write the segments anew.

        Example
        -------
        >>> logic.updateTmtv(result).edited
        False
        """
        from . import pet_results, pet_segments
        from .grids import NodeGrid

        node = self._lesionsOf(result)
        kept = pet_results.record(node)
        drawn = pet_segments.readKinds(node, NodeGrid.of(pet_results.petOf(node)))
        if pet_segments.markOf(drawn) == kept["mark"] and not kept["edited"]:
            return self._measureAgain(node, kept["rule"], kept["moves"], None, callback)
        return self._measureAgain(node, None, kept["moves"], drawn, callback, rewrite=renumber)

    def isTmtvEdited(self, result: TmtvResult) -> bool:
        """Whether the outlines are others than those that were measured last.

        Example
        -------
        >>> logic.isTmtvEdited(result)
        False
        """
        from . import pet_results, pet_segments
        from .grids import NodeGrid

        node = self._lesionsOf(result)
        drawn = pet_segments.readKinds(node, NodeGrid.of(pet_results.petOf(node)))
        return pet_segments.markOf(drawn) != pet_results.record(node)["mark"]

    def compareTmtv(self, result: TmtvResult, truth: Any, *, callback: Callback | None = None) -> TmtvResult | Run:
        """Compare with a reference segmentation, or with none any more (None).

        Example
        -------
        >>> logic.compareTmtv(result, result.segmentationNode).errors["dice"]
        1.0
        """
        from . import pet_results

        node = self._lesionsOf(result)
        node.SetNodeReferenceID(pet_results.TRUTH, truth.GetID() if truth is not None else None)
        return self.updateTmtv(result, callback=callback)

    def exportTmtv(
        self,
        result: TmtvResult,
        folder: str | Path,
        *,
        language: str = "en",
        callback: Callback | None = None,
        onEvent: OnEvent | None = None,
    ) -> dict[str, Any] | Run:
        """Write the report (text, page, PDF, label maps, table) of a result as it is now into a folder.

        Example
        -------
        >>> sorted(logic.exportTmtv(result, folder)["files"])[:3]
        ['json', 'lesions', 'page']
        """
        from . import pet_results, pet_segments
        from .grids import NodeGrid
        from .pet_runs import ExportRun

        node = self._lesionsOf(result)
        petNode = pet_results.petOf(node)
        edited = pet_results.record(node)["edited"]
        drawn = pet_segments.readKinds(node, NodeGrid.of(petNode)) if edited else None
        truth = self._truthArray(node.GetNodeReference(pet_results.TRUTH), petNode)
        run = ExportRun(
            self.client, node, Path(folder), language, drawn, truth, callback=callback, onEvent=onEvent
        )  # fmt: skip
        return self._start(run, callback)

    def undoTmtv(self) -> str | None:
        """Take the newest result back; one that was edited or sorted by hand is hidden and kept.

        Example
        -------
        >>> logic.undoTmtv()
        'PET lesions was removed.'
        """
        from . import pet_results

        return pet_results.undo()

    def jumpToUptake(self, result: TmtvResult, number: int) -> None:
        """Centre all slice views on the hottest voxel of an uptake.

        Example
        -------
        >>> logic.jumpToUptake(result, 1)
        """
        from . import pet_display, pet_results

        node = self._lesionsOf(result)
        lesion = next((one for one in pet_results.record(node)["lesions"] if one["number"] == number), None)
        if lesion is None:
            raise wording.problem(_("There is no uptake {n}.").format(n=number))
        pet_display.jump(pet_results.positionOf(node, lesion))

    def tmtvPicture(self, result: TmtvResult) -> Any:
        """The projection from the front (``rgb``, ``marks``), or None where it was not made in this session.

        Example
        -------
        >>> logic.tmtvPicture(result).rgb.shape[2]
        3
        """
        node = getattr(result, "segmentationNode", result)
        kept = self._petLive.get("measured") if self._petLive.get("node") == keyOf(node) else None
        return None if kept is None else kept.picture
