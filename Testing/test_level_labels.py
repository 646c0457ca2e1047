"""The value of a vertebra in a mask: numberings told apart, single labels, what must be asked for."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.imaging import Grid
from TransferSegLib.level.vertebra_labels import PITCH, SCHEMES, find_label


def spine_of(scheme: dict[str, int], names: list[str], scale: float = 1.0) -> tuple[np.ndarray, Grid]:
    """Little cubes at the vertebrae's usual distances, numbered by a scheme."""
    heights, z = {}, 400.0
    for upper, lower in PITCH:
        heights.setdefault(upper, z)
        z -= scale * PITCH[(upper, lower)]
        heights[lower] = z
    grid = Grid((9, 9, 260), (4.0, 4.0, 3.0), (0.0, 0.0, -350.0))
    labels = np.zeros(grid.shape, np.uint8)
    for name in names:
        k = round((heights[name] + 350) / 3)
        labels[k - 2 : k + 3, 3:6, 3:6] = scheme[name]
    return labels, grid


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("scale", [0.85, 1.0, 1.2])
@pytest.mark.parametrize("names", [["L2", "L3", "L4"], ["T11", "T12", "L1", "L2", "L3", "L4", "L5"], ["L3", "L4"]])
def test_numberings_are_told_apart_by_the_neighbours(name, names, scale):
    labels, grid = spine_of(SCHEMES[name], names, scale)
    if len(names) == 2 and scale < 1 and name != "VerSe":  # two vertebrae of a small patient: asked for, or right
        with contextlib.suppress(UsageError):
            assert find_label(labels, grid, "L3") == (SCHEMES[name]["L3"], "")
        return
    assert find_label(labels, grid, "L3") == (SCHEMES[name]["L3"], "")


def test_a_mask_that_ends_before_the_level_says_on_which_side():
    chest = [f"T{n}" for n in range(4, 13)]
    labels, grid = spine_of(SCHEMES["TotalSegmentator v2"], chest)
    assert find_label(labels, grid, "L3") == (None, "below")
    assert find_label(labels, grid, "T1") == (None, "above")


def test_a_value_that_another_numbering_denies_is_asked_for():
    lumbar = ["T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5"]
    labels, grid = spine_of(SCHEMES["TotalSegmentator v2"], lumbar, scale=0.7)  # a small patient, as phantom 6
    for level in ("T4", "T5", "T12", "L3"):  # as the chest of version 1 it would be T2 to T10
        with pytest.raises(UsageError, match="cannot be told"):
            find_label(labels, grid, level)
    assert find_label(labels, grid, "L3", 29) == (29, "")


def test_one_label_is_the_level_and_several_unclear_ones_are_asked_for():
    labels, grid = spine_of(SCHEMES["VerSe"], ["L3"])
    assert find_label(labels, grid, "L3") == (22, "")
    for value in (1, 255, 29, 20):
        assert find_label(np.where(labels > 0, value, 0), grid, "L3") == (value, "")
    with pytest.raises(UsageError, match="--truth-label 28"):  # TotalSegmentator's L4
        find_label(np.where(labels > 0, 28, 0), grid, "L3")
    assert find_label(np.where(labels > 0, 28, 0), grid, "L3", 28) == (28, "")
    labels[labels == 22] = 3
    labels[0] = 7
    with pytest.raises(UsageError, match="--truth-label"):
        find_label(labels, grid, "L3")
    assert find_label(labels, grid, "L3", 7) == (7, "")
    with pytest.raises(InputError, match="no label 9"):
        find_label(labels, grid, "L3", 9)
    with pytest.raises(InputError, match="empty"):
        find_label(labels * 0, grid, "L3")
