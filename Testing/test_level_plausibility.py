"""What is noticed about a scan before a network looks: nothing on a good CT, one clear sentence on the others."""

from __future__ import annotations

import time

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_scan import places, trunk, trunk_image, write_ct

from TransferSegLib.imaging import read_scan, resample, scan_of
from TransferSegLib.imaging.grid import Grid
from TransferSegLib.level import plausibility_body
from TransferSegLib.level.plausibility import examine
from TransferSegLib.level.spine_period import Period, spine_period

RNG = np.random.default_rng(11)


@pytest.fixture(scope="module")
def hu() -> np.ndarray:
    """A trunk of 400 mm, 3-mm slices."""
    return trunk(tall=400)


@pytest.fixture(scope="module")
def real(data_folder) -> sitk.Image:
    return read_scan(data_folder / "ct_totalsegmentator_tests" / "example_ct.nii.gz").image


def findings(image: sitk.Image | np.ndarray, **about) -> dict[str, bool]:
    """Kind of each finding and whether it is fatal; each sentence says what to do."""
    image = image if isinstance(image, sitk.Image) else trunk_image(image)
    found = examine(scan_of(image, **about))
    for finding in found:
        assert finding.sentence.endswith(".") and "; " in finding.sentence and "  " not in finding.sentence
    assert [finding.fatal for finding in found] == sorted((finding.fatal for finding in found), reverse=True)
    return {finding.kind: finding.fatal for finding in found}


def like(image: sitk.Image, voxels: np.ndarray) -> sitk.Image:
    made = sitk.GetImageFromArray(voxels)
    made.CopyInformation(image)
    return made


def changed(image: sitk.Image, *, scale=(1.0, 1.0, 1.0), flip=(1, 1, 1)) -> sitk.Image:
    """The image with another spacing or direction in its header."""
    image = sitk.Image(image)
    image.SetSpacing(tuple(np.array(image.GetSpacing()) * scale))
    image.SetDirection(tuple((np.array(image.GetDirection()).reshape(3, 3) @ np.diag(flip)).ravel()))
    return image


def test_good_ct_passes_however_it_is_stored(hu):
    assert findings(hu) == {}
    for kind in (np.int32, np.float32, np.float64):
        assert findings(hu.astype(kind)) == {}
    y, x = np.mgrid[: hu.shape[1], : hu.shape[2]]
    outside = ((y - 32) / 34) ** 2 + ((x - 47) / 48) ** 2 > 1
    for pad in (-2000, -3024, -2048, 0):
        padded = hu.copy()
        padded[:, outside] = pad
        assert findings(padded) == {}, pad
    assert findings((hu + RNG.normal(0, 90, hu.shape)).astype(np.int16)) == {}
    metal = hu.copy()
    metal[30:60, 40:50, 44:50] = 3071
    assert findings(metal) == {}
    contrast = hu.copy()
    contrast[:60, 20:28, 35:60] = 350
    assert findings(contrast) == {}


def test_crops_children_and_other_views_are_not_refused(hu):
    assert not any(findings(hu[20:45, 20:60, 30:66]).values())
    image = trunk_image(hu)
    assert findings(changed(image, scale=(0.4, 0.4, 0.5))) == {}  # a small child
    assert findings(changed(image, scale=(1.4, 1.4, 1.0))) == {}  # a large adult
    assert findings(sitk.PermuteAxes(image, [2, 0, 1])) == {}
    turn = sitk.Euler3DTransform((0, 0, 0), 0.15, 0.1, 0.3)
    matrix = np.array(turn.GetMatrix())
    grid = Grid(image.GetSize(), image.GetSpacing(), image.GetOrigin(), tuple(matrix))
    assert not any(findings(resample(image, grid, fill=-1024)).values())


