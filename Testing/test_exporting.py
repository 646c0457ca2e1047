"""Networks as ONNX: each kind says what PyTorch says; a file that is not as it was exported is refused."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest
import torch
from helpers_exporting import KINDS, built, card_of, small_package
from torch import nn

from TransferSegLib.errors import DependencyError, PackageError, TransferSegError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.exporting import form_of, held_against, onnx_bytes, read_exported, write_exported
from TransferSegLib.exporting.checking import compare_labels, compare_rows
from TransferSegLib.exporting.onnx_file import split_metadata, with_metadata
from TransferSegLib.exporting.runtimes import CHOICES, choose_runtime, onnxruntime_run, openvino_run
from TransferSegLib.jobs.export import export_onnx
from TransferSegLib.jobs.opening import RUNTIMES, find_runnable
from TransferSegLib.networks.ensemble import Ensemble

onnx = pytest.importorskip("onnx")


def exported(card, module):
    """The bytes of a module's graph, held against it."""
    content, opset = onnx_bytes(card, module, form_of(card))
    agreement, windows = held_against(card, module, form_of(card), content, Events())
    assert opset >= 18 and windows >= 2 and agreement.wrong == 0 and agreement.count > 10
    return content


@pytest.mark.parametrize("variant", KINDS)
def test_every_kind_of_network_says_what_pytorch_says(variant):
    card, module = card_of(variant), built(variant)
    content = exported(card, module)
    model = onnx.load_model_from_string(content)
    assert not any(node.metadata_props for node in model.graph.node)
    assert b"/TransferSegLib/" not in content  # no place on this computer


@pytest.mark.parametrize("variant", ["unet2d-32-64", "unet3d-32-64", "l3-cnn4"])
def test_openvino_says_the_same_at_other_sizes_than_the_example(variant):
    pytest.importorskip("openvino")
    card, module = card_of(variant), built(variant)
    form = form_of(card)
    content = onnx_bytes(card, module, form)[0]
    run, graph = openvino_run(content, "it"), form.graph(card, module).eval()
    for window in form.windows(card):
        with torch.inference_mode():
            found = graph(torch.from_numpy(window)).numpy()
        agreement = form.compare(card, found, run(window))
        assert agreement.wrong == 0 and agreement.largest < 1e-3


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_members_answer_together_in_one_file(output):
    torch.manual_seed(0)
    members = [nn.Conv2d(4, 3, 3, padding=1) for _ in range(2)]
    card = card_of("unet2d-32-64", output=output)
    content = exported(card, Ensemble(members, output=output))
    x = torch.randn(1, 4, 20, 36)
    p = [m(x).softmax(1) if output == "softmax" else m(x).sigmoid() for m in members]
    found = torch.from_numpy(onnxruntime_run(content, "it")(x.numpy()))
    mean = found.softmax(1) if output == "softmax" else found.sigmoid()
    assert torch.allclose(mean, (p[0] + p[1]) / 2, atol=1e-5)


def test_a_regressor_is_evaluated_densely_at_any_step(tmp_path):
    package = small_package(tmp_path / "m", "l3-cnn4")
    value = export_onnx(package, tmp_path / "m.onnx")
    network, module = read_exported(tmp_path / "m.onnx", runtime="onnxruntime").network(), package.network()
    assert value["largest_difference"] < 0.01
    for rows, step in ((36, 1), (95, 1), (300, 3), (301, 4), (1700, 5)):
        x = torch.rand(1, 1, rows, 32)
        with torch.inference_mode():
            assert torch.allclose(network.dense(x, step), module.dense(x, step), atol=1e-3), (rows, step)
    with pytest.raises(UsageError, match="exported for dense evaluation"):
        network(torch.rand(1, 1, 36, 32))


