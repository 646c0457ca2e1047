"""Surfaces of a picture's masks are their outlines: distances are those in the plane, not of a slab."""

from __future__ import annotations

import numpy as np
import pytest

from TransferSegLib.measuring import compare


def measured(prediction, truth, depth):
    arrays = [np.repeat(mask[None].astype(np.uint8), depth, axis=0) for mask in (prediction, truth)]
    return compare(*arrays, spacing=(1, 1, 1), labels={1: "a"}, tolerance_mm=1.0)["a"]


def test_a_strip_that_is_three_pixels_wider_on_one_side():
    truth = np.zeros((60, 200), bool)
    truth[20:40, 10:190] = True
    wider = truth.copy()
    wider[40:43, 10:190] = True
    found = measured(wider, truth, 1)
    assert found.hd == pytest.approx(3) and found.hd95 == pytest.approx(3)
    # About 180 of some 400 pixels of outline are 3 off, nothing else is.
    assert found.msd == pytest.approx(3 * 180 / 400, abs=0.1) and found.nsd == pytest.approx(1 - 180 / 400, abs=0.03)
    slab = measured(wider, truth, 30)
    assert found.dice == slab.dice and slab.nsd > found.nsd, "the lids of a slab agree and hide the difference"


def test_the_same_picture_differs_nowhere():
    mask = np.hypot(*np.mgrid[-20:21, -20:21]) < 12
    found = measured(mask, mask, 1)
    assert found.hd == 0 and found.nsd == 1 and found.dice == 1
