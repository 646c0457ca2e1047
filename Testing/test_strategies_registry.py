"""Names, rates and refusals of strategies, and the report of a network's groups."""

from __future__ import annotations

import pytest
from helpers_networks import build, registered_regressor

from TransferSegLib.errors import UsageError
from TransferSegLib.strategies import Strategy, apply_strategy, groups_report, register, strategy, strategy_names


def test_names_and_rates():
    assert strategy_names() == (
        "scratch",
        "half-lr",
        "freeze-encoder",
        "freeze-decoder",
        "freeze-both",
        "from-level:K",
    )
    assert {name: strategy(name).rate for name in strategy_names()[:5]} == {
        "scratch": 1.0,
        "half-lr": 0.5,
        "freeze-encoder": 1.0,
        "freeze-decoder": 1.0,
        "freeze-both": 1.0,
    }
    assert not strategy("scratch").starts_from_source and strategy("from-level:2").starts_from_source
    assert strategy("from-level:2").name == "from-level:2"


@pytest.mark.parametrize("name", ["freeze", "from-level:K", "from-level:0", "from-level:", "from-level:-1", ""])
def test_unknown_names_list_what_there_is(name):
    with pytest.raises(UsageError, match=r"from-level:K"):
        strategy(name)


@pytest.mark.parametrize(("variant", "levels"), [("unet", 4), ("dynunet-batchnorm", 3), ("segresnet", 4)])
def test_a_level_that_is_not_there_lists_the_valid_ones(variant, levels):
    network, _, module = build(variant)
    with pytest.raises(UsageError, match=rf"from-level:{levels + 1}: {network} has the levels 1 to {levels};"):
        apply_strategy(strategy(f"from-level:{levels + 1}"), network, module)


def test_a_name_is_taken_once():
    with pytest.raises(UsageError, match="taken"):
        register(Strategy("half-lr", "again"))


@pytest.mark.parametrize(
    ("network", "grouping", "percent"),
    [  # the sheet's figures: frozen encoder, decoder, both
        ("unet", "poster", (44.2, 33.1, 77.3)),
        ("dynunet", "poster", (50.15, 21.39, 71.53)),
        ("unet", "anatomical", (14.9, 40.9, 55.8)),
        ("dynunet", "anatomical", (21.25, 48.66, 69.91)),
    ],
)
def test_percentages_of_the_sheet_to_a_tenth(network, grouping, percent):
    rows = groups_report(network)["groupings"][grouping]
    found = [rows[row]["frozen_percent"] for row in ("freeze-encoder", "freeze-decoder", "freeze-both")]
    assert found == pytest.approx(percent, abs=0.1)
    assert rows["fine-tune-all"]["frozen"] == 0


@pytest.mark.parametrize("network", ["unet", "dynunet", "segresnet"])
def test_report_adds_up(network):
    report = groups_report(network)
    counts = {"unet": (125_229, 125_229), "dynunet": (16_546_341, 33_092_517), "segresnet": (4_702_227, 4_702_227)}
    assert (report["total"], report["registered"]) == counts[network]
    for rows in filter(None, report["groupings"].values()):
        assert sum(group["parameters"] for group in rows["groups"]) == report["total"]
        for row in ("fine-tune-all", "freeze-encoder", "freeze-decoder", "freeze-both"):
            assert rows[row]["trainable"] + rows[row]["frozen"] == report["total"]
    if network == "unet":
        bottom = next(g for g in report["groupings"]["poster"]["groups"] if g["name"] == "bottleneck")
        assert (bottom["parameters"], bottom["half"]) == (55_361, "encoder")
    assert ("poster" in report.get("notes", {})) == (report["groupings"]["poster"] is None) == (network == "segresnet")


def test_report_of_a_network_without_a_decoder_says_why_rows_are_empty():
    with registered_regressor():
        rows = groups_report("test-regressor")["groupings"]["anatomical"]
    assert rows["freeze-decoder"] is None and rows["freeze-both"] is None
    assert "has no decoder" in rows["refused"]["freeze-both"]
    assert rows["freeze-encoder"]["frozen"] > 0