def test_windows_one_by_one_are_another_graph():
    projection = card_of("l3-cnn4").projection | {"evaluation": "windows"}
    card, module = card_of("l3-cnn4", projection=projection), built("l3-cnn4")
    run = onnxruntime_run(exported(card, module), "it")
    x = torch.rand(5, 1, 36, 32)
    with torch.inference_mode():
        assert np.allclose(run(x.numpy()), module(x).numpy(), atol=1e-4)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A package, and the file that was exported of it."""
    folder = tmp_path_factory.mktemp("exported")
    package = small_package(folder / "m", "unet2d-32-64")
    value = export_onnx(package, folder / "m.onnx")
    assert value["bytes"] == (folder / "m.onnx").stat().st_size and value["int8"] is None
    return package, folder / "m.onnx"


def test_the_card_survives_and_other_programs_read_the_file(file):
    package, path = file
    assert json.dumps(read_exported(path).card.to_json()) == json.dumps(package.card.to_json())
    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    inside = json.loads({entry.key: entry.value for entry in model.metadata_props}["transferseg"])
    assert inside["card"]["weights_sha256"] == package.card.weights_sha256 and inside["precision"] == "float32"


def test_what_was_changed_since_is_refused(file, tmp_path):
    package, path = file
    content, changed = path.read_bytes(), tmp_path / "changed.onnx"
    for place in (len(content) // 2, content.index(b'"flair"') + 2):  # a weight, the card
        changed.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(PackageError, match="does not match the hash in it"):
            read_exported(changed)
    for cut in (content[:-7], content[:200], b"", b"PK\x03\x04 no onnx"):
        changed.write_bytes(cut)
        with pytest.raises(PackageError, match=r"damaged one|no TransferSeg card") as refused:
            read_exported(changed)
        assert "\n" not in refused.value.message
    opened = read_exported(path)
    graph = split_metadata(content)[0]
    write_exported(changed, package.card, graph, {"precision": "int8"})
    with pytest.raises(PackageError, match="was changed while it was opened"):
        type(opened)(changed, opened.card, opened.made, "auto").network()


def test_a_foreign_onnx_is_refused(file, tmp_path):
    graph = split_metadata(file[1].read_bytes())[0]
    (tmp_path / "foreign.onnx").write_bytes(with_metadata(graph, "other", "words"))
    with pytest.raises(PackageError, match="has no TransferSeg card"):
        find_runnable(tmp_path / "foreign.onnx")
    (tmp_path / "later.onnx").write_bytes(with_metadata(graph, "transferseg", '{"format": 2}'))
    with pytest.raises(PackageError, match="its card is damaged"):
        find_runnable(tmp_path / "later.onnx")
    with pytest.raises(UsageError, match="no such file"):
        find_runnable(tmp_path / "absent.onnx")


def test_an_export_whose_labels_differ_is_named_and_not_written(file, tmp_path, monkeypatch):
    package, out = file[0], tmp_path / "out" / "m.onnx"

    class Differs(nn.Module):
        """Another answer when it is exported than when it is called."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits = self.conv(x)
            return logits.flip(1) if torch.compiler.is_exporting() else logits

    module = Differs()
    monkeypatch.setattr(type(package), "network", lambda self: module)
    with pytest.raises(PackageError, match=r"gives other labels than PyTorch in \d+ of \d+") as refused:
        export_onnx(package, out)
    assert "nothing was written" in refused.value.message and not list(tmp_path.iterdir())


def test_every_runtime_that_is_there_is_checked(monkeypatch):
    """Labels that only OpenVINO gives otherwise are named; where it does not run the network that is said."""
    pytest.importorskip("openvino")
    card, module = card_of("unet2d-32-64"), built("unet2d-32-64")
    form = form_of(card)
    content, said = onnx_bytes(card, module, form)[0], []
    events = Events(lambda event: said.append(event.get("text", "")))
    real = openvino_run(content, "it")
    monkeypatch.setattr("TransferSegLib.exporting.runtimes.openvino_run", lambda *_: lambda x: real(x)[:, ::-1])
    with pytest.raises(PackageError, match=r"other labels than PyTorch .*\(in OpenVINO"):
        held_against(card, module, form, content, events)

    def unknown(content, what):
        raise TransferSegError(f"{what}: OpenVINO does not run it")

    monkeypatch.setattr("TransferSegLib.exporting.runtimes.openvino_run", unknown)
    assert held_against(card, module, form, content, events)[0].wrong == 0
    assert any("OpenVINO does not run it" in text for text in said)


