"""Seeded phantoms: brains in four MRI sequences, CTs of the trunk with a true spine, whole-body PET/CTs."""

from .ct_field import FIELDS
from .ct_phantom import CtPhantom, ct_phantom
from .ct_plan import KINDS
from .ct_projection import CtProjection, ct_projection
from .ct_write import case_seed, write_ct_phantoms
from .petct_phantom import PetCtPhantom, petct_phantom
from .petct_plan import ORGANS
from .petct_sites import PATTERNS
from .petct_write import write_petct_phantoms
from .phantom import ANATOMIES, FLAVOURS, SOURCE_LABELS, Phantom, brain_phantom, label_names
from .write import write_phantoms

__all__ = [
    "ANATOMIES",
    "FIELDS",
    "FLAVOURS",
    "KINDS",
    "ORGANS",
    "PATTERNS",
    "SOURCE_LABELS",
    "CtPhantom",
    "CtProjection",
    "PetCtPhantom",
    "Phantom",
    "brain_phantom",
    "case_seed",
    "ct_phantom",
    "ct_projection",
    "label_names",
    "petct_phantom",
    "write_ct_phantoms",
    "write_petct_phantoms",
    "write_phantoms",
]
