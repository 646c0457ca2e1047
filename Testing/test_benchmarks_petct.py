"""The PET/CT tables: made of the cells that are there, for any number of patients, never of cells of something else."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers_petct import write_case

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
import petct_curricula
import petct_table


@pytest.fixture()
def args(tmp_path: Path) -> SimpleNamespace:
    """Options of a table on eight small cases."""
    for number in range(8):
        write_case(tmp_path / "data" / f"p{number}", number)
    plan = {"epochs": 6, "patch": 40, "precision": "bfloat16"}
    return SimpleNamespace(
        out=tmp_path / "out", data=tmp_path / "data", model="petct-light-phantom", seeds=2, table=True, **plan
    )


def cell(dice: list[float], before: float | None = None) -> dict:
    """What a finished cell holds."""
    lesions = {"tp": 1, "fn": 0, "fp": 2}
    rows = {f"p{n}": {"dice": d, "precision": d, "recall": d, "lesions": lesions} for n, d in enumerate(dice)}
    return {"rows": rows, "before": before, "trainable": 1, "total": 4}


def test_cells_of_another_budget_model_or_data_are_refused(args: SimpleNamespace) -> None:
    petct_table.settle(args)
    petct_table.settle(args)
    args.epochs = 7
    with pytest.raises(SystemExit, match="holds cells of another plan"):
        petct_table.settle(args)
    args.epochs, args.model = 6, "petct-light-sarcoma"
    with pytest.raises(SystemExit, match="holds cells of another model"):
        petct_table.settle(args)
    (args.out / "settings.json").rename(args.out / "half-lr-3-0-0.json")
    with pytest.raises(SystemExit, match="do not say what they are made of"):
        petct_table.settle(args)


def test_means_spread_and_verdict_are_those_of_the_cells(args: SimpleNamespace) -> None:
    cells = {}
    for seed, (scratch, adapted) in enumerate(((0.5, 0.7), (0.7, 0.8))):
        for fold in range(petct_table.FOLDS):
            cells["scratch", 3, fold, seed] = cell([scratch])
            cells["half-lr", 3, fold, seed] = cell([adapted], before=0.6)
    text = petct_table.table(args, cells)
    assert "| unadapted, phantoms only | 0 | 0 % | 0.600 |" in text
    assert "| scratch | 3 | 25.0 % | 0.600 ± 0.141 |" in text and "4.0 ± 0.0 / 0.0 ± 0.0 / 8.0 ± 0.0 | 2 |" in text
    assert "- half-lr, 3 cases: +0.150 against scratch (spreads together 0.212)" in text
    del cells["half-lr", 3, 1, 1]
    assert "| half-lr | 3 | 25.0 % | 0.700 | 0.700 | 0.700 | 4.0 / 0.0 / 8.0 | 1 |" in petct_table.table(args, cells)


def test_the_worst_quarter_is_a_quarter_of_any_number(args: SimpleNamespace) -> None:
    assert [petct_curricula.quarter(n) for n in (12, 13, 36)] == [3, 4, 9]
    assert petct_curricula.worst_quarter([0.9, 0.1, 0.8, 0.3, 0.7, 0.6, 0.5, 0.4]) == pytest.approx(0.2)
    cells = {}
    for fold in range(petct_table.FOLDS):
        cells[petct_curricula.key(None, fold, 0)] = cell([0.2, 0.8])
        cells[petct_curricula.key("anti", fold, 0)] = cell([0.4, 0.8])
    text = petct_curricula.table(args, cells)
    assert "| plain order | 0.500 | 0.200 |" in text and "| anti | 0.600 | 0.400 | +0.100 | +0.200 | 1 |" in text


def test_the_cards_of_the_shipped_models_say_what_they_are() -> None:
    from TransferSegLib.packages import find_package

    phantom, sarcoma = (find_package(f"petct-light-{name}").card for name in ("phantom", "sarcoma"))
    assert sarcoma.origin["source_sha256"] == phantom.weights_sha256 and len(sarcoma.origin["inputs"]["training"]) == 12
    assert "Sarcoma, not lymphoma" in sarcoma.description and "never on a patient" in phantom.description
    for card, module in ((phantom, "petct_pretrain"), (sarcoma, "petct_sarcoma")):
        command = f"python -m TransferSegLib.cli.{module}"
        assert card.origin["command"].startswith(command) and card.measured_on[0]["command"].startswith(command)
    assert json.dumps(sarcoma.measured_on).count("STS_") == 0
