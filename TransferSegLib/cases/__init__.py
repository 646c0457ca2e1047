"""Cases and data sets: roles, truths, layouts, patient-wise splits, loading."""

from .case import PICTURE_ROLES, ROLES, Case, case_from_files, check_role, default_reference, of_pictures
from .datasets import DataSet, open_data_set
from .guessing import Guess, guess_role
from .loading import LoadedCase, check_together, labels_on, load_case
from .opening import guess_roles, open_case
from .patients import fold_session, patient_of
from .segment_names import segment_names
from .splits import folds, hold_out, patients, split_by_patient
from .truths import check_truth_values, looks_like_truth, truth_values

__all__ = [
    "PICTURE_ROLES",
    "ROLES",
    "Case",
    "DataSet",
    "Guess",
    "LoadedCase",
    "case_from_files",
    "check_role",
    "check_together",
    "check_truth_values",
    "default_reference",
    "fold_session",
    "folds",
    "guess_role",
    "guess_roles",
    "hold_out",
    "labels_on",
    "load_case",
    "looks_like_truth",
    "of_pictures",
    "open_case",
    "open_data_set",
    "patient_of",
    "patients",
    "segment_names",
    "split_by_patient",
    "truth_values",
]
