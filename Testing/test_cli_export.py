"""The command line exports to ONNX and works with the file; int8 is measured before it is written."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import ROLES, call, small_case, small_data_set
from helpers_exporting import card_of, level_card
from helpers_l3 import SPACING, trunk

from TransferSegLib.cases import open_data_set
from TransferSegLib.events import Events
from TransferSegLib.exporting import read_exported
from TransferSegLib.jobs.export_int8 import Int8Cases
from TransferSegLib.networks import build_network, state_to_save
from TransferSegLib.packages import Card, Label, write_package
from TransferSegLib.preparing import PreparationOptions
from TransferSegLib.training import case_hash
from TransferSegLib.worker import WarmModels

pytest.importorskip("onnxruntime")


def small_slices(folder) -> Card:
    """A 2-D package whose label is where FLAIR is bright: its network is told, not trained."""
    import torch

    network, arguments = "unet2d-32-64", {"channels": [4, 6], "activation": "twice"}
    card = card_of("unet2d-32-64", arguments=arguments, labels=(Label(1, "lesion", 1),), out_channels=2)
    card = replace(card, name=folder.name, roles=ROLES)
    torch.manual_seed(0)
    module = build_network(network, 4, 2, arguments)
    write_package(folder, card, state_to_save(network, module))
    return card


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A package of slices, and its file by the command line."""
    from TransferSegLib.jobs.models import models_export

    folder = tmp_path_factory.mktemp("export")
    small_slices(folder / "light")
    value = models_export(str(folder / "light"), folder / "light.onnx")
    return folder, value


def test_what_the_export_says(made):
    folder, value = made
    assert value["name"] == "light" and value["format"] == "onnx" and value["path"] == str(folder / "light.onnx")
    assert value["largest_difference"] < 1e-3 and value["checked_windows"] == 4 and value["int8"] is None
    json.dumps(value, allow_nan=False)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_file_segments_and_is_evaluated_as_its_package(capsys, tmp_path, made, runtime):
    pytest.importorskip(runtime)
    folder, data = made[0], small_data_set(tmp_path / "set", 2)
    found = {}
    for model, more in ((folder / "light", ()), (folder / "light.onnx", ("--runtime", runtime))):
        out = tmp_path / f"{model.name}.nii.gz"
        answer = call(capsys, "segment", "--model", model, data / "p1", "--out", out, "--json", *more)
        scores = call(capsys, "evaluate", "--model", model, "--data", data, "--json", *more)
        found[model.suffix] = sitk.GetArrayFromImage(sitk.ReadImage(str(out))), answer.value, scores.value["mean"]
    apart = found[""][0] != found[".onnx"][0]
    assert found[""][0].any() and apart.mean() < 1e-3
    assert found[""][2]["dice"] == pytest.approx(found[".onnx"][2]["dice"], abs=1e-3)
    assert found[".onnx"][1]["device"] == "cpu" and found[".onnx"][1]["precision"] == "float32"


def test_a_level_file_answers_as_its_package(capsys, tmp_path):
    card = level_card("l3-cnn4", spacing=(4.0, 4.0))
    write_package(tmp_path / "m", card, state_to_save("l3-cnn4", build_network("l3-cnn4", 1, 1, card.arguments)))
    image = sitk.GetImageFromArray(trunk())
    image.SetSpacing(SPACING)
    sitk.WriteImage(image, str(tmp_path / "ct.nii.gz"))
    assert call(capsys, "models", "export", tmp_path / "m", "--out", tmp_path / "m.onnx").code == 0
    rows = []
    for model in ("m", "m.onnx"):
        answer = call(capsys, "l3", tmp_path / "ct.nii.gz", "--model", tmp_path / model, "--json")
        rows.append([answer.value[key] for key in ("answer", "slice_index", "row", "confidence")])
    assert rows[0] == rows[1]
    refused = call(
        capsys, "models", "export", tmp_path / "m", "--out", tmp_path / "n.onnx", "--int8", "--data", tmp_path
    )
    assert refused.code == 2 and "is measured by Dice" in refused.error


def test_what_learns_and_wrong_options_are_refused_in_one_line(capsys, tmp_path, made):
    folder, data = made[0], small_data_set(tmp_path / "set", 1)
    file, out = folder / "light.onnx", tmp_path / "out"
    wrong = {
        "is an exported network": ("finetune", "--from", file, "--data", data, "--strategy", "half-lr", "--out", out),
        "exported network, which": ("prune", file, "--data", data, "--out", out),
        "is a package, which PyTorch runs": (
            *("segment", "--model", folder / "light", data / "p1", "--out", tmp_path / "x.nii.gz"),
            *("--runtime", "openvino"),
        ),
        "exported in float32, not in bfloat16": (
            *("segment", "--model", file, data / "p1", "--out", tmp_path / "x.nii.gz", "--precision", "bfloat16"),
        ),
        "must end in .zip": ("models", "export", folder / "light", "--out", tmp_path / "x.pt"),
        "--int8: is for an .onnx": ("models", "export", folder / "light", "--out", tmp_path / "x.zip", "--int8"),
        "go with --int8 only": (*("models", "export", folder / "light", "--out", tmp_path / "x.onnx", "--data", data),),
        "needs cases with truths": ("models", "export", folder / "light", "--out", tmp_path / "x.onnx", "--int8"),
        "has 1 patient": (
            *("models", "export", folder / "light", "--out", tmp_path / "x.onnx", "--int8", "--data", data),
        ),
    }
    for words, arguments in wrong.items():
        answer = call(capsys, *arguments)
        assert answer.code == 2 and words in answer.error, (arguments, answer)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set"]


