"""Training cases as files for the worker: images and truths of the scene, truths of folders in the model's values."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from . import wording
from .training_case import FOLDER, SCENE, TrainingCase
from .training_cases import TRUTH, patients

LIST, DESCRIPTION = "cases.csv", "dataset.json"
PET = "pet"
ONLY_LABEL = "lesion"
"""What a mask without names marks; models list it among the aliases of what it is for them."""


class LabelValues:
    """Names to values in truths: the model's own for its labels, free ones for new labels."""

    def __init__(self, labels: Sequence[Any], *, allowNew: bool = True) -> None:
        from TransferSegLib.strategies import fold_name

        self._fold = fold_name
        self._values = {fold_name(label.name): label.value for label in labels}
        self._names = {label.value: label.name for label in labels}
        self._allowNew = allowNew
        self._labels = list(labels)
        self.present: set[int] = set()
        """Values that a truth holds."""
        self.notes: list[str] = []
        """What was assumed."""

    def value(self, name: str) -> int:
        """The value of a label; 0 for one that the model has not and that may not be new."""
        folded = self._fold(name)
        if folded in self._values:
            return self._values[folded]
        if not self._allowNew:
            return 0
        free = next((value for value in range(1, 256) if value not in self._names), 0)
        if not free:
            raise wording.problem(_("There are more than 255 labels; leave some out."))
        self._values[folded], self._names[free] = free, name
        return free

    def matched(self, names: Mapping[int, str], labelMap: Mapping[str, str | None]) -> dict[int, int]:
        """{value in a data set's truth: our value}: as the map says, else by name or alias, else by equal value."""
        from TransferSegLib.strategies import match_labels

        chosen: dict[int, int] = {}
        for value, name in names.items():
            for key in (name, str(value)):
                if key in labelMap:
                    chosen[value] = self.value(labelMap[key]) if labelMap[key] else 0
        rest = {value: name for value, name in names.items() if value not in chosen}
        for value, label in match_labels(rest, self._labels).items():
            name = rest[value]
            chosen[value] = self.value(name) if label is None else label.value
            if label is not None and self._fold(name) not in map(self._fold, (label.name, *label.aliases)):
                text = _("The label {theirs} of the folder was taken as {ours}: same value, other name.")
                self.notes.append(text.format(theirs=name, ours=label.name))
        return chosen

    def note(self, truth: np.ndarray) -> None:
        """Remember which values a truth holds."""
        self.present |= {int(v) for v in np.flatnonzero(np.bincount(truth.reshape(-1), minlength=256)) if v}

    def names(self) -> dict[str, int]:
        """{name: value} of all labels that some truth holds."""
        return {name: value for value, name in self._names.items() if value in self.present}


