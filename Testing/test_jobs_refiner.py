"""Training a refiner: what it is shown, what its package runs, what is told of the first stage's own cases."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers_cli import call, small_model
from helpers_petct import PET_GRID, write_case

from TransferSegLib.cases import open_case
from TransferSegLib.errors import Cancelled, StorageError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.imaging import Grid, read_image
from TransferSegLib.jobs import refining
from TransferSegLib.jobs.evaluate import evaluate
from TransferSegLib.jobs.finetune import TrainingOptions, finetune
from TransferSegLib.jobs.refiner_target import RefinerArrays, chain_of
from TransferSegLib.jobs.segment import segment
from TransferSegLib.jobs.target import target_from_nothing
from TransferSegLib.networks import build_network, count_parameters, network_spec, state_to_save
from TransferSegLib.packages import composed_state, learned_digests, merge_packages, read_package, write_package
from TransferSegLib.preparing import PreparationOptions
from TransferSegLib.storage import sha256
from TransferSegLib.training import PetCtAugmentation, case_hash

SMALL = {"channels": (4, 8, 8), "middle_kernel": 3, "deep_supervision": True}
OPTIONS = TrainingOptions(network="petct-refiner-light", epochs=1, steps=2, patch=16, device="cpu", precision="float32")


def first_stage(folder, seed: int = 0, learned=(), **changes):
    """An untrained light model of our own size; ``learned`` are digests that its card says it learned from."""
    torch.manual_seed(seed)
    card = target_from_nothing(folder.name, ["ct", "pet"], {1: "lesion"}, "petct-light").model.card
    origin = {"text": "made by a test"} | ({"inputs": {"training": list(learned)}} if learned is not None else {})
    card = replace(card, arguments=SMALL, window=(16, 16, 16), origin=origin, **changes)
    return write_package(folder, card, state_to_save("petct-light", build_network("petct-light", 5, 2, SMALL)))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "set"
    for number in range(3):
        write_case(folder / f"p{number}", number)
    return folder


def refined(stage1, data, out, options=OPTIONS, **more):
    how = {
        "source": None,
        "data": data,
        "strategy_name": "scratch",
        "out": out,
        "hold_out_ids": ["p2"],
        "listed": False,
    }
    return finetune(**(how | more), options=replace(options, stage1=stage1))


def weights(result) -> str:
    return sha256(f"{result['package']}/models/model.pt")


def test_both_sizes():
    for name, count in (("petct-refiner", 361_796), ("petct-refiner-light", 13_012)):
        assert (
            count_parameters(network_spec(name).build(6, 2)) == (count, count)
            and f"{count:,}" in network_spec(name).title
        )


def test_the_chain_learns_and_is_what_segment_and_evaluate_run(tmp_path, data):
    first = first_stage(tmp_path / "first", learned=None)
    options = replace(OPTIONS, steps=60, batch=2, rate=2e-2)
    result = refined(first, data, tmp_path / "two", options)
    before = evaluate(model=first, data=data, cases=["p2"], device="cpu", precision="float32")
    after = evaluate(model=tmp_path / "two", data=data, cases=["p2"], device="cpu", precision="float32")
    assert result["before"]["mean"]["dice"] == pytest.approx(before["mean"]["dice"])
    assert result["after"]["mean"]["dice"] == pytest.approx(after["mean"]["dice"])
    assert after["mean"]["dice"] > before["mean"]["dice"] + 0.1 and result["total"] == 13_012
    package = read_package(tmp_path / "two")
    card = package.card
    assert card.network == "petct-light" and card.refiner["network"] == "petct-refiner-light" and card.in_channels == 5
    module = package.network()
    assert torch.equal(module.members[0].head.weight, first.network().head.weight)
    segment(model=package, case=data / "p2", out=tmp_path / "out.nii.gz")
    assert Grid.of(read_image(tmp_path / "out.nii.gz", what="truth")).same_as(PET_GRID)
    assert "first, then a petct-refiner-light trained from new weights on 2 cases" in card.origin["text"]
    assert "keeps no record" in card.origin["text"] and result["stage1"]["shared"] is None


def test_training_shows_what_inference_shows(tmp_path, data, monkeypatch):
    """The same six channels, the last the first stage's probability on that very case, and the truth beside them."""
    first = first_stage(tmp_path / "first")
    chain = chain_of("x", first, "petct-refiner-light", {1: "lesion"}, None, Events())
    case = open_case(data / "p0")
    how = {"options": PreparationOptions(), "digest": case_hash(case), "events": Events()}
    image, truth, mask = RefinerArrays(chain, "cpu", "float32")(case, chain.target.model.card, **how)
    seen = []
    original = refining.segment_array
    monkeypatch.setattr(refining, "segment_array", lambda net, array, mask, **k: seen.append((array, mask)) or
                        original(net, array, mask, **k))  # fmt: skip
    state = composed_state([first.state()], refiner=chain.target.model.module.state_dict())
    made = write_package(tmp_path / "two", replace(chain.card, name="two"), state)
    segment(model=made, case=data / "p0", out=tmp_path / "out.nii.gz", device="cpu", precision="float32")
    assert image.shape[0] == 6 and np.array_equal(seen[0][0], image) and np.array_equal(seen[0][1], mask)
    assert image[5].std() > 0 and image[5].min() >= 0 and image[5].max() <= 1 and (truth > 0).any()
    again, _, _ = RefinerArrays(chain, "cpu", "float32")(case, chain.target.model.card, **how)
    assert np.array_equal(again, image)
    other = chain_of("x", first_stage(tmp_path / "other", 5), "petct-refiner-light", {1: "lesion"}, None, Events())
    assert not np.array_equal(RefinerArrays(other, "cpu", "float32")(case, None, **how)[0][5], image[5])


