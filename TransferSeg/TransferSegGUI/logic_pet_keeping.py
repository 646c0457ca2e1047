"""PET/CT's part of the logic: what is kept of a result outside the scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from . import wording
from .logic_base import Callback, OnEvent
from .logic_pet_base import PetBase

if TYPE_CHECKING:
    from .pet_cases import PetCase
    from .pet_results import TmtvResult
    from .runs import Run
    from .training_cases import TrainingCases


class PetKeepingMethods(PetBase):
    """The report, and corrected lesions as training cases."""

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

        Written again it is replaced; a report of another PET of the same name stays, this one is numbered then
        (``beside`` is that name, else empty).

        Example
        -------
        >>> sorted(logic.exportTmtv(result, folder)["files"])[:3]
        ['json', 'lesions', 'page']
        """
        from . import pet_results, pet_segments
        from .grids import NodeGrid
        from .pet_report_run import ExportRun

        node = self._lesionsOf(result)
        petNode = pet_results.petOf(node)
        edited = pet_results.record(node)["edited"]
        drawn = pet_segments.readKinds(node, NodeGrid.of(petNode)) if edited else None
        truth = self._truthArray(node.GetNodeReference(pet_results.TRUTH), petNode)
        run = ExportRun(
            self.client, node, Path(folder), language, drawn, truth, callback=callback, onEvent=onEvent
        )  # fmt: skip
        return self._start(run, callback)

    def missingForTmtvCase(self, result: TmtvResult | None) -> str | None:
        """Why a result cannot become a training case, in plain words; None when it can.

        Example
        -------
        >>> logic.missingForTmtvCase(None)
        'There are no lesions: measure the TMTV first.'
        """
        from TransferSegLib.errors import TransferSegError

        from . import pet_results

        try:
            node = self._lesionsOf(result)
        except TransferSegError as error:
            return error.message
        if pet_results.ctOf(node) is None:
            return _("PET/CT models learn from the CT too: choose it and measure again.")
        if not pet_results.record(node).get("count"):
            return _("There is no lesion to learn from: outline one, or call an uptake a lesion.")
        return None

    def addTmtvCase(
        self,
        result: TmtvResult,
        *,
        id: str = "",
        cases: TrainingCases | None = None,
        callback: Callback | None = None,
    ) -> PetCase | Run:
        """Keep PET (in SUV), CT and the lesions as they are outlined now as a training case for PET/CT models.

        The copies lie in the storage folder with a list for ``transferseg finetune --data``; all that are kept join
        the list of the Adapt panel. Physiological uptake is left out: it is background. The same PET again replaces
        its case.

        Parameters
        ----------
        id : name of the case; by default the PET's, or that of its folder
        cases : the list to add it to; that of the scene by default

        Example
        -------
        >>> logic.addTmtvCase(result).lesionMl
        2.58
        """
        from .pet_case_run import KeepCaseRun

        problem = self.missingForTmtvCase(result)
        if problem is not None:
            raise wording.problem(problem)
        known = self.trainingCases() if cases is None else cases
        run = KeepCaseRun(self.client, self._lesionsOf(result), known, id, callback=callback)
        run.whenClosing = self.shutdown
        run.begin()
        return run if callback is not None else run.wait()
