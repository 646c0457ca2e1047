"""Cases without a truth in a training: what of them counts, what they may not be, what is recorded."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from helpers_cli import call, small_case, small_data_set, small_model
from helpers_petct import write_case

from TransferSegLib.cases import open_case
from TransferSegLib.errors import Cancelled, InputError, StorageError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.jobs.finetune import TrainingOptions, finetune
from TransferSegLib.jobs.finetune_unlabelled import without_inner
from TransferSegLib.jobs.level_dispatch import refuse_others
from TransferSegLib.packages import read_package
from TransferSegLib.storage import sha256
from TransferSegLib.training import (
    UNLABELLED,
    PetCtAugmentation,
    Run,
    TrainingCase,
    TrainingPlan,
    Windows,
    judge,
    loss_by_name,
    train,
)
from TransferSegLib.training.mumford_shah import MumfordShahDiceCE, mumford_shah

LOSS = "mumford-shah-dice-ce"
OPTIONS = TrainingOptions(epochs=2, steps=3, patch=32, seed=1, loss=LOSS)
SIDE = 24


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return read_package(small_model(tmp_path_factory.mktemp("models") / "little"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small_data_set(tmp_path_factory.mktemp("data") / "set", 3)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Two cases without a truth, of other patients."""
    folder = tmp_path_factory.mktemp("data") / "bare"
    for number in (1, 2):
        (small_case(folder / f"u{number}", seed=40 + number) / "seg.nii.gz").unlink()
    return folder


def adapted(model, data, out, options, **more):
    how = {"source": model, "data": data, "strategy_name": "half-lr", "out": out, "hold_out_ids": ["p3"]}
    return finetune(**(how | more), options=options)


def weights(result) -> str:
    return sha256(f"{result['package']}/models/model.pt")


def toy(name: str, *, level: float, labelled: bool = True) -> TrainingCase:
    """A bright cube in noise; without a truth it is `UNLABELLED` everywhere."""
    rng = np.random.default_rng(len(name))
    cube = np.zeros((SIDE,) * 3, np.uint8)
    cube[8:16, 8:16, 8:16] = 1
    image = (
        np.clip(0.1 + level * cube + 0.05 * rng.standard_normal(cube.shape), 0, 1).astype(np.float32)[None].repeat(5, 0)
    )
    truth = cube if labelled else np.full_like(cube, UNLABELLED)
    return TrainingCase(name, image, truth, {1: np.argwhere(cube)} if labelled else {}, np.argwhere(np.ones_like(cube)))


PLAN = TrainingPlan(epochs=2, patch=(16, 16, 16), steps_per_epoch=20, seed=3, rate=5e-2, loss=LOSS)


def test_one_unlabelled_window_comes_beside_the_same_labelled_ones():
    for augmentation in (PetCtAugmentation, None):
        plan = replace(PLAN, augment=augmentation is not None)
        how = {} if augmentation is None else {"augmentation": augmentation}
        cases, more = [toy("a", level=0.8)], [toy("bb", level=0.5, labelled=False)]
        plain, mixed = Windows(cases, plan, **how), Windows(cases, plan, unlabelled=more, **how)
        seen = set()
        for step in range(20):
            (image, truth), (both, truths) = plain.batch(step), mixed.batch(step, among=[0])
            assert both.shape[0] == plan.batch + 1 and torch.equal(both[:-1], image) and torch.equal(truths[:-1], truth)
            assert (truths[-1] == UNLABELLED).all() and not (truth == UNLABELLED).any()
            assert torch.equal(mixed.batch(step)[0], both)
            seen.add(float(both[-1].sum()))
        assert len(seen) > 15  # windows from all over the case


def test_only_the_mumford_shah_term_counts_for_an_unlabelled_window():
    image, truth = Windows(
        [toy("a", level=0.8)], replace(PLAN, augment=False), unlabelled=[toy("bb", level=0.5, labelled=False)]
    ).batch(0)
    logits = torch.randn(3, 2, 16, 16, 16, requires_grad=True)
    loss = loss_by_name(LOSS)
    value = judge(loss, logits, truth, image)
    value.backward()
    known = judge(loss, logits[:2], truth[:2], image[:2])
    alone = 1e-5 * mumford_shah(logits[2:].softmax(1)[:, 1:], image[2:])
    torch.testing.assert_close(value, known + alone)
    (expected,) = torch.autograd.grad(alone, logits)
    torch.testing.assert_close(logits.grad[2], expected[2])
    assert logits.grad[2].abs().sum() > 0


def variance_within(module, case) -> float:
    """The Mumford-Shah term of a whole case, without the length."""
    image = torch.from_numpy(case.image)[None]
    with torch.no_grad():
        return float(mumford_shah(module(image).softmax(1)[:, 1:], image, mu=0))


