"""Lesions and totals: what counts, what is measured of each, and what no volume may be taken of."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from scipy.spatial.distance import pdist

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.imaging import Grid, read_image, to_array
from TransferSegLib.lesions import (
    READING,
    RULES,
    Threshold,
    apply_threshold,
    find_lesions,
    label_map,
    threshold_of,
    totals,
)

TURNED = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
GRID = Grid((24, 20, 30), (4.0, 5.0, 3.0), (-50.0, 20.0, 700.0), TURNED)


def uptake_image() -> np.ndarray:
    """SUV 1 with three hot spots: SUV 10 with a rim of 5, SUV 6, and one of SUV 3 (rim 2.6)."""
    suv = np.ones(GRID.shape, np.float32)
    suv[3:8, 3:8, 3:8] = 5
    suv[4:7, 4:7, 4:7] = 10
    suv[15:18, 10:12, 10:20] = 6
    suv[22:26, 14:18, 18:22] = 2.6
    suv[23:25, 15:17, 19:21] = 3
    return suv


def around(suv: np.ndarray) -> np.ndarray:
    """A generous mask about the spots."""
    return ndimage.binary_dilation(suv > 2, iterations=1)


def test_what_each_rule_counts() -> None:
    suv = uptake_image()
    mask = around(suv)
    volumes = {rule: int(apply_threshold(suv, mask, rule).sum()) for rule in RULES}
    assert volumes == {"4.0": 125 + 60, "2.5": 125 + 60 + 64, "41%": 125 + 60 + 64}
    assert int(apply_threshold(suv, mask, "51%").sum()) == 27 + 60 + 64
    assert int(apply_threshold(suv, mask, "90%").sum()) == 27 + 60 + 8
    assert apply_threshold(suv, mask, 4).sum() == apply_threshold(suv, mask.astype(np.uint8) * 7, "4.0").sum() == 185
    assert int(apply_threshold(suv, mask, "70%").sum()) == 27 + 60 + 64
    # Lesions that touch are one lesion, with one SUVmax.
    joined = mask.copy()
    joined[7:16, 7:11, 7:11] = True
    assert int(apply_threshold(suv, joined, "70%").sum()) == 27 + 64
    assert int(apply_threshold(suv, np.ones_like(mask), "70%").sum()) == 27


def test_without_a_mask_the_rule_alone_says_what_is_lesion() -> None:
    suv = uptake_image()
    np.testing.assert_array_equal(apply_threshold(suv, None, "2.5"), suv >= 2.5)
    np.testing.assert_array_equal(apply_threshold(suv, None, "90%"), (suv == 10) | (suv == 6))
    assert [lesion.voxels for lesion in find_lesions(suv, None, GRID)] == [125, 60]


def test_the_reading_rule_drops_small_lesions() -> None:
    suv = uptake_image()
    suv[10, 2, 2] = 8
    assert GRID.voxel_ml == pytest.approx(0.06)
    assert [lesion.volume_ml for lesion in find_lesions(suv, None, GRID)] == pytest.approx([7.5, 3.6, 0.06])
    assert [lesion.volume_ml for lesion in find_lesions(suv, None, GRID, rule="reading")] == pytest.approx([7.5, 3.6])
    assert apply_threshold(suv, None, "reading", GRID).sum() == 185
    exactly = Threshold(suv=4.0, least_ml=3.6)
    assert len(find_lesions(suv, None, GRID, rule=exactly)) == 2
    assert len(find_lesions(suv, None, GRID, rule=Threshold(suv=4.0, least_ml=3.61))) == 1
    with pytest.raises(UsageError, match="give the grid"):
        apply_threshold(suv, None, "reading")


def test_rules_by_name() -> None:
    assert threshold_of("41 %") == Threshold(share=0.41) and threshold_of(2.5) == Threshold(suv=2.5)
    assert threshold_of(" Reading") is READING
    assert [threshold_of(rule).name for rule in (*RULES, "reading")] == [*RULES, "reading"]
    assert threshold_of("reading").words == "SUV >= 4.0, lesions of at least 3 ml"
    assert threshold_of("41%").words == "SUV >= 41 % of the lesion's SUVmax"
    for wrong in ("", "4,0", "-1", "0", "0%", "141%", "nan", "inf", "suv"):
        with pytest.raises(UsageError, match="threshold") as error:
            threshold_of(wrong)
        assert "41%" in str(error.value)
    for wrong in ({}, {"suv": 4.0, "share": 0.4}, {"suv": 4.0, "least_ml": -1}):
        with pytest.raises(UsageError, match="threshold"):
            Threshold(**wrong)


def test_the_figures_of_a_lesion() -> None:
    suv = uptake_image()
    suv[5, 5, 5] = 11
    first, second = find_lesions(suv, around(suv), GRID)
    assert (first.number, first.voxels, second.number, second.voxels) == (1, 125, 2, 60)
    total = 98 * 5 + 26 * 10 + 11
    assert (first.suv_max, first.suv_mean, first.tlg) == pytest.approx((11, total / 125, total * 0.06))
    assert first.suv_mean < first.suv_peak < first.suv_max
    assert first.centroid_mm == first.hottest_mm == pytest.approx((-50 - 5 * 5, 20 + 5 * 4, 700 + 5 * 3))
    assert second.centroid_mm == pytest.approx((-50 - 10.5 * 5, 20 + 14.5 * 4, 700 + 16 * 3))
    assert second.box == ((15, 18), (10, 12), (10, 20)) and second.physiological == ""
    labels = label_map((first, second), GRID.shape)
    assert labels.dtype == np.uint16 and np.bincount(labels.ravel())[1:].tolist() == [125, 60]
    assert labels[5, 5, 5] == 1 and labels[16, 11, 15] == 2
    written = json.loads(json.dumps(first.as_dict()))
    assert written["box"] == [[3, 8]] * 3 and set(written) >= {"number", "tlg", "suv_peak", "touches_border"}
    assert "part" not in written and "corners_mm" not in written


def test_the_totals_and_what_is_named_apart() -> None:
    suv = uptake_image()
    lesions = find_lesions(suv, around(suv), GRID, rule="2.5")
    found = totals(lesions)
    assert (found.tmtv_ml, found.suv_max, found.count) == pytest.approx((249 * 0.06, 10, 3))
    assert found.tlg == pytest.approx(float(suv[suv >= 2.5].sum(dtype=float)) * 0.06)
    centroids = np.array([lesion.centroid_mm for lesion in lesions])
    assert found.dmax_centroid_mm == pytest.approx(pdist(centroids).max())
    points = GRID.points(np.argwhere(suv >= 2.5)[:, ::-1])
    assert found.dmax_voxel_mm == pytest.approx(pdist(points).max())
    assert found.undefined == {} and found.notes == () and found.physiological_ml == 0
    apart = [dataclasses.replace(own, physiological="bladder" if own.number == 1 else "") for own in lesions]
    less = totals(apart)
    assert (less.tmtv_ml, less.suv_max, less.count) == pytest.approx((124 * 0.06, 6, 2))
    assert (less.physiological_ml, less.physiological_count) == (pytest.approx(7.5), 1)
    assert less.tmtv_ml + less.physiological_ml == pytest.approx(found.tmtv_ml)
    json.dumps(less.as_dict())


def test_totals_of_nothing_and_of_one_lesion_say_what_is_undefined() -> None:
    nothing = totals(find_lesions(uptake_image(), np.zeros(GRID.shape, bool), GRID))
    assert (nothing.tmtv_ml, nothing.tlg, nothing.count) == (0, 0, 0)
    assert nothing.suv_max is nothing.dmax_centroid_mm is nothing.dmax_voxel_mm is None
    assert set(nothing.undefined) == {"suv_max", "dmax_centroid_mm", "dmax_voxel_mm"}
    single = np.zeros(GRID.shape, bool)
    single[5, 5, 5] = True
    one = totals(find_lesions(uptake_image(), single, GRID))
    assert one.dmax_centroid_mm is None and one.undefined == {"dmax_centroid_mm": "there is one lesion only"}
    assert one.dmax_voxel_mm == 0 and one.suv_max == 10


def test_a_lesion_on_the_border_is_noted() -> None:
    suv = uptake_image()
    suv[27:, 0:3, 0:3] = 9
    lesions = find_lesions(suv, None, GRID)
    assert [own.touches_border for own in lesions] == [False, False, True]
    (note,) = totals(lesions).notes
    assert "lesion 3 reaches the border" in note


def test_a_mask_as_it_is() -> None:
    suv = uptake_image()
    mask = around(suv)
    assert sum(own.voxels for own in find_lesions(suv, mask, GRID, rule=None)) == mask.sum()
    with pytest.raises(UsageError, match="neither a mask nor a threshold"):
        find_lesions(suv, None, GRID, rule=None)


@settings(max_examples=40, deadline=None)
@given(
    suv=arrays.arrays(np.float32, (5, 6, 7), elements=st.sampled_from([0.5, 2.5, 3.9, 4.0, 12.0])),
    rule=st.sampled_from([*RULES, "reading", "100%"]),
)
def test_lesions_cover_what_the_rule_counts_and_nothing_else(suv: np.ndarray, rule: str) -> None:
    grid = Grid((7, 6, 5), (9.0, 9.0, 9.0))
    lesions = find_lesions(suv, None, grid, rule=rule)
    counted = apply_threshold(suv, None, rule, grid)
    np.testing.assert_array_equal(label_map(lesions, suv.shape) > 0, counted)
    assert [own.number for own in lesions] == list(range(1, len(lesions) + 1))
    assert all(one.voxels >= other.voxels for one, other in itertools.pairwise(lesions))
    found = totals(lesions)
    assert found.tmtv_ml == pytest.approx(counted.sum() * grid.voxel_ml)
    assert found.tlg == pytest.approx(float(suv[counted].sum(dtype=float)) * grid.voxel_ml)
    for own in lesions:
        assert own.suv_mean <= own.suv_max + 1e-9 and own.suv_peak <= suv.max() + 1e-9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda suv: suv * 1000, "SUV: the highest value is 10000.*--pet-unit"),
        (lambda suv: suv - 1000, "as in a CT"),
        (lambda suv: np.where(suv == 6, np.nan, suv), "not finite"),
        (lambda suv: np.where(suv == 6, np.inf, suv), "not finite"),
        (lambda suv: suv[1:], "on a grid of"),
        (lambda suv: suv > 4, "of bool"),
    ],
    ids=["10000", "CT", "nan", "inf", "shape", "mask"],
)
def test_what_cannot_be_suv_is_refused(change, words: str) -> None:
    with pytest.raises(InputError, match=words):
        find_lesions(change(uptake_image()), None, GRID)


def test_what_is_no_mask_is_refused() -> None:
    suv = uptake_image()
    for mask, words in ((np.ones((3, 3, 3), bool), "its shape"), (suv, "float32")):
        with pytest.raises(InputError, match=words):
            find_lesions(suv, mask, GRID)
        with pytest.raises(InputError, match=words):
            apply_threshold(suv, mask, "4.0")


def test_real_sarcomas(data_folder: Path) -> None:
    """On a real PET the figures are those of plain voxel counts inside the tumour."""
    folder = data_folder / "petct_ibsi_sts" / "STS_001"
    pet, mask = (read_image(folder / f"PET_{name}.nii.gz") for name in ("image", "mask"))
    suv, tumour, grid = to_array(pet), to_array(mask) > 0, Grid.of(pet)
    for rule, kept in (("4.0", tumour & (suv >= 4)), ("2.5", tumour & (suv >= 2.5))):
        lesions = find_lesions(suv, tumour, grid, rule=rule)
        found = totals(lesions)
        assert len(lesions) == ndimage.label(kept, ndimage.generate_binary_structure(3, 2))[1]
        assert found.tmtv_ml == pytest.approx(kept.sum() * grid.voxel_ml) and found.tmtv_ml > 1
        assert found.tlg == pytest.approx(float(suv[kept].sum(dtype=float)) * grid.voxel_ml)
        points = grid.points(np.argwhere(kept & ~ndimage.binary_erosion(kept))[:, ::-1])
        assert found.dmax_voxel_mm == pytest.approx(max(np.linalg.norm(points - own, axis=1).max() for own in points))
    share = find_lesions(suv, tumour, grid, rule="41%")
    assert ndimage.label(tumour, ndimage.generate_binary_structure(3, 2))[1] == 1
    assert sum(own.voxels for own in share) == (tumour & (suv >= 0.41 * suv[tumour].max())).sum()
