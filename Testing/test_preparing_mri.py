"""Preparing real patients: what is skipped, what is registered, masks, intensities, the way back."""

from __future__ import annotations

import stat
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.errors import DependencyError, InputError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.imaging import Grid, from_array
from TransferSegLib.preparing import PreparationOptions, aligning, prepare_mri, restore_labels
from TransferSegLib.preparing import brain as brain_room
from TransferSegLib.preparing.pair import Pair
from TransferSegLib.preparing.registration import judge, register_rigid
from TransferSegLib.preparing.stripping import fill_holes, find_foreground

ROLES = ("flair", "t1", "t1gd", "t2")
MS_FILES = dict(zip(ROLES, ("FLAIR", "T1", "T1POST", "T2")))


def loaded(images: dict, truth=None, reference_role: str = "flair"):
    case = SimpleNamespace(id="patient", images={role: f"{role}.nii.gz" for role in images}, truth="truth.nii.gz")
    return SimpleNamespace(
        case=case,
        images=images,
        reference=Grid.of(images[reference_role]),
        reference_role=reference_role,
        truth=truth,
    )


@pytest.fixture(scope="module")
def patient(data_folder):
    folder = data_folder / "ms_open_ms_data" / "patient07"
    images = {role: sitk.ReadImage(str(folder / f"{name}.nii.gz")) for role, name in MS_FILES.items()}
    return images, sitk.ReadImage(str(folder / "GOLD_STANDARD.nii.gz"))


@pytest.fixture(scope="module")
def coarse_patient(patient):
    """The same at 2 mm, for quick registrations."""
    images, truth = patient
    grid = Grid.of(truth).with_spacing((2.0, 2.0, 2.0))
    small = {role: sitk.Resample(image, grid.image(sitk.sitkFloat32)) for role, image in images.items()}
    return small, grid


def actions(prepared) -> dict[str, str]:
    return {step.name.split(" of ")[0]: step.action for step in prepared.steps}


def test_a_prepared_patient_is_left_as_it_is(patient):
    images, truth = patient
    prepared = prepare_mri(loaded(images, truth), roles=ROLES)
    assert actions(prepared) == {
        "registration": "skipped",
        "brain mask": "skipped",
        "resampling": "skipped",
        "normalisation": "done",
    }
    assert prepared.array.shape == (4, *prepared.mask.shape) == (4, *prepared.grid.shape)
    assert prepared.array.dtype == np.float32 and prepared.mask.dtype == bool
    # The brain of this patient has 1135 ml; its box, 126 x 160 x 127 voxels and 2 more on each side.
    assert prepared.mask.sum() == pytest.approx(1_135_000, rel=0.01)
    assert prepared.mask.shape == (130, 164, 131)
    for channel, role in zip(prepared.array, ROLES):
        # Independent: the same crop and z-score by SimpleITK on the original voxels.
        target = prepared.grid.image(sitk.sitkFloat32)
        box = sitk.Resample(images[role], target, sitk.Transform(), sitk.sitkNearestNeighbor)
        values = sitk.GetArrayFromImage(box).astype(np.float64)
        inside = values[prepared.mask]
        assert np.allclose(channel[prepared.mask], (inside - inside.mean()) / inside.std(), atol=1e-4)
        assert not channel[~prepared.mask].any()
    back = restore_labels(prepared.truth, prepared)
    assert Grid.of(back) == Grid.of(truth)
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(truth))