def test_a_toy_network_learns_from_the_image_without_a_truth(tmp_path):
    """The labelled case is even, and the terms of its truth weigh nothing: what is learned comes from the other."""
    flat, other = toy("a", level=0.0), toy("bb", level=0.6, labelled=False)
    flat = replace(flat, image=np.full_like(flat.image, 0.25))
    found = {}
    for name, unlabelled in (("without", ()), ("with", (other,))):
        torch.manual_seed(1)
        module = torch.nn.Conv3d(5, 2, 1)
        found["before"] = variance_within(module, other)
        train(
            module,
            forward=module,
            source=Windows([flat], replace(PLAN, augment=False), unlabelled=unlabelled),
            plan=PLAN,
            loss=MumfordShahDiceCE(alpha=1e-2, beta=0, lamda=0, mu=0),
            rate=PLAN.rate,
            device="cpu",
            precision="float32",
            run=Run(tmp_path / name, {}),
            events=Events(),
        )
        found[name] = variance_within(module, other)
    assert found["without"] > 0.9 * found["before"] and found["with"] < 0.6 * found["before"]


def test_it_is_recorded_and_changes_the_weights(tmp_path, model, data, bare):
    plain = adapted(model, data, tmp_path / "plain", OPTIONS)
    result = adapted(model, data, tmp_path / "m", replace(OPTIONS, unlabelled=bare))
    assert plain["unlabelled"] == [] and result["unlabelled"] == ["u1", "u2"] and weights(plain) != weights(result)
    request = json.loads((tmp_path / "m.run" / "run.json").read_text())["request"]
    assert set(request["unlabelled"]["cases"]) == {"u1", "u2"} and request["unlabelled"]["windows_a_step"] == 1
    assert "unlabelled" not in json.loads((tmp_path / "plain.run" / "run.json").read_text())["request"]
    origin = read_package(result["package"]).card.origin
    assert "on 2 cases, with 2 unlabelled cases" in origin["text"]
    assert origin["inputs"]["unlabelled"] == sorted(request["unlabelled"]["cases"].values()) and "u1" not in str(origin)
    assert "unlabelled" not in read_package(plain["package"]).card.origin["inputs"]


def test_a_cut_off_run_ends_the_same_and_a_changed_set_is_refused(tmp_path, model, data, bare):
    options = replace(OPTIONS, unlabelled=bare, curriculum="anti", difficulty="volume")
    whole = adapted(model, data, tmp_path / "whole", options)
    events: Events

    def listen(event):
        if event["event"] == "progress" and event["stage"] == "training" and event["done"] == 4:
            events.cancel()

    events = Events(listen)
    with pytest.raises(Cancelled):
        adapted(model, data, tmp_path / "cut", options, events=events)
    fewer = tmp_path / "fewer"
    (small_case(fewer / "u1", seed=41) / "seg.nii.gz").unlink()
    for other in (fewer, None):
        with pytest.raises(StorageError, match="holds another run"):
            adapted(model, data, tmp_path / "cut", replace(options, unlabelled=other))
    assert weights(adapted(model, data, tmp_path / "cut", options)) == weights(whole)


def test_a_held_out_case_or_patient_is_never_among_them(tmp_path, model, data):
    def refused(words):
        with pytest.raises(InputError, match=words) as caught:
            adapted(model, data, tmp_path / "m", replace(OPTIONS, unlabelled=tmp_path / "bare"))
        assert "\n" not in caught.value.message and not (tmp_path / "m.run").exists()

    visit = small_case(tmp_path / "bare" / "p3_ses-2", seed=70)
    (visit / "seg.nii.gz").unlink()
    refused("p3_ses-2 is of the same patient as the held-out p3")
    # the same voxels under another name, in another format
    visit = visit.rename(tmp_path / "bare" / "nobody")
    image = sitk.ReadImage(str(data / "p3" / "T2.nii.gz"))
    sitk.WriteImage(image, str(visit / "T2.nrrd"))
    (visit / "T2.nii.gz").unlink()
    refused("nobody has an image of the held-out p3")


