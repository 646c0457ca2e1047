"""Networks that work on slices, through every door: trained, resumed, evaluated, adapted, exported; CT and pictures."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from helpers_cli import SIDE, call, save, small_data_set
from helpers_pictures import picture_case, picture_set
from PIL import Image

from TransferSegLib.errors import Cancelled, InputError, PackageError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.imaging import Grid, read_image, read_picture_mask
from TransferSegLib.inference import OutputRule, segment_array
from TransferSegLib.jobs.evaluate import evaluate
from TransferSegLib.jobs.finetune import TrainingOptions, finetune
from TransferSegLib.jobs.new_model import NewModel, input_of
from TransferSegLib.jobs.segment import segment
from TransferSegLib.jobs.target import default_network
from TransferSegLib.networks import network_spec
from TransferSegLib.packages import export_zip, find_package, read_package
from TransferSegLib.storage import sha256
from TransferSegLib.training import Augmentation, PetCtAugmentation, TrainingCase, TrainingPlan, Windows, default_plan

OPTIONS = {"network": "unet2d-8-16", "patch": 32, "batch": 4, "epochs": 2, "steps": 12, "rate": 5e-3, "seed": 1}
SET = {"source": None, "strategy_name": "scratch", "hold_out_ids": ["none"], "listed": False}
OBLIQUE = {"spacing": (1.5, 1.0, 3.0), "origin": (5, -3, 20), "direction": (0, 0, -1, 1, 0, 0, 0, 1, 0)}


def ct_case(folder, seed, grid=None):
    """A round body of fat with a bright ball (soft tissue), HU."""
    rng = np.random.default_rng(seed)
    k, j, i = np.mgrid[: SIDE // 2, :SIDE, :SIDE]
    inside = (j - SIDE / 2) ** 2 + (i - SIDE / 2) ** 2 < (SIDE / 2 - 3) ** 2
    centre = rng.uniform(14, 26, 2)
    truth = ((k - 10) ** 2 + (j - centre[0]) ** 2 + (i - centre[1]) ** 2 < 49).astype(np.uint8)
    hu = np.where(inside, -90 + 190.0 * truth + rng.normal(0, 10, truth.shape), -1000)
    save(folder / "ct.nii.gz", hu.astype(np.int16), grid)
    save(folder / "seg.nii.gz", truth, grid)
    return folder


@pytest.fixture(scope="module")
def ct_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ct")
    for number in range(3):
        ct_case(folder / f"p{number}", number, OBLIQUE if number == 1 else None)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return picture_set(tmp_path_factory.mktemp("pictures"), 4)


@pytest.fixture(scope="module")
def ct_model(ct_set, tmp_path_factory):
    options = TrainingOptions(**OPTIONS | {"steps": 50}, new_model=NewModel(hu=(-160.0, 240.0), denoise="median"))
    return finetune(**SET, data=ct_set, out=tmp_path_factory.mktemp("m") / "ct2d", options=options)


@pytest.fixture(scope="module")
def picture_model(pictures, tmp_path_factory):
    how = SET | {"hold_out_ids": ["p4"], "roles": ["grey"]}
    return finetune(
        **how, data=pictures, out=tmp_path_factory.mktemp("m") / "grey2d", options=TrainingOptions(**OPTIONS)
    )


def test_a_2d_model_learns_a_ct_and_its_card_says_how(ct_model, ct_set):
    card = read_package(ct_model["package"]).card
    assert card.dims == 2 and card.slices == "axial" and card.output == "sigmoid" and card.out_channels == 1
    assert card.normalisation == "ct" and card.spacing == (1.0, 1.0)
    assert card.intensities["window"] == [-160, 240] and card.intensities["denoise"] == "median"
    assert 0 < card.intensities["mean"][0] < 1 and 0 < card.intensities["sd"][0] < 1
    found = evaluate(model=ct_model["package"], data=ct_set)
    assert found["mean"]["dice"] > 0.6, "some steps on a bright ball must be enough"


def test_labels_come_back_on_a_turned_scans_own_grid(ct_model, ct_set, tmp_path):
    out = tmp_path / "l.nii.gz"
    result = segment(model=ct_model["package"], case=ct_set / "p1", out=out, uncertainty=tmp_path / "u.nii.gz",
                     picture=tmp_path / "p.png")  # fmt: skip
    image, labels = read_image(ct_set / "p1" / "ct.nii.gz"), read_image(out, what="truth")
    assert Grid.of(labels) == Grid.of(image) and result["volumes_ml"]["lesion"] > 0
    entropy = sitk.GetArrayFromImage(read_image(tmp_path / "u.nii.gz"))
    assert entropy.min() >= 0 and entropy.max() <= 1 and entropy.max() > 0.1


@pytest.mark.parametrize("slices", ["coronal", "sagittal"])
def test_other_axes_train_and_segment(ct_set, tmp_path, slices):
    options = TrainingOptions(**OPTIONS | {"epochs": 1, "steps": 2}, new_model=NewModel(slices=slices))
    made = finetune(**SET, data=ct_set, out=tmp_path / "m", options=options)
    assert read_package(made["package"]).card.slices == slices
    segment(model=made["package"], case=ct_set / "p1", out=tmp_path / "l.nii.gz")
    assert Grid.of(read_image(tmp_path / "l.nii.gz", what="truth")) == Grid.of(read_image(ct_set / "p1" / "ct.nii.gz"))


def test_a_3d_network_of_the_same_widths_learns_the_same_ct(ct_set, tmp_path):
    options = TrainingOptions(**OPTIONS | {"network": "unet3d-4-8", "patch": 16, "batch": 2, "steps": 3})
    made = finetune(**SET, data=ct_set, out=tmp_path / "m", options=options)
    card = read_package(made["package"]).card
    assert card.dims == 3 and card.normalisation == "ct" and card.output == "sigmoid" and len(card.spacing) == 3
    segment(model=made["package"], case=ct_set / "p0", out=tmp_path / "l.nii.gz")


def test_a_picture_gives_a_label_picture_and_pixels(picture_model, pictures, tmp_path, capsys):
    out = tmp_path / "l.png"
    image = f"grey={pictures / 'p4' / 'picture.png'}"
    files = ("--image", image, "--out", out, "--picture", tmp_path / "p.png")
    found = call(capsys, "segment", "--model", picture_model["package"], *files, "--json")
    assert found.code == 0, found.err
    labels = sitk.GetArrayFromImage(read_picture_mask(out))[0]
    assert Image.open(out).mode == "L" and labels.shape == (48, 48)
    assert found.value["volumes_ml"] == {"lesion": None} and found.value["pixels"] == {"lesion": int(labels.sum())}
    truth = sitk.GetArrayFromImage(read_picture_mask(pictures / "p4" / "mask.png"))[0]
    assert 2 * (labels & truth).sum() / (labels.sum() + truth.sum()) > 0.7
    assert picture_model["after"]["mean"]["dice"] > 0.7 and picture_model["held_out"] == ["p4"]
    shown = call(
        capsys, "segment", "--model", picture_model["package"], pictures / "p4", "--out", tmp_path / "l.nii.gz"
    )
    assert "pixels" in shown.out and read_package(picture_model["package"]).card.roles == ("grey",)


def test_a_png_is_for_labels_of_pictures_only(ct_model, ct_set, tmp_path, capsys):
    found = call(capsys, "segment", "--model", ct_model["package"], ct_set / "p0", "--out", tmp_path / "l.png")
    assert found.code == 2 and "l.png: not an image format that can be written" in found.error


def test_a_2d_training_that_was_cut_ends_to_the_bit_as_one_that_was_not(pictures, tmp_path):
    options = TrainingOptions(**OPTIONS | {"epochs": 2, "steps": 3})
    how = SET | {"data": pictures, "options": options}
    whole = finetune(**how, out=tmp_path / "whole")

    def listen(event):
        if event["event"] == "progress" and event["stage"] == "training" and event["done"] == 4:
            events.cancel()

    events = Events(listen)
    with pytest.raises(Cancelled):
        finetune(**how, out=tmp_path / "cut", events=events)
    resumed = finetune(**how, out=tmp_path / "cut")
    first, second = (sha256(f"{made['package']}/models/model.pt") for made in (whole, resumed))
    assert first == second and read_package(whole["package"]).card.roles == ("rgb",)


@pytest.mark.parametrize("strategy", ["half-lr", "freeze-encoder", "freeze-decoder", "freeze-both"])
def test_strategies_and_the_feature_bank_adapt_a_2d_model(picture_model, pictures, tmp_path, strategy):
    bank = 8 if strategy == "freeze-encoder" else 0
    options = TrainingOptions(patch=32, batch=4, epochs=1, steps=2, feature_bank=bank)
    made = finetune(source=picture_model["package"], data=pictures, strategy_name=strategy, out=tmp_path / "m",
                    hold_out_ids=["none"], listed=False, options=options)  # fmt: skip
    old, new = (read_package(model["package"]) for model in (picture_model, made))
    assert new.card.output == "sigmoid" and new.card.intensities == old.card.intensities
    changed = {name for name, value in new.state().items() if not torch.equal(value, old.state()[name])}
    assert changed
    if strategy == "freeze-encoder":
        assert not any(name.startswith(("encoder.0.",)) for name in changed) and made["frozen"] > 0


@pytest.mark.parametrize("curriculum", ["predefined", "self-paced", "smoothing"])
def test_curricula_order_pictures_too(pictures, tmp_path, curriculum):
    options = TrainingOptions(**OPTIONS | {"epochs": 1, "steps": 3}, curriculum=curriculum)
    made = finetune(**SET, data=pictures, out=tmp_path / "m", options=options)
    assert made["curriculum"]["name"] == curriculum


def test_brain_mri_goes_slice_by_slice(tmp_path):
    data = small_data_set(tmp_path / "set", 2)
    options = TrainingOptions(**OPTIONS | {"epochs": 1, "steps": 4})
    made = finetune(**SET, data=data, out=tmp_path / "m", options=options)
    card = read_package(made["package"]).card
    assert card.dims == 2 and card.in_channels == 4 and card.normalisation == "zscore-brain" and not card.intensities
    segment(model=made["package"], case=data / "p1", out=tmp_path / "l.nii.gz")


def test_a_package_of_a_2d_model_travels_as_a_zip(picture_model, pictures, tmp_path):
    package = read_package(picture_model["package"])
    metadata = json.loads((package.folder / "configs" / "metadata.json").read_text())
    assert metadata["network_data_format"]["inputs"]["image"]["spatial_shape"] == ["16*n", "16*n"]
    zipped = export_zip(package, tmp_path / "m.zip")
    again = find_package(zipped)
    assert again.card == package.card
    segment(model=again, case=pictures / "p1", out=tmp_path / "l.png")
    copy = shutil.copytree(package.folder, tmp_path / "copy")
    path = copy / "configs" / "metadata.json"
    data = json.loads(path.read_text())
    data["transferseg"]["intensities"] = {"mean": [0.5], "sd": [0]}
    path.write_text(json.dumps(data))
    with pytest.raises(PackageError, match=r"intensities\.sd is not one number a channel"):
        read_package(copy)


def test_options_of_a_new_model_are_refused_with_a_source(picture_model, pictures, tmp_path):
    with pytest.raises(UsageError, match="--hu: stands in the card of grey2d"):
        finetune(source=picture_model["package"], data=pictures, strategy_name="half-lr", out=tmp_path / "m",
                 options=TrainingOptions(new_model=NewModel(hu=(0.0, 80.0))))  # fmt: skip


@pytest.mark.parametrize(("augmentation", "channels"), [(Augmentation, 1), (PetCtAugmentation, 5)])
def test_a_window_of_one_slice_stays_in_the_slice_that_was_drawn(augmentation, channels):
    """Slices may lie millimetres apart: none is turned into its neighbours, and a lesion's slice is not missed."""
    truth = np.zeros((6, 64, 64), np.uint8)
    truth[4, 24:40, 24:40] = 1
    image = np.broadcast_to(np.where(truth > 0, np.float32(1), np.float32(0.25)), (channels, *truth.shape))
    image = image * np.where(np.arange(6) == 4, 1, np.nan).astype(np.float32)[:, None, None]  # neighbours poison
    positions = np.argwhere(truth).astype(np.int32)
    case = TrainingCase("a", image, truth, {1: positions}, positions)
    plan = TrainingPlan(epochs=1, patch=(1, 32, 32), batch=24, foreground=1.0)
    images, truths = Windows([case], plan, augmentation=augmentation).batch(0)
    assert images.shape == (24, channels, 1, 32, 32) and torch.isfinite(images).all()
    assert (truths.flatten(1) == 1).any(dim=1).all()


