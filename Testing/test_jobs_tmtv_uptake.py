"""What Slicer calls while a threshold moves or a lesion is put apart: arrays in, totals out, at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers_tmtv import SPACING, spots

from TransferSegLib.errors import UsageError
from TransferSegLib.imaging import Grid
from TransferSegLib.jobs.tmtv_counted import counted_mask
from TransferSegLib.jobs.tmtv_options import TmtvOptions
from TransferSegLib.jobs.tmtv_uptake import (
    Move,
    labels_of,
    measure_uptake,
    move_of,
    number_at,
    organ_of,
    with_moves,
)

ML = (1.6, 0.96, 0.02)


def grid_of(array, spacing=SPACING):
    return Grid(array.shape[::-1], spacing, (10.0, -20.0, 30.0))


@pytest.fixture
def case():
    suv, boxes = spots()
    return suv, boxes, grid_of(suv)


def test_a_moved_lesion_leaves_the_totals_and_comes_back(case):
    suv, _, grid = case
    first = measure_uptake(suv, grid, naming=False)
    assert [one.volume_ml for one in first.lesions] == pytest.approx(ML)
    apart = with_moves(first, grid, [move_of(first, 2, "physiological")])
    assert apart.totals.tmtv_ml == pytest.approx(1.62) and apart.totals.count == 2
    assert apart.totals.physiological_ml == pytest.approx(0.96) and apart.moved == ((2, "other"),)
    assert [one.number for one in apart.counted] == [1, 3], "numbers stay"
    assert apart.totals.tlg == pytest.approx(1.6 * 9 + 0.02 * 5)
    back = with_moves(apart, grid, [move_of(apart, 2, "lesion")])
    assert back.totals == first.totals and not back.moved
    heart = with_moves(
        first, grid, [move_of(first, 1, "heart"), move_of(first, 1, "Lesion"), move_of(first, 3, "heart")]
    )
    assert [one.physiological for one in heart.lesions] == ["", "", "heart"], "the last word counts"
    with pytest.raises(UsageError, match="no uptake 4"):
        move_of(first, 4, "lesion")
    with pytest.raises(UsageError, match="say what it is"):
        with_moves(first, grid, [Move(first.lesions[0].hottest_mm, " ")])


def test_what_an_uptake_is_has_known_words():
    wanted = {"Lésion": "", "lesion": "", "physiological": "other", "Brain": "brain", "vessie": "bladder"}
    wanted |= {"other: Thyroid  gland": "other:thyroid gland", "other:thyroid gland": "other:thyroid gland"}
    assert {text: organ_of(text) for text in wanted} == wanted
    for wrong in ("lesoin", "bladdr", "other:a\x01b", "thyroid"):
        with pytest.raises(UsageError, match=r"--move.*: "):
            organ_of(wrong)
    with pytest.raises(UsageError, match="other:TEXT"):
        TmtvOptions(moves=((1, "lesoin"),)).check(segmented=False)


def test_a_move_follows_its_uptake_under_another_threshold(case):
    suv, _, grid = case
    first = measure_uptake(suv, grid, naming=False)
    moves = [move_of(first, 1, "bladder")]
    higher = measure_uptake(suv, grid, rule=5.5, naming=False, moves=moves)
    assert [(one.suv_max, one.physiological) for one in higher.lesions] == [(9, "bladder"), (6, "")]
    assert higher.totals.tmtv_ml == pytest.approx(0.96) and higher.rule == "5.5"
    beyond = measure_uptake(suv, grid, rule=20, naming=False, moves=moves)
    assert beyond.lesions == () and beyond.totals.tmtv_ml == 0


def test_least_volume_and_the_reading_rule(case):
    suv, _, grid = case
    found = measure_uptake(suv, grid, minimum_ml=0.96, naming=False)
    assert [one.volume_ml for one in found.lesions] == pytest.approx(ML[:2])
    assert (found.below_count, found.below_ml) == (1, pytest.approx(0.02))
    reading = measure_uptake(suv, grid, rule="reading", naming=False)
    assert reading.lesions == () and reading.below_count == 3 and reading.rule == "reading"


def test_labels_and_places(case):
    suv, boxes, grid = case
    found = measure_uptake(suv, grid, naming=False)
    labels = labels_of(found.lesions, suv.shape)
    assert labels.dtype == np.uint8 and all((labels[box] == number).all() for number, box in enumerate(boxes, 1))
    for number, lesion in enumerate(found.lesions, 1):
        assert number_at(found, grid, lesion.hottest_mm) == number
    assert number_at(found, grid, (10.0, -20.0, 30.0)) is None and number_at(found, grid, (1e6, 0, 0)) is None


def test_what_does_not_count_leaves_the_segmentation_too(case):
    suv, boxes, grid = case
    segmentation = np.zeros(suv.shape, bool)
    segmentation[boxes[0]] = segmentation[boxes[1]] = True
    segmentation[12:18, 14:18, 14:16] = True  # faint, in one component with the second
    segmentation[0, 20:24, 20:24] = True  # faint, alone
    final = segmentation & (suv >= 4)
    found = measure_uptake(suv, grid, segmentation=segmentation, naming=False)
    kept = labels_of(with_moves(found, grid, [move_of(found, 2, "kidney")]).counted, suv.shape) > 0
    raw = counted_mask(found, segmentation, final, kept)
    assert raw[boxes[0]].all() and not raw[12:18, 14:18, 14:20].any() and raw[0, 20:24, 20:24].all()
    assert (counted_mask(found, None, final, kept) == kept).all()


def test_physiological_uptake_by_rule_on_the_shared_whole_body(data_folder):
    from TransferSegLib.imaging import read_pet

    image = read_pet(data_folder / "pet_raw_dicom_sts001" / "STS_001" / "FDG_PET" / "image").image
    import SimpleITK as sitk

    suv, grid = sitk.GetArrayFromImage(image), Grid.of(image)
    found = measure_uptake(suv, grid)
    organs = {one.physiological for one in found.apart}
    assert {"heart", "bladder"} <= organs and found.by_rule
    assert all(not one.physiological for one in found.counted) and found.counted[0].volume_ml > 20
    assert [one.number for one in found.lesions] == list(range(1, len(found.lesions) + 1))
    # Both in processor time: a busy machine is no fault of it.
    started = time.process_time()
    for _ in range(10):
        with_moves(found, grid, [move_of(found, found.apart[0].number, "lesion")])
    assert (time.process_time() - started) / 10 < 0.1
    started = time.process_time()
    measure_uptake(suv, grid, rule="4.5", naming=False)
    assert time.process_time() - started < 2.0


def test_it_needs_no_torch():
    code = "import TransferSegLib.jobs.tmtv_uptake, TransferSegLib.jobs.tmtv, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent).returncode == 0
