"""The standard cases: their sizes at a model's spacing and orientation, and what they cannot be made for."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from TransferSegLib.errors import UsageError
from TransferSegLib.exporting.sizes_case import standard_case
from TransferSegLib.exporting.sizes_measuring import Held, held_at_rest, needed
from TransferSegLib.packages import Card, Label

MRI = Card("x", "d", ("flair", "t1"), (Label(1, "a", 1),), "unet", 2, 2)
CT = replace(MRI, roles=("ct",), in_channels=1, normalisation="ct")


def test_a_brain_is_cropped_and_of_one_and_a_half_litres():
    case = standard_case(MRI)
    assert case.array.shape == (2, 133, 173, 137) and case.array.dtype == np.float32
    assert 1.4e6 < case.mask.sum() < 1.6e6
    inside = case.array[:, case.mask]
    assert not case.array[:, ~case.mask].any() and abs(inside.mean()) < 0.01 and abs(inside.std() - 1) < 0.01
    assert "2 sequences of 240 x 240 x 155" in case.text
    assert np.array_equal(case.array, standard_case(MRI).array)


@pytest.mark.parametrize(
    ("card", "shape"),
    [
        (replace(MRI, orientation="LIP"), (2, 173, 133, 137)),
        (replace(MRI, spacing=(2.0, 2.0)), (2, 133, 89, 71)),
        (CT, (1, 300, 360, 360)),
        (replace(CT, window=(256, 256), spacing=(0.8, 0.8)), (1, 1, 512, 512)),
        (replace(CT, roles=("rgb",), in_channels=3, window=(256, 256)), (3, 1, 224, 224)),
        (replace(CT, roles=("pet", "ct"), in_channels=5, spacing=(4.0,) * 3), (5, 200, 100, 125)),
    ],
    ids=lambda value: "x".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_size_by_roles_spacing_and_orientation(card, shape):
    case = standard_case(card)
    assert case.array.shape == shape and case.mask.shape == shape[1:]


def test_a_level_model_sees_a_projection():
    card = replace(CT, task="level", in_channels=2, spacing=(2.0, 2.0), window=(100, 192))
    assert standard_case(card).array.shape == (2, 300, 192)


def test_roles_without_a_case_are_refused():
    with pytest.raises(UsageError, match="no standard case for the roles ultrasound"):
        standard_case(replace(MRI, roles=("ultrasound",)))


def test_median_and_peak_of_what_runs_warm():
    runs, told = [], []

    def run():
        runs.append(len(runs))
        array = np.ones(40_000_000 if len(runs) == 2 else 1, np.uint8)
        time.sleep(0.05)
        del array

    found = needed(run, repeats=2, floor=held_at_rest(), say=lambda done, total: told.append((done, total)))
    assert runs == [0, 1, 2] and told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert found.seconds > 0 and 35 < found.peak_mb < 80


def test_on_a_gpu_torchs_own_memory_counts(monkeypatch):
    """With a stand-in for torch's figures: there is no GPU here."""
    import torch

    torchs = {"now": 50_000_000, "peak": 900_000_000}

    def reset(device):
        torchs["peak"] = torchs["now"]

    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: torchs["now"])
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: torchs["peak"])
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", reset)
    found = needed(lambda: torchs.update(peak=max(torchs["peak"], 250_000_000)), repeats=1, floor=0, gpu="cuda:0")
    assert found.peak_mb == 200.0
    found = needed(lambda: None, repeats=1, floor=None)
    assert found.peak_mb is None and found.seconds > 0


def test_file_pages_that_the_system_takes_back_hide_nothing():
    assert Held(900, 500).above(Held(1000, 300)) == 200
    assert Held(1200, 310).above(Held(1000, 300)) == 200
    assert Held(900).above(Held(1000, 300)) == 0


def test_both_stages_of_a_refined_model_count():
    from TransferSegLib.exporting.sizes_case import StandardCase
    from TransferSegLib.exporting.sizes_counting import macs_of, parameters_of
    from TransferSegLib.jobs.models_measuring import measure_here
    from TransferSegLib.jobs.predict import Model
    from TransferSegLib.networks import build_network
    from TransferSegLib.networks.ensemble import Ensemble

    stage = {"network": "petct-refiner-light", "arguments": {}, "window": [32, 32, 32]}
    card = replace(CT, roles=("pet", "ct"), in_channels=5, window=(32, 32, 32), normalisation="petct", refiner=stage)
    one, refiner = build_network("petct-light", 5, 2), build_network("petct-refiner-light", 6, 2)
    model = Model(replace(card, network="petct-light"), Ensemble([one], refiner=refiner).eval())
    case = StandardCase("small", np.zeros((5, 32, 32, 32), np.float32), np.ones((32, 32, 32), bool))
    found = measure_here(model, device="cpu", repeats=1, case=case)
    assert found.parameters == parameters_of(one) + parameters_of(refiner)
    assert found.macs_window == macs_of(one, (1, 5, 32, 32, 32))
    assert found.macs == found.macs_window + macs_of(refiner, (1, 6, 32, 32, 32))
    assert found.case == "small, refined" and found.seconds > 0