def test_distances_and_areas_of_pictures_are_told_in_pixels(picture_model, pictures, tmp_path, capsys):
    how = ("--model", picture_model["package"], "--data", pictures, "--out", tmp_path / "m.csv")
    found = call(capsys, "evaluate", *how, "--json").value
    row = found["cases"][3]
    truth = sitk.GetArrayFromImage(read_picture_mask(pictures / "p4" / "mask.png"))
    assert row["pixels_truth"] == {"lesion": int(truth.sum())} and row["pixels_prediction"]["lesion"] > 0
    assert row["volume_truth_ml"] == {"lesion": None}
    assert row["undefined"]["lesion"]["volume_truth_ml"] == "a picture has no millilitres"
    assert "volume_truth_ml,,a picture has no millilitres" in (tmp_path / "m.csv").read_text()
    shown = call(capsys, "evaluate", *how).out
    assert "HD95 pixels" in shown and "truth pixels" in shown and " mm" not in shown and " ml" not in shown


@pytest.mark.parametrize("roles", [["ct"], ["rgb"], ["grey"]])
def test_a_ct_and_pictures_have_a_default_network(roles):
    assert network_spec(default_network(roles)).dims == 2
    assert input_of(roles, default_network(roles), NewModel())["window"] == (512, 512)


def test_pictures_without_a_label_take_part_and_a_copy_of_a_held_out_one_is_found(pictures, tmp_path):
    for number in (5, 6):
        picture_case(tmp_path / "more" / f"p{number}", number)
        (tmp_path / "more" / f"p{number}" / "mask.png").unlink()
    options = TrainingOptions(
        **OPTIONS | {"epochs": 1, "steps": 2}, unlabelled=tmp_path / "more", loss="mumford-shah-dice-ce"
    )
    how = SET | {"hold_out_ids": ["p4"], "roles": ["grey"], "data": pictures, "options": options}
    assert finetune(**how, out=tmp_path / "m")["unlabelled"] == ["p5", "p6"]
    Image.open(pictures / "p4" / "picture.png").convert("L").save(tmp_path / "more" / "p6" / "picture.png")
    with pytest.raises(InputError, match="p6 has an image of the held-out p4"):
        finetune(**how, out=tmp_path / "again")


