"""PET/CT models: training parts, several networks in one package, two stages, the verbs on small cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from helpers_petct import PET_GRID, write_case

from TransferSegLib.errors import InputError, PackageError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.imaging import Grid, read_image
from TransferSegLib.inference import OutputRule, central_weights, segment_array
from TransferSegLib.jobs.evaluate import evaluate
from TransferSegLib.jobs.finetune import TrainingOptions, finetune
from TransferSegLib.jobs.predict import Model
from TransferSegLib.jobs.segment import segment
from TransferSegLib.jobs.target import target_from_nothing, target_from_source
from TransferSegLib.networks import build_network, network_spec, state_to_save
from TransferSegLib.networks.ensemble import Ensemble
from TransferSegLib.packages import composed_state, merge_packages, read_package, write_package
from TransferSegLib.training import (
    DeepSupervised,
    PetCtAugmentation,
    TrainingPlan,
    default_plan,
    loss_by_name,
    stacked,
)
from TransferSegLib.training.optimisers import optimiser_of

SMALL = {"channels": (4, 8, 8), "middle_kernel": 3, "deep_supervision": True}


def package(folder, seed: int = 0, **changes):
    """An untrained light model of our own size."""
    torch.manual_seed(seed)
    card = target_from_nothing(folder.name, ["ct", "pet"], {1: "lesion"}, "petct-light").model.card
    card = replace(card, arguments=SMALL, window=(16, 16, 16), **changes)
    module = build_network("petct-light", 5, 2, SMALL)
    return write_package(folder, card, state_to_save("petct-light", module))


def test_the_card_of_a_new_model():
    card = target_from_nothing("x", ["ct", "pet"], {1: "lesion"}, None).model.card
    assert (card.network, card.roles, card.reference, card.in_channels) == ("petct-light", ("pet", "ct"), "pet", 5)
    published = target_from_nothing("x", ["ct", "pet"], {1: "lesion"}, "petct").model.card
    assert published.spacing == (6.0, 6.0, 6.0) and published.window == (128, 96, 96) and published.overlap == 0.5
    with pytest.raises(UsageError, match="needs the roles pet and ct"):
        target_from_nothing("x", ["t1"], {1: "lesion"}, "petct-light")


def test_the_plan_is_the_recipe_of_the_sheet():
    plan = default_plan("petct", on_gpu=True, early_stopping=False)
    assert (plan.optimiser, plan.rate, plan.weight_decay, plan.decay) == ("adamw", 2e-4, 1e-5, True)
    assert plan.foreground == pytest.approx(2 / 3) and plan.patch == (128, 96, 96)
    module = torch.nn.Linear(2, 2)
    assert isinstance(optimiser_of(plan, module, 1e-3), torch.optim.AdamW)
    assert type(optimiser_of(TrainingPlan(1, (16, 16, 16)), module, 1e-3)) is torch.optim.Adam
    with pytest.raises(UsageError, match="choose one of adam, adam-amsgrad, adamw"):
        optimiser_of(replace(plan, optimiser="sgd"), module, 1e-3)


def test_augmentation_moves_image_and_truth_together_and_stays_in_range():
    change = PetCtAugmentation((16, 16, 16), without_ct=0.0)
    truth = torch.zeros(1, 40, 40, 40, dtype=torch.uint8)
    truth[:, 16:24, 17:23, 18:22] = 1
    image = truth.float().expand(5, -1, -1, -1) * 0.8 + 0.1
    counts = []
    for seed in range(30):
        found, label = change(image.clone(), truth.clone(), affine=True, seed=seed)
        assert found.shape == (5, 16, 16, 16) and label.shape == (1, 16, 16, 16) and label.dtype == torch.uint8
        assert float(found.min()) >= 0 and float(found.max()) <= 1
        inside = label[0].bool()
        if inside.sum() > 20:
            assert float(found[1][inside].mean()) > float(found[1][~inside].mean()) + 0.2
        counts.append(int(inside.sum()))
        again, _ = change(image.clone(), truth.clone(), affine=True, seed=seed)
        assert torch.equal(found, again)
    assert len(set(counts)) > 5
    dark, _ = PetCtAugmentation((16, 16, 16), without_ct=1.0)(image[:, :16, :16, :16], truth[:, :16, :16, :16],
                                                              affine=False, seed=0)  # fmt: skip
    assert not dark[[0, 2, 3]].any() and dark[1].any()


def test_an_undisturbed_affine_is_the_window_itself():
    from TransferSegLib.training import petct_augmentation as module

    class Still:
        def uniform(self, low, high, size=None):
            return 0.0 if size is None else np.zeros(size)

    image = torch.rand(2, 30, 32, 34)
    found, _ = module._moved(image, torch.zeros(1, 30, 32, 34), (10, 12, 14), Still())
    torch.testing.assert_close(found, image[:, 10:20, 10:22, 10:24], rtol=1e-4, atol=1e-5)


def test_deep_supervision_judges_every_head_and_trains_them_all():
    torch.manual_seed(0)
    spec, module = network_spec("petct-light"), build_network("petct-light", 5, 2, SMALL)
    x, truth = torch.rand(2, 5, 16, 16, 16), (torch.rand(2, 1, 16, 16, 16) > 0.7).to(torch.uint8)
    heads = spec.supervise(module, list(spec.encode(module, x)))
    assert torch.equal(heads[-1], module(x)) and len(heads) == 2
    plain = loss_by_name("dice-ce")
    whole = DeepSupervised(plain)(stacked(heads), truth)
    expected = (0.5 * plain(heads[0], truth) + plain(heads[1], truth)) / 1.5
    torch.testing.assert_close(whole, expected)
    whole.backward()
    assert all(p.grad is not None for p in module.parameters())
    torch.testing.assert_close(DeepSupervised(plain)(heads[1], truth), plain(heads[1], truth))


def test_central_weights():
    weights = central_weights((96, 96, 96))
    assert weights.shape == (96, 96, 96) and float(weights[48, 48, 48]) == 1 == float(weights[24, 24, 24])
    assert float(weights[0, 48, 48]) == pytest.approx(1e-3) and (np.diff(weights[:48, 48, 48]) >= 0).all()
    np.testing.assert_array_equal(weights, weights[::-1])


def test_the_probability_map_is_the_networks_own():
    rule = OutputRule("softmax", (1,), (1,))
    array = np.random.default_rng(0).random((1, 20, 24, 18), np.float32)

    def network(x):
        return torch.cat([torch.zeros_like(x), 4 * x - 2], dim=1)

    for weighting in ("gaussian", "central"):
        found = segment_array(network, array, outputs=rule, window=(16, 16, 16), probability=0, weighting=weighting)
        np.testing.assert_allclose(found.probability, 1 / (1 + np.exp(2 - 4 * array[0])), atol=1e-4)
        np.testing.assert_array_equal(found.labels, (array[0] > 0.5).astype(np.uint8))
    with pytest.raises(UsageError, match="weighting"):
        segment_array(network, array, outputs=rule, window=(16, 16, 16), weighting="flat")


def test_an_ensemble_averages_probabilities():
    torch.manual_seed(1)
    members = [build_network("petct-light", 5, 2, SMALL).eval() for _ in range(4)]
    x = torch.rand(1, 5, 16, 16, 16)
    with torch.no_grad():
        mean = torch.stack([m(x).softmax(1) for m in members]).mean(0)
        torch.testing.assert_close(Ensemble(members)(x).softmax(1), mean, rtol=1e-4, atol=1e-5)


def test_folds_merge_into_one_package(tmp_path):
    folds = [package(tmp_path / f"fold{n}", n) for n in range(4)]
    merged = merge_packages(folds, tmp_path / "four", name="four")
    module = read_package(tmp_path / "four").network()
    assert merged.card.members == 4 and len(module.members) == 4
    for fold, member in zip(folds, module.members):
        assert torch.equal(fold.network().head.weight, member.head.weight)
    assert torch.equal(merged.member_state()["head.weight"], folds[0].state()["head.weight"])
    other = package(tmp_path / "other", 9, spacing=(5.0, 5.0, 5.0))
    with pytest.raises(UsageError, match="has another spacing than fold0"):
        merge_packages([folds[0], other], tmp_path / "no", name="no")
    said = []
    target = target_from_source("t", merged, roles=merged.card.roles, truth_names={1: "lesion"}, label_map=None,
                                with_weights=True, events=Events(said.append))  # fmt: skip
    assert target.model.card.members == 1 and not target.model.card.composed and "first of its networks" in str(said)
    assert torch.equal(target.model.module.head.weight, folds[0].network().head.weight)


def two_stage(folder):
    """A package whose refiner answers with what stage 1 said, but only where the PET is hot."""
    from TransferSegLib.networks.petct_net import PetCtRefiner

    first = package(folder / "first")
    arguments = {"width": 4, "blocks": 1, "kernel": 3}
    torch.manual_seed(2)
    refiner = PetCtRefiner(6, 2, **arguments)
    card = replace(first.card, name="two", refiner={"network": "petct-refiner", "arguments": arguments,
                                                    "window": [16, 16, 16], "overlap": 0.5})  # fmt: skip
    return write_package(folder / "two", card, composed_state([first.state()], refiner=refiner.state_dict())), refiner


def test_two_stages_run_in_one_package_and_end_on_the_pets_grid(tmp_path):
    """The refiner sees the five channels at the PET's spacing and stage 1's probability; its labels are the answer."""
    from TransferSegLib.jobs.refining import refined
    from TransferSegLib.preparing import PreparationOptions

    made, _ = two_stage(tmp_path)
    case = write_case(tmp_path / "case")
    result = segment(model=made, case=case, out=tmp_path / "out.nii.gz")
    labels = read_image(tmp_path / "out.nii.gz", what="truth")
    assert Grid.of(labels).same_as(PET_GRID) and result["reference"] == "pet"
    model, seen = Model.open(read_package(made.folder)), []
    model.module.refiner.register_forward_hook(lambda m, inputs, out: seen.append(inputs[0]))
    from TransferSegLib.cases import open_case
    from TransferSegLib.jobs.predict import predict_array
    from TransferSegLib.training import prepare_case

    options = PreparationOptions()
    loaded, coarse = prepare_case(open_case(case), model.card, options=options, events=Events(), with_truth=False)
    first = predict_array(model, coarse.array, coarse.mask, probability=0, device="cpu", precision="float32")
    calls = {}

    def spy(network, array, mask, **how):
        calls.update(how, array=array)
        return segment_array(network, array, mask, **how)

    import TransferSegLib.jobs.refining as module

    original, module.segment_array = module.segment_array, spy
    try:
        how = {"device": "cpu", "precision": "float32", "flips": False, "events": Events()}
        fine, second = refined(model.card, model.module, model.rule, loaded, coarse, first, options, False, how)
    finally:
        module.segment_array = original
    assert calls["array"].shape == (6, *fine.grid.shape) and calls["weighting"] == "central"
    assert fine.grid.spacing == PET_GRID.spacing and calls["window"] == (16, 16, 16)
    assert calls["array"][5].min() >= 0 and calls["array"][5].max() <= 1 and calls["array"][5].std() > 0
    again = sitk.GetArrayFromImage(labels)
    from TransferSegLib.preparing import restore_labels

    assert np.array_equal(again, sitk.GetArrayFromImage(restore_labels(second.labels, fine)))


def test_a_card_that_contradicts_itself_is_refused(tmp_path):
    made = package(tmp_path / "a")
    for change, message in (
        ({"in_channels": 2}, "roles make 5"),
        ({"roles": ("pet",)}, "needs the roles pet and ct"),
        ({"refiner": {"network": "petct-refiner", "window": [8, 8, 8]}}, "refiner.window"),
        ({"members": 0}, "members is 0"),
    ):
        with pytest.raises(PackageError, match=message):
            write_package(tmp_path / "b", replace(made.card, **change), made.state())


def test_finetune_evaluate_and_segment_on_small_cases(tmp_path):
    """From nothing to a model that finds the hot ball, on the PET's grid; without a unit nothing is written."""
    for n in range(3):
        write_case(tmp_path / "data" / f"p{n}", n)
    options = TrainingOptions(epochs=1, steps=30, patch=16, batch=2, rate=5e-3, device="cpu", precision="float32")
    result = finetune(source=None, data=tmp_path / "data", strategy_name="scratch", out=tmp_path / "model",
                      hold_out_ids=["p2"], listed=False, options=options)  # fmt: skip
    assert result["after"]["mean"]["dice"] > 0.5 and result["total"] == 330_406
    found = evaluate(model=tmp_path / "model", data=tmp_path / "data", cases=["p2"], device="cpu", precision="float32")
    assert found["mean"]["dice"] == pytest.approx(result["after"]["mean"]["dice"], abs=1e-6)
    assert "sidecar" in found["cases"][0]["preparation"][0]
    again = finetune(source=tmp_path / "model", data=tmp_path / "data", strategy_name="freeze-encoder",
                     out=tmp_path / "again", hold_out_ids=["p2"], listed=False,
                     options=replace(options, steps=2))  # fmt: skip
    assert again["before"]["mean"]["dice"] == pytest.approx(found["mean"]["dice"], abs=1e-6)
    assert again["trainable"] < again["total"]
    unknown = write_case(tmp_path / "unknown", 5, unit=None)
    with pytest.raises(InputError, match="--pet-unit"):
        segment(model=tmp_path / "model", case=unknown, out=tmp_path / "no.nii.gz")
    assert not (tmp_path / "no.nii.gz").exists()


def test_the_cache_knows_the_unit_and_what_the_suv_rests_on(tmp_path):
    from TransferSegLib.cases import open_case
    from TransferSegLib.training import case_hash

    case = open_case(write_case(tmp_path / "a"))
    before = case_hash(case)
    (tmp_path / "a" / "PET.json").write_text('{"Units": "SUVbw"}')
    assert case_hash(case) != before
