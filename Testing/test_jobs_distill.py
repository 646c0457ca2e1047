"""transferseg distill: families, dimensions, classes, cases without a truth, resuming, and what is refused."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from helpers_cli import call, small_data_set, small_model
from helpers_exporting import card_of
from helpers_pictures import picture_set

from TransferSegLib.errors import Cancelled, InputError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.jobs.adapt import flip_axis
from TransferSegLib.jobs.distill import distill
from TransferSegLib.jobs.distill_target import student_of
from TransferSegLib.jobs.evaluate import evaluate
from TransferSegLib.jobs.finetune import TrainingOptions, finetune
from TransferSegLib.networks import build_network, state_to_save
from TransferSegLib.packages import Label, read_package, write_package
from TransferSegLib.training import Distillation

FAST = {"epochs": 1, "steps": 2, "patch": 32, "augmentation": "flips", "seed": 1}
LESION = (Label(1, "lesion", 1),)


@pytest.fixture(scope="module")
def brains(tmp_path_factory):
    return small_data_set(tmp_path_factory.mktemp("brains"), 3)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("t") / "teacher", labels=LESION)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return picture_set(tmp_path_factory.mktemp("pictures"), 6)


@pytest.fixture(scope="module")
def picture_teacher(pictures, tmp_path_factory):
    options = TrainingOptions(network="unet2d-8-16-32", epochs=4, steps=12, batch=4, patch=48, rate=5e-3, seed=1,
                              augmentation="flips", early_stopping=False)  # fmt: skip
    how = {"source": None, "strategy_name": "scratch", "hold_out_ids": ["p5", "p6"], "roles": ["grey"]}
    out = tmp_path_factory.mktemp("t") / "pictures-teacher"
    return finetune(**how, data=pictures, out=out, listed=False, options=options)["package"]


def taught(teacher, data, out, student="unet2d-4-8", **more):
    options = TrainingOptions(**(FAST | more.pop("options", {})))
    return distill(teacher=teacher, student=student, data=data, out=out, listed=False, options=options, **more)


@pytest.mark.parametrize("student", ["unet2d-4-8", "unet3d-2-4", "unet", "mfnet2d"])
def test_students_of_any_family_and_dimension(teacher, brains, tmp_path, student):
    result = taught(teacher, brains, tmp_path / "s", student, hold_out_ids=["p3"])
    card = read_package(result["package"]).card
    assert card.network == student and card.roles == ("flair", "t1", "t1gd", "t2") and card.spacing == (1.0, 1.0, 1.0)
    assert result["distillation"]["pairs"] and card.origin["distilled_from"] == "teacher"
    assert card.origin["plan"]["patch"] == ([16, 32, 32] if card.dims == 2 else [32] * 3), "the size that was asked for"
    assert result["sizes"]["teacher"] == 125_229 and f"{result['sizes']['student']:,}" in result["message"]
    again = evaluate(model=result["package"], data=brains)
    assert {case["id"] for case in again["cases"]} == {"p1", "p2", "p3"}
    larger = result["sizes"]["student"] > 125_229
    assert any("not smaller than its teacher" in note for note in result["notes"]) == larger


def test_a_student_learns_from_pictures_and_its_card_says_from_whom(picture_teacher, pictures, tmp_path):
    options = {"epochs": 4, "steps": 12, "batch": 4, "patch": 48, "rate": 5e-3, "early_stopping": False}
    result = taught(picture_teacher, pictures, tmp_path / "s", hold_out_ids=["p5", "p6"], options=options)
    assert result["after"]["mean"]["dice"] > 0.7, "a dark disc on a light ground"
    card = read_package(result["package"]).card
    assert card.output == "sigmoid" and card.out_channels == 1 and card.normalisation == "picture"
    assert card.origin["plan"]["patch"] == [1, 48, 48] and card.origin["plan"]["batch"] == 4
    assert card.intensities == read_package(picture_teacher).card.intensities
    seen = result["distillation"]
    assert seen["remembered"] > seen["asked"] and seen["asked"] <= 4 * 4, "four pictures, four ways to flip"
    text = json.dumps(card.to_json())
    assert not any(f'"{name}"' in text for name in ("p1", "p5")), "a package travels without its cases' names"
    assert len(card.origin["inputs"]["before"]) == 4 and "both" not in card.origin
    assert (tmp_path / "s.run" / "report.pdf").stat().st_size > 5000


def test_the_teacher_makes_a_difference(picture_teacher, pictures, tmp_path):
    """The same seed and windows with the teacher's part and without end in other weights; alike alike."""
    states = []
    for name, how in (("a", Distillation()), ("b", Distillation()), ("c", Distillation(prediction=5.0, importance=0))):
        made = taught(picture_teacher, pictures, tmp_path / name, how=how, options={"patch": 48}, hold_out_ids=["none"])
        states.append(read_package(made["package"]).state())
    same = [all(torch.equal(states[0][key], other[key]) for key in states[0]) for other in states[1:]]
    assert same == [True, False]


