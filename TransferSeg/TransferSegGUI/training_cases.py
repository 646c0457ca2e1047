"""The training cases of the Adapt panel: from the scene and from folders, kept with the scene."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from slicer.i18n import tr as _

from . import folder_cases, wording
from .roles import PATIENT, dicomValue, fileName
from .signals import Signal
from .training_case import SCENE, TrainingCase
from .truths import segmentIdOf

__all__ = ["TrainingCase", "TrainingCases"]

# Names in the parameter node; scenes hold them: do not rename.
PARAMETER, REFERENCE = "TransferSeg.TrainingCases", "TransferSegCase"
TRUTH = "truth"


class TrainingCases:
    """A list of cases that lives in a parameter node; ``changed`` (a Signal) is emitted after every change.

    Parameters
    ----------
    parameterNode : vtkMRMLScriptedModuleNode, or a wrapper of one
    """

    def __init__(self, parameterNode: Any) -> None:
        self.node = getattr(parameterNode, "parameterNode", parameterNode)
        self.changed = Signal()

    def __len__(self) -> int:
        return len(self._read())

    def __iter__(self) -> Iterator[TrainingCase]:
        return iter(self.list)

    def __getitem__(self, index: int) -> TrainingCase:
        return self.list[index]

    @property
    def list(self) -> list[TrainingCase]:
        """All cases in order, their problems looked at now."""
        return [case.look() for case in self._read()]

    def addFromScene(
        self, volumes: Mapping[str, Any], segmentationNode: Any, labelMap: Mapping[str, str | None], id: str = ""
    ) -> TrainingCase:
        """Add volumes and a corrected segmentation.

        Parameters
        ----------
        volumes : {role: volume node}
        labelMap : {segment name: the model's label, a new label's name, or None to leave it out}
        id : name of the case; by default that of the first volume

        The same segmentation added again replaces its case.
        """
        segments = {}
        for name, label in labelMap.items():
            segmentId = segmentIdOf(segmentationNode, name)
            if segmentId is None:
                text = _("{segmentation} has no segment {name}.")
                raise wording.problem(text.format(segmentation=segmentationNode.GetName(), name=name))
            if label:
                segments[segmentId] = label
        if not segments or not volumes:
            raise wording.problem(_("Choose the images, and a label for at least one segment."))
        cases = self._read()
        same = [case for case in cases if case.segmentationNode is segmentationNode]
        others = [case for case in cases if case not in same]
        first = next(iter(volumes.values()))
        wanted = id.strip() or (same[0].id if same else folder_cases.nameFor(first.GetName(), fileName(first)))
        free = folder_cases.freeId(wanted, [case.id for case in others])
        # A name that the user gave twice means one patient; one that we made up means nothing.
        patient = folder_cases.patientOf(id.strip() or free, dicomValue(first, PATIENT))
        case = TrainingCase(
            id=free,
            patient=patient,
            kind=SCENE,
            key=same[0].key if same else os.urandom(4).hex(),
            included=True,
            heldOut=same[0].heldOut if same else False,
            volumes=dict(volumes),
            segmentationNode=segmentationNode,
            segments=segments,
            leftOut=[n for n in segmentationNode.GetSegmentation().GetSegmentIDs() if n not in segments],
        )
        place = cases.index(same[0]) if same else len(others)
        self._write([*others[:place], case, *others[place:]])
        return self[place]

    def addFolders(self, path: str, labelMap: Mapping[str, str | None] | None = None, modelName: str = "") -> int:
        """Add the cases of a folder on disk (case folders, nnU-Net, BraTS, or a list); how many were added.

        ``labelMap`` is {the data set's label (name or value): the model's label, a new name, or None}; what it
        does not say is matched by name. Cases that are in the list already are not added again.
        """
        cases = self._read()
        added = folder_cases.openFolder(path, cases, dict(labelMap or {}), modelName)
        if added:
            self._write([*cases, *added])
        return len(added)

    def setIncluded(self, index: int, included: bool) -> None:
        """Use the case or leave it out."""
        cases = self._read()
        cases[index].included = bool(included)
        self._write(cases)

    def setHeldOut(self, index: int, heldOut: bool) -> str | None:
        """Keep the case for scoring only, or train on it; the same for all cases of its patient.

        Returns a sentence where other cases went along, else None: who is scored must not have been learned from.
        """
        cases = self._read()
        owners = patients(cases)
        mates = [case for case in cases if owners[case.id] == owners[cases[index].id] and case is not cases[index]]
        moved = [case.id for case in mates if case.heldOut != bool(heldOut)]
        for case in (cases[index], *mates):
            case.heldOut = bool(heldOut)
        self._write(cases)
        if not moved:
            return None
        text = _("The same patient, so held out too: {cases}.") if heldOut else _("The same patient, so also: {cases}.")
        return text.format(cases=", ".join(moved))

    def remove(self, index: int) -> None:
        """Take the case off the list; nodes and files stay."""
        cases = self._read()
        del cases[index]
        self._write(cases)

    def uses(self, node: Any) -> bool:
        """Whether a case needs this node."""
        return any(node in (case.segmentationNode, *case.volumes.values()) for case in self._read())

    def _read(self) -> list[TrainingCase]:
        """The cases as the node holds them, their nodes resolved."""
        try:
            stored = json.loads(self.node.GetParameter(PARAMETER) or "[]")
            cases = [TrainingCase.fromJson(data) for data in stored]
        except (ValueError, TypeError):
            return []  # written by another version: nothing that could be used
        for case in cases:
            if case.kind == SCENE:
                case.volumes = {role: self.node.GetNodeReference(_role(case, role)) for role in case.volumes}
                case.segmentationNode = self.node.GetNodeReference(_role(case, TRUTH))
        return cases

    def _write(self, cases: list[TrainingCase]) -> None:
        wanted = {}
        for case in cases:
            if case.kind == SCENE:
                nodes = {**case.volumes, TRUTH: case.segmentationNode}
                wanted |= {_role(case, role): node for role, node in nodes.items() if node is not None}
        there: list[str] = []
        self.node.GetNodeReferenceRoles(there)
        kept = {_role(case, role) for case in cases if case.kind == SCENE for role in (*case.volumes, TRUTH)}
        for role in there:
            if role.startswith(f"{REFERENCE}.") and role not in kept:
                self.node.RemoveNodeReferenceIDs(role)
        for role, node in wanted.items():
            self.node.SetNodeReferenceID(role, node.GetID())
        self.node.SetParameter(PARAMETER, json.dumps([case.toJson() for case in cases]))
        self.changed.emit()


def patients(cases: list[TrainingCase]) -> dict[str, str]:
    """{case id: patient}, the same text for all cases of one patient.

    Cases are of one patient by name or DICOM, or because they share an image, and also where only a third case
    joins them.
    """
    parents = list(range(len(cases)))

    def first(number: int) -> int:
        while parents[number] != number:
            number = parents[number]
        return number

    seen: dict[tuple[str, str], int] = {}
    for number, case in enumerate(cases):
        for key in _signsOf(case):
            one, other = sorted((first(seen.setdefault(key, number)), first(number)))
            parents[other] = one
    return {case.id: _patientOf(cases[first(number)]) for number, case in enumerate(cases)}


def _patientOf(case: TrainingCase) -> str:
    return case.patient or case.id


def _signsOf(case: TrainingCase) -> list[tuple[str, str]]:
    """What tells whose case it is."""
    there = [node for node in case.volumes.values() if node is not None]
    nodes = [("node", node.GetID()) for node in there]
    # A volume of the scene and a case in a folder may be the same files.
    files = [path for path in (*map(fileName, there), *case.images.values()) if path]
    return [("patient", _patientOf(case)), *nodes, *(("file", os.path.realpath(path)) for path in files)]


def _role(case: TrainingCase, role: str) -> str:
    return f"{REFERENCE}.{case.key}.{role}"
