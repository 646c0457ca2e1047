"""Phantom images and truth: seeds, labels, contrast, lesions, artefacts, files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from TransferSegLib.errors import StorageError, UsageError
from TransferSegLib.imaging import read_image, to_array
from TransferSegLib.phantoms import FLAVOURS, SOURCE_LABELS, brain_phantom, label_names, write_phantoms
from TransferSegLib.phantoms.contrast import draw_contrast

SMALL = {"shape": (48, 56, 48), "spacing": 3.0}
VOXEL_ML = 0.027
# Generous limits in ml: what surgeons and radiologists meet.
PLAUSIBLE = {
    "glioma": {1: (0.5, 60), 2: (0.1, 50), 3: (3, 200)},
    "postoperative": {1: (0.1, 15), 2: (1, 60), 3: (1, 120), 4: (0.2, 20)},
    "ms": {1: (0.2, 60)},
}


@pytest.fixture(scope="module", params=FLAVOURS)
def phantoms(request):
    return request.param, [brain_phantom(seed, flavour=request.param, **SMALL) for seed in range(4)]


def test_same_seed_same_phantom(phantoms):
    flavour, made = phantoms
    again = brain_phantom(0, flavour=flavour, **SMALL)
    for role, image in again.images.items():
        assert np.array_equal(image, made[0].images[role])
    assert np.array_equal(again.labels, made[0].labels)


def test_other_seed_other_brain(phantoms):
    _, (first, second, *_) = phantoms
    assert (first.brain != second.brain).sum() > 200
    both = first.brain & second.brain
    assert np.corrcoef(first.images["t1"][both], second.images["t1"][both])[0, 1] < 0.9


def test_arrays_are_as_promised(phantoms):
    _, made = phantoms
    for phantom in made:
        assert tuple(phantom.images) == ("flair", "t1", "t1gd", "t2")
        for image in phantom.images.values():
            assert image.dtype == np.float32 and image.shape == SMALL["shape"]
            assert np.isfinite(image).all() and image.min() >= 0
            assert not image[~phantom.brain].any() and (image[phantom.brain] > 0).mean() > 0.999
        assert phantom.labels.dtype == np.uint8 and phantom.brain.dtype == bool
        assert phantom.grid.shape == SMALL["shape"] and tuple(phantom.grid.spacing) == (3.0,) * 3


def test_labels_have_plausible_volumes_inside_the_brain(phantoms):
    flavour, made = phantoms
    for phantom in made:
        assert set(phantom.label_names) == set(PLAUSIBLE[flavour])
        assert set(np.unique(phantom.labels)) == {0, *PLAUSIBLE[flavour]}
        assert phantom.brain[phantom.labels > 0].all()
        for value, (low, high) in PLAUSIBLE[flavour].items():
            assert low < (phantom.labels == value).sum() * VOXEL_ML < high


def contrast_to_brain(phantom, role: str, value: int) -> float:
    """Mean of a label minus the median of the rest of the brain, in deviations of the brain."""
    image, brain = phantom.images[role], phantom.brain
    rest = image[brain & (phantom.labels == 0)]
    return float((image[phantom.labels == value].mean() - np.median(rest)) / image[brain].std())


def test_lesions_and_oedema_are_bright_on_flair_and_t2(phantoms):
    flavour, made = phantoms
    value = 1 if flavour == "ms" else 3
    for phantom in made:
        assert contrast_to_brain(phantom, "flair", value) > 0.3
        assert contrast_to_brain(phantom, "t2", value) > 0
        t1, healthy = phantom.images["t1"], phantom.brain & (phantom.labels == 0)
        assert t1[phantom.labels == value].mean() < np.percentile(t1[healthy], 85)


def test_tumour_enhances_and_cavity_is_fluid():
    glioma = brain_phantom(5, flavour="glioma", **SMALL)
    tumour, core = glioma.labels == 1, glioma.labels == 2
    ratio = glioma.images["t1gd"] / np.maximum(glioma.images["t1"], 1)
    healthy = glioma.brain & (glioma.labels == 0)
    assert np.median(ratio[tumour]) > 1.3 * np.median(ratio[healthy])
    assert glioma.images["t1gd"][core].mean() < 0.7 * glioma.images["t1gd"][tumour].mean()
    operated = brain_phantom(5, flavour="postoperative", **SMALL)
    assert contrast_to_brain(operated, "t2", 2) > 1
    assert contrast_to_brain(operated, "t1", 2) < -1
    assert contrast_to_brain(operated, "flair", 2) < 0


@pytest.mark.parametrize("seed", range(5))
def test_contrast_ordering_of_healthy_tissue(seed):
    """Bright, medium and dark classes of the healthy brain follow each sequence's order."""
    drawn = draw_contrast(np.random.default_rng(seed))
    for role in ("t1", "t1gd"):
        assert drawn[role]["white"] > drawn[role]["grey"] > drawn[role]["fluid"]
    assert drawn["t2"]["fluid"] > drawn["t2"]["grey"] > drawn["t2"]["white"]
    assert drawn["flair"]["grey"] > drawn["flair"]["white"] > 1.5 * drawn["flair"]["fluid"]
    phantom = brain_phantom(seed, flavour="ms", **SMALL)
    healthy = phantom.brain & (phantom.labels == 0)
    t1, t2, flair = (phantom.images[role][healthy] for role in ("t1", "t2", "flair"))
    # Tissue classes by T1 rank, the orders by the other sequences: an independent reading of the images.
    low, high = np.percentile(t1, [8, 75])
    assert t2[t1 < low].mean() > 1.3 * t2[t1 > high].mean()
    assert flair[t1 < low].mean() < 0.9 * flair[t1 > high].mean()


