"""A model knows the scans again that it learned from, and says so: in l3, evaluate and finetune."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import call
from helpers_level import level_card, oracle
from helpers_scan import places, trunk, trunk_image, write_ct

from TransferSegLib.imaging import read_scan, scan_of
from TransferSegLib.jobs.l3 import find_l3
from TransferSegLib.jobs.level_recipe import LevelRecipe, recipe_card
from TransferSegLib.jobs.predict import Model
from TransferSegLib.level.scan_mark import all_marks, learned_from, learned_summary, scan_mark
from TransferSegLib.networks import build_network, state_to_save
from TransferSegLib.packages import read_package, write_package

SAID = "trained on"
QUICK = ("--epochs", "1", "--steps", "2", "--batch", "1", "--device", "cpu")


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    """Three scans of three patients."""
    folder = tmp_path_factory.mktemp("levels")
    image, lines = trunk_image(trunk()), ["id,ct,slice"]
    for number in range(3):
        part = image[:, :, number : image.GetSize()[2] - 2 * number]
        sitk.WriteImage(part, str(folder / f"MUELLER{number}.nii.gz"))
        lines.append(f"MUELLER{number},MUELLER{number}.nii.gz,{part.GetSize()[2] // 2}")
    (folder / "levels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "levels.csv"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    card = recipe_card(LevelRecipe(views=("frontal",), rows=32, width=96, crop_rows=64, row_mm=4.0), "tiny-l3")
    module = build_network(card.network, 1, 1, card.arguments)
    return write_package(tmp_path_factory.mktemp("model") / "tiny-l3", card, state_to_save(card.network, module)).folder


def adapt(capsys, start, levels, out, *options, held_out="MUELLER2", strategy="half-lr"):
    command = ("finetune", "--from", start, "--data", levels, "--strategy", strategy, "--out", out)
    answer = call(capsys, *command, "--hold-out", held_out, *options, *QUICK, "--json")
    assert answer.code == 0, answer.err
    return answer.value


def test_the_same_voxels_have_the_same_mark_in_any_file_and_orientation(tmp_path):
    hu = trunk(tall=120)
    write_ct(tmp_path / "dicom", hu, places(10 + 3.0 * np.arange(len(hu))))
    scan = read_scan(tmp_path / "dicom")
    mark = scan_mark(scan)
    sitk.WriteImage(scan.image, str(tmp_path / "ct.nii.gz"))
    moved = sitk.Image(scan.image)
    moved.SetOrigin([5.0, -3.25, 812.0])
    turned = sitk.Flip(sitk.PermuteAxes(scan.image, [2, 0, 1]), [True, False, True], False)
    same = [read_scan(tmp_path / "ct.nii.gz"), scan_of(moved), scan_of(turned)]
    same.append(scan_of(sitk.Cast(scan.image, sitk.sitkFloat32)))
    assert {scan_mark(other) for other in same} == {mark}
    other = sitk.Image(scan.image)
    other[20, 20, 20] = 2000
    assert mark not in {scan_mark(scan_of(other)), scan_mark(scan_of(scan.image[:, :, 1:]))}


def test_a_card_that_records_nothing_leaves_it_open(tmp_path):
    scan = scan_of(trunk_image(trunk(tall=120)))
    card = level_card()
    assert learned_from(card, scan) is None and learned_from(card, scan, []) is False
    known = dataclasses.replace(card, origin={"scans": all_marks(card, [scan_mark(scan)])})
    assert learned_from(known, scan) is True and all_marks(known, ["00"]) == sorted(["00", scan_mark(scan)])
    assert learned_summary("m", [{"id": "a", "training_case": False}, {"id": "b", "training_case": None}]) == []


def test_an_adapted_model_says_which_scans_it_learned_from(capsys, tmp_path, source, levels):
    value = adapt(capsys, source, levels, tmp_path / "first")
    assert SAID not in value["message"] and [case["training_case"] for case in value["after"]["cases"]] == [False]
    origin = read_package(tmp_path / "first").card.origin
    assert len(origin["scans"]) == 2 and "MUELLER" not in json.dumps(origin)
    for name, learned in (("MUELLER0", True), ("MUELLER2", False)):
        ct = levels.parent / f"{name}.nii.gz"
        answer = call(capsys, "l3", ct, "--model", tmp_path / "first", "--json").value
        assert answer["training_case"] is (learned if answer["answer"] != "refused" else None)
        assert any(SAID in note for note in answer["notes"]) == bool(answer["training_case"])
    assert (
        call(capsys, "l3", levels.parent / "MUELLER0.nii.gz", "--model", source, "--json").value["training_case"]
        is None
    )
    table = ("evaluate", "--model", tmp_path / "first", "--data", levels)
    judged = call(capsys, *table, "--out", tmp_path / "e.csv", "--json").value
    assert [case["training_case"] for case in judged["cases"]] == [True, True, False]
    assert len(judged["notes"]) == 1 and judged["notes"][0].startswith("2 of 3 scans are of the cases that first")
    assert "training_case" in (tmp_path / "e.csv").read_text().splitlines()[0]
    assert "note: 2 of 3 scans" in call(capsys, *table).out
    # A second adaptation that holds out what the first one learned from.
    again = adapt(capsys, tmp_path / "first", levels, tmp_path / "second", held_out="MUELLER0")
    assert "MUELLER0" in again["message"] and SAID in again["message"] and again["after"]["cases"][0]["training_case"]
    assert len(read_package(tmp_path / "second").card.origin["scans"]) == 3
    # New weights have forgotten it.
    adapt(capsys, tmp_path / "first", levels, tmp_path / "third", held_out="MUELLER0", strategy="scratch")
    assert len(read_package(tmp_path / "third").card.origin["scans"]) == 2


def test_l3_says_it_in_text_and_picture(capsys, tmp_path, levels):
    ct = levels.parent / "MUELLER0.nii.gz"
    scan = read_scan(ct)
    model = oracle(scan, 40)
    model = Model(dataclasses.replace(model.card, origin={"scans": [scan_mark(scan)]}), model.module)
    value = find_l3(ct=ct, model=model, picture=tmp_path / "p.png")
    assert value["training_case"] is True and SAID in value["notes"][0] and (tmp_path / "p.png").stat().st_size
    # A slice that the user names is no answer of the model.
    given = find_l3(ct=ct, model=model, slice_index=40)
    assert given["training_case"] is None and not any(SAID in note for note in given["notes"])
