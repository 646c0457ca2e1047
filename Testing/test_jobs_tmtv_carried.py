"""An organ that the report puts apart is apart under the thresholds beside it too."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_tmtv import SPACING, save

from TransferSegLib.imaging import Grid
from TransferSegLib.jobs.tmtv import tmtv
from TransferSegLib.jobs.tmtv_carried import apart_elsewhere, with_organs_of
from TransferSegLib.jobs.tmtv_options import TmtvOptions
from TransferSegLib.jobs.tmtv_uptake import measure_uptake, move_of, with_moves

# Along k: a rim, the organ, a bridge of SUV 3 and the lesion; 2 mm a voxel.
ORGAN, BRIDGE, LESION = slice(6, 12), slice(12, 26), slice(26, 30)


def joined() -> np.ndarray:
    suv = np.full((40, 12, 12), 0.5, np.float32)
    suv[4:30, 3:9, 3:9] = 3.0
    suv[ORGAN, 3:9, 3:9], suv[LESION, 3:9, 3:9] = 20.0, 8.0
    return suv


def kinds(uptake, shape):
    return {(z, bool(one.physiological)) for one in uptake.lesions for z in one.part.indices()[:, 0]}


def test_an_organ_stays_apart_where_a_lower_threshold_joins_it_to_a_lesion():
    suv = joined()
    grid = Grid(suv.shape[::-1], SPACING, (0, 0, 0))
    plain = measure_uptake(suv, grid, naming=False)
    report = with_moves(plain, grid, [move_of(plain, 1, "bladder")])
    assert report.apart[0].suv_max == 20 and report.counted[0].suv_max == 8
    low = measure_uptake(suv, grid, rule="2.5", naming=False)
    assert len(low.lesions) == 1
    found = with_organs_of(low, report, suv, grid)
    # 10 mm are five voxels of rim; the rest of the bridge is no organ's.
    assert {z for z, apart in kinds(found, suv.shape) if apart} == set(range(4, 17))
    assert {z for z, apart in kinds(found, suv.shape) if not apart} == set(range(17, 30))
    assert found.totals.tmtv_ml + found.totals.physiological_ml == pytest.approx(low.totals.tmtv_ml)
    assert [one.physiological for one in found.apart] == ["bladder"] and not found.moved
    # a bridge of less than two rims is shared by distance
    suv[16:26, 3:9, 3:9] = 0.5
    suv[16:20, 3:9, 3:9] = 8.0
    plain = measure_uptake(suv, grid, naming=False)
    report = with_moves(plain, grid, [move_of(plain, 1, "bladder")])
    found = with_organs_of(measure_uptake(suv, grid, rule="2.5", naming=False), report, suv, grid)
    assert {z for z, apart in kinds(found, suv.shape) if apart} == set(range(4, 14))
    # what a mask puts apart has no rim, and the user's word to the contrary wins
    hand = [("bladder", suv == 20)]
    assert with_organs_of(low, report, suv, grid, by_hand=hand) is low
    assert with_organs_of(low, plain, suv, grid) is low


def test_crumbs_below_the_least_volume_do_not_count():
    suv = joined()
    suv[30:32] = 0.5
    grid = Grid(suv.shape[::-1], SPACING, (0, 0, 0))
    plain = measure_uptake(suv, grid, naming=False, minimum_ml=2)
    report = with_moves(plain, grid, [move_of(plain, 1, "bladder")])
    low = measure_uptake(suv, grid, rule="2.5", naming=False, minimum_ml=6)
    found = with_organs_of(low, report, suv, grid, minimum_ml=6)
    assert not found.counted and found.below_count == 1 and found.below_ml == pytest.approx(13 * 36 * 0.01)


def test_a_threshold_that_names_what_the_report_counts_is_told():
    suv = joined()
    grid = Grid(suv.shape[::-1], SPACING, (0, 0, 0))
    report = measure_uptake(suv, grid, naming=False)
    low = measure_uptake(suv, grid, rule="2.5", naming=False)
    named = with_moves(low, grid, [move_of(low, 1, "kidney")])
    (note,) = apart_elsewhere(report, [named, report])
    assert "threshold 2.5" in note and "(kidney)" in note
    assert not apart_elsewhere(report, [low])


def test_the_report_says_it_in_its_table_of_thresholds(tmp_path):
    pet = save(tmp_path / "p1" / "pet.nii.gz", joined())
    options = TmtvOptions(unit="suv", moves=((1, "bladder"),), naming="off")
    value = tmtv(pet=pet, out=tmp_path / "out", options=options)
    rows = {row["rule"]: row for row in value["thresholds"]}
    assert rows["4.0"]["physiological_ml"] == pytest.approx(6 * 0.36)
    assert rows["2.5"]["physiological_ml"] == pytest.approx(13 * 0.36)
    assert rows["2.5"]["tmtv_ml"] == pytest.approx(13 * 0.36)


@pytest.mark.usefixtures("_host")
def test_the_panel_does_the_same_as_the_user_moves():
    from TransferSegGUI.pet_live import Live

    suv = joined()
    live = Live(suv, Grid(suv.shape[::-1], SPACING, (0, 0, 0)), None, None)
    organ, lesion = (5, 5, 8), (5, 5, 28)
    for moves, ml in (((), 0), (((organ, "bladder"),), 13), (((organ, "bladder"), (organ, "lesion")), 0)):
        beside = {row.rule: row for row in live.measure("4.0", moves, naming=False).beside}
        assert beside["2.5"].totals.physiological_ml == pytest.approx(ml * 0.36), moves
        assert beside["2.5"].totals.tmtv_ml == pytest.approx((26 - ml) * 0.36), moves
    both = live.measure("4.0", ((organ, "bladder"), (lesion, "other")), naming=False)
    assert both.beside[1].totals.physiological_ml > 13 * 0.36
