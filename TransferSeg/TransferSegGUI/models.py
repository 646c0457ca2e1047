"""Models as a chooser shows them: what each needs, gives, where it came from, how long it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from . import wording
from .light_models import distilledFrom
from .size_words import sizeSentence
from .timings import timeSentence

SEGMENTATION, LEVEL = "segmentation", "level"
"""Tasks of models: outline structures, find a vertebral level."""


@dataclass(frozen=True)
class ModelInfo:
    """One model.

    Attributes
    ----------
    name : str
    roles : tuple of str
        In the order of the card; the reference role is ``card.reference``.
    labels : tuple of card labels
        With ``value, name, colour, terminology, aliases``; empty where the model cannot be read.
    card : Card or None
    folder : Path
    source : str
        ``shipped``, ``user`` or ``registered`` (lies elsewhere).
    offered, available : bool
        Whether choosers propose it; whether it can be used.
    problem : str
        Why it cannot be used, in one line.
    needs, gives : str
        "FLAIR, T1, T1 with contrast, T2"; "tumour, necrosis, oedema, scar".
    origin : str
        Two sentences: what it was trained on, what it was measured on.
    citation, timing : str
        How to cite it; the time measured on this computer, or that there is none yet.
    sizes : tuple of SizeRecord
        What computers needed for its standard case, newest first; ``size`` is that in words.
    weightBytes : int
        Size of its file of weights.
    """

    name: str
    roles: tuple[str, ...]
    labels: tuple[Any, ...]
    card: Any = field(repr=False)
    folder: Path = field(repr=False)
    source: str
    offered: bool
    available: bool
    problem: str = ""
    needs: str = ""
    gives: str = ""
    origin: str = ""
    citation: str = ""
    timing: str = ""
    size: str = ""
    sizes: tuple[Any, ...] = ()
    weightBytes: int = 0


def listModels() -> list[ModelInfo]:
    """All models, those that are offered first, those that cannot be used last.

    Panels ask often: as long as no card changed on disk the last answer holds.
    """
    from TransferSegLib.packages import list_models

    stamp = _stamp()
    if _last.get("stamp") != stamp:
        found = [_info(entry) for entry in list_models()]
        _last.update(stamp=stamp, models=sorted(found, key=lambda info: (not info.offered, not info.available)))
    return list(_last["models"])


def findModel(name: str) -> ModelInfo:
    """A model that can be used, by name; ``UsageError`` that says why not, or lists what there is."""
    found = listModels()
    rivals = [info for info in found if info.name == name]
    usable = [info for info in rivals if info.available]
    if len(usable) == 1:
        return usable[0]
    if usable:
        folders = ", ".join(str(info.folder) for info in usable)
        text = _("{n} models are called {name} ({folders}); delete all but one of them.")
        raise wording.problem(text.format(n=len(usable), name=name, folders=folders))
    if rivals:
        raise wording.problem(_("{name} cannot be used: {problem}").format(name=name, problem=rivals[0].problem))
    names = ", ".join(info.name for info in found if info.available)
    raise wording.problem(_("There is no model {name}; choose one of {names}.").format(name=name, names=names))


def whyNotHere(info: ModelInfo) -> str | None:
    """Why the panel cannot run this model (another task than segmentation), else None."""
    if info.card.task != SEGMENTATION:
        return _("{name} is no model for segmentation; choose another.").format(name=info.name)
    return None


def levelOf(info: ModelInfo | None) -> str:
    """The level that a model finds, as it is written on buttons; L3, the tab's name, where there is none.

    Example
    -------
    >>> levelOf(findModel("l3-cnn4-phantom"))
    'L3'
    """
    return (info.card.level if info is not None and info.card is not None else "") or "L3"


def isFor(info: ModelInfo, task: str) -> bool:
    """Whether a chooser for a task shows this model; one that cannot be read is shown among those for segmentation."""
    return (info.card.task if info.card is not None else SEGMENTATION) == task


def isPet(info: ModelInfo) -> bool:
    """Whether a model finds lesions in PET (with CT): the PET/CT tab runs it, which knows units."""
    return info.card is not None and info.card.task == SEGMENTATION and "pet" in info.roles


def strategiesFor(modelName: str | None) -> list[str]:
    """The names of the strategies that mean something for a model; starting from nothing comes last."""
    from TransferSegLib.strategies import strategy, strategy_names

    names = [name for name in strategy_names() if ":" not in name]
    if modelName is not None and any(i.name == modelName and i.card and i.card.task == LEVEL for i in listModels()):
        names = [name for name in names if "decoder" not in strategy(name).frozen_halves]  # it has none
    return sorted(names, key=lambda name: name == "scratch")


_last: dict[str, Any] = {}


def _stamp() -> tuple:
    """What changes when a model comes, goes or is changed, or when a time was measured."""
    from TransferSegLib.packages import shipped_folder, sizes_file
    from TransferSegLib.places import home, models_folder, registered_folders

    roots = [root for root in (shipped_folder(), models_folder()) if root.is_dir()]
    folders = [*(folder for root in roots for folder in sorted(root.iterdir())), *registered_folders()]
    files = [home() / "timings.json", sizes_file()]
    files += [folder / name for folder in folders for name in ("configs/metadata.json", "models/model.pt")]
    return tuple((str(file), _state(file)) for file in files)


def _state(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _info(entry: Any) -> ModelInfo:
    from TransferSegLib.packages import sizes_of

    card = entry.package.card if entry.package is not None else None
    if card is None:
        return ModelInfo(entry.name, (), (), None, entry.folder, entry.source, False, False, entry.problem)
    sizes, weights = sizes_of(entry.package), _state(entry.package.weights)
    return ModelInfo(
        name=entry.name,
        roles=tuple(card.roles),
        labels=tuple(card.labels),
        card=card,
        folder=entry.folder,
        source=entry.source,
        offered=entry.offered,
        available=True,
        needs=", ".join(wording.roleName(role) for role in card.roles),
        gives=_gives(card),
        origin=f"{_trainedOn(card)} {_measuredOn(card)}",
        citation=card.citation,
        timing=timeSentence(entry.name, card.weights_sha256),
        size=sizeSentence(sizes),
        sizes=sizes,
        weightBytes=weights[1] if weights else 0,
    )


def _gives(card: Any) -> str:
    if card.task == LEVEL:
        return _("the slice at {level}").format(level=card.level)
    return ", ".join(label.name for label in card.labels)


def _trainedOn(card: Any) -> str:
    origin = card.origin
    source, cases = origin.get("source"), origin.get("cases")
    if source and isinstance(cases, int) and not distilledFrom(card):
        one, many = (
            _("Adapted from {source} on one case ({strategy})"),
            _("Adapted from {source} on {n} cases ({strategy})"),
        )
        text = one if cases == 1 else many
        return _sentence(text.format(source=source, n=cases, strategy=origin.get("strategy", "")))
    text = origin.get("text")
    return _sentence(str(text)) if text else _("What it was trained on is not known.")


def _measuredOn(card: Any) -> str:
    texts = [str(entry["text"]) for entry in card.measured_on if entry.get("text")]
    if not texts:
        return _("It was not measured on cases that it had not seen.")
    return _sentence(_("Measured: {what}").format(what=texts[-1]))


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    return (text[:1].upper() + text[1:]).rstrip(".") + "."