def test_a_moved_oblique_thick_sequence_finds_its_place(coarse_patient):
    images, grid = coarse_patient
    middle = grid.points([(np.array(grid.size) - 1) / 2])[0]
    known = sitk.Euler3DTransform()
    known.SetCenter(middle.tolist())
    known.SetParameters((0.12, -0.08, 0.15, 6.0, -9.0, 5.0))
    tilt = sitk.Euler3DTransform()
    tilt.SetRotation(0.1, 0.15, -0.1)
    direction = np.array(tilt.GetMatrix()).reshape(3, 3)
    size, spacing = np.array((110, 120, 48)), np.array((2.0, 2.0, 4.0))
    thick = Grid(size, spacing, middle - direction @ (spacing * (size - 1) / 2), direction.ravel())
    moved = dict(images)
    moved["t2"] = sitk.Resample(images["t2"], thick.image(sitk.sitkFloat32), known.GetInverse())
    blob = np.zeros(grid.shape, np.uint8)
    blob[40:52, 50:64, 30:44] = 3
    truth = from_array(blob, grid)
    prepared = prepare_mri(loaded(moved, truth), roles=ROLES)
    assert [s.action for s in prepared.steps if "t2" in s.name] == ["done"]
    assert [s.action for s in prepared.steps if "t1" in s.name] == ["skipped"]
    assert prepared.grid.spacing == (1.0, 1.0, 1.0)
    straight = prepare_mri(loaded(images, truth), roles=ROLES)
    common = sitk.Resample(from_array(straight.array[3], straight.grid), prepared.grid.image(sitk.sitkFloat32))
    inside = prepared.mask & (sitk.GetArrayFromImage(common) != 0)
    agreement = np.corrcoef(prepared.array[3][inside], sitk.GetArrayFromImage(common)[inside])[0, 1]
    assert agreement > 0.9
    back = restore_labels(prepared.truth, prepared)
    assert Grid.of(back) == grid
    found = sitk.GetArrayFromImage(back) == 3
    assert 2 * (found & (blob == 3)).sum() / (found.sum() + (blob == 3).sum()) > 0.95
    # Trusting the headers instead must be visibly worse, or the registration did nothing.
    kept = prepare_mri(loaded(moved, truth), roles=ROLES, options=PreparationOptions(register="off"))
    other = sitk.GetArrayFromImage(sitk.Resample(from_array(straight.array[3], straight.grid), kept.grid.image(8)))
    both = kept.mask & (other != 0)
    assert np.corrcoef(kept.array[3][both], other[both])[0, 1] < agreement - 0.2


def test_registration_error_is_under_a_voxel_and_the_same_every_time(patient):
    images, _ = patient
    flair = images["flair"]
    brain = np.argwhere(find_foreground(flair).mask)[::4001, ::-1]
    points = Grid.of(flair).points(brain)
    known = sitk.Euler3DTransform()
    known.SetCenter(points.mean(0).tolist())
    known.SetParameters((0.25, -0.15, 0.2, 15.0, -12.0, 9.0))
    moved = sitk.Resample(images["t1"], known.GetInverse())
    first, second = (register_rigid(Pair(flair, moved)) for _ in range(2))
    assert first.trusted
    assert first.transform.GetParameters() == second.transform.GetParameters()
    off = [np.subtract(first.transform.TransformPoint(p), known.TransformPoint(p)) for p in points.tolist()]
    assert np.linalg.norm(off, axis=1).max() < 1.0


def turned(degrees: float, shift: tuple[float, float, float]) -> sitk.Euler3DTransform:
    moved = sitk.Euler3DTransform()
    moved.SetParameters((0.0, 0.0, np.radians(degrees), *shift))
    return moved


@pytest.mark.parametrize(
    "moved, reason",
    [
        (turned(60, (0, 0, 0)), "turn by 60 degrees"),
        (turned(0, (0, 0, 150.0)), "would overlap"),
        (turned(3, (4.0, 0, 0)), "match better by their headers"),
    ],
)
def test_a_registration_that_makes_no_sense_is_not_used(coarse_patient, monkeypatch, moved, reason):
    images, _ = coarse_patient
    verdict = judge(Pair(images["flair"], images["t1"]), moved)
    assert not verdict.trusted and reason in verdict.reason
    monkeypatch.setattr(aligning, "register", lambda *args, **options: verdict)
    messages = []
    events = Events(lambda event: messages.append(event.get("text", "")))
    pair = loaded({role: images[role] for role in ("flair", "t1")})
    prepared = prepare_mri(pair, roles=["flair", "t1"], options=PreparationOptions(register="on"), events=events)
    assert actions(prepared)["registration"] == "kept"
    assert any(reason in text and "headers are kept" in text for text in messages)
    trusting = prepare_mri(pair, roles=["flair", "t1"], options=PreparationOptions(register="off"))
    assert np.array_equal(prepared.array, trusting.array)


