"""The console's examples of the L3 methods are run as printed; numbers with decimals are compared as numbers only."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import re

import pytest
from helpers_l3 import addCt, answerL3, trunk
from helpers_logic import StepClient, makeLogic
from host.api import PROJECT
from test_module_l3_adapt import result as trained

FILES = ("logic_level.py", "logic_level_adapting.py", "level_cases.py")
SHAPE = (150, 48, 56)
SLICE = 141
SHIPPED = "l3-map-phantom"


class AnsweringClient(StepClient):
    """A worker that finds the level on slice 141, and whose training makes a model better."""

    def pump(self) -> None:
        super().pump()
        for job in [job for job in self.jobs if not job.finished and not self._steps]:
            if job.verb == "l3":
                answerL3(self, index=SLICE)
            else:
                job.end(result=trained())


def examples():
    """(method or class, its example) of each docstring that has one."""
    found = []
    for file in FILES:
        tree = ast.parse((PROJECT / "TransferSeg" / "TransferSegGUI" / file).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and ">>> " in (ast.get_docstring(node) or ""):
                found.append(pytest.param(ast.get_docstring(node), id=node.name))
    return found


@pytest.fixture
def names(scene, tmp_path, monkeypatch):
    """What the examples speak of: the module's logic, a CT with a result, and its correction kept."""
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    logic = makeLogic()
    logic._client = AnsweringClient()
    ct = addCt(scene, array=trunk(SHAPE))
    result = logic.findL3(ct, height=1.75)
    logic.addL3Case(result)
    return {"logic": logic, "ct": ct, "result": result}


def as_read(text):
    """Decimals do not count, nor how lines are broken."""
    return " ".join(re.sub(r"\d+\.\d+", "#", text).split())


@pytest.mark.parametrize("text", examples())
def test_an_example_answers_as_printed(names, text):
    if SHIPPED not in [info.name for info in names["logic"].levelModels()]:
        pytest.skip(f"the shipped model {SHIPPED} is not there")
    for example in doctest.DocTestParser().get_examples(text):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(example.source, "<console>", "single"), names)
        assert as_read(said.getvalue()) == as_read(example.want), example.source
