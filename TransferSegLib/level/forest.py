"""Random forests on local binary patterns: the published baseline for a window's offset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, UsageError
from ..events import Events, quiet
from .patterns import pattern_counts, window_histograms

if TYPE_CHECKING:
    from ..inference.votes import Votes

FORESTS = {"rf500": 500, "rf100": 100, "rf10": 10}
"""The forests of Belharbi et al. (2017) and their trees."""
TREES_AT_ONCE = 10


@dataclass
class Forest:
    """Regression of a window's offset by a forest, with the votes of the networks.

    The source names forests of 500, 100 and 10 trees on local binary patterns (Belharbi et al. 2017) and no
    more; cells, the share of features a split may choose among (a third, Breiman 2001) and the number of windows
    are ours.

    Parameters
    ----------
    trees : int
    rows, width : int
        A window; projections must be ``width`` wide.
    grid : (int, int)
        Bands and columns of cells of a window, a histogram each.
    windows : int
        Windows of each case to learn from, all of which contain the level.
    seed : int
        Decides the windows and the trees.
    """

    trees: int
    rows: int
    width: int
    grid: tuple[int, int] = (5, 8)
    windows: int = 20
    seed: int = 0
    _trees: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        if self.trees < 1 or self.windows < 1:
            raise UsageError(f"random forest: {self.trees} trees and {self.windows} windows a case; use 1 or more")
        if not (1 <= self.grid[0] <= self.rows and 1 <= self.grid[1] <= self.width):
            raise UsageError(f"random forest: {self.grid} cells in {self.rows}x{self.width} pixels; use fewer")

    @property
    def nodes(self) -> int:
        """Nodes of all trees: what a forest has in place of parameters."""
        return sum(tree.tree_.node_count for tree in self._trees.estimators_)

    def fit(self, cases: Sequence[tuple[np.ndarray, float | None]], *, events: Events | None = None) -> Forest:
        """Learn from windows of projections, in the order of the cases; returns the forest itself.

        Parameters
        ----------
        cases : sequence of (pixels float32 (views, rows, width), row of the level or None)
            A projection without the level teaches nothing, as published.

        Raises
        ------
        InputError
            No case contains the level, or a projection has another width.
        """
        from sklearn.ensemble import RandomForestRegressor

        events = quiet(events)
        features, offsets = [], []
        for number, (pixels, row) in enumerate(cases):
            events.progress("local binary patterns", number, len(cases))
            if row is None:
                continue
            tops = self._tops_around(row, pixels.shape[1], np.random.default_rng([self.seed, number]))
            features.append(self._features(pixels, tops))
            offsets.append(row - tops)
        if not features:
            raise InputError("random forest: no case contains the level; give cases that do")
        self._trees = RandomForestRegressor(
            n_estimators=0, max_features=1 / 3, min_samples_leaf=2, random_state=self.seed, warm_start=True, n_jobs=1
        )
        known, wanted = np.concatenate(features), np.concatenate(offsets)
        while self._trees.n_estimators < self.trees:
            events.progress("growing trees", self._trees.n_estimators, self.trees)
            self._trees.n_estimators = min(self._trees.n_estimators + TREES_AT_ONCE, self.trees)
            self._trees.fit(known, wanted)
        events.progress("growing trees", self.trees, self.trees)
        return self

    def votes(self, pixels: np.ndarray, *, step: int = 1) -> Votes:
        """Offsets of the windows whose tops lie ``step`` rows apart, over the padded projection.

        Parameters
        ----------
        pixels : float32 (views, rows, width)

        Raises
        ------
        UsageError
            The forest has not learned yet, or ``step`` is below 1.
        """
        from ..inference.votes import Votes

        if self._trees is None:
            raise UsageError("random forest: it has not learned yet; call fit first")
        if step < 1:
            raise UsageError(f"random forest: a step of {step} rows; use 1 or more")
        half = self.rows // 2
        tops = np.arange(-half, pixels.shape[1] + half - self.rows + 1, step)
        offsets = self._trees.predict(self._features(pixels, tops)).astype(np.float32)
        return Votes(tops=tops, offsets=offsets, rows=self.rows, step=step)

    def _tops_around(self, row: float, height: int, rng: np.random.Generator) -> np.ndarray:
        """Tops of windows that contain ``row``, those of the padding included; each at most once."""
        half = self.rows // 2
        first = max(int(np.floor(row)) - self.rows + 1, -half)
        last = min(int(np.floor(row)), height + half - self.rows)
        choice = np.arange(first, max(last, first) + 1)
        return np.sort(rng.choice(choice, size=min(self.windows, len(choice)), replace=False))

    def _features(self, pixels: np.ndarray, tops: np.ndarray) -> np.ndarray:
        """Histograms (n, features) of the windows; rows beyond the projection are black."""
        if pixels.ndim != 3 or pixels.shape[2] != self.width:
            raise InputError(f"random forest: a projection of {pixels.shape}, expected (views, rows, {self.width})")
        half = self.rows // 2
        padded = np.pad(np.asarray(pixels, dtype=np.float32), ((0, 0), (half, half), (0, 0)))
        counts = pattern_counts(padded, self.grid[1])
        return window_histograms(counts, tops + half, rows=self.rows, bands=self.grid[0])
