"""Tables and verdicts: what they say, and that they say it of the right numbers."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from TransferSegLib.errors import StorageError
from TransferSegLib.measuring import MEASURES, case_record, compare, evaluation
from TransferSegLib.reporting import (
    before_after_table,
    default_colour,
    evaluations_table,
    label_colours,
    markdown_table,
    text_table,
    verdict,
    write_measures_csv,
)


def _evaluation(**dice: dict[str, float | None]) -> dict:
    cases = [{"id": name, "dice": values} for name, values in dice.items()]
    means = [[value for value in case["dice"].values() if value is not None] for case in cases]
    means = [sum(values) / len(values) for values in means if values]
    return {"cases": cases, "mean": {"dice": sum(means) / len(means) if means else None}}


def _on(*dice: float) -> dict:
    return _evaluation(**{f"case{place}": {"lesion": value} for place, value in enumerate(dice)})


@pytest.mark.parametrize(
    ("before", "after", "kind", "message"),
    [
        (
            _on(0.6, 0.6, 0.63),
            _on(0.8, 0.83, 0.6),
            "better",
            "better on 2 of 3 held-out cases: mean Dice 0.61 → 0.74",
        ),
        (
            _on(0.7, 0.7, 0.7),
            _on(0.6, 0.62, 0.61),
            "worse",
            "worse: mean Dice 0.70 → 0.61 on 3 held-out cases; the old model stays the one that is offered",
        ),
        (
            _on(0.5),
            _on(0.51),
            "better",
            "better on 1 of 1 held-out case: mean Dice 0.500 → 0.510; one case proves little",
        ),
        (
            _on(0.5, 0.5),
            _on(0.502, 0.504),
            "no-difference",
            "no difference: mean Dice 0.500 → 0.503 on 2 held-out cases",
        ),
        (
            _on(0.5, 0.5, 0.5),
            _on(0.9, 0.45, 0.4),
            "no-difference",
            "no difference: better on 1 of 3 held-out cases, mean Dice 0.50 → 0.58, within noise",
        ),
        (_on(0.5), _on(), "not-measured", "not measured: no case was held out"),
        (None, None, "not-measured", "not measured: no case was held out"),
        (
            None,
            _on(0.5, 0.7),
            "not-measured",
            "not measured: no source model to compare with; mean Dice 0.60 on 2 held-out cases",
        ),
        (
            _evaluation(a={"scar": None}),
            _evaluation(a={"scar": None}),
            "not-measured",
            "not measured: no held-out case has a label that both models know",
        ),
    ],
)
def test_the_verdict(before: dict | None, after: dict | None, kind: str, message: str) -> None:
    assert verdict(before, after) == (kind, message)


def test_a_label_that_only_the_new_model_knows_does_not_make_it_worse() -> None:
    before, after = _evaluation(a={"lesion": 0.5}), _evaluation(a={"lesion": 0.6, "scar": 0.1})
    assert verdict(before, after)[0] == "better"


def test_cases_are_compared_by_name_not_by_place() -> None:
    before = _evaluation(a={"x": 0.9}, b={"x": 0.1}, gone={"x": 1.0})
    after = _evaluation(b={"x": 0.2}, a={"x": 0.95})
    assert verdict(before, after) == ("better", "better on 2 of 2 held-out cases: mean Dice 0.50 → 0.57")


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_better_one_way_is_worse_the_other_way(pairs: list[tuple[float, float]]) -> None:
    there = verdict(_on(*(a for a, _ in pairs)), _on(*(b for _, b in pairs)))[0]
    back = verdict(_on(*(b for _, b in pairs)), _on(*(a for a, _ in pairs)))[0]
    assert back == {"better": "worse", "worse": "better"}.get(there, there)


def test_text_table_lines_up() -> None:
    table = text_table([("patient07", 0.5, None, "+0.1"), ("p", 12.25, 3, "-0.25")], ("case", "Dice", "n", "change"))
    assert table.splitlines() == [
        "case         Dice  n  change",
        "---------  ------  -  ------",
        "patient07   0.500  –    +0.1",
        "p          12.250  3   -0.25",
    ]


def test_markdown_table() -> None:
    table = markdown_table([("a|b", 0.5), ("c", math.nan)], ("case", "Dice"))
    assert table == "| case | Dice |\n| --- | ---: |\n| a\\|b | 0.500 |\n| c | – |"


def test_before_and_after_side_by_side() -> None:
    before = _evaluation(a={"lesion": 0.25, "scar": None}, b={"lesion": 0.5, "scar": 0.5})
    after = _evaluation(a={"lesion": 0.5, "scar": None}, b={"lesion": 0.75, "scar": 0.25})
    table = before_after_table(before, after)
    assert table.columns == ("case", "label", "before", "after", "change")
    assert table.rows == (
        ("a", "lesion", 0.25, 0.5, "+0.250"),
        ("a", "scar", None, None, None),
        ("b", "lesion", 0.5, 0.75, "+0.250"),
        ("b", "scar", 0.5, 0.25, "-0.250"),
        ("mean", "", 0.375, 0.5, "+0.125"),
    )


def test_a_training_without_a_source_has_an_empty_column() -> None:
    table = before_after_table(None, _on(0.5))
    assert table.rows == (("case0", "lesion", None, 0.5, None), ("mean", "", None, 0.5, None))
    columns = {"scratch": _on(0.1), "before": None, "after": _on(0.5)}
    assert evaluations_table(columns).rows[0] == ("case0", "lesion", 0.1, None, 0.5)


@pytest.fixture
def cases() -> list[dict]:
    """A real evaluation of one label that is there and one that is not."""
    truth = np.zeros((4, 4, 4), np.uint8)
    truth[1, 1, 1:3] = 1
    prediction = np.zeros_like(truth)
    prediction[1, 1, 1] = 1
    prediction[3, 3, 3] = 2
    found = compare(prediction, truth, spacing=(1, 1, 1), labels={1: "lesion", 2: "scar"})
    return evaluation([case_record("Ünal, case 1", found)])["cases"]


def test_csv_has_a_line_for_each_value_and_a_reason_for_each_gap(tmp_path: Path, cases: list[dict]) -> None:
    path = write_measures_csv(tmp_path / "new" / "measures.csv", cases)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(MEASURES)
    values = {(row["label"], row["measure"]): row for row in rows if row["case"] == "Ünal, case 1"}
    assert float(values["lesion", "dice"]["value"]) == pytest.approx(2 / 3)
    assert values["lesion", "dice"]["undefined"] == ""
    assert values["scar", "dice"]["value"] == "" and "absent from the truth" in values["scar", "dice"]["undefined"]
    assert float(values["scar", "false_positive_ml"]["value"]) == 0.001
    assert all((row["value"] == "") != (row["undefined"] == "") for row in rows)


def test_csv_that_cannot_be_written_leaves_nothing(tmp_path: Path, cases: list[dict]) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match=r"measures\.csv"):
        write_measures_csv(tmp_path / "file" / "measures.csv", cases)
    old = tmp_path / "old.csv"
    old.write_text("kept")
    with pytest.raises(KeyError):
        write_measures_csv(old, [*cases, {"dice": {"lesion": 0.5}}])
    assert old.read_text() == "kept" and sorted(os.listdir(tmp_path)) == ["file", "old.csv"]


def test_colours_tell_labels_apart() -> None:
    names = {1: "tumour", 2: "necrosis/cavity", 3: "oedema", 4: "scar", 5: "lesion", 6: "liver", 7: "second tumor"}
    colours = label_colours(names)
    assert list(colours) == list(names) and len(set(colours.values())) == 7
    assert default_colour("Edema") == default_colour("oedema") == colours[3]
    assert label_colours({1: "tumour", 2: "liver"}, {1: "#010203", 9: "#FFFFFF"}) == {1: "#010203", 2: "#009E73"}
