"""What the module uses exists in the real 3D Slicer, and the stand-ins of these tests offer nothing beyond it."""

import ast
import os
import re
import subprocess
import sys

import host
import pytest
from host import api, api_check
from host.fixtures import absent

FILES = api_check.source_files()
UI_FILES = sorted((api_check.FOLDER / "Resources" / "UI").glob("*.ui"))
HEAVY = ("torch", "monai", "SimpleITK", "TransferSegLib", "scipy", "matplotlib", "pydicom", "sklearn")
QUICK = 0.05
SHOWN = ("text", "toolTip", "title", "windowTitle", "placeholderText", "statusTip", "labelText", "plainText")
SHOWING = ("setText", "setToolTip", "setTitle", "setWindowTitle", "addItem", "addTab", "QTableWidgetItem", "QLabel")
SHOWING += ("infoDisplay", "errorDisplay", "warningDisplay", "confirmOkCancelDisplay", "confirmYesNoDisplay")


pytestmark = pytest.mark.usefixtures("slicer_members")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_use_of_slicer_and_qt_exists(path):
    assert api_check.Finder(path).problems == []


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_widgets_and_properties_of_ui_files_exist(path):
    assert api_check.ui_problems(path) == []


def test_the_checker_finds_mistakes(tmp_path, monkeypatch):
    monkeypatch.setattr(api, "PROJECT", tmp_path)
    path = tmp_path / "wrong.py"
    path.write_text(
        "import qt, slicer\n"
        "from slicer.util import loadVolumes\n"
        "slicer.util.errorDisplay('x', titel='y')\n"
        "slicer.util.getNode()\n"
        "slicer.util.loadVolume()\n"
        "label = qt.QLabel()\n"
        "label.setTxt('x')\n"
        "qt.QLable()\n"
        "qt.Qt.AlignMiddle\n"
        "slicer.app.layoutManger()\n"
        "slicer.vtkMRMLSegmentatoinNode\n"
        "slicer.mrmlScene.AddNewNode('x')\n"
        "slicer.modules.segmentations.logic().ImportAll()\n"
        "isinstance(label, qt.QWidget)\n"
    )
    lines = [int(problem.split(":")[1].split()[0]) for problem in api_check.Finder(path).problems]
    expected = [2, 5, 7, 8, 9, 10, 11, 12, 13, 14]
    if host.missing():
        expected.remove(11)  # classes of the core are looked up in the core itself
    assert sorted(set(lines)) == expected


def _texts(tree):
    """(line, literal) of texts that are shown without going through ``_``."""
    for node in ast.walk(tree):
        values = []
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            values = [node.value] if node.targets[0].attr in SHOWN else []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SHOWING:
            values = node.args[:1]
        for value in values:
            parts = value.values if isinstance(value, ast.JoinedStr) else [value]
            for part in parts:
                text = part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ""
                if any(map(str.isalpha, re.sub(r"<[^>]*>|&\w+;", "", text))):
                    yield node.lineno, text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shown_texts_can_be_translated(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(_texts(tree)) == []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}: _() takes a plain literal"


def test_only_the_module_lies_at_the_top():
    assert [path.name for path in api_check.FOLDER.glob("*.py")] == ["TransferSeg.py"]


_IMPORT = """
import sys, time
sys.path.insert(0, {testing!r})
import host
host.install()
import numpy
sys.path.insert(0, {folder!r})
before = set(sys.modules)
start = time.process_time()  # not the clock on the wall: the machine may be busy
import TransferSeg
print(time.process_time() - start)
print(*sorted({{name.split(".")[0] for name in set(sys.modules) - before}}))
"""


@pytest.fixture(scope="module")
def import_of_module(tmp_path_factory):
    if host.missing():
        absent(host.missing())
    code = _IMPORT.format(testing=str(api.PROJECT / "Testing"), folder=str(api_check.FOLDER))
    times, names = [], set()
    compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    compiled["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("compiled"))
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], env=compiled, capture_output=True, text=True, check=True)
        seconds, found = done.stdout.splitlines()[-2:]
        times.append(float(seconds))
        names |= set(found.split())
    return min(times), names


@pytest.mark.alone
def test_importing_the_module_is_quick(import_of_module):
    print(f"import: {import_of_module[0] * 1000:.1f} ms")
    assert import_of_module[0] < QUICK


def test_importing_the_module_imports_nothing_heavy(import_of_module):
    assert not import_of_module[1] & set(HEAVY)