def test_the_atlas_space_is_found_and_left_again(patient):
    pytest.importorskip("nilearn")
    images, truth = patient
    one = {"flair": images["flair"]}
    here = prepare_mri(loaded(one, truth), roles=["flair"], space="mni152")
    assert here.transform is None and actions(here)["atlas"] == "skipped"
    options = PreparationOptions(atlas="on")
    here = prepare_mri(loaded(one, truth), roles=["flair"], space="mni152", options=options)
    known = sitk.Euler3DTransform()
    known.SetParameters((0.1, 0.15, -0.1, 12.0, -20.0, 15.0))
    tilted = {"flair": sitk.Image(images["flair"])}
    # The head is moved by its header alone, as a scanner would: no voxel changes.
    matrix = np.array(known.GetMatrix()).reshape(3, 3)
    shift = np.array(known.TransformPoint((0.0, 0.0, 0.0)))
    grid = Grid.of(images["flair"])
    tipped = Grid(grid.size, grid.spacing, matrix @ grid.origin + shift, (matrix @ grid.matrix).ravel())
    lesion = tipped.put_on(sitk.Image(truth))
    tipped.put_on(tilted["flair"])
    there = prepare_mri(loaded(tilted, lesion), roles=["flair"], space="mni152")
    assert actions(there)["atlas"] == "done"
    points = here.grid.points(np.argwhere(here.mask)[::5003, ::-1]).tolist()
    expected = [known.TransformPoint(here.transform.TransformPoint(p)) for p in points]
    off = [np.subtract(there.transform.TransformPoint(p), e) for p, e in zip(points, expected)]
    assert np.linalg.norm(off, axis=1).max() < 1.0
    back = restore_labels(there.mask.astype(np.uint8), there)
    assert Grid.of(back) == tipped
    found, real = sitk.GetArrayFromImage(back) > 0, find_foreground(tilted["flair"]).mask
    assert 2 * (found & real).sum() / (found.sum() + real.sum()) > 0.98


@pytest.mark.parametrize("name", ["BraTS-GLI-00001-000", "OtherEXampleFromTCIA", "TCGA-DU-7294"])
def test_published_gliomas_count_as_stripped(data_folder, name):
    for path in sorted((data_folder / "glioma_brainlesion" / name).glob("*[_-]t[12]*.nii.gz")):
        found = find_foreground(sitk.ReadImage(str(path)))
        assert found.stripped and found.background == 0, (path.name, found.reason)


def test_values_below_zero_and_zeros_inside_stay_in_the_brain(patient):
    images, _ = patient
    mask = prepare_mri(loaded({"flair": images["flair"]}), roles=["flair"]).mask
    assert np.array_equal(mask, fill_holes(mask))


def head(coarse_patient) -> tuple[sitk.Image, np.ndarray]:
    """The real T1 brain at 2 mm in a made-up skull and scalp, with noise in the air; and the true brain."""
    images, grid = coarse_patient
    brain = sitk.GetArrayFromImage(images["t1"]) > 20
    brain = fill_holes(brain)
    from scipy import ndimage

    away = ndimage.distance_transform_edt(~brain, sampling=2.0)
    array = sitk.GetArrayFromImage(images["t1"]) * brain
    array[(away > 0) & (away <= 3)] = 60
    array[(away > 3) & (away <= 9)] = 15
    array[(away > 9) & (away <= 16)] = 420
    array += np.abs(np.random.default_rng(1).normal(0, 6, array.shape))
    return from_array(array.astype(np.float32), grid), brain