def test_those_with_a_truth_are_left_out_and_what_cannot_be_is_one_line(tmp_path, model, data, bare):
    said = []
    mixed = tmp_path / "mixed"
    (small_case(mixed / "u1", seed=41) / "seg.nii.gz").unlink()
    small_case(mixed / "x", seed=50)
    result = adapted(model, data, tmp_path / "m", replace(OPTIONS, unlabelled=mixed), events=Events(said.append))
    assert result["unlabelled"] == ["u1"] and "x has a truth and is left out" in str(said)
    with pytest.raises(InputError, match="every case has a truth"):
        adapted(model, data, tmp_path / "n", replace(OPTIONS, unlabelled=data))
    with pytest.raises(UsageError, match="--loss dice-ce learns only from cases with a truth; say --loss mumford-shah"):
        adapted(model, data, tmp_path / "n", replace(OPTIONS, unlabelled=bare, loss="dice-ce"))
    (mixed / "u1" / "T2.nii.gz").unlink()
    with pytest.raises(InputError, match="no image for role t2"):
        adapted(model, data, tmp_path / "n", replace(OPTIONS, unlabelled=mixed))
    with pytest.raises(UsageError, match="--unlabelled: has no meaning"):
        refuse_others({}, TrainingOptions(unlabelled=bare))
    assert not (tmp_path / "n").exists() and not (tmp_path / "n.run").exists()


def test_one_that_is_trained_on_is_left_out_and_named(tmp_path, data):
    """A training case's voxels under another name; another visit of its patient may take part."""
    from TransferSegLib.cases import open_data_set
    from TransferSegLib.jobs.finetune_unlabelled import open_unlabelled

    training = open_data_set(data).cases[:2]
    role = next(iter(training[0].images))
    for number, name in enumerate(("u1", f"{training[0].id}_ses-2", "nobody")):
        (small_case(tmp_path / "bare" / name, seed=60 + number) / "seg.nii.gz").unlink()
    image = sitk.ReadImage(str(training[1].images[role]))
    sitk.WriteImage(image, str(tmp_path / "bare" / "nobody" / training[1].images[role].name))
    said, card = [], SimpleNamespace(roles=(role,), reference=role)
    how = {"data_set": open_data_set(data), "held_out": (), "truth_name": None, "events": Events(said.append)}
    kept = open_unlabelled(tmp_path / "bare", card, training=training, **how)
    assert [case.id for case in kept] == [f"{training[0].id}_ses-2", "u1"]
    assert f"nobody is left out, since {training[1].id} has its image and is trained on" in str(said)
    for name in (f"{training[0].id}_ses-2", "u1"):
        (tmp_path / "bare" / name).rename(tmp_path / name)
    with pytest.raises(InputError, match="all its cases are trained on"):
        open_unlabelled(tmp_path / "bare", card, training=training, **how)


def test_a_patient_of_the_inner_split_takes_no_part(tmp_path, model):
    """Early stopping looks at the inner split: who is in it is learned from in no way."""
    said, seven = [], small_data_set(tmp_path / "set", 7)
    for number in range(1, 8):
        (small_case(tmp_path / "bare" / f"p{number}_ses-2", seed=60 + number) / "seg.nii.gz").unlink()
    options = replace(OPTIONS, unlabelled=tmp_path / "bare")
    how = {"hold_out_ids": ["none"], "events": Events(said.append)}
    result = adapted(model, seven, tmp_path / "m", replace(options, early_stopping=True), **how)
    assert len(result["unlabelled"]) == 6 and str(said).count("of the inner split and takes no part") == 1


def test_the_same_scan_under_another_name_is_not_learned_from_either(tmp_path):
    """The inner split's images, whatever the patient is called there."""
    one, two = (open_case(small_case(tmp_path / name, seed=seed)) for name, seed in (("a", 1), ("b", 2)))
    copy = open_case(shutil.copytree(tmp_path / "a", tmp_path / "renamed"))
    said = []
    assert without_inner((copy, two), [one], ["t2"], Events(said.append)) == (two,)
    assert "renamed has an image of the inner split" in str(said)


def test_petct_from_the_command_line(tmp_path, capsys):
    for number in range(3):
        write_case(tmp_path / "data" / f"p{number}", number)
        (write_case(tmp_path / "bare" / f"u{number}", 10 + number) / "PET_mask.nii.gz").unlink()
    words = ("finetune", "--from", "none", "--data", tmp_path / "data", "--strategy", "scratch", "--hold-out", "p2")
    quick = ("--epochs", 1, "--steps", 2, "--patch", 16, "--loss", LOSS, "--unlabelled", tmp_path / "bare")
    shown = call(capsys, *words, "--out", tmp_path / "m", *quick)
    assert shown.code == 0 and "without a truth took part: u0, u1, u2; one window a step" in shown.out
    wrong = call(capsys, *words, "--out", tmp_path / "n", *quick, "--loss", "dice-focal-boundary")
    assert wrong.code == 2 and "--unlabelled: --loss dice-focal-boundary" in wrong.error
    assert "one window of theirs in each step" in " ".join(call(capsys, "finetune", "--help").out.split())
