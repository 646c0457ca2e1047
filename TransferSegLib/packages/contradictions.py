"""What cannot be of a card, as far as a JSON schema cannot say it, part by part."""

from __future__ import annotations

import math
from typing import Any

from ..cases import of_pictures
from ..preparing import CONTRASTS, DENOISERS
from .inputs import CT, PETCT, PICTURE


def composed_contradiction(data: dict[str, Any]) -> str | None:
    """What cannot be of several networks in one package."""
    single = data["out_channels"] == 2 and data.get("output", "softmax") == "softmax" and len(data["labels"]) == 1
    if not single:
        return "card.refiner and the linear combination are for one label of a softmax"
    refiner = data.get("refiner")
    if not refiner:
        return None
    if data.get("normalisation") != PETCT:
        return "card.refiner is for PET/CT only"
    window = refiner.get("window")
    sizes = isinstance(window, (list, tuple)) and len(window) == 3 and all(isinstance(n, int) for n in window)
    if not isinstance(refiner.get("network"), str) or not isinstance(refiner.get("arguments", {}), dict):
        return "card.refiner names no network and arguments"
    if not sizes or min(window) < 16 or not 0 <= refiner.get("overlap", 0.5) < 1:
        return "card.refiner.window is not three sizes of at least 16, or its overlap not from 0 to below 1"
    return None


def level_contradiction(data: dict[str, Any]) -> str | None:
    """The same for a model that finds a vertebral level."""
    projection = data.get("projection", {})
    views, hu = projection.get("views"), projection.get("hu")
    if not isinstance(views, (list, tuple)) or not views or not set(views) <= {"frontal", "lateral"}:
        return "card.projection.views names no frontal or lateral view"
    if len(set(views)) != len(views) or data["in_channels"] != len(views):
        return f"card.in_channels is {data['in_channels']} but there are {len(views)} views"
    if not isinstance(hu, (list, tuple)) or len(hu) != 2 or not all(isinstance(v, (int, float)) for v in hu):
        return "card.projection.hu is not two numbers"
    if hu[0] >= hu[1]:
        return f"card.projection.hu is {hu}, the first must be below the second"
    if projection.get("evaluation") not in ("dense", "windows"):
        return "card.projection.evaluation is neither dense nor windows"
    if not isinstance(projection.get("step"), int) or projection["step"] < 1:
        return "card.projection.step is not a number of rows"
    if len(data.get("window", ())) != 2 or len(data.get("spacing", ())) != 2 or min(data["spacing"]) <= 0:
        return "card.window or card.spacing is not (rows, width) of a projection"
    return None if list(data["roles"]) == ["ct"] else "card.roles of a level model is not ct"


def intensity_contradiction(data: dict[str, Any]) -> str | None:
    """What cannot be of a card's ``intensities``."""
    kind, found = data.get("normalisation"), data.get("intensities") or {}
    if kind not in (CT, PICTURE):
        return "card.intensities is for the normalisations ct and picture" if found else None
    for name in ("mean", "sd"):
        numbers = found.get(name)
        if not isinstance(numbers, (list, tuple)) or not all(_is_finite(n) for n in numbers):
            return f"card.intensities.{name} is not a list of numbers"
        if len(numbers) != data["in_channels"] or (name == "sd" and min(numbers) <= 0):
            return f"card.intensities.{name} is not one number a channel (an SD above 0)"
    if kind == PICTURE:
        return None
    window = found.get("window")
    if not isinstance(window, (list, tuple)) or len(window) != 2 or not all(_is_finite(v) for v in window):
        return "card.intensities.window is not two numbers in HU"
    if window[0] >= window[1]:
        return f"card.intensities.window is {list(window)}, the first must be below the second"
    for name, known in (("denoise", DENOISERS), ("contrast", CONTRASTS)):
        if found.get(name, "none") not in known:
            return f"card.intensities.{name} is {found[name]!r}, expected one of {', '.join(known)}"
    return None


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def slice_contradiction(data: dict[str, Any]) -> str | None:
    """What cannot be of a model that works on slices (a window of two sizes), or of one that does not."""
    sizes, spacing = len(data.get("window", (0, 0, 0))), len(data.get("spacing", (0, 0, 0)))
    if sizes not in (2, 3) or spacing not in (2, 3) or (sizes == 3 and spacing == 2):
        return "card.window and card.spacing are not of two or three axes alike"
    if sizes == 2 and data.get("axes", "kji") != "kji":
        return "card.axes of a model that works on slices is not kji"
    if sizes == 3 and of_pictures(data["roles"]):
        return "card.window has three sizes, a picture has two"
    return None


def size_contradiction(data: dict[str, Any]) -> str | None:
    """What cannot be of a card's ``sizes``."""
    for number, size in enumerate(data.get("sizes", ())):
        peak = size["peak_mb"]
        if peak is not None and (not isinstance(peak, (int, float)) or isinstance(peak, bool) or peak < 0):
            return f"card.sizes[{number}].peak_mb is {peak!r}, expected a number from 0, or null"
        if size["macs_window"] > size["macs"]:
            return f"card.sizes[{number}] has more operations in a window than in the case"
    return None
