"""Seeded phantoms: brains in four MRI sequences, and CTs of the trunk with a true spine."""

from .ct_field import FIELDS
from .ct_phantom import CtPhantom, ct_phantom
from .ct_plan import KINDS
from .ct_projection import CtProjection, ct_projection
from .ct_write import case_seed, write_ct_phantoms
from .phantom import ANATOMIES, FLAVOURS, SOURCE_LABELS, Phantom, brain_phantom, label_names
from .write import write_phantoms

__all__ = [
    "ANATOMIES",
    "FIELDS",
    "FLAVOURS",
    "KINDS",
    "SOURCE_LABELS",
    "CtPhantom",
    "CtProjection",
    "Phantom",
    "brain_phantom",
    "case_seed",
    "ct_phantom",
    "ct_projection",
    "label_names",
    "write_ct_phantoms",
    "write_phantoms",
]
