"""Readings in a CSV: read, appended to, and compared."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import call
from hypothesis import given
from hypothesis import strategies as st

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.jobs.readers import compare_readers
from TransferSegLib.level.reader_study import study
from TransferSegLib.level.readers import Reading, append_reading, read_readings

TABLE = """id,reader,review,slice,truth_slice,thickness_mm
a,R1,1,10,10,3
b,R1,1,21,20,3
a,R1,2,11,10,3
b,R1,2,20,20,3
a,R2,1,9,10,3
b,R2,1,22,20,3
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "readings.csv"
    path.write_text(text, encoding="utf-8")
    return path


def scan(path: Path, count: int = 40, step: float = 3.0) -> Path:
    image = sitk.GetImageFromArray(np.arange(count * 16, dtype=np.int16).reshape(count, 4, 4))
    image.SetSpacing((1.0, 1.0, step))
    image.SetOrigin((0.0, 0.0, -500.0))
    sitk.WriteImage(image, str(path))
    return path


def test_errors_biases_and_differences_by_hand(tmp_path):
    value = compare_readers(readings=write(tmp_path, TABLE))
    first, second, other = value["readers"]
    assert (first["reader"], first["review"], second["review"], other["reader"]) == ("R1", 1, 2, "R2")
    assert first["error_slices"] == {"mean": 0.5, "sd": pytest.approx(np.std([0, 1], ddof=1)), "n": 2}
    assert other["error_mm"]["mean"] == 4.5 and other["bias_mm"] == 1.5 and other["bias_slices"] == 0.5
    assert [(d["readers"], d["difference_slices"]["mean"]) for d in value["inter"]] == [(["R1", "R2"], 1.0)]
    assert [(d["reader"], d["reviews"], d["difference_mm"]["mean"]) for d in value["intra"]] == [("R1", [1, 2], 3.0)]
    json.dumps(value)


def test_a_reader_as_reference_is_held_against_review_by_review(tmp_path):
    text = TABLE + "a,R2,2,14,10,3\nb,R2,2,20,20,3\n"
    value = compare_readers(readings=write(tmp_path, text), reference="r1")
    assert [(r["reader"], r["review"], r["error_slices"]["mean"]) for r in value["readers"]] == [
        ("R2", 1, 1.0),
        ("R2", 2, 1.5),
    ]


def test_models_stand_beside_every_review_of_the_reference():
    rows = [("a", "R1", 1, 10), ("a", "R1", 2, 12), ("a", "M", 1, 13)]
    readings = [Reading(c, r, v, "L3", float(s), None) for c, r, v, s in rows]
    value = study(readings, "R1", models=["m"])
    found = [(r["reader"], r["review"], r["error_slices"]["mean"], r["model"]) for r in value["readers"]]
    assert found == [("M", 1, 3.0, True), ("M", 2, 1.0, True)] and not value["inter"]
    assert value["readers"][0]["error_mm"]["mean"] is None


def test_the_scan_tells_the_unit_that_is_missing(tmp_path):
    scan(tmp_path / "ct.nii.gz")
    text = "id,ct,reader,slice,mm,truth_mm\nc,ct.nii.gz,R1,12,,-470\nc,ct.nii.gz,R2,,-467,\n"
    first, second = compare_readers(readings=write(tmp_path, text))["readers"]
    assert first["bias_slices"] == pytest.approx(2) and first["bias_mm"] == pytest.approx(6)
    assert second["bias_mm"] == pytest.approx(3) and second["bias_slices"] == pytest.approx(1)
    with pytest.raises(InputError, match="slices 0 to 39"):
        compare_readers(readings=write(tmp_path, "id,ct,reader,slice,truth\nc,ct.nii.gz,R1,99,10\n"))