def test_what_the_header_says_is_no_ct(hu):
    assert findings(hu, modality="MR") == {"not-ct": True}
    assert "PET" in examine(scan_of(trunk_image(hu), modality="PT"))[0].sentence
    assert findings(hu, modality="CT") == {}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("rescale", lambda hu: hu + 1024),
        ("rescale", lambda hu: np.where(hu < -900, -2000, hu + 1024)),
        ("windowed", lambda hu: (np.clip(hu + 160, 0, 400) / 400 * 255).astype(np.uint8)),
        ("windowed", lambda hu: (np.clip(hu + 160, 0, 400) / 400 * 255).astype(np.int16)),
        ("windowed", lambda hu: np.clip(hu, -160, 240)),
        ("windowed", lambda hu: np.clip(hu, -200, 300).astype(np.float32)),
        ("windowed", lambda hu: np.clip(hu, -1000, 200)),
        ("windowed", lambda hu: np.clip(hu, -500, 1300)),
        ("mask", lambda hu: (hu > 150).astype(np.uint8)),
        ("mask", lambda hu: np.digitize(hu, (-500, 0, 150, 300)).astype(np.int16)),
        ("not-ct", lambda hu: ((hu + 1024) / 4000.0).astype(np.float32)),
        ("not-ct", lambda hu: ((hu - hu.mean()) / hu.std()).astype(np.float32)),
        ("not-ct", lambda hu: hu - 1024),
        ("not-ct", lambda hu: np.abs(hu).astype(np.int16) * 3 + 40),
        ("not-ct", lambda hu: -hu),
        ("not-ct", lambda hu: hu * 10),
        ("not-ct", lambda hu: hu * 2),
        ("not-ct", lambda hu: RNG.normal(0, 300, hu.shape).astype(np.int16)),
    ],
)
def test_values_that_are_not_hounsfield_units(hu, kind, change):
    assert findings(change(hu.astype(np.int16))) == {kind: True}


def test_where_values_are_cut_is_said(hu):
    (finding,) = examine(scan_of(trunk_image(np.clip(hu, -160, 240))))
    assert finding.sentence.startswith("Values are cut at -160 and 240 HU")
    assert findings(np.clip(hu, -1024, 340)) == {"values": False}  # nothing that is measured is lost
    for low in (-1024, -1000):
        assert findings(np.clip(hu, low, 3071)) == {}


def test_values_scaled_down_are_told(hu):
    assert findings(hu * 0.5) == {"values": False}


def test_padding_that_was_interpolated_is_no_finding(hu):
    y, x = np.mgrid[: hu.shape[1], : hu.shape[2]]
    outside = ((y - 32) / 34) ** 2 + ((x - 47) / 48) ** 2
    padded = np.where(outside > 1, -3024, hu)
    edge = (outside > 0.985) & (outside < 1.015)
    padded[:, edge] = RNG.uniform(-3024, -1000, (len(hu), edge.sum()))
    assert findings(padded) == {}


def test_a_rescale_left_out_of_the_dicom_header(hu, tmp_path):
    write_ct(tmp_path, hu[:60], places(np.arange(60) * 3.0), rescale=None)
    assert [finding.kind for finding in examine(read_scan(tmp_path))] == ["rescale"]


def test_too_few_slices(hu):
    assert findings(hu[:1]) == {"single-slice": True}
    assert findings(hu[:3]) == {"localiser": True}
    assert findings(hu[:6]) == {"short": True}
    assert findings(hu[:30]) == {"short": False}
    assert findings(changed(trunk_image(hu), scale=(1, 1, 6))) == {"gap": True}
    assert findings(changed(trunk_image(trunk(tall=800)), scale=(1, 1, 3.1))) == {"spacing": True}


def test_gaps_between_dicom_slices(hu, tmp_path):
    heights = np.arange(60) * 3.0
    heights[31:] += 9
    write_ct(tmp_path, hu[:60], places(heights))
    found = examine(read_scan(tmp_path))
    assert found[0].kind == "gap" and found[0].fatal and "12.0 mm after slice 30" in found[0].sentence
    assert not any(finding.fatal for finding in examine(read_scan_with_gap(hu, tmp_path / "small", 6)))


def test_gantry_tilt_is_no_finding(hu, tmp_path):
    lean = np.radians(18)
    orientation = (1, 0, 0, 0, round(np.cos(lean), 8), round(np.sin(lean), 8))
    write_ct(tmp_path, hu[:100], places(np.arange(100) * 3.0), orientation=orientation)
    scan = read_scan(tmp_path)
    assert not scan.even and examine(scan) == []
    assert spine_period(scan).mm == pytest.approx(34, abs=2)


