"""Measures of a segmentation against the truth: overlap, surfaces and volumes, as pure functions of arrays."""

from .measures import Measures, compare
from .overlap import Counts, count_voxels, overlap_measures
from .summary import MEASURES, case_mean, case_record, evaluation, mean_dice, mean_of_case_means, volumes_ml
from .surface_distances import SurfaceDistances, surface_distances, surface_measures
from .surface_elements import element_areas, neighbour_codes

__all__ = [
    "MEASURES",
    "Counts",
    "Measures",
    "SurfaceDistances",
    "case_mean",
    "case_record",
    "compare",
    "count_voxels",
    "element_areas",
    "evaluation",
    "mean_dice",
    "mean_of_case_means",
    "neighbour_codes",
    "overlap_measures",
    "surface_distances",
    "surface_measures",
    "volumes_ml",
]
