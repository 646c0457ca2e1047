"""Keeping a corrected PET/CT as a training case: copied off the main thread, apart from the queue of runs."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from . import pet_cases, pet_exchange, pet_results, pet_segments, wording
from .folder_cases import nameFor, patientOf
from .grids import NodeGrid
from .pet_units import PetUnit
from .roles import PATIENT, dicomValue, fileName
from .runs import Run


class KeepCaseRun(Run):
    """PET in SUV, CT and lesions of a result as they are outlined now; its result is a ``PetCase``."""

    def __init__(self, client: Any, node: Any, cases: Any, id: str, **options: Any) -> None:
        super().__init__(client, **options)
        petNode = pet_results.petOf(node)
        self._unit = PetUnit(**pet_results.record(node)["unit"])
        self._taken = pet_exchange.takeImages(petNode, pet_results.ctOf(node), self._unit)
        self._drawn = pet_segments.readKinds(node, NodeGrid.of(petNode))
        self._cases, self._id = cases, id.strip() or nameFor(petNode.GetName() or "PET", fileName(petNode))
        self._dicomPatient = dicomValue(petNode, PATIENT)

    def work(self) -> None:
        """Write the copies and the list."""
        if not (self._drawn.kinds == 1).any():
            raise wording.problem(_("There is no lesion to learn from: outline one, or call an uptake a lesion."))
        self.say(wording.copying())
        self.inBackground(self._keep, self._kept)

    def _keep(self) -> pet_cases.PetCase:
        return pet_cases.keep(
            self._taken,
            self._unit,
            self._drawn,
            id=self._id,
            patientOf=lambda name: patientOf(name, self._dicomPatient),
        )

    def _kept(self, case: pet_cases.PetCase) -> None:
        """All that are kept join the list of this scene: those of other scenes are not in it yet."""
        if self._cases.addFolders(str(pet_cases.listFile())) == 0:
            self._cases.changed.emit()  # one that is in the list was written anew
        self.succeed(case)
