"""The console's examples of the PET/CT methods are run as printed; decimals do not count."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io

import pytest
from helpers_logic import makeLogic
from helpers_pet_panel import InProcessClient, addCt, addPet
from host.api import PROJECT
from test_module_l3_examples import as_read


def examples():
    """(method, its example) of each docstring that has one."""
    files = sorted((PROJECT / "TransferSeg" / "TransferSegGUI").glob("logic_pet*.py"))
    assert len(files) == 4, "base, finding, changing, keeping"
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    texts = [(ast.get_docstring(node) or "", node.name) for node in nodes]
    return [pytest.param(text, id=name) for text, name in texts if ">>> " in text]


@pytest.fixture
def names(scene, tmp_path, monkeypatch, request):
    """What the examples speak of: the logic, PET, CT, a result of them, a folder."""
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    logic = makeLogic()
    logic._client = InProcessClient()
    node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg")
    logic.getParameterNode = lambda: node
    found = {"logic": logic, "pet": addPet(scene), "ct": addCt(scene), "folder": tmp_path / "report"}
    if "(result" in request.node.funcargs["text"] or "Results" in request.node.funcargs["text"]:
        found["result"] = logic.measureTmtv(found["pet"], found["ct"])
    elif "undo" in request.node.funcargs["text"]:
        logic.measureTmtv(found["pet"], found["ct"])
    return found


@pytest.mark.parametrize("text", examples())
def test_an_example_answers_as_printed(text, names):
    for example in doctest.DocTestParser().get_examples(text):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(example.source, "<console>", "single"), names)
        assert as_read(said.getvalue()) == as_read(example.want), example.source