def test_source_labels_put_lesions_in_the_slot_of_oedema():
    own = brain_phantom(2, flavour="ms", **SMALL)
    source = brain_phantom(2, flavour="ms", source_labels=True, **SMALL)
    assert source.label_names == SOURCE_LABELS == label_names("glioma", source_labels=True)
    assert np.array_equal(source.labels == 3, own.labels == 1)
    assert set(np.unique(source.labels)) == {0, 3}


def test_lesion_loads_are_heavy_tailed():
    loads = [
        (brain_phantom(seed, flavour="ms", shape=(36, 44, 36), spacing=4.0).labels == 1).sum() * 0.064
        for seed in range(24)
    ]
    assert min(loads) < 4 and max(loads) > 14
    assert np.mean(loads) > 1.1 * np.median(loads)


def test_noise_can_be_set():
    clean, noisy = (brain_phantom(1, flavour="ms", noise=level, **SMALL).images["t1"] for level in (0.0, 0.2))
    inside = clean > 0
    rough = [np.abs(np.diff(image, axis=2))[inside[:, :, 1:] & inside[:, :, :-1]].mean() for image in (clean, noisy)]
    assert rough[1] > 1.5 * rough[0]


def test_skull_surrounds_the_brain():
    bare, head = (brain_phantom(4, flavour="ms", skull=skull, **SMALL) for skull in (False, True))
    assert np.array_equal(bare.brain, head.brain) and np.array_equal(bare.labels, head.labels)
    outside = (head.images["t1"] > 0) & ~head.brain
    assert 0.25 * head.brain.sum() < outside.sum() < 2.5 * head.brain.sum()
    assert not bare.images["t1"][~bare.brain].any()


def test_anisotropic_and_small_grids_hold_a_whole_brain():
    thick = brain_phantom(6, flavour="glioma", shape=(28, 88, 72), spacing=(5.0, 2.0, 2.0))
    volume = thick.brain.sum() * 0.02
    assert 950 < volume < 1600
    assert tuple(thick.grid.spacing) == (2.0, 2.0, 5.0)
    tiny = brain_phantom(6, flavour="glioma", shape=(40, 40, 40), spacing=1.0)
    assert 0.1 < tiny.brain.mean() < 0.6 and {1, 2, 3} <= set(np.unique(tiny.labels))
    assert not tiny.brain[:, :, 0].any() and not tiny.brain[:, :, -1].any()


def test_atlas_anatomy_makes_phantoms():
    pytest.importorskip("nilearn", reason="the atlas anatomy needs nilearn")
    first, second = (brain_phantom(seed, flavour="ms", anatomy="atlas", **SMALL) for seed in (1, 2))
    assert 900 < first.brain.sum() * VOXEL_ML < 1600
    assert (first.brain != second.brain).sum() > 200
    assert first.labels.any() and first.brain[first.labels > 0].all()


def test_written_data_set_reads_back(tmp_path):
    folder = write_phantoms(tmp_path / "set", count=2, flavour="postoperative", seed=3, **SMALL)
    assert folder == tmp_path / "set"
    patients = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    assert patients == ["phantom-postoperative-0001", "phantom-postoperative-0002"]
    about = json.loads((folder / "dataset.json").read_text())
    assert about["labels"] == {"background": 0, "tumour": 1, "cavity": 2, "oedema": 3, "scar": 4}
    patient = folder / patients[0]
    assert sorted(file.name for file in patient.iterdir()) == sorted(
        f"{name}.nii.gz" for name in ("FLAIR", "T1", "T1GD", "T2", "seg")
    )
    image = read_image(patient / "T1GD.nii.gz")
    assert image.GetSize() == (48, 56, 48) and image.GetSpacing() == pytest.approx((3, 3, 3))
    assert image.GetDirection() == pytest.approx((1, 0, 0, 0, 1, 0, 0, 0, 1))
    middle = image.TransformContinuousIndexToPhysicalPoint((23.5, 27.5, 23.5))
    assert middle == pytest.approx((0, 0, 0), abs=1e-4)
    truth = to_array(read_image(patient / "seg.nii.gz", what="truth"))
    assert set(np.unique(truth)) == {0, 1, 2, 3, 4}
    other = to_array(read_image(folder / patients[1] / "seg.nii.gz", what="truth"))
    assert not np.array_equal(truth, other)


def test_wrong_options_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"flavour 'stroke'.*glioma"):
        brain_phantom(0, flavour="stroke")
    with pytest.raises(UsageError, match="anatomy 'mouse'"):
        brain_phantom(0, anatomy="mouse")
    with pytest.raises(UsageError, match="at least 16"):
        brain_phantom(0, shape=(8, 48, 48))
    with pytest.raises(UsageError, match="spacing"):
        brain_phantom(0, spacing=(1.0, -1.0, 1.0))
    with pytest.raises(UsageError, match="seed"):
        brain_phantom(-1)
    with pytest.raises(UsageError, match="count 0"):
        write_phantoms(tmp_path, count=0)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StorageError, match="file"):
        write_phantoms(blocked / "set", count=1, flavour="ms", shape=(24, 28, 24), spacing=6.0)
