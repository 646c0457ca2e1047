"""What the L3 panel says: answers, confidence, tissues and numbers in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _

from .library_words import inOwnWords

FOUND, ABSENT, UNCERTAIN, REFUSED, GIVEN = "found", "not-in-view", "uncertain", "refused", "given"
"""Answers of the worker; ``given`` is a slice that a reader chose."""


def confidenceText(confidence: float | None, words: str = "") -> str:
    """A confidence (0 to 1) in words; ``words`` are the library's own."""
    if confidence is None:
        return ""
    said = inOwnWords(words) if words else _confidenceWord(confidence)
    return _("Confidence: {words} ({value}).").format(words=said.rstrip("."), value=f"{confidence:.2f}")


def _confidenceWord(confidence: float) -> str:
    if confidence >= 0.8:
        return _("high")
    return _("medium") if confidence >= 0.5 else _("low")


def answerText(record: Mapping[str, Any]) -> str:
    """The answer about a CT in a sentence or two."""
    level, answer = record.get("level") or "L3", record.get("answer")
    message = inOwnWords(str(record.get("message") or "")).strip()
    if answer == FOUND:
        return _("{level} is on slice {slice} of {volume}.").format(
            level=level, slice=record["index"], volume=record.get("volume", "")
        )
    if answer == GIVEN:
        return _("{level} was set to slice {slice} by hand.").format(level=level, slice=record["index"])
    if answer == ABSENT:
        return message or _("{level} is not in the field of view.").format(level=level)
    if answer == UNCERTAIN:
        return message or _("Uncertain: look at the candidates and choose one.")
    return message or _("This image cannot be used: choose a CT of the trunk.")


def title(answer: str, level: str = "L3") -> str:
    """The answer in a few words, for the head of the result."""
    titles = {
        FOUND: _("{level} found"),
        GIVEN: _("{level} set by hand"),
        ABSENT: _("{level} is not in view"),
        UNCERTAIN: _("{level} is uncertain"),
        REFUSED: _("Not answered"),
    }
    return titles.get(answer, answer).format(level=level)


def tissueName(key: str) -> str:
    """A tissue of the body composition as it is reported."""
    names = {
        "skeletal_muscle": _("Skeletal muscle"),
        "subcutaneous_fat": _("Subcutaneous fat"),
        "visceral_fat": _("Visceral fat"),
        "intermuscular_fat": _("Intermuscular fat"),
    }
    return names.get(key, key)


def numberRows(numbers: Mapping[str, Any]) -> list[tuple[str, float, str]]:
    """(what, value, unit) of what was measured on a slice; what could not be measured is left out."""
    rows = [(tissueName(key), float(value), _("cm²")) for key, value in numbers["areas_cm2"].items()]
    if numbers.get("muscle_density_hu") is not None:
        rows.append((_("Muscle density"), float(numbers["muscle_density_hu"]), _("HU")))
    if numbers.get("skeletal_muscle_index") is not None:
        rows.append((_("Skeletal muscle index"), float(numbers["skeletal_muscle_index"]), _("cm²/m²")))
    return rows


def movedText(index: int, found: int | None, mm: float) -> str:
    """Where the plane stands now, and how far from where the model put it."""
    here = _("Plane on slice {slice}").format(slice=index)
    if found is None or index == found:
        return here + "."
    return here + ", " + _("{n} from the model's ({mm} mm).").format(n=f"{index - found:+d}", mm=f"{mm:+.1f}")


def atSliceText(candidate: Mapping[str, Any]) -> str:
    """A candidate on its button."""
    confidence = candidate.get("confidence")
    text = _("Slice {slice}").format(slice=int(candidate["slice_index"]))
    return text if confidence is None else f"{text} ({float(confidence):.2f})"
