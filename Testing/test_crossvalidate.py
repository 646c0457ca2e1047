"""Cross-validation of L3 models: patient-wise folds, three tables, going on after an interruption."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.errors import Cancelled, StorageError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.jobs.crossvalidate import crossvalidate
from TransferSegLib.jobs.crossvalidate_plan import SMALL, Protocol, variants

TINY = Protocol(
    name="tiny",
    row_mm=6.0,
    rows=32,
    width=64,
    steps={"other": 4},
    folds_of={"vgg16": 1},
    stride_scans={"other": 1},
    forest_windows=6,
    batch=2,
)


def spine(level: int, length: int, shift: int = 0) -> sitk.Image:
    """A torso of soft tissue with a column that widens towards the feet; the level is its only notch."""
    volume = np.full((length, 40, 48), -1000, np.int16)
    volume[:, 8:34, 6:42] = 40
    for row in range(length):  # row 0 is the highest; k runs towards the head
        half = 2 + 5 * row // length
        bright = 900 if abs(row - level) > 2 else 300
        volume[length - 1 - row, 20:30, 24 + shift - half : 24 + shift + half] = bright
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing((6.0, 6.0, 6.0))
    return image


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    """Twelve scans of nine patients, two of them without the level."""
    folder = tmp_path_factory.mktemp("levels")
    lines = ["ct,id,patient,slice,where"]
    for number in range(12):
        length, row = 60 + 3 * number, 24 + 2 * number
        hidden = number in (4, 9)
        sitk.WriteImage(spine(200 if hidden else row, length, number % 3), str(folder / f"c{number:02d}.nii.gz"))
        place = "" if hidden else str(length - 1 - row)
        lines.append(f"c{number:02d}.nii.gz,c{number:02d},p{number % 9},{place},{'below' if hidden else ''}")
    (folder / "levels.csv").write_text("\n".join(lines) + "\n")
    return folder / "levels.csv"


def run(levels, out, networks=("cnn4", "cnn4:windows", "rf10"), events=None, **given):
    options = {"folds": 3, "seeds": 1, "plan": TINY, "strides": (1, 6), "backbones": ("cnn4",), "device": "cpu"}
    return crossvalidate(data=levels, networks=networks, out=out, events=events, **(options | given))


@pytest.fixture(scope="module")
def made(levels, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "cv"
    return run(levels, out), out


def test_folds_hold_each_patient_out_once(made):
    folds = made[0]["folds"]
    patients = [{int(case[1:]) % 9 for case in fold} for fold in folds]
    assert sorted(case for fold in folds for case in fold) == [f"c{n:02d}" for n in range(12)]
    assert not (patients[0] & patients[1] | patients[0] & patients[2] | patients[1] & patients[2])


def test_the_three_tables_have_all_rows(made):
    tables = made[0]["tables"]
    assert [row[0] for row in tables["folds"]["rows"]] == ["constant height", "cnn4", "cnn4:windows", "rf10"]
    for row in tables["folds"]["rows"]:
        cells = dict(zip(tables["folds"]["columns"], row))
        assert all(isinstance(cells[f"fold {n}"], float) for n in (1, 2, 3)) and "±" in cells["mm"]
        assert cells["scans"] == 12
    constant = dict(zip(tables["folds"]["columns"], tables["folds"]["rows"][0]))
    assert (constant["not in view: sensitive"], constant["specific"]) == ("0.0 %", "100.0 %")
    assert [row[0] for row in tables["backbones"]["rows"]] == ["cnn4", "rf10"]
    found = [tuple(row[:4]) for row in tables["strides"]["rows"]]
    ways = [("cnn4", "whole projections"), ("cnn4:windows", "windows, as published")]
    assert found == [(*way, read, s) for way in ways for read in ("plain windows", "dense") for s in (1, 6)]
    seconds = tables["strides"]["columns"].index("s per CT")
    assert all(row[seconds] > 0 for row in tables["strides"]["rows"])


def test_tables_say_how_they_were_made(made):
    text = (made[1] / "tables.txt").read_text()
    assert "Plan: tiny" in text and "3 models on these scans" in text and "random weights" in text
    assert "published" in text and "14 of 14 cells" not in text
    assert (made[1] / "scans.csv").read_text().count("\n") == 1 + 4 * 12


def test_finished_cells_never_run_again(made, levels):
    before = {p: p.stat().st_mtime_ns for p in (made[1] / "cells").iterdir()}
    again = run(levels, made[1])
    assert again["tables"] == made[0]["tables"]
    assert {p: p.stat().st_mtime_ns for p in (made[1] / "cells").iterdir()} == before


def test_an_interrupted_table_goes_on_to_the_same_errors(made, levels, tmp_path):
    events = Events(lambda e: e["event"] == "progress" and e["stage"] == "training" and e["done"] == 2 and stop())

    def stop():
        events.cancel()

    with pytest.raises(Cancelled):
        run(levels, tmp_path / "cv", events=events)
    runs = list((tmp_path / "cv" / "runs").iterdir())
    assert len(runs) == 1 and (runs[0] / "checkpoint.pt").is_file()
    heard = []
    again = run(levels, tmp_path / "cv", events=Events(heard.append))
    starts = [e["done"] for e in heard if e["event"] == "progress" and e["stage"] == "training"]
    assert starts[0] == 2
    assert again["tables"]["folds"] == made[0]["tables"]["folds"]


def test_a_cell_of_a_process_that_is_gone_is_taken_over(made, levels, tmp_path):
    from TransferSegLib.jobs.crossvalidate_cells import Cell, Cells
    from TransferSegLib.processes import mark

    cells = Cells(tmp_path)
    (tmp_path / "a.claim").write_text(mark().rpartition("-")[0] + "-999999")
    (tmp_path / "b.claim").write_text("another0-17")
    done = cells.run([Cell(name, lambda: {"x": 1}) for name in "ab"])
    assert done == ["b"] and cells.result("a") == {"x": 1} and cells.result("b") is None
    assert not (tmp_path / "a.claim").exists()


def test_another_crossvalidation_in_the_folder_is_refused(made, levels):
    with pytest.raises(StorageError, match="other folds"):
        run(levels, made[1], folds=2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"networks": ["vgg16"]}, "--imagenet"),
        ({"networks": ["vgg17"]}, "vgg17"),
        ({"networks": ["cnn4", "cnn4:dense"]}, "twice"),
        ({"networks": ["cnn4:fast"]}, "windows"),
        ({"folds": 1}, "--folds"),
        ({"strides": ()}, "--strides"),
        ({"imagenet": {"vgg19": "none"}}, "vgg19"),
        ({"folds": 10}, "10 folds"),
        ({"view": "top"}, "--view"),
        ({"plan": "huge"}, "--plan"),
    ],
)
def test_wrong_use_is_refused_before_any_training(levels, tmp_path, given, words):
    with pytest.raises(UsageError, match=words):
        run(levels, tmp_path / "cv", **given)
    assert not (tmp_path / "cv" / "cells").exists()


def test_small_plan_cuts_the_heavy_networks_to_one_fold():
    cnn4, vgg16 = variants(["cnn4", "vgg16"])
    assert (SMALL.folds_to_run(cnn4, 5), SMALL.folds_to_run(vgg16, 5)) == (5, 1)
    assert SMALL.training_plan(vgg16, stride=32, seed=0, imagenet=False).rate == SMALL.random_rate
    assert SMALL.training_plan(vgg16, stride=32, seed=0, imagenet=True).rate == 1e-5


def test_command_line_prints_json_and_tables(levels, tmp_path, capsys, monkeypatch):
    from TransferSegLib.cli.main import main
    from TransferSegLib.jobs import crossvalidate_plan

    monkeypatch.setitem(crossvalidate_plan.PLANS, "small", TINY)
    command = ["crossvalidate", "l3", "--data", str(levels), "--out", str(tmp_path / "cv"), "--folds", "2"]
    command += ["--networks", "rf10", "--time", "--strides", "1"]
    assert main([*command, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["cells"] == {"finished": 4, "total": 4, "elsewhere": []}
    assert main(command) == 0
    assert "Error in slices by fold" in capsys.readouterr().out
