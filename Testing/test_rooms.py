"""The frame: a room imports only rooms below it, and nothing heavy comes with a bare import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parent.parent / "TransferSegLib"
# Ground floor first (design.md).
FLOORS = (
    "errors",
    "events",
    "processes",
    "storage",
    "places",
    "imaging",
    "cases",
    "phantoms",
    "preparing",
    "networks",
    "packages",
    "strategies",
    "measuring",
    "inference",
    "training",
    "exporting",
    "level",
    "lesions",
    "reporting",
    "jobs",
    "worker",
    "cli",
)
FILES = sorted(LIBRARY.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms that a file imports, at its head or inside functions."""
    package = ("TransferSegLib", *path.relative_to(LIBRARY).parts[:-1])
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            names = [(*base, *(node.module or "").split("."))] if node.module else [(*base, n.name) for n in node.names]
            rooms |= {name[1] for name in names if len(name) > 1 and name[1]}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("TransferSegLib."):
            rooms.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            rooms |= {a.name.split(".")[1] for a in node.names if a.name.startswith("TransferSegLib.")}
    return rooms


def test_every_room_has_its_floor():
    rooms = {room_of(p) for p in FILES} - {"__init__", "__main__"}
    assert rooms <= set(FLOORS), rooms - set(FLOORS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(LIBRARY).as_posix())
def test_a_file_imports_only_rooms_below_its_own(path):
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    above = {r for r in imported_rooms(path) if r in FLOORS and FLOORS.index(r) > FLOORS.index(room)}
    assert not above, f"{path.name} in {room} imports {above}"


def test_no_slicer_or_qt_in_the_library():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not {n.split(".")[0] for n in names} & {"slicer", "qt", "ctk"}, path


@pytest.mark.parametrize("module", ["errors", "events", "imaging", "cases", "measuring", "cli.main"])
def test_light_rooms_do_not_bring_torch(module):
    code = f"import TransferSegLib.{module}, sys; sys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=LIBRARY.parent).returncode == 0


def test_no_prints_outside_the_command_line():
    for path in FILES:
        if room_of(path) in ("cli", "__main__") or path.name == "pretrain.py":
            continue
        calls = (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call))
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls), path
