"""Curricula: in which order a training meets its cases, one family a file."""

from .curriculum import Curriculum, Judge
from .registry import CURRICULA, DEFAULT, NONE, Family, Material, curriculum_family

__all__ = ["CURRICULA", "DEFAULT", "NONE", "Curriculum", "Family", "Judge", "Material", "curriculum_family"]
