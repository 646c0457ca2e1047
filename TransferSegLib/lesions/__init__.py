"""Lesions of a PET/CT: what counts as one, what is measured of each, their totals and their errors."""

from .checks import check_mask, check_suv
from .comparing import compare_lesions
from .lesion import Lesion, find_lesions, label_map
from .lesion_errors import LesionErrors
from .physiological import name_physiological, rule_in_words
from .threshold import READING, RULES, Threshold, apply_threshold, threshold_of
from .totals import Totals, totals

__all__ = [
    "READING",
    "RULES",
    "Lesion",
    "LesionErrors",
    "Threshold",
    "Totals",
    "apply_threshold",
    "check_mask",
    "check_suv",
    "compare_lesions",
    "find_lesions",
    "label_map",
    "name_physiological",
    "rule_in_words",
    "threshold_of",
    "totals",
]
