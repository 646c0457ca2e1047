"""A light version beside the model it was made of: the numbers of the verbs, a column a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from .library_words import inOwnWords
from .light_request import DISTIL, EXPORT, PRUNE, LightRequest
from .models import LEVEL
from .wording import counted

SOURCE = "source"


@dataclass
class LightColumn:
    """One model or file; what was not measured is None.

    ``kind`` is ``source distil prune export``; ``seconds, peakMb`` are of its standard case on this computer,
    ``macs`` multiply-accumulates of it, ``bytes`` those of its file, ``score`` the mean Dice of ``cases`` held-out
    cases (millimetres of error where a level is found).
    """

    kind: str
    name: str
    parameters: int | None = None
    macs: int | None = None
    seconds: float | None = None
    peakMb: float | None = None
    bytes: int | None = None
    score: float | None = None
    cases: int = 0


@dataclass
class LightResult:
    """How it ended.

    ``made`` is the name of the last new model (empty where only a file was written), ``models`` all of them in order,
    ``messages`` what the verbs say, ``report`` the file to show; ``values`` are the verbs' whole answers by step.
    """

    model: str
    task: str
    columns: list[LightColumn]
    messages: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    onnx: str = ""
    report: str = ""
    values: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def made(self) -> str:
        """The name of the last new model."""
        return self.models[-1] if self.models else ""


def lightResult(
    request: LightRequest, folders: Mapping[str, Path], values: Mapping[str, Any], sizes: Mapping[str, dict]
) -> LightResult:
    """Put the answers together.

    Parameters
    ----------
    folders : {step or "source": folder of the package}
    values : {step: the verb's answer}
    sizes : {step or "source": the size record that measuring found}
    """
    columns = {SOURCE: LightColumn(SOURCE, request.model)}
    columns |= {kind: LightColumn(kind, request.names[kind]) for kind in (DISTIL, PRUNE) if kind in values}
    for kind, column in columns.items():
        column.bytes = _bytesOf(folders[kind])
    _addScores(columns, values)
    for kind, size in sizes.items():
        if kind in columns:
            column = columns[kind]
            column.parameters, column.macs = size["parameters"], size["macs"]
            column.seconds, column.peakMb = size["seconds"], size["peak_mb"]
    models = [request.names[kind] for kind in (DISTIL, PRUNE) if kind in values]
    if EXPORT in values:
        columns[EXPORT] = _exported(values[EXPORT], list(columns.values())[-1])
    texts = [inOwnWords(values[kind]["message"]) for kind in (DISTIL, PRUNE) if kind in values]
    texts += [inOwnWords(note) for note in values.get(DISTIL, {}).get("notes", ())]
    texts += [exportText(values[EXPORT])] if EXPORT in values else []
    report = values.get(DISTIL, {}).get("report") or values.get(PRUNE, {}).get("picture") or ""
    onnx = values.get(EXPORT, {}).get("path", "")
    return LightResult(request.model, request.task, list(columns.values()), texts, models, onnx, report, dict(values))


def _addScores(columns: dict[str, LightColumn], values: Mapping[str, Any]) -> None:
    """Scores and parameters as the verbs give them."""
    if DISTIL in values:
        value = values[DISTIL]
        pairs = ((SOURCE, "teacher", "before"), (DISTIL, "student", "after"))
        for kind, who, when in pairs:
            columns[kind].parameters = value["sizes"][who]
            if value[when] is not None:
                _score(columns[kind], value[when]["mean"]["dice"], len(value["held_out"]))
    if PRUNE in values:
        curve = values[PRUNE]["curve"]
        own = [row for row in curve if row["criterion"] == curve[0]["criterion"]]
        for column, row in ((columns.get(DISTIL, columns[SOURCE]), own[0]), (columns[PRUNE], own[-1])):
            column.parameters = row["parameters"]
            if column.score is None:
                level = "error_mm" in row
                _score(column, row["error_mm" if level else "dice"], row["scans" if level else "cases"])
    found = values.get(EXPORT, {}).get("int8")
    exported = list(columns.values())[-1]
    if found and exported.score is None:
        _score(exported, found["dice_float"], len(found["cases"]))


def _score(column: LightColumn, score: float | None, cases: int) -> None:
    column.score, column.cases = score, cases if score is not None else 0


def _exported(value: Mapping[str, Any], source: LightColumn) -> LightColumn:
    """The file: the same network, other numbers in it where they have 8 bits."""
    column = LightColumn(EXPORT, Path(value["path"]).name, source.parameters, source.macs, bytes=value["bytes"])
    if value.get("int8"):
        _score(column, value["int8"]["dice_int8"], len(value["int8"]["cases"]))
    return column


def exportText(value: Mapping[str, Any]) -> str:
    """What was exported, in a sentence."""
    name = Path(value["path"]).name
    text = _("{file} was written and gives the same labels as the model in {n} windows.")
    found = value.get("int8")
    if found:
        text = _("{file} was written in 8 bits: mean Dice {after} instead of {before} on {cases}.")
        cases = counted(len(found["cases"]), _("1 held-out case"), _("{n} held-out cases"))
        dice = {"before": f"{found['dice_float']:.4f}", "after": f"{found['dice_int8']:.4f}", "cases": cases}
        return text.format(file=name, **dice)
    return text.format(file=name, n=value["checked_windows"])


def scoreTitle(task: str) -> str:
    """What ``score`` is."""
    return _("Mean error") if task == LEVEL else _("Mean Dice")


def _bytesOf(folder: Path) -> int | None:
    try:
        return (Path(folder) / "models" / "model.pt").stat().st_size
    except OSError:
        return None