def test_many_classes_and_regions(brains, tmp_path):
    """A softmax of five channels with two labels, and overlapping regions, teach students of their own labels."""
    data = tmp_path / "data"
    shutil.copytree(brains, data)
    for number in (1, 2, 3):
        import SimpleITK as sitk

        path = str(data / f"p{number}" / "seg.nii.gz")
        image = sitk.ReadImage(path)
        array = sitk.GetArrayFromImage(image)
        array[14:16][array[14:16] > 0] = 3
        made = sitk.GetImageFromArray(array)
        made.CopyInformation(image)
        sitk.WriteImage(made, path)
    names = {"labels": {"background": 0, "tumour": 1, "oedema": 3}}
    (data / "dataset.json").write_text(json.dumps(names))
    both = small_model(tmp_path / "both")
    result = taught(both, data, tmp_path / "s", hold_out_ids=["none"])
    card = read_package(result["package"]).card
    assert [(label.name, label.value, label.channel) for label in card.labels] == [("tumour", 1, 1), ("oedema", 3, 2)]
    assert card.out_channels == 3 and result["matched"] == {"tumour": "tumour", "oedema": "oedema"}
    package = read_package(both)
    folder = tmp_path / "regions"
    from dataclasses import replace

    regions = tuple(replace(label, channel=place) for place, label in enumerate(package.card.labels))
    write_package(folder, replace(package.card, name="regions", output="sigmoid", labels=regions), package.state())
    assert read_package(folder).card.weights_sha256 == package.card.weights_sha256
    found = taught(folder, data, tmp_path / "r", hold_out_ids=["none"])
    assert read_package(found["package"]).card.output == "softmax"
    assert found["distillation"]["asked"], "what the same weights say as softmax is not what these say"


def test_cases_without_a_truth_take_part(picture_teacher, pictures, tmp_path):
    bare = picture_set(tmp_path / "bare", 9)
    for number in range(1, 10):
        (bare / f"p{number}" / "mask.png").unlink()
        if number < 7:  # those are in the data set
            shutil.rmtree(bare / f"p{number}")
    result = taught(picture_teacher, pictures, tmp_path / "s", options={"unlabelled": bare, "patch": 48})
    assert result["unlabelled"] == ["p7", "p8", "p9"]
    origin = read_package(result["package"]).card.origin
    assert len(origin["inputs"]["unlabelled"]) == 3 and "3 without a truth" in origin["text"]


def test_a_model_is_taught_further(picture_teacher, pictures, tmp_path):
    first = taught(picture_teacher, pictures, tmp_path / "first", options={"patch": 48})["package"]
    result = taught(picture_teacher, pictures, tmp_path / "second", student=first, options={"patch": 48, "rate": 1e-9})
    old, new = (read_package(place).state() for place in (first, result["package"]))
    assert all(torch.allclose(old[key], new[key], atol=1e-6) for key in old), "it starts from the model's weights"
    assert "from first" in read_package(result["package"]).card.origin["text"]


@pytest.mark.parametrize(("orientation", "axes", "wanted"), [("LPS", "kji", 2), ("PSL", "kji", 0), ("RAS", "ijk", 0)])
def test_windows_are_mirrored_from_left_to_right(orientation, axes, wanted):
    """A 3-D student of a teacher of sagittal slices lies as they do."""
    assert flip_axis(card_of("unet", orientation=orientation, axes=axes)) == wanted


def test_a_model_of_colour_pictures_keeps_its_three_channels(tmp_path):
    """One role, three channels: none of them starts anew."""
    scale = {"mean": [0.5] * 3, "sd": [0.2] * 3}
    given = {"roles": ("rgb",), "in_channels": 3, "normalisation": "picture", "intensities": scale}
    card = card_of("unet2d-32-64", spacing=(1.0, 1.0), **given)
    torch.manual_seed(0)
    module = build_network(card.network, 3, card.out_channels, card.arguments)
    package = write_package(tmp_path / "colour", card, state_to_save(card.network, module))
    found = student_of("s", package, str(package.folder), card.label_names(), None, Events())
    state = found.target.model.module.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in package.state().items())


