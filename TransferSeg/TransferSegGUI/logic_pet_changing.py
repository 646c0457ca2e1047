"""PET/CT's part of the logic: results that follow a threshold, a move, an edit or a reference; and taking them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from . import wording
from .logic_base import Callback
from .logic_pet_base import PetBase

if TYPE_CHECKING:
    from .pet_results import TmtvResult
    from .runs import Run


class PetChangingMethods(PetBase):
    """Changes to lesions that were found; the totals follow."""

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

    def undoTmtv(self) -> str | None:
        """Take the newest result back; one that was edited or sorted by hand is hidden and kept.

        Example
        -------
        >>> logic.undoTmtv()
        'PET lesions was removed.'
        """
        from . import pet_results

        return pet_results.undo()