def read_scan_with_gap(hu, folder, gap):
    heights = np.arange(60) * 3.0
    heights[31:] += gap
    write_ct(folder, hu[:60], places(heights))
    return read_scan(folder)


def test_slices_repeated_and_series_in_turns(hu):
    twice = hu.copy()
    twice[50:53] = twice[49]
    assert findings(twice) == {"repeated": False}
    assert findings(np.repeat(hu[::2], 2, axis=0)).keys() == {"repeated"}
    turns = hu.copy()
    turns[1::2] = trunk(tall=400, seed=5)[::-1][1::2]
    assert findings(turns)["mixed"]


def test_scans_without_a_spine(hu):
    water = np.where(hu > -500, 0, hu) + RNG.normal(0, 8, hu.shape).astype(np.int16)
    assert findings(np.where(hu > -500, np.minimum(water, 40), hu)) == {"no-bone": True}
    z, y, x = np.meshgrid(np.arange(60), np.arange(-60, 60, 2.0), np.arange(-60, 60, 2.0), indexing="ij")
    noise = RNG.normal(0, 12, z.shape)
    r = np.hypot(y, x)
    leg = np.select([r < 6, r < 15, r < 42, r < 50], [-40, 1300, 60, -100], -1000) + noise
    assert findings(trunk_image_of(leg, 2.0)) == {"no-spine": True}
    skull = np.hypot(y / 1.1, x)
    head = np.select([skull < 42, skull < 48, skull < 51], [35, 900, 10], -1000) + noise
    assert findings(trunk_image_of(head, 2.0)) == {"head": True}


def test_repeats_that_touch_an_end_are_no_finding():
    thin = trunk(tall=130, step=0.5, lungs=False)
    thin[-9:-2] = thin[-10]
    thin[-2:] = -1024
    assert findings(trunk_image_of_step(thin, 0.5)) == {}
    thin[:30] = thin[0]  # 15 mm: more than a thick slice
    assert findings(trunk_image_of_step(thin, 0.5)) == {"repeated": False}


def trunk_image_of_step(voxels: np.ndarray, step: float) -> sitk.Image:
    image = trunk_image(voxels)
    image.SetSpacing((4.0, 4.0, step))
    return image


def test_slices_out_of_order(hu):
    in_order = read_like_a_body(hu)
    assert "mixed" not in findings(in_order)
    for wrong in (
        in_order[RNG.permutation(len(hu))],
        np.concatenate([in_order[::2], in_order[1::2]]),
        np.concatenate([in_order[::2], in_order[::2]]),
    ):
        assert findings(wrong) == {"mixed": True}


def read_like_a_body(hu: np.ndarray) -> np.ndarray:
    """The trunk with an organ that moves from slice to slice, so that no two heights look alike."""
    changed = hu.copy()
    for k, plane in enumerate(changed):
        place = 8 + round(70 * k / len(hu))
        plane[20:30, place : place + 10] = 160
    return changed


def trunk_image_of(voxels: np.ndarray, pixel: float) -> sitk.Image:
    return trunk_image(voxels.astype(np.int16), pixel=pixel)


def test_front_and_back_swapped(hu, real):
    image = trunk_image(hu)
    for flip in ((1, -1, 1), (-1, -1, 1)):
        assert findings(changed(image, flip=flip)) == {"front-back": False}
        assert findings(changed(real, flip=flip)) == {"front-back": False}


def test_front_and_back_swapped_where_contrast_hides_the_spine(hu):
    bowel = hu.copy()
    for k in range(len(hu)):
        if k % 20 < 5:
            bowel[k, 12:20, 40:56] = 350
    assert findings(bowel) == {}
    assert findings(bowel[:, ::-1]) == {"front-back": False}
    assert findings(bowel[:, ::-1, ::-1]) == {"front-back": False}


def test_upside_down(hu, real):
    assert findings(changed(trunk_image(hu), flip=(1, 1, -1))) == {"upside-down": True}
    assert findings(changed(real, flip=(1, 1, -1))) == {"upside-down": True}
    assert findings(changed(trunk_image(trunk(tall=400, lungs=False)), flip=(1, 1, -1))) == {}