class CaseExport:
    """Writes cases below a folder, one image at a time so that memory and waiting stay small.

    ``take`` is called on the main thread for each of ``pending`` and gives a function for the background;
    ``writeFolders`` and ``finish`` run in the background after the last one.
    """

    def __init__(self, folder: Path, cases: Sequence[TrainingCase], info: Any, *, allowNew: bool = True) -> None:
        self.folder = folder
        self._cases = list(cases)
        self._reference = info.card.reference
        self._roles = tuple(info.roles)
        self._labels = LabelValues(info.labels, allowNew=allowNew)
        self._patients = patients(self._cases)
        self._rows: dict[str, dict[str, str]] = {case.id: {} for case in self._cases}
        self.notes = self._labels.notes
        self.pending = [(case, part) for case in self._cases if case.kind == SCENE for part in (*self._roles, TRUTH)]

    def take(self, case: TrainingCase, part: str) -> Callable[[], None]:
        """Copy an image, or the truth, of a case out of the scene (main thread)."""
        from TransferSegLib.storage import write_json

        from . import exchange

        image = self._truth(case) if part == TRUTH else exchange.snapshot(case.volumes[part])
        said: dict[str, Any] = {}
        if part == PET:
            image, said = _petInSuv(case.volumes[PET], image)

        def write() -> None:
            place = self.folder / "cases" / case.id
            place.mkdir(parents=True, exist_ok=True)
            exchange.writeImage(image, place / f"{part}.nrrd")
            if said:
                write_json(place / f"{part}.json", said)
            self._rows[case.id][part] = f"cases/{case.id}/{part}.nrrd"
            if part == TRUTH:
                self._labels.note(image.array)

        return write

    def _truth(self, case: TrainingCase) -> Any:
        """The segmentation as a label map in the model's values, on the reference image's grid."""
        from . import exchange, geometry
        from .grids import NodeGrid
        from .truths import labelArray

        values = {segmentId: self._labels.value(label) for segmentId, label in case.segments.items()}
        volume = case.volumes[self._reference]
        kept = {segmentId: value for segmentId, value in values.items() if value}
        array = labelArray(case.segmentationNode, kept, NodeGrid.of(volume))
        return exchange.Snapshot(array, geometry.ijkToLps(geometry.worldIjkToRas(volume)), TRUTH)

    def writeFolders(self) -> None:
        """Bring the truths of folder cases into the model's values; their images are used where they are."""
        cases = [case for case in self._cases if case.kind == FOLDER]
        for folder in dict.fromkeys(case.folder for case in cases):
            group = [case for case in cases if case.folder == folder]
            table = self._labels.matched(_namesOf(group), group[0].labelMap)
            for case in group:
                truth = self._ownTruth(case, table)
                self._rows[case.id] = {**{role: case.images[role] for role in self._roles}, TRUTH: truth}

    def finish(self) -> Path:
        """Write the list and the names of the labels; the list's path.

        What was copied is listed relative to the folder, which the user may move with all that is in it.
        """
        from TransferSegLib.errors import InputError
        from TransferSegLib.storage import write_json, write_text

        if not self._labels.present:
            raise InputError(_("The cases show none of the labels: there is nothing to learn from."))
        text = io.StringIO()
        columns = ["id", "patient", *self._roles, TRUTH]
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        for case in self._cases:
            writer.writerow({"id": case.id, "patient": self._patients[case.id], **self._rows[case.id]})
        write_json(self.folder / DESCRIPTION, {"labels": self._labels.names()})
        write_text(self.folder / LIST, text.getvalue())
        return self.folder / LIST

    def _ownTruth(self, case: TrainingCase, table: Mapping[int, int]) -> str:
        """The truth as the list names it; a copy where its values are not ours."""
        from TransferSegLib.cases import check_truth_values
        from TransferSegLib.imaging import Grid, from_array, read_image, to_array, write_image

        image = read_image(case.truth, what="truth")
        values = to_array(image)
        check_truth_values(values, [*table], Path(case.truth))
        lookup = np.zeros(256, np.uint8)
        for theirs, ours in table.items():
            lookup[theirs] = ours
        truth = lookup[values.astype(np.uint8)]
        self._labels.note(truth)
        if np.array_equal(truth, values):
            return case.truth
        name = f"cases/{case.id}/{TRUTH}.nrrd"
        write_image(from_array(truth, Grid.of(image)), self.folder / name)
        return name


def _petInSuv(volumeNode: Any, image: Any) -> tuple[Any, dict[str, Any]]:
    """The PET in SUV, and what is written beside it to say so."""
    from TransferSegLib.errors import TransferSegError

    from .pet_exchange import inSuv
    from .pet_units import petUnit, sidecar

    try:
        unit = petUnit(volumeNode)
    except TransferSegError as error:
        text = _("{volume}: what makes SUV of it is not known here. Measure it in the tab PET/CT, and keep it there.")
        raise wording.problem(text.format(volume=volumeNode.GetName())) from error
    return inSuv(image, unit.factor), sidecar(unit)


def _namesOf(cases: Sequence[TrainingCase]) -> dict[int, str]:
    """{value: name} of a data set's truths: as it says, else after the values that they hold."""
    from TransferSegLib.cases import truth_values
    from TransferSegLib.errors import InputError
    from TransferSegLib.imaging import read_image

    if cases[0].names:
        return {int(value): name for value, name in cases[0].names.items()}
    values: set[int] = set()
    for case in cases:
        found = truth_values(read_image(case.truth, what="truth"))
        if any(v < 0 or v > 255 for v in found):
            raise InputError(_("{file} is not a label map of whole numbers up to 255.").format(file=case.truth))
        values |= {v for v in found if v}
    if len(values) == 1:
        return dict.fromkeys(values, ONLY_LABEL)
    return {value: f"label_{value}" for value in sorted(values)}
