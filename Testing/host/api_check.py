"""Reads the module's source and finds uses of Slicer, Qt and CTK that the real application does not have."""

from __future__ import annotations

import ast
import functools
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from . import api
from .signatures import wrong_call

MODULES = ("util", "packaging", "i18n", "parameterNodeWrapper", "ScriptedLoadableModule")
QT_BEYOND_THE_LIST = ("QUiLoader", "QFileInfo", "QLocale", "QDateTime")
"""Qt classes that Slicer's own scripts use though the list of members leaves them out."""
FOLDER = api.PROJECT / "TransferSeg"


def dotted(node: ast.expr) -> str | None:
    """``slicer.app.layoutManager().sliceWidget()`` as text; None for other expressions."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else None
    if isinstance(node, ast.Call):
        base = dotted(node.func)
        return f"{base}()" if base else None
    return None


@functools.cache
def widgets_of_ui_files() -> dict[str, set[str]]:
    """Name of a widget in the .ui files to its classes."""
    found: dict[str, set[str]] = {}
    for path in sorted((FOLDER / "Resources" / "UI").glob("*.ui")):
        for widget in ElementTree.parse(path).iter("widget"):
            found.setdefault(widget.get("name"), set()).add(widget.get("class"))
    return found


def listed(class_name: str) -> str | None:
    """``QLabel`` to ``qt.QLabel``, ``ctkComboBox`` to ``ctk.ctkComboBox``; None for a class that is not real."""
    return next((r + class_name for r in ("qt.", "ctk.", "slicer.") if api.members(r + class_name) is not None), None)


def known_type(text: str) -> str | None:
    """The listed object behind a text such as ``slicer.app.layoutManager()`` or ``qt.QLabel()``."""
    special = {"slicer.app.layoutManager().sliceWidget()": 'slicer.app.layoutManager().sliceWidget("Red")'}
    special["slicer.app.layoutManager().sliceWidget().sliceLogic()"] = special[next(iter(special))] + ".sliceLogic()"
    text = special.get(text, text)
    if api.members(text) is not None:
        return text
    if text.endswith("()") and text.count("(") == 1:
        return text[:-2] if api.members(text[:-2]) is not None else None
    return None


class Finder(ast.NodeVisitor):
    """Collects what is wrong in one file, as ``file:line text``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.types: dict[str, str] = {}
        self.visit(ast.parse(path.read_text(encoding="utf-8")))

    def report(self, node: ast.AST, text: str) -> None:
        """Note a problem."""
        self.problems.append(f"{self.path.relative_to(api.PROJECT)}:{node.lineno} {text}")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Types of local names are forgotten at the end of their function."""
        before = dict(self.types)
        self.generic_visit(node)
        self.types = before | {k: v for k, v in self.types.items() if k.startswith("self.")}

    def visit_Assign(self, node: ast.Assign) -> None:
        """Remember ``label = qt.QLabel()`` and ``self.label = ...``."""
        self.generic_visit(node)
        kind = known_type(dotted(node.value) or "") if isinstance(node.value, ast.Call) else None
        for target in node.targets:
            name = dotted(target) if isinstance(target, (ast.Name, ast.Attribute)) else None
            if name:
                self.types.pop(name, None)
                if kind:
                    self.types[name] = kind

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """``from slicer.util import x``."""
        room, _, sub = (node.module or "").partition(".")
        for alias in node.names if room == "slicer" and not node.level else []:
            if sub and api.signature(f"slicer.{sub}.{alias.name}") is None:
                self.report(node, f"slicer.{sub} has no {alias.name}")
            elif not sub:
                self.check_slicer(node, alias.name)

    def visit_Call(self, node: ast.Call) -> None:
        """Arguments of Slicer's Python helpers."""
        self.generic_visit(node)
        name = dotted(node.func) or ""
        if name == "isinstance" and (dotted(node.args[1]) or "").startswith(("qt.", "ctk.", "slicer.q")):
            self.report(node, "isinstance is False in PythonQt for an object of a derived class")
        if name.startswith(tuple(f"slicer.{m}." for m in MODULES)) and "()" not in name:
            wrong = wrong_call(name, node)
            if wrong:
                self.report(node, f"{name} {wrong}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Every ``a.b``."""
        self.generic_visit(node)
        base, member = dotted(node.value), node.attr
        if base is None:
            return
        if base == "slicer":
            self.check_slicer(node, member)
        elif base in ("qt", "ctk"):
            if api.members(f"{base}.{member}") is None and member not in QT_BEYOND_THE_LIST:
                self.report(node, f"{base} has no {member}, or the list of members does not know it")
        elif base.startswith("slicer.") and base[7:] in MODULES:
            if api.signature(f"{base}.{member}") is None:
                self.report(node, f"{base} has no {member}")
        else:
            self.check_member(node, base, member)

    def check_slicer(self, node: ast.AST, member: str) -> None:
        """``slicer.member``: a class of the real core, a widget, or one of the application's objects."""
        if member.startswith("vtk"):
            core = _core()
            if core is not None and not hasattr(core, member):
                self.report(node, f"slicer has no {member}")
        elif member.startswith("q"):
            if api.members(f"slicer.{member}") is None:
                self.report(node, f"slicer has no {member}")
        elif member not in (*MODULES, "app", "mrmlScene", "modules", "selfTests"):
            self.report(node, f"slicer has no {member}")

    def check_member(self, node: ast.AST, base: str, member: str) -> None:
        """A member of an object whose class is known."""
        kinds = {self.types.get(base) or known_type(base)} - {None}
        parts = base.split(".")
        if len(parts) > 1 and parts[-2] in ("ui", "_ui"):
            kinds = {listed(class_name) for class_name in widgets_of_ui_files().get(parts[-1], ())} - {None}
            if parts[-1] not in widgets_of_ui_files():
                self.report(node, f"no .ui file has a widget {parts[-1]}")
        for kind in kinds:
            if not api.offers(kind, member):
                self.report(node, f"{kind} has no {member}")
        if base.startswith("slicer.vtk") and "(" not in base and base.count(".") == 1:
            kind = getattr(_core(), base[7:], None)
            if kind is not None and not hasattr(kind, member):
                self.report(node, f"{base} has no {member}")


@functools.cache
def _core() -> Any:
    try:
        import slicer
    except ImportError:
        return None
    return slicer


def source_files() -> list[Path]:
    """All Python files that Slicer runs."""
    return sorted(FOLDER.rglob("*.py"))


def ui_problems(path: Path) -> list[str]:
    """Widget classes and properties of a .ui file that the real application does not have."""
    tree = ElementTree.parse(path)
    declared = {entry.findtext("class") for entry in tree.iter("customwidget")}
    problems = []
    for widget in tree.iter("widget"):
        kind = widget.get("class")
        name = listed(kind)
        if name is None:
            problems.append(f"{path.name}: no class {kind}")
            continue
        if not name.startswith("qt.") and kind not in declared:
            problems.append(f"{path.name}: {kind} is not among its custom widgets")
        for entry in widget.findall("property"):
            if entry.get("stdset") != "0" and not api.offers(name, entry.get("name")):
                problems.append(f"{path.name}: {name} has no property {entry.get('name')} ({widget.get('name')})")
    return problems