def test_the_probability_moves_along_and_keeps_its_values():
    truth = torch.zeros(1, 16, 16, 16, dtype=torch.uint8)
    truth[:, 4:9, 4:9, 2:6] = 1
    image = torch.cat([torch.rand(5, 16, 16, 16), 0.7 * truth.float()])
    for seed in range(20):
        found, label = PetCtAugmentation((16, 16, 16))(image, truth, affine=False, seed=seed)
        assert torch.equal(found[5], 0.7 * label[0].float())


def test_it_is_told_which_cases_the_first_stage_learned_from(tmp_path, data):
    digests = {name: case_hash(open_case(data / name)) for name in ("p0", "p1", "p2")}
    said, told = [], {}
    for name, learned in (("some", [digests["p0"], digests["p2"]]), ("none", ["0" * 64])):
        first = first_stage(tmp_path / name, learned=learned)
        told[name] = refined(first, data, tmp_path / f"{name}-two", events=Events(said.append))
    some, none = told["some"]["stage1"], told["none"]["stage1"]
    assert (some["shared"], some["shared_held_out"]) == (["p0"], ["p2"]) and none["shared"] == []
    assert "learned from 1 of the 2 training cases" in str(said) and "learned from none of the training" in str(said)
    origin = read_package(told["some"]["package"]).card.origin
    assert origin["stage1"]["shared"] == 1 and "trust it too much" in origin["text"]
    assert "neither score is one of new cases" in origin["text"]
    assert learned_digests(read_package(told["some"]["package"]).card) == set(digests.values())


def test_adapting_a_two_stage_package_says_that_the_refiner_is_left_out(tmp_path, data):
    two = refined(first_stage(tmp_path / "first"), data, tmp_path / "two")
    assert two["refiner_left_out"] is False
    one = replace(OPTIONS, network=None)
    how = {"strategy_name": "half-lr", "hold_out_ids": ["p2"], "listed": False, "options": one}
    result = finetune(source=tmp_path / "two", data=data, out=tmp_path / "one", **how)
    assert result["refiner_left_out"] is True
    assert "without its refiner" in read_package(tmp_path / "one").card.origin["text"]


