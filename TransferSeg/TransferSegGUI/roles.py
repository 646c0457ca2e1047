"""Which volume of the scene is which image of a model, guessed from names and DICOM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from . import wording
from .library_words import inOwnWords
from .results import KIND

DESCRIPTION, MODALITY, CONTRAST, STUDY, PATIENT = "0008,103e", "0008,0060", "0018,0010", "0020,000d", "0010,0020"


@dataclass(frozen=True)
class RoleGuess:
    """A volume node for a role; ``doubtful`` with the ``reason`` in a plain sentence when the user must confirm it."""

    node: Any
    doubtful: bool = False
    reason: str = ""


@dataclass(frozen=True)
class _Offer:
    """A volume that could be a role. ``group`` tells volumes of one examination from others."""

    node: Any
    role: str
    doubtful: bool
    reason: str
    group: str


def guessRoles(roles: Sequence[str], volumeNodes: Sequence[Any] | None = None) -> dict[str, RoleGuess]:
    """Guess for the roles of a model; roles without any candidate are left out."""
    nodes = inputVolumes() if volumeNodes is None else [node for node in volumeNodes if isInput(node)]
    offers = [offer for offer in map(_offer, nodes) if offer is not None and offer.role in roles]
    if not offers and len(roles) == 1 and len(nodes) == 1:
        reason = _("It is the only volume there is.")
        return {roles[0]: RoleGuess(nodes[0], True, reason)}
    group = _bestGroup(offers)
    chosen = {role: _choose(role, [o for o in offers if o.role == role], group) for role in roles}
    found = {role: guess for role, guess in chosen.items() if guess is not None}
    return _askWhichPatient(found, offers, group)


def inputVolumes() -> list[Any]:
    """The scalar volumes of the scene that can be inputs."""
    return [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if isInput(node)]


def isInput(node: Any) -> bool:
    """Whether a node is an image and none of our results."""
    return (
        node is not None
        and node.IsA("vtkMRMLScalarVolumeNode")
        and not node.IsA("vtkMRMLLabelMapVolumeNode")
        and node.GetAttribute(KIND) is None
        and not node.GetHideFromEditors()
    )


def dicomValue(node: Any, tag: str) -> str:
    """A value of the DICOM files that a volume was loaded from; empty where there are none or no database."""
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None:
        return ""
    try:
        file = database.fileForInstance(uids[0])
        return (database.fileValue(file, tag) or "").strip() if file else ""
    except (AttributeError, RuntimeError):
        return ""


def fileName(node: Any) -> str:
    """The path of the file that a node was loaded from, or an empty text."""
    storage = node.GetStorageNode()
    return (storage.GetFileName() or "") if storage is not None else ""


def _offer(node: Any) -> _Offer | None:
    """The role that a volume's DICOM description, name or file name speaks for."""
    from TransferSegLib.cases import guess_role

    modality = dicomValue(node, MODALITY)
    evidence = {"modality": modality, "contrast": bool(dicomValue(node, CONTRAST))}
    guess = guess_role(node.GetName(), description=dicomValue(node, DESCRIPTION), **evidence)
    file = fileName(node)
    stem = Path(file).name.split(".")[0]
    if stem and (guess is None or guess.doubtful):
        other = guess_role(stem, **evidence)
        if other is not None and (guess is None or not other.doubtful):
            disagree = guess is not None and guess.role != other.role
            guess = guess if disagree else other
    if guess is None:
        return None
    group = dicomValue(node, STUDY) or (str(Path(file).parent) if file else "")
    return _Offer(node, guess.role, guess.doubtful, guess.reason, group)


def _bestGroup(offers: Sequence[_Offer]) -> str:
    """The examination with the most of the roles; among equal ones the one loaded last."""
    counts: dict[str, set[str]] = {}
    for offer in offers:
        counts.setdefault(offer.group, set()).add(offer.role)
    return max(reversed(counts), key=lambda group: len(counts[group]), default="")


def _askWhichPatient(found: dict[str, RoleGuess], offers: Sequence[_Offer], group: str) -> dict[str, RoleGuess]:
    """Where another examination has as many of the images, the first image is doubtful: one question for all."""
    first = next(iter(found), None)
    others = {offer.group for offer in offers} - {group}
    had = {other: {offer.role for offer in offers if offer.group == other} for other in others}
    rival = next((other for other, roles in had.items() if len(roles) >= len(found)), None)
    if first is None or rival is None or found[first].doubtful:
        return found
    name = next(offer.node.GetName() for offer in offers if offer.group == rival)
    text = _("Another examination is loaded too ({volume}). Is this the right patient?").format(volume=name)
    return {**found, first: RoleGuess(found[first].node, True, text)}


def _choose(role: str, offers: Sequence[_Offer], group: str) -> RoleGuess | None:
    """One volume for a role: of the best examination, a sure one before doubtful ones."""
    together = [offer for offer in offers if offer.group == group] or list(offers)
    best = [offer for offer in together if not offer.doubtful] or together
    if not best:
        return None
    chosen = best[-1]
    name = wording.roleName(role)
    if len(best) > 1:
        names = ", ".join(offer.node.GetName() for offer in best)
        return RoleGuess(
            chosen.node, True, _("Several volumes look like {role}: {volumes}.").format(role=name, volumes=names)
        )
    if chosen.group != group:
        return RoleGuess(chosen.node, True, _("It comes from another folder or examination than the other images."))
    if chosen.doubtful:
        return RoleGuess(
            chosen.node, True, _("Not sure to be {role}: {reason}.").format(role=name, reason=inOwnWords(chosen.reason))
        )
    return RoleGuess(chosen.node)