def test_dmfnet_on_slices_keeps_its_own_recipe():
    plan = default_plan("dmfnet2d", on_gpu=False, early_stopping=False, dims=2)
    assert plan.loss == "generalised-dice" and plan.optimiser == "adam-amsgrad" and plan.schedule == "poly"
    assert plan.patch[0] == 1 and default_plan("unet2d-32-64", on_gpu=True, early_stopping=False, dims=2).epochs == 20


def test_slices_are_the_network_of_each_slice_alone_and_few_are_held():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 1))
    array = np.random.default_rng(0).normal(size=(1, 7, 48, 64)).astype(np.float32)
    rule = OutputRule("sigmoid", (0,), (3,))
    how = {"outputs": rule, "window": (1, 48, 64), "divisor": (1, 16, 16), "device": "cpu", "precision": "float32"}
    found = segment_array(network, array, dims=2, **how)
    with torch.no_grad():
        alone = network(torch.from_numpy(array[0][:, None]))[:, 0].numpy() > 0
    assert found.windows == 7 and np.array_equal(found.labels == 3, alone)
    batched = segment_array(network, array, dims=2, batch=3, **how)
    assert np.array_equal(batched.labels, found.labels)
    flipped = segment_array(network, array, dims=2, flips=True, **how)
    assert flipped.entropy.shape == array.shape[1:]
    with pytest.raises(UsageError, match="expected \\(1, j, i\\)"):
        segment_array(network, array, dims=2, **how | {"window": (16, 48, 64), "divisor": 16})


