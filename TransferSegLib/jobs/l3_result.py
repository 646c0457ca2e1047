"""What l3 knows about a scan, and as plain JSON types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..imaging.scan import Scan
from ..level.answer import Answer, Place
from ..level.confidence import told_confidence
from ..level.scan_mark import learned_sentence
from ..level.truth import TrueLevel
from .l3_slice import MeasuredSlice

if TYPE_CHECKING:
    from ..level.finding import LevelFound
    from ..level.findings import Finding


@dataclass
class Result:
    """All that is known about a scan; ``learned`` says whether the model learned from it (None: not known)."""

    scan: Scan | None
    answer: Answer
    model: str
    findings: tuple[Finding, ...] = ()
    found: LevelFound | None = None
    truth: TrueLevel | None = None
    measured: MeasuredSlice | None = None
    learned: bool | None = None
    device: str = "cpu"


def value_of(result: Result) -> dict[str, Any]:
    """The answer as plain JSON types."""
    answer, scan, place = result.answer, result.scan, result.answer.place
    value = {
        "answer": answer.answer,
        "level": answer.level,
        "model": result.model,
        "slice_index": None if place is None else place.slice_index,
        "slice_axis": None if scan is None else "ijk"[scan.axis],
        "slice_file": scan.files[place.slice_index] if place is not None and scan.files else None,
        "position_mm": None if place is None else _rounded(place.position_mm),
        "row": None if place is None or np.isnan(place.row) else round(place.row, 2),
        "confidence": None if answer.confidence is None else told_confidence(answer.confidence),
        "confidence_words": answer.words,
        "side": answer.side,
        "candidates": [_candidate(candidate) for candidate in answer.candidates],
        **told_measures(result),
        "message": answer.message,
        "training_case": result.learned,
        "notes": notes_of(result),
        "findings": [{"kind": f.kind, "sentence": f.sentence, "fatal": f.fatal} for f in result.findings],
    }
    if result.found is not None:
        located = result.found.located
        value |= {"correlation": round(located.correlation, 3), "spread_mm": round(
            located.spread_rows * result.found.projection.spec.row_mm, 2
        )}  # fmt: skip
    return value | _against_truth(result.truth, place)


def told_measures(result: Result) -> dict[str, Any]:
    """Areas, density and index as they are told: rounded here, once, for text, JSON and picture."""
    measures = (result.measured.measures if result.measured else None) or {}
    areas = measures.get("areas_cm2")
    return {
        "areas_cm2": None if areas is None else {name: _one(area) for name, area in areas.items()},
        "muscle_density_hu": _one(measures.get("muscle_density_hu")),
        "skeletal_muscle_index": _one(measures.get("skeletal_muscle_index")),
    }


def _against_truth(truth: TrueLevel | None, place: Place | None) -> dict[str, Any]:
    """The truth, and how far the answered slice lies from it."""
    if truth is None:
        return {"truth": None, "error_slices": None, "error_mm": None}
    told = {"slice_index": _one(truth.slice), "mm": _one(truth.mm), "where": truth.where or None}
    if place is None or truth.slice is None or truth.mm is None:
        return {"truth": told, "error_slices": None, "error_mm": None}
    slices, mm = abs(place.slice_index - truth.slice), abs(place.position_mm[2] - truth.mm)
    return {"truth": told, "error_slices": round(slices, 2), "error_mm": round(mm, 2)}


def notes_of(result: Result) -> list[str]:
    """What the reader should know besides the message."""
    notes = [learned_sentence(result.model)] if result.learned else []
    notes += result.scan.notes if result.scan is not None else ()
    if result.answer.answer == "given":  # of other answers the message tells them
        notes += [finding.sentence for finding in result.findings]
    notes += result.measured.notes if result.measured is not None else ()
    if result.found is not None and not result.found.calibrated:
        notes.append("The confidence was not calibrated for this model.")
    return notes


def _candidate(place: Place) -> dict[str, Any]:
    return {
        "slice_index": place.slice_index,
        "position_mm": _rounded(place.position_mm),
        "confidence": told_confidence(place.confidence),
    }


def _rounded(point: tuple[float, ...]) -> list[float]:
    return [round(float(value), 3) for value in point]


def _one(value: float | None) -> float | None:
    return None if value is None else round(float(value), 2)