def test_folds_keep_the_record_and_an_ensemble_is_a_first_stage(tmp_path, data):
    folds = [first_stage(tmp_path / f"fold{n}", n, learned=[f"{n}" * 64]) for n in range(2)]
    merged = merge_packages(folds, tmp_path / "both", name="both")
    assert learned_digests(merged.card) == {"0" * 64, "1" * 64}
    result = refined(merged, data, tmp_path / "two")
    package = read_package(result["package"])
    module = package.network()
    assert package.card.members == 2 and len(module.members) == 2 and module.refiner is not None
    with pytest.raises(UsageError, match="has a refiner already"):
        refined(package, data, tmp_path / "three")


def test_a_cut_off_training_ends_the_same(tmp_path, data):
    first, options = first_stage(tmp_path / "first"), replace(OPTIONS, epochs=2)
    whole = refined(first, data, tmp_path / "whole", options)
    events: Events

    def listen(event):
        if event["event"] == "progress" and event["stage"] == "training" and event["done"] == 3:
            events.cancel()

    events = Events(listen)
    with pytest.raises(Cancelled):
        refined(first, data, tmp_path / "cut", options, events=events)
    with pytest.raises(StorageError, match="holds another run"):
        refined(first_stage(tmp_path / "other", 5), data, tmp_path / "cut", options)
    assert weights(refined(first, data, tmp_path / "cut", options)) == weights(whole)


def test_what_cannot_be(tmp_path, data):
    first = first_stage(tmp_path / "first")
    for change, words in (
        ({"options": replace(OPTIONS, network="petct-light")}, "--stage1: is for a refiner only"),
        ({"stage1": None}, "--network petct-refiner-light: refines what a first stage finds"),
        ({"source": first}, "--from: has no meaning for a refiner"),
        ({"roles": ["pet", "ct"]}, "--roles: has no meaning for a refiner"),
        ({"strategy_name": "half-lr"}, "--strategy half-lr: a refiner is trained with --strategy scratch"),
        ({"strategy_name": "half-lr", "source": first}, "trained with --strategy scratch"),
        ({"source_map": {"a": "b"}}, "--source-map: has no meaning for a refiner"),
        ({"source_truth_name": "seg"}, "--source-truth-name: has no meaning for a refiner"),
        ({"stage1": small_model(tmp_path / "brain")}, "is no PET/CT model"),
        ({"options": replace(OPTIONS, curriculum="default")}, "nothing was learned before"),
        ({"options": replace(OPTIONS, patch=8)}, "--patch 8: a refiner's windows have at least 16"),
    ):
        with pytest.raises(UsageError, match=words) as caught:
            refined(**({"stage1": first, "data": data, "out": tmp_path / "no"} | change))
        assert "\n" not in caught.value.message
    assert not (tmp_path / "no").exists() and not (tmp_path / "no.run").exists()


def test_from_the_command_line(tmp_path, data, capsys):
    first = first_stage(tmp_path / "first", learned=[case_hash(open_case(data / "p1"))])
    words = (
        "finetune",
        "--network",
        "petct-refiner-light",
        "--data",
        data,
        "--strategy",
        "scratch",
        "--hold-out",
        "p2",
    )
    quick = ("--epochs", 1, "--steps", 2, "--patch", 16)
    shown = call(capsys, *words, "--stage1", first.folder, "--out", tmp_path / "two", *quick)
    assert shown.code == 0 and "first learned from 1 of the 2 training cases" in shown.out
    metadata = json.loads((tmp_path / "two" / "configs" / "metadata.json").read_text())
    assert metadata["transferseg"]["refiner"]["window"] == [16, 16, 16]
    wrong = call(capsys, *words, "--out", tmp_path / "no", *quick)
    assert wrong.code == 2 and "--from: is required" in wrong.error
