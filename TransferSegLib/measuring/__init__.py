"""Measures of a segmentation: overlap, surfaces, components, lesions and volumes, as pure functions of arrays."""

from .components import components
from .extent import greatest_distance, hull_corners, outermost_voxels
from .lesion_matching import LesionCounts, LesionPairs, by_hottest_voxel, lesion_volumes_apart
from .lesion_uptake import suv_peak, uptake
from .measures import Measures, compare
from .overlap import Counts, count_voxels, overlap_measures
from .parts import Part, common_voxels, put_together, separate_parts, voxels_of
from .summary import MEASURES, case_mean, case_record, evaluation, in_pixels, mean_dice, mean_of_case_means, volumes_ml
from .surface_distances import SurfaceDistances, surface_distances, surface_measures
from .surface_elements import element_areas, neighbour_codes

__all__ = [
    "MEASURES",
    "Counts",
    "LesionCounts",
    "LesionPairs",
    "Measures",
    "Part",
    "SurfaceDistances",
    "by_hottest_voxel",
    "case_mean",
    "case_record",
    "common_voxels",
    "compare",
    "components",
    "count_voxels",
    "element_areas",
    "evaluation",
    "greatest_distance",
    "hull_corners",
    "in_pixels",
    "lesion_volumes_apart",
    "mean_dice",
    "mean_of_case_means",
    "neighbour_codes",
    "outermost_voxels",
    "overlap_measures",
    "put_together",
    "separate_parts",
    "surface_distances",
    "surface_measures",
    "suv_peak",
    "uptake",
    "volumes_ml",
    "voxels_of",
]