def test_what_cannot_be_exported_is_named(file, tmp_path, monkeypatch):
    package, out = file[0], tmp_path / "m.onnx"

    class Asks(nn.Module):
        """Its way depends on the values."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :3] if x.sum() > 0 else x[:, 1:]

    monkeypatch.setattr(type(package), "network", lambda self: Asks())
    with pytest.raises(TransferSegError, match="cannot be exported") as refused:
        export_onnx(package, out)
    assert "\n" not in refused.value.message and not out.exists()


def test_an_operator_that_a_runtime_does_not_know_is_named_in_its_words(file):
    model = onnx.load_model_from_string(split_metadata(file[1].read_bytes())[0])
    model.graph.node[0].op_type = "Unheard"
    content = model.SerializeToString()
    with pytest.raises(TransferSegError, match=r"ONNX Runtime does not run it .*Unheard"):
        onnxruntime_run(content, "m.onnx")
    pytest.importorskip("openvino")
    with pytest.raises(TransferSegError, match=r"OpenVINO does not run it .*Unheard"):
        openvino_run(content, "m.onnx")


@pytest.mark.parametrize("name", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_library_names_its_extra(file, tmp_path, monkeypatch, name):
    without(monkeypatch, name)
    with pytest.raises(DependencyError, match=rf"{name} cannot be imported.*'transferseg\[onnx\]'"):
        export_onnx(file[0], tmp_path / "m.onnx")


def test_the_runtime_that_is_there_is_taken(file, monkeypatch):
    assert CHOICES == RUNTIMES
    found = {"openvino", "onnxruntime"}
    monkeypatch.setattr("TransferSegLib.exporting.runtimes.installed", lambda name: name in found)
    assert choose_runtime("auto") in found
    found.remove("openvino")
    assert choose_runtime("auto") == "onnxruntime"
    found.clear()
    with pytest.raises(DependencyError, match=r"transferseg\[openvino\]"):
        find_runnable(file[1])
    with pytest.raises(UsageError, match="choose one of auto"):
        find_runnable(file[1], "tensorrt")
    without(monkeypatch, "openvino")
    with pytest.raises(DependencyError, match=r"'transferseg\[openvino\]'"):
        read_exported(file[1], runtime="openvino").network()


def test_a_package_of_two_stages_and_an_unknown_task_are_refused():
    card = card_of("petct-light")
    with pytest.raises(UsageError, match="works in two stages"):
        form_of(card_of("petct-light", refiner={"network": "petct-refiner-light"}))
    with pytest.raises(UsageError, match="a model for classification cannot be exported"):
        form_of(card_of("unet", task="classification"))
    assert form_of(card).windows


def test_labels_may_differ_where_classes_tie_and_nowhere_else():
    card = card_of("unet2d-32-64")
    ours = np.zeros((1, 3, 4, 5), np.float32)
    ours[0, 1] = 10.0
    ours[0, 2] = 1.0
    ours[0, 2, 0, 0] = 9.999
    theirs = ours.copy()
    theirs[0, 2, 0, 0] = 10.001
    agreement = compare_labels(card, ours, theirs)
    assert (agreement.wrong, agreement.near_ties, agreement.count) == (0, 1, 20)
    assert agreement.largest == pytest.approx(0.002, abs=1e-5)
    theirs[0, 2, 1, 1] = 11.0
    assert compare_labels(card, ours, theirs).wrong == 1
    theirs[0, 2, 2, 2] = np.nan
    assert compare_labels(card, ours, theirs).wrong == 20 == compare_labels(card, ours, theirs[:, :2]).wrong
    level, rows = card_of("l3-cnn4"), np.linspace(0, 30, 9, dtype=np.float32)[None]
    assert compare_rows(level, rows, rows + 0.01).wrong == 0 and compare_rows(level, rows, rows + 0.1).wrong == 9


def without(monkeypatch, name: str) -> None:
    """A library that is not installed."""
    found = importlib.import_module

    def missing(wanted: str, *others):
        if wanted == name:
            raise ImportError(f"No module named '{name}'")
        return found(wanted, *others)

    monkeypatch.setattr(importlib, "import_module", missing)