def test_a_resumed_distillation_ends_where_an_uninterrupted_one_does(picture_teacher, pictures, tmp_path):
    options = TrainingOptions(**FAST | {"patch": 48, "steps": 6, "early_stopping": False})
    common = {"teacher": picture_teacher, "student": "unet2d-4-8", "data": pictures, "listed": False}
    whole = distill(**common, out=tmp_path / "whole", options=options)

    events = Events(lambda event: events.cancel() if event.get("stage") == "training" and event["done"] == 3 else None)
    with pytest.raises(Cancelled):
        distill(**common, out=tmp_path / "parts", options=options, events=events)
    assert not (tmp_path / "parts").exists()
    parts = distill(**common, out=tmp_path / "parts", options=options)
    one, two = (read_package(made["package"]).state() for made in (whole, parts))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_what_is_refused(teacher, brains, picture_teacher, pictures, tmp_path):
    cases = [
        (dict(teacher=teacher, data=pictures), "holds pictures, the role flair needs a volume"),
        (dict(teacher="l3-cnn4-phantom", data=brains), "a model for level; a teacher must be a segmentation model"),
        (dict(teacher=teacher, data=brains, student="unet4d-3"), "neither a network nor a model"),
        (dict(teacher=teacher, data=brains, student="unet2-16-32"), r"did you mean unet2d-32-64\?"),
        (dict(teacher=teacher, data=brains, student="l3-cnn4"), "gives no labels"),
        (dict(teacher=teacher, data=brains, student="l3-map"), "gives no labels"),
        (dict(teacher=teacher, data=brains, student="petct-light"), "needs the roles pet and ct"),
        (dict(teacher=picture_teacher, data=pictures, student="unet3d-4-8"), "leaves the distance of its slices open"),
        (dict(teacher=teacher, data=brains, student=picture_teacher), "has the roles grey, teacher flair t1 t1gd t2"),
        (dict(teacher=teacher, data=brains, how=Distillation(exponent=3)), "--exponent 3"),
        (dict(teacher=teacher, data=brains, options={"feature_bank": 4}), "--feature-bank: has no meaning"),
    ]
    for change, words in cases:
        with pytest.raises((UsageError, InputError), match=words):
            taught(change.pop("teacher"), change.pop("data"), tmp_path / "s", **change)
        assert not (tmp_path / "s").exists() and not (tmp_path / "s.run").exists()
    for side in (24, 0):
        with pytest.raises(UsageError, match="must be a multiple of 16 for unet2d-4-8 and unet"):
            taught(teacher, brains, tmp_path / "s", options={"patch": side})


def test_labels_that_the_teacher_does_not_know(teacher, brains, tmp_path):
    (names := tmp_path / "data").mkdir()
    for place in brains.iterdir():
        shutil.copytree(place, names / place.name)
    (names / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "liver": 5}}))
    with pytest.raises(UsageError, match="the teacher teacher does not know it"):
        taught(teacher, names, tmp_path / "s")
    (names / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "core": 1, "rim": 5}}))
    both = {"core": "lesion", "rim": "lesion"}
    with pytest.raises(UsageError, match="core, rim: are one label of the teacher teacher, lesion"):
        taught(teacher, names, tmp_path / "s", label_map=both)
    assert not (tmp_path / "s").exists()


def test_the_command_line(picture_teacher, pictures, tmp_path, capsys):
    words = (
        "distill",
        picture_teacher,
        "--student",
        "unet2d-4-8",
        "--data",
        pictures,
        "--out",
        tmp_path / "taught-1",
    )
    more = ("--hold-out", "p6", "--epochs", 1, "--steps", 2, "--patch", 48, "--augmentation", "flips")
    found = call(capsys, *words, *more)
    assert found.code == 0, found.err
    assert "teacher" in found.out and "compared blocks (student = teacher): stem = stem" in found.out
    assert "neither score" not in found.out, "the teacher held p6 out too"
    again = call(capsys, *words, *more, "--json")
    assert again.code == 1 and "exists already" in again.error
    wrong = call(capsys, *words[:-1], tmp_path / "taught-wrongly", "--temperature", 0)
    assert wrong.code == 2 and "--temperature 0: must be above 0" in wrong.error
    leak = call(capsys, *words[:-1], tmp_path / "taught-2", "--hold-out", "p1", *more[2:])
    assert leak.code == 0 and "learned from 1 of the 1 held-out cases" in leak.out
    assert np.isfinite(
        json.loads((tmp_path / "taught-2.run" / "run.json").read_text())["result"]["after"]["mean"]["dice"]
    )


def test_a_student_much_worse_than_its_teacher_is_marked(picture_teacher, pictures, tmp_path, capsys):
    words = (
        "distill",
        picture_teacher,
        "--student",
        "unet2d-16-32-64",
        "--data",
        pictures,
        "--out",
        tmp_path / "taught-3",
    )
    found = call(capsys, *words, "--hold-out", "p6", "--epochs", 1, "--steps", 1, "--patch", 48, "--rate", 1e-9)
    assert found.code == 0, found.err
    assert "not proposed" in found.out and "times its teacher's" in found.out and "taught: lesion" in found.out
    card = read_package(tmp_path / "taught-3").card
    assert card.origin["verdict"] == "worse" and card.measured_on[0]["dice"] < card.measured_on[0]["teacher"] - 0.05
    notes = [line for line in found.err.splitlines() if "not smaller than its teacher" in line]
    assert notes, "said before the training, and on the terminal"
