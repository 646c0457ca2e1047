"""Votes of an L3 network: tops, padding, the dense way against the plain loop, the map."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_networks_level import regressor

from TransferSegLib.errors import Cancelled, UsageError
from TransferSegLib.events import Events
from TransferSegLib.inference.votes import confidence_map, votes_by_windows, votes_dense
from TransferSegLib.networks import build_network


def pixels(rows: int, width: int = 64) -> np.ndarray:
    return np.random.default_rng(3).random((1, rows, width), dtype=np.float32)


@pytest.mark.parametrize("step", [1, 6, 16])
@pytest.mark.parametrize("height", [20, 69, 150, 201])
def test_dense_votes_are_the_plain_ones_where_nothing_reaches_into_padding(height, step):
    module = regressor("cnn4", only_centre_rows=True)
    dense = votes_dense(module, pixels(height), rows=70, step=step)
    windows = votes_by_windows(module, pixels(height), rows=70, stride=step, batch=3)
    assert dense.tops[0] == -35 and dense.rows == 70 and dense.step == step
    assert np.array_equal(dense.tops, windows.tops) and dense.tops[-1] + 70 <= max(height + 35, 35)
    np.testing.assert_allclose(dense.offsets, windows.offsets, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(dense.voted, dense.tops + dense.offsets)


def test_a_coarser_stride_gives_every_so_many_windows_of_the_finest():
    module = regressor("cnn4")
    one, six = (votes_by_windows(module, pixels(150), rows=70, stride=stride) for stride in (1, 6))
    assert np.array_equal(one.tops[::6], six.tops)
    np.testing.assert_allclose(one.offsets[::6], six.offsets, rtol=1e-4)


def test_the_module_is_left_in_the_mode_it_was_in():
    module = regressor("cnn4").train()
    votes_dense(module, pixels(90), rows=70, step=16)
    assert module.training and all(p.requires_grad for p in module.parameters())


def test_the_map_is_clipped_to_a_confidence():
    torch.manual_seed(0)
    module = build_network("l3-map", 1, 1, {"rows": 64, "width": 64})
    with torch.no_grad():
        module.head.bias.fill_(3.0)
    confidence = confidence_map(module, pixels(123))
    assert confidence.shape == (123,) and confidence.min() >= 0 and confidence.max() == 1


def test_cancelling_ends_the_plain_loop():
    events = Events()
    events.cancel()
    with pytest.raises(Cancelled):
        votes_by_windows(regressor("cnn4"), pixels(90), rows=70, stride=1, events=events)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: votes_dense(m, pixels(90)[0], rows=70, step=1), r"expected \(views, rows, width\)"),
        (lambda m: votes_dense(m, pixels(90), rows=70, step=0), "step 0"),
        (lambda m: votes_dense(m, pixels(90, 65), rows=70, step=1), "of width 65"),
        (lambda m: votes_dense(build_network("l3-map", 1, 1), pixels(90), rows=70, step=1), "no dense evaluation"),
    ],
)
def test_refusals_say_what_was_expected(call, message):
    with pytest.raises(UsageError, match=message):
        call(regressor("cnn4"))