def test_int8_is_calibrated_on_some_cases_and_measured_on_others(capsys, tmp_path, made, monkeypatch):
    folder, data = made[0], small_data_set(tmp_path / "set", 3)
    arguments = ("models", "export", folder / "light", "--int8", "--data", data, "--map", "lesion=lesion")
    monkeypatch.setattr("TransferSegLib.jobs.export_int8.MOST_FALL", 1.0)
    answer = call(capsys, *arguments, "--out", tmp_path / "i.onnx", "--hold-out", "p2", "--json")
    value = answer.value
    assert value["precision"] == "int8" and value["int8"]["cases"] == ["p2"]
    assert value["int8"]["calibrated_on"] == ["p1", "p3"]
    assert abs(value["int8"]["dice_float"] - value["int8"]["dice_int8"]) < 0.1
    assert b"QuantizeLinear" in (tmp_path / "i.onnx").read_bytes()
    file = read_exported(tmp_path / "i.onnx")
    assert [entry["dice"] for entry in file.card.measured_on] == [value["int8"]["dice_int8"]] and not file.card.sizes
    assert (file.made["int8"]["cases"], file.made["int8"]["calibrated_on"]) == (1, 2)
    assert not any(f'"p{n}"' in json.dumps(file.made) for n in (1, 2, 3)), "a file travels without its cases' names"
    out = tmp_path / "x.nii.gz"
    told = call(capsys, "segment", "--model", tmp_path / "i.onnx", data / "p1", "--out", out, "--json").value
    assert told["precision"] == "int8"
    monkeypatch.setattr("TransferSegLib.jobs.export_int8.MOST_FALL", -2.0)
    refused = call(capsys, *arguments, "--out", tmp_path / "j.onnx", "--hold-out", "p2", "p3")
    assert refused.code == 2 and "int8 lowers the mean Dice of 2 cases from 0." in refused.error
    assert "calibrated on 1 case of 1 patient and measured on 2 cases" in refused.err
    assert "of 2 patients: p2, p3" in refused.err
    assert not (tmp_path / "j.onnx").exists() and not list(tmp_path.glob(".*"))
    monkeypatch.setattr("TransferSegLib.jobs.export_int8.MOST_WINDOWS", 1)
    monkeypatch.setattr("TransferSegLib.jobs.export_int8.MOST_FALL", 1.0)
    few = call(capsys, *arguments, "--out", tmp_path / "k.onnx", "--hold-out", "p2", "--json").value
    assert few["int8"]["calibrated_on"] == ["p1"], "what was looked at, no more"


def test_a_case_that_was_learned_from_is_never_called_another(tmp_path, made):
    card, data = read_exported(made[0] / "light.onnx").card, small_data_set(tmp_path / "set", 3)
    digests = {case.id: case_hash(case) for case in open_data_set(data, roles=ROLES).cases}

    def chosen(learned, ids=()):
        said = []
        known = replace(card, origin={"inputs": {"training": [digests[name] for name in learned]}})
        events = Events(lambda event: said.append(event.get("text")))
        how = {"label_map": None, "truth_name": None, "options": PreparationOptions()}
        return Int8Cases.of(known, data, ids, events=events, **how), said[-1]

    def ids(cases):
        return [case.id for case in cases]

    some, said = chosen(["p1", "p2"])
    assert (ids(some.calibrating), ids(some.measured), some.learned) == (["p1", "p2"], ["p3"], ())
    assert "calibrated on 2 cases of 2 patients and measured on 1 case that the model did not learn from" in said
    assert "proves nothing" not in some.score_words(0.8, 0.799)
    assert "proves nothing" in some.score_words(0.05, 0.049)
    every, said = chosen(["p1", "p2", "p3"])
    assert every.learned == tuple(ids(every.measured)) and "that the model learned from" in said
    assert "that the model learned from: 0.8000 in float32" in every.score_words(0.8, 0.799)
    named, said = chosen(["p1"], ids=["p1", "p2"])
    assert named.learned == ("p1",) and "2 cases, of which the model learned from 1" in said
    unknown, said = chosen([])
    assert unknown.learned is None and "does not say what it learned from" in said


def test_a_file_that_is_there_is_replaced_only_when_asked(capsys, tmp_path, made):
    for name in ("light.onnx", "light.zip"):
        file = tmp_path / "new" / name
        first = call(capsys, "models", "export", made[0] / "light", "--out", file)
        assert first.code == 0, "a missing folder is made, as for other files"
        before = file.stat().st_mtime_ns
        again = call(capsys, "models", "export", made[0] / "light", "--out", file)
        assert again.code != 0 and "exists already" in again.error and file.stat().st_mtime_ns == before
    assert call(capsys, "models", "export", made[0] / "light", "--out", file, "--overwrite").code == 0


def test_the_export_says_how_it_was_checked_in_plain_words(capsys, tmp_path, made, monkeypatch):
    from TransferSegLib.inference import Device

    monkeypatch.setattr("TransferSegLib.jobs.export.choose_device", lambda *_, **__: Device("cpu", "bfloat16", ""))
    answer = call(capsys, "models", "export", made[0] / "light", "--out", tmp_path / "x.onnx")
    assert answer.err.index("exporting: 0/1") < answer.err.index("checking the exported network")
    assert "the same labels as PyTorch in float32 on 4 random inputs" in answer.out
    assert "the package itself runs in bfloat16 on this CPU: labels can differ at edges" in answer.out


def test_the_worker_keeps_a_file_open(tmp_path, made):
    warm, file = WarmModels(), made[0] / "light.onnx"
    first = warm.open(file, "onnxruntime")
    assert warm.open(str(file), "onnxruntime") is first and len(warm) == 1
    assert warm.open(file, "openvino") is not first and len(warm) == 2
    warm.warm(file, Events())
    small_case(tmp_path / "p")
    assert np.isfinite(first.module.bytes) and first.module.bytes > 1000
