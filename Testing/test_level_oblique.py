"""Scans whose axes are turned against the body's: the same vertebra, its slice, and what is said of leaning slices."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_level import turned

from TransferSegLib.imaging import Grid, scan_of
from TransferSegLib.jobs.l3 import find_l3
from TransferSegLib.level.plausibility import examine
from TransferSegLib.level.vertebral_body import body_centre
from TransferSegLib.phantoms.ct_phantom import ct_phantom
from TransferSegLib.preparing.projecting import upright
from TransferSegLib.preparing.projection import project

TURNS = [(-20, 0), (30, 0), (20, 1), (20, 2)]
LUMBAR = range(27, 32)


@pytest.fixture(scope="module")
def phantom():
    return ct_phantom(3, field="abdomen", spacing=(2.0, 2.0, 3.0))


def centre(phantom, value: int = 29) -> np.ndarray | None:
    """LPS middle of a vertebral body; 29 is L3."""
    mask = sitk.GetArrayFromImage(phantom.vertebrae) == value
    return body_centre(mask, Grid.of(phantom.vertebrae)) if mask.any() else None


@pytest.mark.parametrize(("degrees", "axis"), TURNS)
def test_the_shipped_model_finds_the_slice_through_l3_or_says_that_it_is_unsure(phantom, degrees, axis, tmp_path):
    image, middle = turned(phantom.image, degrees, axis), centre(phantom)
    sitk.WriteImage(image, str(tmp_path / "ct.nii"))
    value = find_l3(ct=tmp_path / "ct.nii")
    place = Grid.of(image).indices(middle[None])[0, 2]
    assert value["slice_index"] is not None and value["slice_axis"] == "k"
    away = abs(value["slice_index"] - place) * image.GetSpacing()[2]
    assert value["answer"] != "found" or away <= 15, (away, value["message"])
    tilt = 0 if axis == 2 else abs(degrees)
    assert (value["answer"] == "uncertain") >= (tilt > 25)  # a leaning slice is no vertebra's
    assert ("tilted" in [finding["kind"] for finding in value["findings"]]) == (tilt > 25)
    assert any("up to" in note and "larger" in note for note in value["notes"]) == (tilt > 15)
    # Nothing is made of a body that was cut along the axes of its scan.
    assert {finding["kind"] for finding in value["findings"]} <= {"tilted"}
    if (degrees, axis) == (20, 1):
        assert value["answer"] == "found"


@pytest.mark.parametrize(("seed", "field"), [(3, "abdomen"), (6, "abdomen-pelvis"), (9, "trunk"), (14, "lumbar")])
def test_rows_of_a_leaning_scan_are_the_slices_that_meet_the_spine(seed, field):
    phantom = ct_phantom(seed, field=field, spacing=(3.0, 3.0, 4.0))
    there = [found for value in LUMBAR if (found := centre(phantom, value)) is not None]
    for degrees in (20, -20):
        scan = scan_of(turned(phantom.image, degrees))
        seen = project(scan)
        for middle in there:
            place = scan.grid.indices(middle[None])[0, scan.axis]
            assert seen.index_of_row(seen.row_of_mm(middle[2])) == pytest.approx(place, abs=12 / 4.0)


def test_a_scan_along_the_body_is_looked_at_as_it_is(phantom):
    scan = scan_of(phantom.image)
    assert upright(scan) is scan and scan.tilt == 0 and not examine(scan)
    leaning = scan_of(turned(phantom.image, 20, 1))
    assert leaning.tilt == pytest.approx(20) and scan_of(turned(phantom.image, 20, 2)).tilt == pytest.approx(
        0, abs=1e-5
    )
    copy = upright(leaning)
    assert copy.tilt == 0 and copy.heights.max() >= scan.heights.max()
