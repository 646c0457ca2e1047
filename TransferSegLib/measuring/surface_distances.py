"""Distances between two surfaces: Hausdorff, its 95th percentile, mean distance, normalised surface distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def surface_distances(
    prediction: np.ndarray, truth: np.ndarray, *, spacing: tuple[float, float, float]
) -> SurfaceDistances:
    """Distances between the surface elements of two masks.

    Parameters
    ----------
    prediction, truth : bool (k, j, i)
        Neither is empty. A mask that touches the edge of its array has a surface there.
    spacing : 3 floats
        mm along k, j, i.
    """
    codes = neighbour_codes(prediction), neighbour_codes(truth)
    areas = element_areas(tuple(float(step) for step in spacing))
    on_prediction, on_truth = ((code != 0) & (code != INSIDE) for code in codes)
    to_prediction, to_truth = _distances(on_prediction, on_truth, spacing)
    return SurfaceDistances(areas[codes[1][on_truth]], to_prediction, areas[codes[0][on_prediction]], to_truth)


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


def _distances(
    first: np.ndarray, second: np.ndarray, spacing: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Distance in mm from each element of ``second`` to ``first``, and from each of ``first`` to ``second``."""
    if np.count_nonzero(first) + np.count_nonzero(second) > DENSE * first.size:
        return _distance_map(first, spacing)[second], _distance_map(second, spacing)[first]
    return _nearest(second, first, spacing), _nearest(first, second, spacing)


def _nearest(elements: np.ndarray, others: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Distances by a search tree: the faster way for the thin surfaces of organs and lesions."""
    from scipy.spatial import KDTree

    distances = np.zeros(int(np.count_nonzero(elements)))
    apart = ~others[elements]
    if apart.any():
        points = np.argwhere(elements)[apart] * np.asarray(spacing)
        tree = KDTree(np.argwhere(others) * np.asarray(spacing), balanced_tree=False, compact_nodes=False)
        distances[apart] = tree.query(points)[0]
    return distances


def _distance_map(elements: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Distance in mm of every place to the nearest element: for ragged masks, where elements are everywhere."""
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(~elements, sampling=spacing)
