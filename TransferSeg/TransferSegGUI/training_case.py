"""One training case: what it is made of, what is wrong with it, and how it is kept in a scene."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from . import wording

SCENE, FOLDER = "scene", "folder"
STORED = ("key", "id", "patient", "kind", "included", "heldOut")


@dataclass
class TrainingCase:
    """One case.

    Attributes
    ----------
    id, patient : str
        Its name, unique in the list; whose it is (a hash where it comes from DICOM).
    kind : str
        ``scene`` or ``folder``.
    included, heldOut : bool
        Whether it is used; whether only for scoring.
    description, problem : str
        What it is made of; why it cannot be used, in a plain sentence, else empty.
    volumes, segmentationNode, segments
        Of the scene: {role: node}, the corrected segmentation, {segment id: label name}.
    leftOut : list of segment ids that are none of the labels on purpose; None where that was not noted
    images, truth, names, labelMap, folder
        On disk: {role: path}, the label map's path, {value: name} as the data set says, {truth label: label name},
        the data set that it came from.
    """

    id: str
    patient: str
    kind: str
    included: bool = True
    heldOut: bool = False
    description: str = ""
    problem: str = ""
    key: str = field(default="", repr=False)
    volumes: dict[str, Any] = field(default_factory=dict, repr=False)
    segmentationNode: Any = field(default=None, repr=False)
    segments: dict[str, str] = field(default_factory=dict, repr=False)
    leftOut: list[str] | None = field(default=None, repr=False)
    images: dict[str, str] = field(default_factory=dict, repr=False)
    truth: str = field(default="", repr=False)
    names: dict[str, str] = field(default_factory=dict, repr=False)
    labelMap: dict[str, str | None] = field(default_factory=dict, repr=False)
    folder: str = field(default="", repr=False)
    doubt: str = field(default="", repr=False)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that it has an image for."""
        return tuple(self.volumes if self.kind == SCENE else self.images)

    def toJson(self) -> dict[str, Any]:
        """All but the nodes, which are kept as references."""
        kept = {name: getattr(self, name) for name in STORED}
        if self.kind == SCENE:
            return {**kept, "segments": self.segments, "leftOut": self.leftOut, "roles": list(self.volumes)}
        paths = {"images": self.images, "truth": self.truth, "names": self.names}
        return {**kept, **paths, "labelMap": self.labelMap, "folder": self.folder, "doubt": self.doubt}

    @staticmethod
    def fromJson(data: dict[str, Any]) -> TrainingCase:
        """What ``toJson`` gave; nodes are filled in by the caller."""
        data = dict(data)
        volumes = dict.fromkeys(data.pop("roles", ()))
        return TrainingCase(volumes=volumes, **data)

    def look(self) -> TrainingCase:
        """Fill in ``description`` and ``problem`` as things are now."""
        if self.kind == SCENE:
            self.description, self.problem = _lookAtScene(self)
        else:
            self.description, self.problem = _lookAtFolder(self)
        return self


def lacksRole(case: TrainingCase, roles: tuple[str, ...]) -> str | None:
    """A sentence about the first image that the model needs and the case has not."""
    for role in roles:
        if role not in case.roles:
            return _("{case} has no {role} image, which the model needs.").format(
                case=case.id, role=wording.roleName(role)
            )
    return None


def _lookAtScene(case: TrainingCase) -> tuple[str, str]:
    gone = [wording.roleName(role) for role, node in case.volumes.items() if node is None or not node.GetImageData()]
    if case.segmentationNode is None:
        return "", _("Its segmentation is no longer in the scene; remove the case or add it again.")
    name = case.segmentationNode.GetName()
    if gone:
        return name, _("Its images are no longer in the scene: {roles}.").format(roles=", ".join(gone))
    segmentation = case.segmentationNode.GetSegmentation()
    there = {segmentId: label for segmentId, label in case.segments.items() if segmentation.GetSegment(segmentId)}
    if not there:
        return name, _("None of the segments of {name} is matched to a label.").format(name=name)
    new = _newSegment(case, segmentation)
    if new is not None:
        text = _("The segment “{segment}” of {segmentation} is new: add the case again to say what it is.")
        return name, text.format(segment=new, segmentation=name)
    labels = ", ".join(dict.fromkeys(there.values()))
    volumes = ", ".join(node.GetName() for node in case.volumes.values())
    return _("{segmentation} ({labels}) on {volumes}").format(segmentation=name, labels=labels, volumes=volumes), ""


def _newSegment(case: TrainingCase, segmentation: Any) -> str | None:
    """The name of a segment that was drawn after the case was added: it would silently become background."""
    if case.leftOut is None:
        return None
    known = {*case.segments, *case.leftOut}
    new = next((segmentId for segmentId in segmentation.GetSegmentIDs() if segmentId not in known), None)
    return None if new is None else segmentation.GetSegment(new).GetName()


def _lookAtFolder(case: TrainingCase) -> tuple[str, str]:
    place = str(Path(case.truth).parent)
    for path in (*case.images.values(), case.truth):
        if not Path(path).exists():
            return place, _("{file} is no longer there.").format(file=path)
    if case.doubt:
        return place, case.doubt
    roles = ", ".join(wording.roleName(role) for role in case.images)
    return _("{folder} ({roles})").format(folder=place, roles=roles), ""
