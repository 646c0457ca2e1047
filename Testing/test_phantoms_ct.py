"""CT phantoms: seeds, the spine's truth, fields that miss L3, tissues, files."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.errors import UsageError
from TransferSegLib.phantoms import FIELDS, case_seed, ct_phantom, ct_projection, write_ct_phantoms
from TransferSegLib.phantoms.ct_field import draw_field
from TransferSegLib.phantoms.ct_patient import build_patient
from TransferSegLib.phantoms.ct_plan import FOUR_LUMBAR, SIX_LUMBAR, draw_plan
from TransferSegLib.phantoms.spine_curve import NUMBERS, build_spine
from TransferSegLib.phantoms.torso_ribs import chest_parts

COARSE = (4.0, 4.0, 3.0)


@pytest.fixture(scope="module")
def phantom():
    return ct_phantom(3, field="abdomen-pelvis", spacing=COARSE)


def test_same_seed_same_scan(phantom):
    again = ct_phantom(3, field="abdomen-pelvis", spacing=COARSE)
    assert np.array_equal(sitk.GetArrayViewFromImage(again.image), sitk.GetArrayViewFromImage(phantom.image))
    assert again.levels == phantom.levels and again.attributes == phantom.attributes


def test_other_seed_other_patient(phantom):
    other = ct_phantom(4, field="abdomen-pelvis", spacing=COARSE)
    assert other.levels["L3"] != phantom.levels["L3"]


@pytest.mark.parametrize("level", ["L1", "L2", "L3", "L4"])
def test_level_is_the_middle_of_the_body(phantom, level):
    """The mask's front half is the body: its middle height is the level, to within a slice."""
    mask = sitk.GetArrayViewFromImage(phantom.vertebrae) == NUMBERS[level]
    _, j, _ = np.nonzero(mask)
    front = mask[:, : int(j.min() + 26 / COARSE[1])]
    k = np.nonzero(front.any((1, 2)))[0]
    middle = phantom.image.GetOrigin()[2] + (k.min() + k.max()) / 2 * COARSE[2]
    assert abs(middle - phantom.levels[level]) <= COARSE[2]


def test_vertebrae_stand_in_order_and_grow_downwards():
    for seed in range(20):
        spine = build_spine(draw_plan(seed))
        heights = [bone.centre[2] for bone in spine.values()]
        assert all(upper < lower for upper, lower in pairwise(heights))
        assert spine["L3"].width > spine["T12"].width > spine["T6"].width
        assert 15 < spine["L3"].height < 36


def test_the_atlas_of_numbers_is_totalsegmentators():
    assert (NUMBERS["L3"], NUMBERS["L5"], NUMBERS["T12"], NUMBERS["C1"], NUMBERS["S1"]) == (29, 27, 32, 50, 26)


def test_shares_of_lumbar_counts():
    drawn = Counter(draw_plan(seed).lumbar for seed in range(3000))
    assert drawn[4] / 3000 == pytest.approx(FOUR_LUMBAR, abs=0.015)
    assert drawn[6] / 3000 == pytest.approx(SIX_LUMBAR, abs=0.015)
    spine = build_spine(draw_plan(next(seed for seed in range(99) if draw_plan(seed).lumbar == 4)))
    assert "L5" not in spine and "L4" in spine


def test_fields_that_miss_l3_say_where_it_lies():
    sides = {name: ct_projection(5, field=name, width=64, row_mm=4.0).where("L3") for name in ("head-neck", "pelvis")}
    assert sides == {"head-neck": "below", "pelvis": "above"}
    counted = Counter()
    for seed in range(30):
        patient = build_patient(seed)
        counted[draw_field(patient).side(patient.levels()["L3"])] += 1
    assert 0.1 < 1 - counted[""] / 30 < 0.5 and counted["above"] and counted["below"]


def test_absent_vertebrae(phantom):
    assert phantom.where("L9") == "absent"
    with pytest.raises(UsageError, match="absent"):
        phantom.tissues("L9")


def test_tissues_of_the_level(phantom):
    labels, hu, spacing = phantom.tissues("L3")
    assert labels.shape == hu.shape and spacing == COARSE[:2]
    assert set(np.unique(labels)) <= {0, 1, 2, 3, 4}
    muscle, under, visceral = (hu[labels == value] for value in (1, 2, 3))
    assert 10 < np.median(muscle) < 80 and -130 < np.median(under) < -80 and -130 < np.median(visceral) < -70
    area = {value: (labels == value).sum() * np.prod(spacing) / 100 for value in (1, 2)}
    assert 60 < area[1] < 400 and 15 < area[2] < 900


