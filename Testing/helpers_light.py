"""What the tests of light versions share: a small teacher, options that keep it to seconds, answers of the verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers_cli import small_model

QUICK = {
    "distil": {"epochs": 1, "steps": 3, "patch": 32, "batch": 1},
    "prune": {"steps": 1, "patch": 16, "batch": 1, "batches": 1, "updates": 1, "last_updates": 1},
}
STUDENT = "unet2d-4-8"


def placeTeacher(name: str = "teacher") -> str:
    """A small model of one label among the user's; its name."""
    from TransferSegLib.packages import Label
    from TransferSegLib.places import models_folder

    if not (models_folder() / name).is_dir():
        small_model(models_folder() / name, labels=(Label(1, "lesion", 1),))
    return name


def lightFolder(name: str) -> Path:
    """Where the making of a light version keeps its runs."""
    from TransferSegLib.places import home

    return home() / "light" / name


def distilled(before: float | None = 0.7, after: float | None = 0.65) -> dict[str, Any]:
    """An answer of ``distill``."""
    scores = [None if dice is None else {"mean": {"dice": dice}} for dice in (before, after)]
    return {
        "before": scores[0],
        "after": scores[1],
        "sizes": {"teacher": 125_229, "student": 1753},
        "held_out": ["p3"],
        "message": "a student of 1,753 parameters",
        "notes": [],
        "report": "/runs/report.pdf",
    }


def pruned(dice: float = 0.6) -> dict[str, Any]:
    """An answer of ``prune``, with a control at random."""
    rows = [
        {"criterion": kind, "step": step, "kept": 1 - step / 2, "parameters": count, "dice": value, "cases": 1}
        for kind, last in (("taylor", dice), ("random", 0.1))
        for step, count, value in ((0, 1753, 0.65), (1, 532, last))
    ]
    return {"curve": rows, "message": "Before: more. After: less.", "picture": "/runs/curve.png"}


def exported(path: Path, *, int8: bool) -> dict[str, Any]:
    """An answer of ``models export``."""
    found = {"dice_float": 0.6, "dice_int8": 0.598, "cases": ["p3"], "calibrated_on": ["p1"]} if int8 else None
    return {"path": str(path), "bytes": 15_458, "checked_windows": 4, "int8": found}


def measured(seconds: float) -> dict[str, Any]:
    """An answer of ``models measure``."""
    size = {"parameters": 1000, "macs": 4_640_000_000, "seconds": seconds, "peak_mb": 347.0}
    return {"name": "x", "path": "x", "size": size}
