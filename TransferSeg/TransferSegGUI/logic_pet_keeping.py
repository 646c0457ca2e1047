"""PET/CT's part of the logic: what is kept of a result outside the scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .logic_base import Callback, OnEvent
from .logic_pet_base import PetBase

if TYPE_CHECKING:
    from .pet_results import TmtvResult
    from .runs import Run


class PetKeepingMethods(PetBase):
    """The report."""

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
