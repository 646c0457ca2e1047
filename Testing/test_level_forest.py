"""The published baseline: random forests on local binary patterns."""

import sys

import numpy as np
import pytest

from TransferSegLib.errors import DependencyError, InputError, UsageError
from TransferSegLib.level.correlation import best_line
from TransferSegLib.level.forest import FORESTS, Forest
from TransferSegLib.level.patterns import CODES, pattern_counts, window_histograms


def ladder(row: int, rows: int = 90, width: int = 32, seed: int = 0) -> np.ndarray:
    """A projection (1, rows, width): noise above the level, bars below it, a bright band at it."""
    rng = np.random.default_rng(seed)
    pixels = rng.uniform(0, 0.3, (rows, width)).astype(np.float32)
    pixels[row:, 10:20] = 0.6
    pixels[row + 3 :: 5, 8:22] = 0.2
    pixels[row - 2 : row + 3, 4:28] = 1.0
    return pixels[None]


def learned(trees: int = 10, **given) -> Forest:
    forest = Forest(trees, 30, 32, grid=(5, 4), **given)
    return forest.fit([(ladder(row, seed=row), float(row)) for row in range(25, 65, 4)])


def test_votes_find_the_row():
    forest = learned(trees=30)
    for row in (28, 43, 60):
        votes = forest.votes(ladder(row, seed=100 + row), step=1)
        assert abs(best_line(votes).row - row) <= 4


def test_votes_are_those_of_a_network():
    votes = learned().votes(ladder(40))
    assert votes.tops[0] == -15 and votes.tops[-1] == 90 + 15 - 30
    assert votes.offsets.shape == votes.tops.shape and votes.rows == 30 and votes.step == 1
    coarse = learned().votes(ladder(40), step=6)
    np.testing.assert_allclose(coarse.offsets, votes.offsets[::6], rtol=1e-6)
    np.testing.assert_array_equal(coarse.tops, votes.tops[::6])


def test_a_seed_grows_the_same_forest():
    first, second, third = learned(), learned(), learned(seed=1)
    picture = ladder(40)
    np.testing.assert_array_equal(first.votes(picture).offsets, second.votes(picture).offsets)
    assert (first.votes(picture).offsets != third.votes(picture).offsets).any()


def test_published_sizes():
    assert FORESTS == {"rf500": 500, "rf100": 100, "rf10": 10}
    assert learned(trees=13).nodes > 13


def test_histograms_are_shares_of_the_codes_of_each_cell():
    pixels = np.random.default_rng(0).random((2, 40, 16), dtype=np.float32)
    counts = pattern_counts(pixels, 4)
    histograms = window_histograms(counts, [0, 7], rows=20, bands=5).reshape(2, 2, 5, 4, CODES)
    np.testing.assert_allclose(histograms.sum(axis=-1), 1, rtol=1e-6)
    whole = window_histograms(counts, [7], rows=20, bands=1).reshape(2, 4, CODES)
    np.testing.assert_allclose(histograms[1].mean(axis=1), whole, rtol=1e-5)


def test_scans_without_the_level_teach_nothing():
    known = [(ladder(row, seed=row), float(row)) for row in range(25, 65, 8)]
    alone = Forest(5, 30, 32).fit(known)
    with_none = Forest(5, 30, 32).fit([*known, (ladder(40), None)])
    np.testing.assert_array_equal(alone.votes(ladder(50)).offsets, with_none.votes(ladder(50)).offsets)
    with pytest.raises(InputError, match="no case contains"):
        Forest(5, 30, 32).fit([(ladder(40), None)])


def test_a_scan_shorter_than_a_window_is_voted_on():
    votes = learned().votes(ladder(10, rows=20))
    assert len(votes.tops) == 21 and np.isfinite(votes.offsets).all()


@pytest.mark.parametrize("given", [{"trees": 0}, {"windows": 0}, {"grid": (31, 4)}, {"grid": (5, 33)}])
def test_sizes_that_mean_nothing_are_refused(given):
    with pytest.raises(UsageError):
        Forest(**({"trees": 10, "rows": 30, "width": 32} | given))


def test_another_width_and_a_forest_that_did_not_learn_are_refused():
    with pytest.raises(InputError, match="32"):
        learned().votes(ladder(40, width=40))
    with pytest.raises(UsageError, match="learned"):
        Forest(10, 30, 32).votes(ladder(40))


def test_without_scikit_image_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    with pytest.raises(DependencyError, match=r"transferseg\[baselines\]"):
        learned()
