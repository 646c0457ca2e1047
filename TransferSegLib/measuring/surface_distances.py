"""Distances between two surfaces: Hausdorff, its 95th percentile, mean distance, normalised surface distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import UsageError
from .parts import Part, parts_of
from .surface_elements import INSIDE, element_areas, neighbour_codes

ROUNDING_MM = 1e-5
"""A distance this little above the tolerance is rounding, and counts as within it."""
DENSE = 0.1
"""Share of surface elements in the box from which a distance transform is faster than a search tree."""


@dataclass(frozen=True)
class SurfaceDistances:
    """What each surface element of one mask measures and how far the other surface is, in mm2 and mm.

    Attributes
    ----------
    truth_areas, truth_distances : float64 (elements of the truth,)
        Distances are from the truth's elements to the nearest element of the prediction.
    prediction_areas, prediction_distances : float64 (elements of the prediction,)
        And the other way round.
    """

    truth_areas: np.ndarray
    truth_distances: np.ndarray
    prediction_areas: np.ndarray
    prediction_distances: np.ndarray

    def percentile(self, percent: float) -> float:
        """The larger of both directed percentiles in mm, each weighted by area; 100 is the Hausdorff distance."""
        return max(
            _weighted_percentile(self.truth_distances, self.truth_areas, percent),
            _weighted_percentile(self.prediction_distances, self.prediction_areas, percent),
        )

    def mean(self) -> float:
        """Mean distance in mm of both directed means, weighted by the surfaces' areas."""
        summed = self.truth_distances @ self.truth_areas + self.prediction_distances @ self.prediction_areas
        return float(summed / (self.truth_areas.sum() + self.prediction_areas.sum()))

    def within(self, tolerance_mm: float) -> float:
        """Normalised surface distance: the share of both surfaces that lies within the tolerance of the other."""
        limit = tolerance_mm + ROUNDING_MM
        near = self.truth_areas[self.truth_distances <= limit].sum()
        near += self.prediction_areas[self.prediction_distances <= limit].sum()
        return float(near / (self.truth_areas.sum() + self.prediction_areas.sum()))

    def boundary_jaccard(self, tolerance_mm: float) -> float:
        """Boundary Jaccard index (BJI): our definition, since the source that reports one gives none.

        Each boundary point, at the distance d from the other mask's boundary, scores 1 - (d / tolerance)^2 where
        d < tolerance and 0 elsewhere. With TP_g and TP_p the sums of the scores of truth and prediction, FN what the
        truth's n points and FP what the prediction's m points lack (n - TP_g, m - TP_p),
        BJI = (TP_g + TP_p) / (TP_g + TP_p + FN + FP). The boundary points are the surface elements, each counted
        once whatever its area. It is not NSD / (2 - NSD): a point within the tolerance counts less the further it is.

        Raises
        ------
        UsageError
            When the tolerance is not a positive number of mm.
        """
        if not (np.isfinite(tolerance_mm) and tolerance_mm > 0):
            raise UsageError(f"tolerance: got {tolerance_mm}; give a positive distance in mm")
        distances = (self.truth_distances, self.prediction_distances)
        scores = [np.clip(1 - (own / tolerance_mm) ** 2, 0, None).sum() for own in distances]
        missing = [len(own) - score for own, score in zip(distances, scores)]
        return float(sum(scores) / (sum(scores) + sum(missing)))


def surface_distances(
    prediction: np.ndarray | Sequence[Part],
    truth: np.ndarray | Sequence[Part],
    *,
    spacing: Sequence[float],
    voxels: bool = False,
    flat: bool = False,
) -> SurfaceDistances:
    """Distances between the surfaces of two masks.

    Parameters
    ----------
    prediction, truth : bool (k, j, i), or their separate parts
        Neither is empty. A mask that touches the edge of its array has a surface there.
    spacing : 3 floats
        mm along k, j, i.
    voxels : bool
        Measure between the centres of the voxels that have a face outside the mask, each with the weight 1, as MedPy
        does and MONAI by default, instead of between surface elements weighted by their areas.
    flat : bool
        The masks are of a picture (one slice): distances are those between their outlines.
    """
    steps = tuple(float(step) for step in spacing)
    surface_of = _boundary_voxels if voxels else partial(_elements, flat=flat)
    surfaces = [surface_of(parts_of(mask), steps) for mask in (prediction, truth)]
    (on_prediction, prediction_areas), (on_truth, truth_areas) = surfaces
    to_prediction, to_truth = _distances(on_prediction, on_truth, steps)
    return SurfaceDistances(truth_areas, to_prediction, prediction_areas, to_truth)


