"""From votes to an answer: the published correlation for every stride, agreement, and honest answers besides a row."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from helpers_level import vote_curve
from hypothesis import given, settings
from hypothesis import strategies as st

from TransferSegLib.level import locating
from TransferSegLib.level.confidence import Calibration, confidence_words, shipped_calibration
from TransferSegLib.level.correlation import best_line, correlations, run_length

FIXED = Calibration((-8, 3, 7, -1, 2, 1, 2), (1, -6, 3), (-5, 8, -4, 2))
"""So that no new fit of the shipped coefficients moves a test."""
locate = partial(locating.locate, calibration=FIXED)
locate_map = partial(locating.locate_map, calibration=FIXED)


def published(offsets: np.ndarray, rows: int = 100) -> float:
    """The loop of the published post-processing at stride 1, where it is right."""
    line = np.arange(rows, 0, -1)
    scores = [np.corrcoef(offsets[i : i + rows], line)[0, 1] for i in range(len(offsets) - rows + 1)]
    middle = int(np.argmax(scores)) + rows // 2
    return float(offsets[middle] + middle)


def test_stride_one_is_the_published_rule():
    votes = vote_curve(230.0, 420, noise=4.0, outside="noise", seed=3)
    inner = published(votes.offsets) + votes.tops[0]
    line = best_line(votes)
    assert line.published == pytest.approx(inner, abs=10)
    starts, found, _, _ = correlations(votes)
    for start in (0, 57, 200):
        expected = np.corrcoef(votes.offsets[start : start + 100], np.arange(100, 0, -1))[0, 1]
        assert found[list(starts).index(start)] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(
    height=st.integers(200, 900),
    place=st.floats(0, 1),
    step=st.integers(1, 32),
    noise=st.floats(0, 4),
    outside=st.sampled_from(["hinge", "flat"]),
    rows=st.sampled_from([100, 128]),
    seed=st.integers(0, 1000),
)
def test_a_noisy_falling_line_gives_its_row_at_every_stride(height, place, step, noise, outside, rows, seed):
    level = rows / 2 + place * (height - rows)
    votes = vote_curve(level, height, rows=rows, step=step, noise=noise, outside=outside, seed=seed)
    # The median of n votes has 1.25 / root n of their noise.
    tolerance = 1 + 4 * 1.25 * noise / max(run_length(votes) / 2, 1) ** 0.5
    assert best_line(votes).row == pytest.approx(level, abs=tolerance)


@settings(max_examples=80, deadline=None)
@given(
    height=st.integers(120, 600),
    place=st.floats(0, 0.99),
    step=st.integers(1, 8),
    outside=st.sampled_from(["hinge", "flat"]),
    low=st.booleans(),
)
def test_near_the_edge_half_a_run_is_enough(height, place, step, outside, low):
    level = 50 * place if not low else height - 1 - 50 * place
    votes = vote_curve(level, height, step=step, noise=0.5, outside=outside, seed=step)
    assert best_line(votes).row == pytest.approx(level, abs=4)
    found = locate(votes, height=height)
    assert found.answer != "not-in-view" and found.row == pytest.approx(level, abs=4)


@settings(max_examples=60, deadline=None)
@given(height=st.integers(220, 900), place=st.floats(0.25, 0.75), step=st.integers(1, 6), seed=st.integers(0, 1000))
def test_random_votes_elsewhere_do_not_hide_the_line(height, place, step, seed):
    level = place * (height - 1)
    votes = vote_curve(level, height, step=step, noise=2.0, outside="noise", seed=seed)
    assert best_line(votes).row == pytest.approx(level, abs=4)
    assert locate(votes, height=height).row == pytest.approx(level, abs=4)


@settings(max_examples=60, deadline=None)
@given(height=st.integers(120, 900), place=st.floats(0.03, 0.97), step=st.integers(1, 12), noise=st.floats(0, 3))
def test_a_level_in_view_is_found_and_its_row_is_right(height, place, step, noise):
    level = place * (height - 1)
    found = locate(vote_curve(level, height, step=step, noise=noise), height=height)
    assert found.answer == "found" and found.confidence >= 0.5
    assert found.row == pytest.approx(level, abs=1 + 2 * noise)


@pytest.mark.parametrize(("side", "word"), [("above", "above"), ("below", "below")])
def test_a_scan_without_the_level_says_on_which_side_it_lies(side, word):
    found = locate(vote_curve(None, 400, side=side, noise=3.0), height=400)
    assert found.answer == "not-in-view" and found.side == word and found.row is None
    assert found.confidence > 0.5 and word in found.message


def test_a_level_just_outside_is_not_in_view_and_its_distance_is_told():
    votes = vote_curve(0.0, 400)
    votes.tops = votes.tops + 20
    votes.offsets = (-20 - votes.tops).astype(float)
    votes.offsets[votes.offsets < -8] = -8.0
    found = locate(votes, height=400)
    assert found.answer == "not-in-view" and found.side == "above"


def test_two_heights_that_fit_are_two_candidates():
    votes = vote_curve(150.0, 500, noise=2.0)
    other = vote_curve(300.0, 500, noise=2.0, seed=1)
    votes.offsets = np.where(votes.tops > 190, other.offsets, votes.offsets)
    found = locate(votes, height=500)
    assert found.answer == "uncertain" and found.confidence <= 0.5
    assert sorted(row for row, _ in found.candidates) == pytest.approx([150, 300], abs=2)
    assert "two heights" in found.message


@pytest.mark.parametrize("outside", ["noise", "flat"])
@pytest.mark.parametrize("step", [1, 2, 6])
def test_votes_that_do_not_agree_are_never_found(outside, step):
    for seed in range(20):
        votes = vote_curve(None, 600, step=step, outside=outside, seed=seed)
        if outside == "flat":
            votes.offsets[:] = 50.0
        assert locate(votes, height=600).answer != "found"


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 50.0, 1e30, -1e30, 100.0]), min_size=1, max_size=120),
    st.integers(1, 40),
)
def test_any_numbers_end_in_an_honest_answer(offsets, step):
    votes = vote_curve(50.0, 100)
    votes.tops = -50 + step * np.arange(len(offsets))
    votes.step, votes.offsets = step, np.array(offsets)
    found = locate(votes)
    assert found.answer in ("found", "not-in-view", "uncertain")
    assert 0 <= found.confidence <= 1 and (found.row is None or np.isfinite(found.row))
    best_line(votes)


def test_only_nan_is_uncertain_without_a_row():
    votes = vote_curve(50.0, 200)
    votes.offsets[:] = np.nan
    found = locate(votes)
    assert (found.answer, found.row, found.candidates) == ("uncertain", None, ())
    assert np.isnan(best_line(votes).row)


def test_some_nan_do_not_hide_the_level():
    votes = vote_curve(120.0, 300, noise=1.0)
    votes.offsets[::3] = np.nan
    assert locate(votes, height=300).row == pytest.approx(120, abs=2)


def gaussian(row: float, rows: int = 256, peak: float = 1.0) -> np.ndarray:
    return peak * np.exp(-0.5 * ((np.arange(rows) - row) / 3) ** 2)


def test_a_map_is_read_between_its_rows():
    found = locate_map(gaussian(100.4))
    assert found.answer == "found" and found.row == pytest.approx(100.4, abs=0.1)


def test_a_map_with_two_peaks_is_uncertain_and_a_flat_one_not_in_view():
    found = locate_map(gaussian(100) + gaussian(160, peak=0.8))
    assert found.answer == "uncertain" and [round(row) for row, _ in found.candidates] == [100, 160]
    assert locate_map(np.zeros(200)).answer == "not-in-view"
    assert locate_map(np.full(200, 0.6)).answer == "not-in-view"
    assert locate_map(np.full(200, np.nan)).answer == "uncertain"


def test_confidence_falls_with_noise_and_has_words():
    sure = [locate(vote_curve(200.0, 400, noise=noise, seed=5), height=400).confidence for noise in (0.5, 20)]
    assert sure[0] > 0.9 > sure[1]
    assert [confidence_words(value) for value in (0.95, 0.8, 0.2)] == ["sure", "fairly sure", "unsure"]


def test_a_calibration_survives_json_and_refuses_what_does_not_fit():
    assert Calibration.from_json(shipped_calibration().to_json()) == shipped_calibration()
    assert "l3_confidence.py" in shipped_calibration().origin
    with pytest.raises(ValueError, match="row_weights"):
        Calibration.from_json({"row_weights": [1, 2]})


def test_second_looks_that_say_otherwise_make_a_row_uncertain_and_are_its_other_candidate():
    votes = vote_curve(200.0, 400, noise=2.0)
    assert locate(votes, height=400, others=[201, 199, 204, 198]).answer == "found"
    found = locate(votes, height=400, others=[201, 236, 234, 235])
    assert found.answer == "uncertain" and "changed a little" in found.message
    assert [row for row, _ in found.candidates] == pytest.approx([235, 200], abs=1)  # what more of them say first
