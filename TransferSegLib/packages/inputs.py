"""What a model takes: kinds of preparation, the channels they make, slices across an axis."""

from __future__ import annotations

from collections.abc import Sequence

from ..cases import of_pictures

# The preparation of PET/CT makes that many channels of its two images, whatever the roles' number.
PETCT, PETCT_CHANNELS = "petct", 5
PETCT_ROLES = ("pet", "ct")
# A CT in a window of HU, and a picture from 0 to 1; then mean and SD of the training set, which stand in the card.
CT, PICTURE = "ct", "picture"
# The work grid's axes (i, j, k) for slices across each axis of the patient; a slice is (j, i).
SLICES = {"axial": "LPS", "coronal": "LIP", "sagittal": "PIR"}
_ACROSS = {"S": "axial", "I": "axial", "A": "coronal", "P": "coronal", "L": "sagittal", "R": "sagittal"}


def slices_of(orientation: str) -> str:
    """``axial``, ``coronal`` or ``sagittal``: what the slices (j, i) of a work grid of this orientation are."""
    return _ACROSS[orientation[-1].upper()]


def input_channels(normalisation: str, roles: Sequence[str]) -> int | None:
    """Input channels that a preparation makes of these roles; None where it needs others."""
    if normalisation == PETCT:
        return PETCT_CHANNELS if set(roles) == set(PETCT_ROLES) else None
    if normalisation == PICTURE:
        return {"rgb": 3, "grey": 1}.get(roles[0]) if len(roles) == 1 else None
    if normalisation == CT:
        return 1 if list(roles) == ["ct"] else None
    return None if of_pictures(roles) else len(roles)


def needed_roles(normalisation: str) -> str:
    """In words, which roles a preparation takes."""
    words = {PETCT: "the roles pet and ct", PICTURE: "the role rgb or grey alone", CT: "the role ct alone"}
    return words.get(normalisation, "volumes")
