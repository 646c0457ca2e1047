"""Seeded phantoms: brains in four MRI sequences with glioma, after surgery, or with multiple sclerosis."""

from .phantom import ANATOMIES, FLAVOURS, SOURCE_LABELS, Phantom, brain_phantom, label_names
from .write import write_phantoms

__all__ = [
    "ANATOMIES",
    "FLAVOURS",
    "SOURCE_LABELS",
    "Phantom",
    "brain_phantom",
    "label_names",
    "write_phantoms",
]
