"""Tumours in and next to brain and heart: none is put apart silently, and the organs themselves still are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from test_lesions_physiological import STEP, body, put_in

from TransferSegLib.imaging import Grid
from TransferSegLib.lesions import find_lesions, name_physiological, totals

BRAIN = tuple(((side * 33, 0, 970), (32, 75, 52), 9.0) for side in (-1, 1))
HEART = (((45, -45, 640), (32, 32, 42), 9.0), ((45, -45, 640), (21, 21, 32), 1.8))
# What is drawn, where the tumour is hottest (at least that SUV), and the organ that a note may take it for.
TUMOURS = {
    "at the base of the skull": ((*BRAIN, ((0, -20, 893), (23, 23, 23), 14.0)), 13, "brain"),
    "both sides of the upper neck": (
        (*BRAIN, *(((side * 38, 10, 885), (24, 24, 24), 11.0) for side in (-1, 1))),
        10.5,
        "brain",
    ),
    "in the brain": ((*BRAIN, ((35, 20, 975), (17, 17, 17), 24.0)), 20, "brain"),
    "a large one in the brain": ((*BRAIN, ((35, 20, 975), (29, 29, 29), 24.0)), 20, "brain"),
    "a necrotic mediastinal mass": (
        (((50, -40, 680), (38, 38, 36), 10.0), ((50, -40, 680), (20, 20, 20), 1.5)),
        9,
        "heart",
    ),
    "a mediastinal bulk": ((((30, -60, 660), (40, 30, 60), 11.0),), 10, "heart"),
    "a mass on the heart": ((*HEART, ((62, -50, 690), (26, 26, 26), 12.0)), 11, "heart"),
    "a mass along the heart": ((*HEART, ((83, -45, 640), (16, 30, 40), 9.0)), 8, "heart"),
}


def named(things, with_ct: bool, top: int | None = None):
    """The lesions at SUV 4 of the plain body with what is drawn into it, named; ``top`` slices only."""
    suv, ct, _, at = body()
    for centre, radii, value in things:
        put_in(suv, at, centre, radii, value)
        if 600 < centre[2] < 800:
            put_in(ct, at, centre, radii, 40)
    suv = ndimage.gaussian_filter(suv, 0.5)[:top]
    grid = Grid(suv.shape[::-1], (STEP,) * 3)
    return name_physiological(find_lesions(suv, None, grid, rule="4.0"), None, suv, ct[:top] if with_ct else None, grid)


@pytest.mark.parametrize("with_ct", [True, False])
def test_brain_and_heart_are_put_apart(with_ct):
    assert [one.physiological for one in named((*BRAIN, *HEART), with_ct)] == ["brain", "brain", "heart"]


@pytest.mark.parametrize("with_ct", [True, False])
@pytest.mark.parametrize("name", TUMOURS)
def test_a_tumour_stays_a_lesion_and_a_note_says_what_it_may_be(name, with_ct):
    things, hot, organ = TUMOURS[name]
    found = named(things, with_ct)
    tumours = [one for one in found if one.suv_max > hot]
    assert tumours and not any(one.physiological for one in tumours)
    assert all(one.suspected in ("", organ) for one in tumours)
    suspects = [one for one in tumours if one.suspected]
    notes = totals(found).notes
    assert bool(suspects) == any(f"may be uptake of the {organ}, and count" in note for note in notes)
    assert totals(found).tmtv_ml >= sum(one.volume_ml for one in tumours)


def test_a_tumour_where_the_image_ends_through_the_head_stays_a_lesion():
    (one,) = named((((0, -20, 893), (20, 20, 20), 14.0),), True, top=round(910 / STEP))
    assert (one.physiological, one.suspected) == ("", "brain")


def test_of_two_hearts_none_is_taken():
    from dataclasses import replace

    from TransferSegLib.lesions.physiological import _one_heart

    (heart,) = named(HEART, True)
    assert [(one.physiological, one.suspected) for one in _one_heart([heart, replace(heart, number=2)])] == [
        ("", "heart")
    ] * 2
    assert _one_heart([heart]) == (heart,) and np.isfinite(heart.suv_max)