@pytest.mark.parametrize(("factor", "wrong"), [(1.0, False), (0.4, True), (0.5, True), (2.0, True)])
def test_wrong_slice_spacing(hu, real, factor, wrong):
    for image in (trunk_image(hu), real):
        found = findings(changed(image, scale=(1, 1, factor)))
        assert ("spacing" in found) is wrong, (factor, found)


def test_wrong_pixel_spacing(hu):
    assert findings(changed(trunk_image(hu), scale=(2.5, 2.5, 1))) == {"size": True}
    assert findings(changed(trunk_image(hu), scale=(0.1, 0.1, 1))).get("size")
    for factor in (0.5, 2.0):
        assert "size" in findings(changed(trunk_image(hu), scale=(factor, factor, 1)))


def test_wrong_pixel_spacing_of_a_real_ct(real):
    for factor in (0.5, 2.0):
        assert "size" in findings(changed(real, scale=(factor, factor, 1))), factor


def test_slices_drawn_together_until_nothing_repeats(hu, monkeypatch):
    def seen(scan, small):
        return Period(36.0, 0.26, 0.86) if abs(scan.heights[1] - scan.heights[0]) > 2 else None

    monkeypatch.setattr(plausibility_body, "spine_period", seen)
    found = examine(scan_of(changed(trunk_image(trunk(tall=400)), scale=(1, 1, 0.5))))
    assert [finding.kind for finding in found] == ["spacing"] and "twice that spacing" in found[0].sentence
    assert findings(hu) == {}
    monkeypatch.setattr(plausibility_body, "spine_period", lambda scan, small: None)
    assert findings(hu) == {}


@pytest.mark.parametrize(
    ("period", "kind"),
    [
        (Period(47.5, 0.56, 0.29), "spacing"),  # phantom 3 with twice its slice spacing
        (Period(42.0, 0.4, 0.67), None),
        (Period(17.0, 0.2, 1.0), "size"),  # 340 mm wide
        (Period(24.0, 0.36, 0.75), None),
        (Period(75.0, 0.14, 1.0), None),
    ],
)
def test_steps_that_no_adult_has(hu, monkeypatch, period, kind):
    monkeypatch.setattr(plausibility_body, "spine_period", lambda scan, small: period)
    assert list(findings(hu)) == ([kind] if kind else [])


def test_the_step_between_vertebrae(hu, real):
    assert spine_period(scan_of(trunk_image(hu))).mm == pytest.approx(34, abs=2)
    found = spine_period(scan_of(real))
    assert found.mm == pytest.approx(34.5, abs=3)  # T12 to L4 in its own vertebra labels
    assert found.share > 0.4 and found.agreement > 0.5


def test_real_cts_pass_and_other_images_do_not(data_folder):
    tests = data_folder / "ct_totalsegmentator_tests"
    good = [tests / "example_ct_sm.nii.gz", tests / "example_ct_dicom"]
    good.append(data_folder / "ct_tptbox_l3_crop" / "sub-ct_label-22_ct.nii.gz")
    for path in good:
        assert {finding.kind for finding in examine(read_scan(path))} <= {"short", "spine-unseen"}, path
        assert not any(finding.fatal for finding in examine(read_scan(path))), path
    sarcoma = data_folder / "petct_ibsi_sts" / "STS_005"
    limbs = sorted((data_folder / "petct_ibsi_sts").glob("STS_*/CT_image.nii.gz"))
    assert len(limbs) == 12
    for path in limbs:  # legs, hips and the lowest end of a spine, cut to a part of the body
        assert {"no-spine", "spine-unseen"} & {finding.kind for finding in examine(read_scan(path))}, path
    other = [sarcoma / "PET_image.nii.gz", sarcoma / "CT_mask.nii.gz", tests / "example_seg.nii.gz"]
    other += [data_folder / "pet_raw_dicom_sts001", data_folder / "ms_open_ms_data" / "patient19" / "T1POST.nii.gz"]
    for path in other:
        assert any(finding.fatal for finding in examine(read_scan(path))), path


def test_a_large_scan_is_quick():
    fine = np.repeat(np.repeat(trunk(tall=450), 5, axis=1), 5, axis=2)
    scan = scan_of(trunk_image(fine, pixel=0.8))
    start = time.process_time()
    assert examine(scan) == []
    assert time.process_time() - start < 1.5  # measured 0.1 s on an idle core, of CPU time
