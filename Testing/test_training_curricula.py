"""Curricula where the right order is known, and what a killed training makes of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers_training import same, stop_at

from TransferSegLib.errors import Cancelled, UsageError
from TransferSegLib.events import Events
from TransferSegLib.networks import build_network, network_spec
from TransferSegLib.training import Run, TrainingCase, TrainingPlan, Windows, loss_by_name, train
from TransferSegLib.training.curricula import CURRICULA, Curriculum, Material, curriculum_family
from TransferSegLib.training.curricula.predefined import Predefined
from TransferSegLib.training.curricula.rl_teacher import Exp3S, RlTeacher, scaled
from TransferSegLib.training.curricula.self_paced import SelfPaced
from TransferSegLib.training.curricula.smoothing import Smoothing, answers, blurred, convolutions
from TransferSegLib.training.curricula.transfer_teacher import TransferTeacher

PLAN = TrainingPlan(epochs=4, patch=(12, 12, 12), steps_per_epoch=6, seed=3, batch=1, augment=False, decay=False)


def case(name: str, *, seed: int = 0, wrong: bool = False) -> TrainingCase:
    """A bright cube on noise; ``wrong``: the truth is a random set of voxels that no image tells."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((16, 16, 16), np.uint8)
    truth[5:11, 5:11, 5:11] = 1
    image = (rng.normal(size=(1, 16, 16, 16)) + 4 * truth).astype(np.float32)
    if wrong:
        truth = (rng.random(truth.shape) < 0.3).astype(np.uint8)
    return TrainingCase(name, image, truth, {1: np.argwhere(truth == 1)}, np.argwhere(np.ones_like(truth)))


def good_and_wrong() -> list[TrainingCase]:
    """Ten cases; the odd places are mislabelled."""
    return [case(f"p{number}", seed=number, wrong=number % 2 == 1) for number in range(10)]


DIFFICULTY = [float(number % 2) + 0.01 * number for number in range(10)]


def network():
    return torch.nn.Sequential(
        torch.nn.Conv3d(1, 6, 3, padding=1),
        torch.nn.InstanceNorm3d(6),
        torch.nn.LeakyReLU(0.01),
        torch.nn.Conv3d(6, 2, 3, padding=1),
    )


def start():
    torch.manual_seed(1)
    return network()


def made(name: str, module, *, plan=PLAN, cases=None) -> Curriculum:
    material = Material(Windows(cases or good_and_wrong(), plan), plan, module, ("3",), DIFFICULTY)
    return CURRICULA[name].make(material)


def fit(folder, source, module, *, plan=PLAN, events=None, rate=5e-3):
    run = Run(folder, {"a": 1})
    return train(
        module,
        forward=module,
        source=source,
        plan=plan,
        loss=loss_by_name("dice-ce"),
        rate=rate,
        device="cpu",
        precision="float32",
        run=run,
        events=events or Events(),
    )


def places(curriculum: Curriculum, steps: range, judge=lambda inputs, truth: 0.0) -> list[list[int]]:
    """Which cases each step may draw from."""
    found = []
    for step in steps:
        curriculum.decide(step, judge)
        found.append(list(curriculum._decided[step]))
    return found


@pytest.mark.parametrize("name", CURRICULA)
@pytest.mark.parametrize("step", [1, 8, 17])
def test_a_training_that_was_cut_off_ends_with_the_same_weights(tmp_path, name, step):
    whole = start()
    fit(tmp_path / "whole", made(name, whole), whole)
    cut = start()
    with pytest.raises(Cancelled):
        fit(tmp_path / "cut", made(name, cut), cut, events=stop_at(step))
    other = network()
    fit(tmp_path / "cut", made(name, other), other)
    assert same(whole, other) and not same(whole, start())


def test_controls_and_families_train_differently(tmp_path):
    trained = {}
    for name in CURRICULA:
        trained[name] = start()
        fit(tmp_path / name, made(name, trained[name]), trained[name])
    names = list(trained)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            assert not same(trained[one], trained[other]), (one, other)


