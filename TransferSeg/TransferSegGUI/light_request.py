"""What a light version is made of: the steps that are asked for, the new models' names, and why it cannot be made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from .models import LEVEL, SEGMENTATION, ModelInfo
from .new_name import nameProblem, proposedName

DISTIL, PRUNE, EXPORT = "distil", "prune", "export"

# Modules that a step imports, and what brings them into Slicer's Python; Slicer has neither.
NEEDED = {PRUNE: ("torch_pruning", "torch-pruning"), EXPORT: ("onnxruntime", "onnx onnxscript onnxruntime")}


@dataclass(frozen=True)
class LightRequest:
    """A light version that is to be made of a model.

    Attributes
    ----------
    model, task : str
        Its name and what it does.
    student : str
        A network, or a model that is taught further; empty for the model itself, which is not taught.
    names : {step: name}
        Of the models that ``distil`` and ``prune`` make.
    data : str
        Folder of cases with truths (or a level model's CSV); empty where cases of the Adapt panel are collected.
    collected : bool
    unlabelled : str
        Folder of cases without truths, or empty.
    heldOut : list of str or None
        Ids of the cases that are only scored; None: a fifth of the patients from five cases on.
    keep : float or None
        Share of the maps that pruning keeps; None: no pruning.
    onnx : str
        File to export to, or empty; ``int8``: in 8 bits.
    measure : bool
        Measure the model and the new ones on this computer.
    labelMap : {label of the truths: label of the model or "none"}
    options : {step: {option: value}}
        Further options of the verbs.
    """

    model: str
    task: str = SEGMENTATION
    student: str = ""
    names: dict[str, str] = field(default_factory=dict)
    data: str = ""
    collected: bool = False
    unlabelled: str = ""
    heldOut: list[str] | None = None
    keep: float | None = None
    onnx: str = ""
    int8: bool = False
    measure: bool = True
    device: str = "auto"
    labelMap: dict[str, str] = field(default_factory=dict)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[str, ...]:
        """What is done, in order, measuring apart."""
        asked = {DISTIL: bool(self.student), PRUNE: self.keep is not None, EXPORT: bool(self.onnx)}
        return tuple(step for step, wanted in asked.items() if wanted)

    @property
    def needsCases(self) -> bool:
        """Whether cases with truths are needed."""
        return bool(self.student) or self.keep is not None or (bool(self.onnx) and self.int8)

    @property
    def needsHeldOut(self) -> bool:
        """Whether a step cannot do without cases that are only scored."""
        return self.keep is not None or (bool(self.onnx) and self.int8)

    def toJson(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def lightNames(request: LightRequest, taken: Collection[str], first: str = "") -> dict[str, str]:
    """Free names for the models that a request makes: ``{"distil": "ms-light", "prune": "ms-light-pruned"}``.

    ``first`` is what the user wants the first one to be called.
    """
    names: dict[str, str] = {}
    if request.student:
        names[DISTIL] = first or proposedName(request.model, "light", taken)
    if request.keep is not None:
        base = names.get(DISTIL, request.model)
        own = first if not names else ""
        names[PRUNE] = own or proposedName(base, "pruned", {*taken, *names.values()})
    return names


def whyNotLight(info: ModelInfo, request: LightRequest, taken: Collection[str]) -> str | None:
    """Why a light version cannot be made so, in a plain sentence; None when nothing that is known speaks against it."""
    if not request.steps:
        return _("Choose a student, or tick pruning or the export.")
    problem = _whyNotStudent(info, request) or _whyNotItself(info, request) or _whyNotExport(info, request)
    if problem is not None:
        return problem
    if request.keep is not None and not 0 < request.keep < 1:
        return _("Pruning keeps more than nothing and less than all: choose 1 to 99 %.")
    for name in request.names.values():
        if (problem := nameProblem(name, taken)) is not None:
            return f"{name}: {problem}"
    return whyNotInstalled(request) or _whyNotData(request)


def whyNotDistil(info: ModelInfo) -> str | None:
    """Why a model teaches no student, else None."""
    if info.card.task == LEVEL:
        text = _("{name} gives no outlines, which a student learns from; it can be pruned and exported.")
        return text.format(name=info.name)
    return None


def whyNotInstalled(request: LightRequest) -> str | None:
    """What Slicer's Python lacks for a step, and how to add it."""
    import importlib.util

    titles = {PRUNE: _("Pruning"), EXPORT: _("The export to ONNX")}
    for step, (module, packages) in NEEDED.items():
        if step in request.steps and importlib.util.find_spec(module) is None:
            text = _(
                "{step} needs packages that Slicer lacks; in the Python console: slicer.util.pip_install('{names}')."
            )
            return text.format(step=titles[step], names=packages)
    return None


def _whyNotStudent(info: ModelInfo, request: LightRequest) -> str | None:
    if not request.student:
        return None
    if info.card.task != SEGMENTATION:
        return whyNotDistil(info)
    from TransferSegLib.errors import UsageError
    from TransferSegLib.networks import network_spec
    from TransferSegLib.packages import is_student, student_networks

    try:
        spec = network_spec(request.student)
    except UsageError:
        return None  # a model that is taught further: the verb looks whether it fits
    if is_student(spec, info.card):
        return None
    names = ", ".join(one.name for one in student_networks(info.card))
    text = _("{student} cannot be taught by {name}; choose one of {names}.")
    return text.format(student=request.student, name=info.name, names=names)


def _whyNotItself(info: ModelInfo, request: LightRequest) -> str | None:
    """What stands against pruning the model itself; a student is always one network that can be pruned."""
    if request.student or request.keep is None or info.card.task == LEVEL:
        return None
    if info.card.composed:
        return _("{name} is several networks in one, which cannot be pruned: choose a student.").format(name=info.name)
    if info.card.output == "sigmoid" and info.card.out_channels > 1:
        return _("{name} gives overlapping regions, which pruning does not keep: choose a student.").format(
            name=info.name
        )
    return None


def _whyNotExport(info: ModelInfo, request: LightRequest) -> str | None:
    if not request.onnx:
        return _("8 bits go with the export to ONNX only.") if request.int8 else None
    if not request.onnx.lower().endswith(".onnx"):
        return _("Let the exported file's name end with .onnx.")
    if not Path(request.onnx).parent.is_dir():
        return _("There is no folder {folder} to export to.").format(folder=Path(request.onnx).parent)
    if request.int8 and info.card.task == LEVEL:
        return _("8 bits are measured by Dice, which {name} has not: untick them.").format(name=info.name)
    if not request.student and info.card.refiner:
        return _("{name} works in two stages, which one ONNX file does not hold: choose a student.").format(
            name=info.name
        )
    return None


def _whyNotData(request: LightRequest) -> str | None:
    for path in (request.data, request.unlabelled):
        if path and not Path(path).exists():
            return _("{path} is not there; choose another.").format(path=path)
    if not request.needsCases or request.data or request.collected:
        return None
    if request.task == LEVEL:
        return _("Choose the CSV of scans and levels to prune by.")
    return _("Choose the folder of cases with truths.")


def fromJson(values: Mapping[str, Any]) -> LightRequest:
    """What ``toJson`` gave."""
    return LightRequest(**{name: values[name] for name in LightRequest.__dataclass_fields__ if name in values})
