"""PET/CT's part of the logic: which images they are, SUV, finding lesions, results and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
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
    """Lesions in PET/CT: TMTV, TLG, Dmax, physiological uptake."""

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