def test_a_head_with_skull_gets_a_mask_from_the_atlas(coarse_patient, monkeypatch):
    pytest.importorskip("nilearn")
    monkeypatch.setattr(brain_room, "hd_bet_program", lambda: None)
    image, real = head(coarse_patient)
    assert not find_foreground(image).stripped
    messages = []
    events = Events(lambda event: messages.append(event.get("text", "")))
    prepared = prepare_mri(loaded({"t1": image}, reference_role="t1"), roles=["t1"], events=events)
    step = next(s for s in prepared.steps if s.name == "brain mask")
    assert step.action == "done" and "atlas-based mask" in step.reason and "less exact" in step.reason
    assert any("atlas-based" in text for text in messages)
    found = sitk.GetArrayFromImage(restore_labels(prepared.mask.astype(np.uint8), prepared)) > 0
    assert 2 * (found & real).sum() / (found.sum() + real.sum()) > 0.9


FAKE_HD_BET = """#!{python}
# A stand-in for hd-bet: same command line, a threshold instead of a network.
import sys
import SimpleITK as sitk
arguments = sys.argv[1:]
{trouble}
image = sitk.ReadImage(arguments[arguments.index("-i") + 1])
target = arguments[arguments.index("-o") + 1]
assert target.endswith(".nii.gz")
sitk.WriteImage(sitk.Cast(image > 100, sitk.sitkUInt8), target[: -len(".nii.gz")] + "{suffix}.nii.gz")
"""
VERSION_ONE = """
if "--save_bet_mask" in arguments:
    print("hd-bet: error: unrecognized arguments: --save_bet_mask", file=sys.stderr)
    sys.exit(2)
"""


@pytest.fixture
def fake_hd_bet(tmp_path, monkeypatch):
    def make(*, trouble: str = "", suffix: str = "_bet") -> None:
        script = tmp_path / "hd-bet"
        script.write_text(FAKE_HD_BET.format(python=sys.executable, trouble=trouble, suffix=suffix))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))

    if sys.platform == "win32":
        pytest.skip("the stand-in is a script for Unix")
    return make


@pytest.mark.parametrize("trouble, suffix", [("", "_bet"), (VERSION_ONE, "_mask")], ids=["version 2", "version 1"])
def test_an_hd_bet_on_the_path_is_used(fake_hd_bet, coarse_patient, trouble, suffix):
    fake_hd_bet(trouble=trouble, suffix=suffix)
    image, _ = head(coarse_patient)
    prepared = prepare_mri(loaded({"t1": image}, reference_role="t1"), roles=["t1"])
    step = next(s for s in prepared.steps if s.name == "brain mask")
    assert step.action == "done" and "hd-bet" in step.reason
    back = sitk.GetArrayFromImage(restore_labels(prepared.mask.astype(np.uint8), prepared)) > 0
    expected = fill_holes(sitk.GetArrayFromImage(image) > 100)
    assert 2 * (back & expected).sum() / (back.sum() + expected.sum()) > 0.97


@pytest.mark.parametrize(
    "trouble, message",
    [
        ("sys.exit('out of memory')", "out of memory"),
        ("sys.exit(0)", "no mask"),
    ],
)
def test_a_failing_hd_bet_is_one_line(fake_hd_bet, coarse_patient, trouble, message):
    fake_hd_bet(trouble=trouble)
    image, _ = head(coarse_patient)
    with pytest.raises(InputError, match=message) as caught:
        prepare_mri(loaded({"t1": image}, reference_role="t1"), roles=["t1"])
    assert "\n" not in caught.value.message and "hd-bet" in caught.value.message