def test_the_transfer_teacher_paces_exponentially_from_the_easiest_case():
    order = [2, 0, 1]
    long = replace(PLAN, epochs=100)
    windows = Windows([case(str(n)) for n in range(100)], long)
    teacher = TransferTeacher(windows, long, order=range(99, -1, -1), every=10)
    counts = [len(chosen) for chosen in places(teacher, range(0, 80, 10))]
    assert counts == [4, 7, 14, 27, 52, 99, 100, 100]  # 4 % of 100, times 1.9 each
    assert places(teacher, range(3))[0] == [99, 98, 97, 96]
    few = TransferTeacher(Windows([case(str(n)) for n in range(3)], PLAN), PLAN, order=order)
    chosen = places(few, range(PLAN.steps))
    assert chosen[0] == [2] and chosen[PLAN.steps // 2] == order and chosen[-1] == order


def test_easy_cases_come_first_hard_ones_first_in_the_control_and_random_ones_by_seed():
    module = start()
    easy = {place for chosen in places(made("transfer-teacher", module), range(6)) for place in chosen}
    hard = {place for chosen in places(made("anti", module), range(6)) for place in chosen}
    assert all(place % 2 == 0 for place in easy) and all(place % 2 == 1 for place in hard)
    orders = [places(made("random", module, plan=replace(PLAN, seed=seed)), range(12))[-1] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_baby_steps_add_a_fifth_at_a_time():
    predefined = Predefined(Windows(good_and_wrong(), PLAN), PLAN, order=range(10), every=2)
    assert [len(chosen) for chosen in places(predefined, range(12))] == [2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 10, 10]
    two = Predefined(Windows(good_and_wrong()[:2], PLAN), PLAN, order=[1, 0])
    assert places(two, range(PLAN.steps))[0] == [1] and places(two, range(PLAN.steps))[-1] == [1, 0]


def test_all_cases_are_in_before_early_stopping_may_end_the_training():
    plan = replace(PLAN, epochs=300, patience=30, early_stopping=True)
    for name in ("transfer-teacher", "predefined", "anti", "random"):
        curriculum = made(name, start(), plan=plan)
        assert len(places(curriculum, [plan.patience * plan.steps_per_epoch])[0]) == 10, name


def test_self_pacing_starts_with_half_and_follows_the_losses():
    cases = [case(str(n), seed=n) for n in range(4)]
    paced = SelfPaced(Windows(cases, PLAN), PLAN, every=2)
    known = [paced.windows.fixed(place)[0] for place in range(4)]

    def losses(*values):
        return lambda inputs, truth: values[next(n for n, k in enumerate(known) if torch.equal(k, inputs))]

    assert places(paced, range(2), losses(1.0, 4.0, 2.0, 8.0)) == [[0, 2]] * 2  # 1/K lies between 2 and 4: 3
    assert places(paced, range(2, 4), losses(1.0, 4.0, 4.0, 1.0)) == [[0, 3]] * 2  # 3.9
    assert places(paced, range(4, 6), losses(1.0, 4.0, 4.0, 6.0)) == [[0, 1, 2]] * 2  # 5.07
    assert places(paced, range(6, 7), losses(90.0, 70.0, 80.0, 99.0)) == [[1]]  # never nothing
    # one case has no half
    assert places(SelfPaced(Windows(cases[:1], PLAN), PLAN), range(1), lambda i, t: 2.0) == [[0]]


def test_self_pacing_leaves_the_mislabelled_cases_out_while_it_learns(tmp_path):
    plan = replace(PLAN, epochs=10, decay=True)
    module, seen = start(), {}
    paced = SelfPaced(Windows(good_and_wrong(), plan), plan, every=12)
    batch = paced.batch
    paced.batch = lambda step: (seen.setdefault(step, list(paced._decided[step])), batch(step))[1]
    fit(tmp_path / "r", paced, module, plan=plan)
    assert [seen[step] for step in (12, 24)] == [[0, 2, 4, 6, 8]] * 2


def test_the_bandit_finds_the_best_arm():
    bandit, rng = Exp3S(5, seed=0, eta=0.05), np.random.default_rng(0)
    drawn = Counter()
    for step in range(2000):
        arm, probability = bandit.draw(step)
        drawn[arm] += step >= 1000
        bandit.learn(arm, probability, rng.normal(1.0 if arm == 3 else 0.0, 0.3))
    assert drawn[3] > 500 and drawn[3] == max(drawn.values())
    assert min(bandit.policy) >= 0.05 / 5 - 1e-12 and sum(bandit.policy) == pytest.approx(1)


def test_the_bandit_with_the_sheets_parameters_leans_to_the_best_arm():
    bandit, rng = Exp3S(5, seed=1), np.random.default_rng(1)
    assert (bandit.eta, bandit.beta, bandit.epsilon) == (1e-3, 0.0, 0.05)
    for step in range(2000):
        arm, probability = bandit.draw(step)
        bandit.learn(arm, probability, rng.normal(1.0 if arm == 3 else 0.0, 0.3))
    assert int(bandit.policy.argmax()) == 3 and bandit.policy[3] > 0.3


def test_one_step_of_the_bandit_is_the_papers_formula():
    bandit = Exp3S(3, seed=0, eta=0.1, beta=0.02)
    bandit.learn(0, 1 / 3, 0.0)  # alpha is 1 at first: the weights of the others
    bandit.weights = [0.1, -0.2, 0.3]
    bandit.gains = [0.0, 1.0]
    policy = bandit.policy.copy()
    bandit.learn(1, policy[1], 5.0)
    reward = scaled([0.0, 1.0, 5.0])
    rewards = np.array([0.02, reward + 0.02, 0.02]) / policy
    raised = np.exp(np.array([0.1, -0.2, 0.3]) + 0.1 * rewards)
    alpha = 1 / 3
    expected = [np.log((1 - alpha) * raised[i] + alpha / 2 * (raised.sum() - raised[i])) for i in range(3)]
    assert np.allclose(bandit.weights, expected)


def test_rewards_lie_between_their_percentiles():
    gains = list(range(11))
    assert scaled(gains) == 1 and scaled([*gains, 5.0]) == pytest.approx(0, abs=0.1) and scaled([*gains, -3.0]) == -1
    assert scaled([2.0]) == 0 and scaled([2.0, 2.0]) == 0


def test_the_rl_teacher_prefers_what_can_be_learned(tmp_path):
    """Two buckets: good cases and mislabelled ones; the gain of a step is larger on the good."""
    plan = replace(PLAN, epochs=40, decay=True)
    module = start()
    teacher = RlTeacher(Windows(good_and_wrong(), plan), plan, order=[0, 2, 4, 6, 8, 1, 3, 5, 7, 9], count=2, eta=0.05)
    fit(tmp_path / "r", teacher, module, plan=plan, rate=1e-3)
    assert teacher.bandit.policy[0] > 0.6
    assert len(teacher.bandit.gains) == plan.steps


def test_the_gain_is_what_the_same_batch_costs_less_after_the_step(tmp_path):
    module, told = start(), []

    class Listening(Curriculum):
        def observe(self, step, loss, again):
            told.append((loss, again(), again()))

    fit(tmp_path / "r", Listening(Windows([case("a")], PLAN), PLAN), module)
    assert all(after == twice for _, after, twice in told)
    assert np.mean([before - after for before, after, _ in told]) > 0


def test_asking_for_a_loss_changes_nothing_of_the_training(tmp_path):
    class Asking(Curriculum):
        def among(self, step, judge):
            judge(*self.windows.fixed(0))
            return self.everything

        def observe(self, step, loss, again):
            again()

    def unsteady():
        torch.manual_seed(1)
        return torch.nn.Sequential(
            torch.nn.Conv3d(1, 4, 3, padding=1),
            torch.nn.BatchNorm3d(4),
            torch.nn.Dropout(0.3),
            torch.nn.Conv3d(4, 2, 1),
        )

    one, other = unsteady(), unsteady()
    fit(tmp_path / "a", Asking(Windows([case("a")], PLAN), PLAN), one)
    fit(tmp_path / "b", Windows([case("a")], PLAN), other)
    assert same(one, other)


def test_a_gaussian_of_three_taps_blurs_and_keeps_what_is_even():
    maps = torch.zeros(1, 2, 5, 5, 5)
    maps[0, 1, 2, 2, 2] = 1
    found = blurred(maps, 1.0)
    side, middle = np.exp(-0.5) / (1 + 2 * np.exp(-0.5)), 1 / (1 + 2 * np.exp(-0.5))
    assert float(found[0, 1, 2, 2, 2]) == pytest.approx(middle**3)
    assert float(found[0, 1, 1, 2, 3]) == pytest.approx(side**2 * middle)
    assert float(found.sum()) == pytest.approx(1, abs=1e-6) and not found[0, 0].any()
    assert torch.allclose(blurred(torch.ones(1, 1, 4, 4, 4), 0.7), torch.ones(1, 1, 4, 4, 4))


def test_smoothing_blurs_training_steps_only_and_ends_sharp():
    module = start()
    plan = replace(PLAN, epochs=20)
    smoothing = Smoothing(Windows([case("a")], plan), plan, module=module, head=("3",), every=3)
    x = torch.randn(1, 1, 12, 12, 12)
    plain = module(x).detach()
    with smoothing.during(0):
        first = module(x)
    with smoothing.during(2):
        assert torch.equal(module(x), first)
    with smoothing.during(9):
        later = module(x)
    assert not torch.equal(first, plain) and torch.equal(module(x), plain)
    assert (later - plain).abs().mean() < (first - plain).abs().mean()
    assert smoothing.sigma(3) == pytest.approx(0.9) and smoothing.sigma(plan.steps) == 0
    with smoothing.during(plan.steps):
        assert torch.equal(module(x), plain)


def test_smoothing_follows_the_sheet_where_the_plan_is_long_and_ends_by_half_of_a_short_one():
    long = replace(PLAN, epochs=300, steps_per_epoch=50)
    smoothing = Smoothing(Windows([case("a")], long), long, module=start())
    assert smoothing.sigma(249) == 1 and smoothing.sigma(250) == pytest.approx(0.9)
    short = replace(PLAN, epochs=8, steps_per_epoch=50)
    smoothing = Smoothing(Windows([case("a")], short), short, module=start())
    assert smoothing.sigma(0) == 1 and smoothing.sigma(short.steps // 2) == 0


@pytest.mark.parametrize("network", ["unet", "dynunet", "segresnet", "petct-light"])
def test_every_convolution_but_the_answer_is_blurred(network):
    module = build_network(network, 1, 2)
    head = answers(network_spec(network), module)
    every, left = convolutions(module, ()), convolutions(module, head)
    assert len(left) < len(every)
    assert {id(part) for part in left} < {id(part) for part in every}


def test_cases_that_may_be_drawn_are_the_only_ones_that_are():
    cases = [case(f"p{n}", seed=n) for n in range(3)]
    windows = Windows(cases, PLAN)
    only = Windows(cases[1:2], PLAN)
    for step in range(4):
        assert torch.equal(windows.batch(step, among=[1])[0], only.batch(step)[0])
    images, truths = windows.fixed(2)
    assert torch.equal(images, windows.fixed(2)[0]) and int(truths[0].sum()) > 0 and len(images) == 2


def test_an_unknown_name_lists_the_others():
    assert curriculum_family(None) is None and curriculum_family("none") is None
    assert curriculum_family("default").name == "transfer-teacher"
    with pytest.raises(UsageError, match="self-paced"):
        curriculum_family("easy")
    assert all(family.sentence.endswith(".") for family in CURRICULA.values())