def test_the_command_line_prints_the_source_form_and_writes_csv(capsys, tmp_path):
    path = write(tmp_path, TABLE)
    answer = call(capsys, "readers", path, "--out", tmp_path / "o.csv")
    assert answer.code == 0 and "0.50±0.71" in answer.out and "R1 – R2" in answer.out, answer.err
    rows = list(csv.DictReader((tmp_path / "o.csv").open()))
    assert [r["kind"] for r in rows] == ["reader"] * 3 + ["inter", "intra"] and rows[2]["mean_mm"] == "4.5"
    answer = call(capsys, "readers", path, "--json", "--reference", "R2")
    assert answer.value["reference"] == "R2" and answer.code == 0
    answer = call(capsys, "readers", path, "--reference", "Rex")
    assert answer.code == 2 and "R1, R2" in answer.error


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column 'reader'"),
        ("id,reader,slice\n", "no reading"),
        ("id,reader\na,R\n", "slice or mm"),
        ("reader,slice\nR,3\n", "it needs id"),
        ("id,reader,slice\na,R,x\n", "line 2: slice 'x' is not a number"),
        ("id,reader,slice\na,R,nan\n", "not a number"),
        ("id,reader,slice\na,,4\n", "no reader"),
        ("id,reader,slice,mm\na,R,,\n", "neither slice nor mm"),
        ("id,reader,review,slice\na,R,0,4\n", "review '0'"),
        ("id,reader,slice,thickness\na,R,4,-3\n", "not positive"),
        ("id,reader,slice\na,R,4\na,r,5\n", "line 3: r has an answer for a in review 1 already"),
        ("id,reader,slice\na,R,4,5,6\n", "5 cells under 3"),
        ("id,case,reader,slice\na,a,R,4\n", "two columns"),
    ],
)
def test_a_bad_csv_is_told_by_its_line(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read_readings(write(tmp_path, text))
    with pytest.raises(InputError, match="check the path"):
        read_readings(tmp_path / "none.csv")


def test_what_cannot_be_compared_is_told(tmp_path):
    with pytest.raises(UsageError, match="no truth column; name the reference by --reference: R1"):
        compare_readers(readings=write(tmp_path, "id,reader,slice\na,R1,3\n"))
    with pytest.raises(UsageError, match="two different truths"):
        compare_readers(readings=write(tmp_path, "id,reader,slice,truth\na,R1,3,3\na,R2,3,4\n"))
    with pytest.raises(UsageError, match="L1, L3"):
        compare_readers(readings=write(tmp_path, "id,reader,level,slice,truth\na,R1,L1,3,3\na,R1,L3,3,3\n"))
    with pytest.raises(InputError, match="some in mm"):
        compare_readers(readings=write(tmp_path, "id,reader,slice,mm\na,R1,3,\na,R2,,4\n"), reference="R1")


def test_semicolons_and_decimal_commas_of_other_offices_are_read(tmp_path):
    found = read_readings(write(tmp_path, "\ufeffCase;Reader;mm;Slice_Thickness\na;Ärztin;-12,5;3,0\n"))
    assert found[0].mm == -12.5 and found[0].thickness_mm == 3 and found[0].reader == "Ärztin"


def test_tabs_are_read_as_of_levels(tmp_path):
    found = read_readings(write(tmp_path, TABLE.replace(",", "\t").replace("\t3\n", "\t3,0\n")))
    assert len(found) == 6 and found[0].thickness_mm == 3 and found == read_readings(write(tmp_path, TABLE))


def test_readings_are_appended_one_by_one(tmp_path):
    path = tmp_path / "new" / "readings.csv"
    ct = scan(tmp_path / "ct.nii.gz")
    assert append_reading(path, reader="Dr. A", id="p1", slice=12, mm=-464, ct=ct, thickness_mm=3) == 1
    assert append_reading(path, reader="dr. a", id="p1", slice=13) == 2
    assert append_reading(path, reader="Dr. B", id="p,1", mm=-460.0) == 1
    with pytest.raises(InputError, match="review 2 already"):
        append_reading(path, reader="Dr. A", id="p1", slice=14, review=2)
    assert append_reading(path, reader="Dr. A", id="p1", slice=14, review=2, replace=True) == 2
    found = {(r.case, r.reader, r.review): r for r in read_readings(path)}
    assert len(found) == 3 and found["p1", "Dr. A", 2].slice == 14 and found["p,1", "Dr. B", 1].mm == -460
    assert found["p1", "Dr. A", 1].ct == ct
    for wrong in ({"reader": " ", "id": "x", "slice": 1}, {"reader": "R", "id": "x"}):
        with pytest.raises(InputError):
            append_reading(path, **wrong)


def test_l3_and_capital_l3_are_one_level(tmp_path):
    path = write(tmp_path, "id,reader,slice,level,truth_slice\na,R1,3,l3,4\nb,R1,5,L3,5\n")
    assert append_reading(path, reader="R1", id="a", slice=4, level="l3") == 2
    assert {r.level for r in read_readings(path)} == {"L3"}
    assert compare_readers(readings=path, level="l3")["cases"] == 2


def test_columns_of_others_are_kept(tmp_path):
    path = write(tmp_path, "case,reader,slice,remark\na,R1,3,fracture\n")
    append_reading(path, reader="R1", id="b", slice=4)
    rows = list(csv.DictReader(path.open()))
    assert rows[0]["remark"] == "fracture" and rows[1]["id"] == "b" and not list(tmp_path.glob(".*"))


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=12))
def test_a_summary_is_that_of_numpy(pairs):
    readings = [Reading(str(n), "R", 1, "L3", float(a), None, truth_slice=float(b)) for n, (a, b) in enumerate(pairs)]
    row = study(readings)["readers"][0]
    errors = np.array([a - b for a, b in pairs], float)
    assert row["error_slices"]["mean"] == pytest.approx(np.abs(errors).mean())
    assert row["bias_slices"] == pytest.approx(errors.mean()) and row["n"] == len(pairs)


def test_a_model_reads_beside_the_readers(capsys, tmp_path):
    import torch
    from helpers_level import level_card

    from TransferSegLib.networks import build_network, state_to_save
    from TransferSegLib.packages import write_package

    torch.manual_seed(0)
    card = level_card(name="untaught")
    network = build_network(card.network, 1, 1, card.arguments)
    write_package(tmp_path / "model", card, state_to_save(card.network, network))
    scan(tmp_path / "ct.nii.gz")
    path = write(tmp_path, "id,ct,reader,slice,truth\nc,ct.nii.gz,R1,12,10\nd,,R1,12,10\n")
    answer = call(capsys, "readers", path, "--model", tmp_path / "model", "--device", "cpu")
    assert answer.code == 0, answer.err
    assert "untaught: no slice for c: refused" in answer.out and "no slice for d: no scan" in answer.out
    answer = call(capsys, "readers", path, "--model", tmp_path / "model", "--reference", "R9")
    assert answer.code == 2 and "no reader 'R9'" in answer.error
    path = write(tmp_path, "id,reader,slice,truth\nc,R1,12,10\n")
    assert "no column ct" in call(capsys, "readers", path, "--model", tmp_path / "model").error