def test_without_a_mask_the_head_counts(coarse_patient):
    image, brain = head(coarse_patient)
    prepared = prepare_mri(
        loaded({"t1": image}, reference_role="t1"), roles=["t1"], options=PreparationOptions(mask="off", resample="off")
    )
    assert prepared.grid.spacing == pytest.approx((2.0, 2.0, 2.0))
    found = sitk.GetArrayFromImage(restore_labels(prepared.mask.astype(np.uint8), prepared)) > 0
    assert found[brain].mean() > 0.99 and found.sum() > 1.3 * brain.sum()


def test_zscore_nonzero_is_monais(patient):
    images, _ = patient
    from monai.transforms import NormalizeIntensity

    one = loaded({"t1": images["t1"]}, reference_role="t1")
    prepared = prepare_mri(one, roles=["t1"], normalisation="zscore-nonzero")
    raw = prepare_mri(one, roles=["t1"], normalisation="none")
    theirs = np.asarray(NormalizeIntensity(nonzero=True, channel_wise=True)(raw.array.copy()))
    assert np.allclose(prepared.array, theirs, atol=1e-4)


def test_a_channel_constant_in_the_brain_is_named(coarse_patient):
    images, grid = coarse_patient
    # The same value wherever any sequence shows brain, and everywhere inside it.
    shown = find_foreground(images["flair"]).mask
    flat = from_array(fill_holes(shown).astype(np.float32) * 7, grid)
    pair = loaded({"flair": images["flair"], "t2": flat})
    with pytest.raises(InputError, match=r"t2 \(t2.nii.gz\): the image is constant"):
        prepare_mri(pair, roles=["flair", "t2"], options=PreparationOptions(resample="off", register="off"))


def test_missing_roles_and_unknown_words_are_refused(coarse_patient):
    images, _ = coarse_patient
    case = loaded({"flair": images["flair"]})
    with pytest.raises(InputError, match="t1"):
        prepare_mri(case, roles=["flair", "t1"])
    with pytest.raises(UsageError, match="talairach"):
        prepare_mri(case, roles=["flair"], space="talairach")
    with pytest.raises(UsageError, match="sometimes"):
        PreparationOptions(mask="sometimes")


def test_missing_extras_are_named(coarse_patient, monkeypatch):
    from TransferSegLib.preparing.atlas import load_template

    images, _ = coarse_patient
    monkeypatch.setitem(sys.modules, "ants", None)
    options = PreparationOptions(register="on", engine="ants")
    with pytest.raises(DependencyError, match=r"transferseg\[ants\]"):
        prepare_mri(loaded({r: images[r] for r in ("flair", "t1")}), roles=["flair", "t1"], options=options)
    load_template.cache_clear()
    monkeypatch.setitem(sys.modules, "nilearn.datasets", None)
    with pytest.raises(DependencyError, match=r"transferseg\[atlas\]"):
        prepare_mri(loaded({"flair": images["flair"]}), roles=["flair"], space="mni152")
    load_template.cache_clear()


def test_ants_finds_the_same_place(coarse_patient):
    pytest.importorskip("ants")
    from TransferSegLib.preparing.aligning import register

    images, _ = coarse_patient
    known = sitk.Euler3DTransform()
    known.SetParameters((0.08, -0.05, 0.1, 5.0, -6.0, 4.0))
    moved = sitk.Resample(images["t1"], known.GetInverse())
    found = register(images["flair"], moved, engine="ants", events=Events())
    assert found.trusted
    points = Grid.of(moved).points(np.argwhere(find_foreground(images["flair"]).mask)[::997, ::-1]).tolist()
    off = [np.subtract(found.transform.TransformPoint(p), known.TransformPoint(p)) for p in points]
    assert np.linalg.norm(off, axis=1).max() < 1.5


def test_the_truth_decides_nothing(patient):
    images, truth = patient
    one = {"flair": images["flair"]}
    with_truth = prepare_mri(loaded(one, truth), roles=["flair"])
    without = prepare_mri(loaded(one), roles=["flair"])
    assert np.array_equal(with_truth.array, without.array) and with_truth.grid == without.grid
    assert replace(with_truth, truth=None).steps == without.steps