def test_the_shared_pictures_and_a_real_ct_go_through(data_folder, tmp_path, picture_model):
    source = data_folder / "histo_ebhi_seg" / "Polyp"
    stems = [path.stem for path in sorted((source / "image").iterdir())][:3]
    for part in ("image", "label"):
        (tmp_path / "set" / "Polyp" / part).mkdir(parents=True)
        for stem in stems:
            shutil.copy(source / part / f"{stem}.png", tmp_path / "set" / "Polyp" / part)
    options = TrainingOptions(**OPTIONS | {"epochs": 1, "steps": 1, "patch": 64})
    made = finetune(**SET, data=tmp_path / "set", roles=["grey"], out=tmp_path / "m", options=options)
    found = evaluate(model=made["package"], data=tmp_path / "set")
    assert [row["id"] for row in found["cases"]] == stems and set(found["matched"]) == {"tissue"}
    tests = data_folder / "ct_totalsegmentator_tests"
    case = tmp_path / "ct" / "a"
    case.mkdir(parents=True)
    shutil.copy(tests / "example_ct_sm.nii.gz", case / "ct.nii.gz")
    seg = read_image(tests / "example_seg.nii.gz", what="truth")
    image = read_image(case / "ct.nii.gz")
    sitk.WriteImage(sitk.Cast(seg == 5, sitk.sitkUInt8), str(case / "seg.nii.gz"))
    options = TrainingOptions(**OPTIONS | {"epochs": 1, "steps": 1}, new_model=NewModel(slices="coronal"))
    made = finetune(**SET, data=tmp_path / "ct", out=tmp_path / "ct2d", options=options)
    segment(model=made["package"], case=case, out=tmp_path / "l.nii.gz")
    assert Grid.of(read_image(tmp_path / "l.nii.gz", what="truth")) == Grid.of(image)
