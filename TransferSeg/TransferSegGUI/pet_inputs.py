"""PET and CT of the scene for a TMTV: which ones they are, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from .inputs import whyNotUsable
from .pet_units import PetUnit
from .roles import MODALITY, PATIENT, RoleGuess, dicomValue, guessRoles, inputVolumes, isInput

PET, CT = "pet", "ct"
FRAME = "0020,0052"
ROLES = (PET, CT)
AIR_HU = -200.0
MOST_KNOWN = 8


def guessPetCt() -> dict[str, RoleGuess]:
    """{"pet": RoleGuess, "ct": RoleGuess} of the scene, what was not found left out."""
    nodes = inputVolumes()
    modalities = {node.GetID(): dicomValue(node, MODALITY) for node in nodes}
    wanted = [node for node in nodes if modalities[node.GetID()] in ("", "CT", "PT")]
    found = {role: guess for role, guess in guessRoles(ROLES, wanted).items() if guess.node is not None}
    byUnit = [node for node in wanted if node.GetVoxelValueUnits() is not None and _isPetUnit(node)]
    if PET not in found and len(byUnit) == 1:
        found[PET] = RoleGuess(byUnit[0])
    return found


def noPetReason() -> str:
    """Why no PET was found in the scene."""
    if not inputVolumes():
        return _("No image is loaded. Load PET and CT, or take PhantomPETCT from the Sample Data module.")
    return _("None of the images looks like a PET. Choose one if it is.")


def whyNotPetCt(petNode: Any, ctNode: Any, *, needsCt: bool = False) -> str | None:
    """A plain sentence about what is wrong with the two images, else None."""
    for node, role in ((petNode, _("PET")), (ctNode, _("CT"))):
        if node is not None and not isInput(node):
            return _("{volume} is no image; choose a {role}.").format(volume=node.GetName(), role=role)
    if petNode is None:
        return _("Choose a PET.")
    if ctNode is None and needsCt:
        return _("This model needs the CT too; choose it.")
    chosen = {PET: petNode, **({CT: ctNode} if ctNode is not None else {})}
    return (
        whyNotUsable(chosen, tuple(chosen)) or _whyNotPet(petNode) or (_whyNotCt(petNode, ctNode) if ctNode else None)
    )


def whyNotSuv(petNode: Any, unit: PetUnit) -> str | None:
    """What is wrong with the values that SUV would have, else None."""
    from TransferSegLib.imaging.pet_checks import HIGHEST_SUV, LOWEST_SUV

    highest = petNode.GetImageData().GetScalarRange()[1] * unit.factor
    if not np.isfinite(highest):
        return _("{volume} holds values that are no numbers.").format(volume=petNode.GetName())
    if highest > HIGHEST_SUV:
        text = _("The highest SUV would be {n}, which no tissue reaches: unit, dose, weight or times are wrong.")
        return text.format(n=f"{highest:,.0f}")
    if highest < LOWEST_SUV:
        text = _("The highest SUV would be only {n}, below that of any tissue: unit, dose, weight or times are wrong.")
        return text.format(n=f"{highest:.2g}")
    return None


def _whyNotPet(node: Any) -> str | None:
    modality = dicomValue(node, MODALITY)
    if modality not in ("", "PT"):
        text = _("{volume} is of the modality {modality}; choose a PET.")
        return text.format(volume=node.GetName(), modality=modality)
    low, high = node.GetImageData().GetScalarRange()
    if low <= AIR_HU and -low > 0.15 * high:
        text = _("{volume} has values from {low} to {high}, as a CT has and no PET. Are PET and CT swapped?")
        return text.format(volume=node.GetName(), low=f"{low:g}", high=f"{high:g}")
    return None


def _whyNotCt(petNode: Any, ctNode: Any) -> str | None:
    name, modality = ctNode.GetName(), dicomValue(ctNode, MODALITY)
    if modality not in ("", "CT"):
        return _("{volume} is of the modality {modality}; choose a CT.").format(volume=name, modality=modality)
    if not _holdsCt(ctNode):
        low, high = ctNode.GetImageData().GetScalarRange()
        text = _("{volume} ({low} to {high}) is no CT of a body in Hounsfield units. Are PET and CT swapped?")
        return text.format(volume=name, low=f"{low:g}", high=f"{high:g}")
    for tag, text in (
        (PATIENT, _("PET and CT are of two patients (by Patient ID); choose those of one.")),
        (FRAME, _("PET and CT have other frames of reference: they are not of one examination, or not aligned.")),
    ):
        one, other = dicomValue(petNode, tag), dicomValue(ctNode, tag)
        if one and other and one != other:
            return text
    if not _overlap(petNode, ctNode):
        return _("PET and CT do not overlap; choose those of one examination.")
    return None


def _holdsCt(node: Any) -> bool:
    """Whether the values can be those of a CT by the library's rule; asked once an image, as panels ask often."""
    import SimpleITK as sitk

    from TransferSegLib.errors import InputError
    from TransferSegLib.imaging import check_ct

    state = (node.GetID(), node.GetImageData().GetMTime())
    if state not in _known:
        while len(_known) >= MOST_KNOWN:
            _known.pop(next(iter(_known)))
        try:
            # Named as no file can be: its modality was looked at already, by the node.
            check_ct(sitk.GetImageFromArray(slicer.util.arrayFromVolume(node)), f"{node.GetID()} of the scene")
            _known[state] = True
        except InputError:
            _known[state] = False
    return _known[state]


_known: dict[tuple[str, int], bool] = {}


def _overlap(one: Any, other: Any) -> bool:
    """Whether the boxes around two volumes (as they are shown, with their transforms) meet."""
    bounds = np.zeros((2, 6))
    for row, node in enumerate((one, other)):
        node.GetRASBounds(bounds[row])
    low, high = bounds[:, ::2].max(axis=0), bounds[:, 1::2].min(axis=0)
    return bool((low < high).all())


def _isPetUnit(node: Any) -> bool:
    from .pet_units import statedUnit

    return bool(statedUnit(node)[0])
