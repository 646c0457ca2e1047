"""Which models can run live, on which images; each refusal is a plain sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import vtk
from slicer.i18n import tr as _

from . import inputs, wording


def whyNotFollow(info: Any) -> str | None:
    """Why a model cannot follow slices, else None."""
    from TransferSegLib.packages import live_obstacle

    sentences = {
        "task": _("{name} is no model for segmentation; choose another."),
        "pet": _("{name} needs the whole PET scan, so it cannot run live: use the tab PET/CT."),
        "volume": _("{name} works on whole volumes, live mode on slices: choose a 2-D model."),
        "refiner": _("{name} has a second stage, live mode has none; choose another model."),
        "space": _("{name} works on slices of an atlas, not of the patient; choose another model."),
    }
    obstacle = live_obstacle(info.card)
    return sentences[obstacle].format(name=info.name) if obstacle else None


def isOfPictures(info: Any) -> bool:
    """Whether a model takes each slice as a picture, of 8 bits."""
    from TransferSegLib.packages import PICTURE

    return info.card.normalisation == PICTURE


def whyNotImages(info: Any, volumes: Mapping[str, Any], unconfirmed: Sequence[str] = ()) -> str | None:
    """What is wrong with the images that a live model is to follow, else None."""
    if not isOfPictures(info):
        return inputs.whyNotUsable(volumes, info.roles, unconfirmed)
    role = info.roles[0]
    node = volumes.get(role)
    if node is None:
        return _("Choose the image for {roles}.").format(roles=wording.roleName(role))
    image = node.GetImageData()
    if image is None or 0 in image.GetDimensions():
        return _("{volume} holds no image; load it again or choose another.").format(volume=node.GetName())
    components = 3 if role == "rgb" else 1
    if image.GetNumberOfScalarComponents() != components or image.GetScalarType() != vtk.VTK_UNSIGNED_CHAR:
        text = (
            _("{volume} is no colour image of 8 bits a channel; choose another.")
            if role == "rgb"
            else _("{volume} has no grey levels from 0 to 255 (8 bits); convert it, or choose another.")
        )
        return text.format(volume=node.GetName())
    return None


def sliceName(slices: str) -> str:
    """``axial``, ``coronal`` or ``sagittal`` in the user's language."""
    return {"axial": _("axial"), "coronal": _("coronal"), "sagittal": _("sagittal")}.get(slices, slices)