def surface_measures(distances: SurfaceDistances, *, tolerance_mm: float) -> dict[str, float]:
    """``hd``, ``hd95`` and ``msd`` in mm and ``nsd`` at a tolerance in mm, as Nikolov et al. 2021 define them."""
    return {
        "hd": distances.percentile(100),
        "hd95": distances.percentile(95),
        "msd": distances.mean(),
        "nsd": distances.within(tolerance_mm),
    }


def _weighted_percentile(values: np.ndarray, weights: np.ndarray, percent: float) -> float:
    if percent >= 100:
        return float(values.max())
    order = np.lexsort((weights, values))
    share = np.cumsum(weights[order])
    place = np.searchsorted(share / share[-1], percent / 100)
    return float(values[order[min(int(place), len(order) - 1)]])


def _elements(
    parts: Sequence[Part], spacing: tuple[float, float, float], *, flat: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The surface elements of a mask: (n, 3) as k, j, i of the corner each lies at, and their areas in mm2."""
    places, codes = [], []
    for part in parts:
        found = neighbour_codes(part.mask, flat=flat)
        surface = (found != 0) & (found != INSIDE)
        places.append((np.argwhere(surface) + part.start).astype(np.int32))
        codes.append(found[surface])
    return np.concatenate(places), element_areas(spacing)[np.concatenate(codes)]


def _boundary_voxels(parts: Sequence[Part], _: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The voxels of a mask that have a face outside it, (n, 3) as k, j, i, and a 1 for each."""
    from scipy.ndimage import binary_erosion

    edges = [Part(part.box, part.mask & ~binary_erosion(part.mask)) for part in parts]
    places = np.concatenate([edge.indices().astype(np.int32) for edge in edges])
    return places, np.ones(len(places))


def _distances(
    first: np.ndarray, second: np.ndarray, spacing: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Distance in mm from each place of ``second`` to ``first``, and from each of ``first`` to ``second``."""
    lowest = np.minimum(first.min(axis=0), second.min(axis=0))
    size = np.maximum(first.max(axis=0), second.max(axis=0)) - lowest + 1
    first, second = first - lowest, second - lowest
    if len(first) + len(second) > DENSE * np.prod(size, dtype=np.int64):
        to_first, to_second = (_distance_map(places, size, spacing) for places in (first, second))
        return to_first[tuple(second.T)], to_second[tuple(first.T)]
    numbers = [np.ravel_multi_index(tuple(places.T), tuple(size)) for places in (first, second)]
    apart = [_not_in(own, np.sort(other)) for own, other in (numbers, numbers[::-1])]
    return _nearest(second, apart[1], first, spacing), _nearest(first, apart[0], second, spacing)


def _not_in(numbers: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which numbers are not among ordered ones (much faster than ``numpy.isin`` on so many different numbers)."""
    return ordered[np.minimum(np.searchsorted(ordered, numbers), len(ordered) - 1)] != numbers


def _nearest(
    places: np.ndarray, apart: np.ndarray, others: np.ndarray, spacing: tuple[float, float, float]
) -> np.ndarray:
    """Distances by a search tree: the faster way for the thin surfaces of organs and lesions."""
    from scipy.spatial import KDTree

    distances = np.zeros(len(places))
    if apart.any():
        tree = KDTree(others * np.asarray(spacing), balanced_tree=False, compact_nodes=False)
        distances[apart] = tree.query(places[apart] * np.asarray(spacing))[0]
    return distances


def _distance_map(places: np.ndarray, size: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Distance in mm of every place of a box to the nearest of some: for ragged masks, whose surface is everywhere."""
    from scipy.ndimage import distance_transform_edt

    free = np.ones(tuple(size), bool)
    free[tuple(places.T)] = False
    return distance_transform_edt(free, sampling=spacing)