@pytest.mark.parametrize("kind", ["adult", "other"])
def test_every_field_gives_a_scan(kind):
    for name in FIELDS:
        made = ct_projection(11, kind=kind, field=name, views=("frontal", "lateral"), row_mm=4.0, width=128)
        assert made.pixels.shape[0] == 2 and made.pixels.shape[2] == 128
        assert made.pixels.dtype == np.float32 and made.pixels.min() >= 0 and 0.1 < made.pixels.max() <= 1
        shown = 0 <= made.rows["L3"] < made.pixels.shape[1]
        assert shown == (made.where("L3") == "")


def test_projection_is_that_of_the_volume():
    """Rows of the quick path agree with a maximum over the drawn volume, and so does what is bright."""
    volume = ct_phantom(3, field="abdomen", spacing=(2.0, 2.0, 2.0))
    quick = ct_projection(3, field="abdomen", row_mm=2.0, width=256)
    image = sitk.GetArrayViewFromImage(volume.image)
    top = volume.image.GetOrigin()[2] + 2.0 * (len(image) - 1)
    assert quick.rows["L3"] == pytest.approx((top - volume.levels["L3"]) / 2.0, abs=0.8)
    slow = np.clip((image.max(1)[::-1] - 100) / 1400.0, 0, 1)
    rows = min(len(slow), quick.pixels.shape[1])
    assert np.corrcoef(slow[:rows].sum(1), quick.pixels[0, :rows].sum(1))[0, 1] > 0.9


def test_ribs_end_above_l1():
    """Beside the spine the heads of the last ribs are at T12: they are what a level is counted from."""
    seed = next(s for s in range(99) if 0.9 < draw_plan(s).twelfth < 1.2 and not draw_plan(s).lumbar_ribs)
    patient = build_patient(seed)
    spine = patient.spine
    near = [p.origin for p in chest_parts(patient.plan, spine) if abs(p.origin[0] - spine["L1"].centre[0]) < 45]
    rear = [point for point in near if point[1] > spine["L1"].centre[1] - 10]
    assert min(point[2] for point in rear) > spine["L1"].centre[2] - 15


def test_unknown_names_are_refused():
    for call in (
        lambda: ct_phantom(1, kind="child"),
        lambda: ct_phantom(1, field="knee"),
        lambda: ct_phantom(1, spacing=(1.0, 0.0, 1.0)),
        lambda: ct_projection(1, views=("oblique",)),
        lambda: write_ct_phantoms("unused", 0),
    ):
        with pytest.raises(UsageError):
            call()


def test_written_set(tmp_path):
    table = write_ct_phantoms(tmp_path, 2, 7, field="abdomen", spacing=(6.0, 6.0, 5.0), masks=True)
    rows = list(csv.DictReader(table.open()))
    assert [row["ct"] for row in rows] == ["ct-adult-0001.nii.gz", "ct-adult-0002.nii.gz"]
    again = ct_phantom(case_seed(7, 1), field="abdomen", spacing=(6.0, 6.0, 5.0))
    assert float(rows[0]["mm"]) == pytest.approx(again.levels["L3"], abs=0.01) and rows[0]["where"] == ""
    read = sitk.ReadImage(str(tmp_path / rows[0]["ct"]))
    assert read.GetPixelID() == sitk.sitkInt16 and read.GetOrigin()[2] == pytest.approx(again.image.GetOrigin()[2])
    assert (tmp_path / "ct-adult-0002-vertebrae.nii.gz").is_file()


def test_written_projections(tmp_path):
    table = write_ct_phantoms(tmp_path, 1, 2, "other", projections_only=True)
    row = next(csv.DictReader(table.open()))
    with np.load(tmp_path / row["ct"]) as kept:
        assert kept["pixels"].ndim == 3


def test_an_organ_is_where_it_is_drawn():
    phantom = ct_phantom(3, field="abdomen", spacing=(6.0, 6.0, 6.0))
    liver = phantom.organ("liver")
    mask, hu = sitk.GetArrayFromImage(liver) > 0, sitk.GetArrayFromImage(phantom.image)
    assert liver.GetSpacing() == phantom.image.GetSpacing() and liver.GetOrigin() == phantom.image.GetOrigin()
    assert 800 < mask.sum() * 0.216 < 2600, "millilitres of a liver"
    assert np.median(hu[mask]) > 20 and not (mask & (sitk.GetArrayFromImage(phantom.vertebrae) > 0)).any()
    assert np.argwhere(mask)[:, 2].mean() < mask.shape[2] / 2, "on the patient's right"
    with pytest.raises(UsageError, match="organ gizzard: the phantom has none"):
        phantom.organ("gizzard")
