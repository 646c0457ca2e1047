"""The picture of an l3 answer, from what the job knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..level.answer import Answer, at
from ..level.confidence import told_confidence
from ..measuring.body_composition import TISSUES
from ..preparing.projection import Projection, ProjectionSpec, project
from ..reporting import palette
from ..reporting.level_picture import FOUND_LINE, TRUTH_LINE, HeightLine, LevelView, save_level_picture
from .l3_result import notes_of, told_measures

if TYPE_CHECKING:
    from .l3_result import Result

MARGIN_MM = 12.0
COLOURS = {1: palette.TUMOUR, 2: palette.NECROSIS, 3: palette.OEDEMA, 4: palette.SCAR}
NAMES = {"skeletal_muscle": "muscle", "subcutaneous_fat": "subcutaneous fat", "visceral_fat": "visceral fat",
         "intermuscular_fat": "intermuscular fat"}  # fmt: skip


def save_answer(path: str | Path, result: Result, *, title: str) -> None:
    """Draw an answer; without a scan that could be read there is only text."""
    projection = _projection(result)
    axial = result.measured
    box = None if axial is None else _box(axial.labels, axial.axial.spacing)
    place = result.answer.place
    view = LevelView(
        views=_cropped(projection),
        row_mm=projection.spec.row_mm,
        lines=_lines(result, projection),
        agreement=_agreement(result, projection),
        hu=None if axial is None else axial.axial.hu[box],
        labels=None if axial is None else axial.labels[box],
        spacing=(1.0, 1.0) if axial is None else axial.axial.spacing,
        axial_title="" if place is None else f"slice {at(place)}",
        tissues=_tissues(result),
        figures=_figures(result),
        headline=_headline(result.answer),
        text=_text(result),
        title=title,
    )
    save_level_picture(path, view)


def _projection(result: Result) -> Projection:
    """Both views; the model's own where it has both."""
    spec = ProjectionSpec(views=("frontal", "lateral"))
    if result.found is not None:
        made = result.found.projection
        if set(made.spec.views) == {"frontal", "lateral"}:
            return made
        spec = replace(made.spec, views=("frontal", "lateral"))
    return project(result.scan, spec)


def _cropped(projection: Projection) -> list[tuple[str, np.ndarray]]:
    """The views without the empty columns beside the body."""
    margin = round(MARGIN_MM / projection.spec.row_mm)
    views = []
    for name, pixels in sorted(zip(projection.spec.views, projection.pixels), key=lambda view: view[0]):
        columns = np.flatnonzero((pixels > 0.02).any(axis=0))
        first, last = (columns[0], columns[-1]) if len(columns) else (0, pixels.shape[1] - 1)
        views.append((name, pixels[:, max(first - margin, 0) : last + margin + 1]))
    return views


def _box(labels: np.ndarray, spacing: tuple[float, float]) -> tuple[slice, slice]:
    """The labelled part of a slice with a margin; all of it where nothing is labelled."""
    if not labels.any():
        return (slice(None), slice(None))
    box = []
    for axis, step in enumerate(spacing):
        filled, margin = np.flatnonzero(labels.any(axis=1 - axis)), round(MARGIN_MM / step)
        box.append(slice(max(int(filled[0]) - margin, 0), int(filled[-1]) + margin + 1))
    return tuple(box)


def _lines(result: Result, projection: Projection) -> list[HeightLine]:
    """The answer's line, the candidates dashed, and the truth."""
    answer, lines = result.answer, []
    for candidate in answer.candidates:
        row = projection.row_of_slice(candidate.slice_index)
        solid = answer.answer in ("found", "given")
        lines.append(
            HeightLine(row, f"{answer.level}{'' if solid else '?'} slice {candidate.slice_index}", FOUND_LINE, solid)
        )
    truth = result.truth
    if truth is not None and truth.slice is not None:
        row = projection.row_of_slice(truth.slice)
        lines.append(HeightLine(row, f"truth {truth.slice:.4g}", TRUTH_LINE, width=3.4))
    return lines


def _agreement(result: Result, projection: Projection) -> np.ndarray | None:
    """On each row, the share of windows that agree on it; the confidence map of a model that gives one."""
    if result.found is None:
        return None
    curve = result.found.votes
    if isinstance(curve, np.ndarray):
        return np.clip(np.nan_to_num(curve), 0, 1)
    from ..level.consensus import agreement_of

    return agreement_of(curve, projection.rows, row_mm=projection.spec.row_mm)


def _tissues(result: Result) -> list[tuple[int, str, str]]:
    areas = told_measures(result)["areas_cm2"]
    if areas is None:
        return []
    return [(value, f"{NAMES[name]} {areas[name]:.1f} cm²", COLOURS[value]) for value, name, *_ in TISSUES]


def _figures(result: Result) -> list[str]:
    """Muscle density and index."""
    measures = told_measures(result)
    density, index = measures["muscle_density_hu"], measures["skeletal_muscle_index"]
    shown = [] if density is None else [f"muscle density {density:.1f} HU"]
    return shown if index is None else [*shown, f"skeletal muscle index {index:.1f} cm²/m²"]


def _headline(answer: Answer) -> str:
    """The answer in a few words."""
    level, place = answer.level, answer.place
    if answer.answer == "found":
        return f"{level}: slice {at(place)} – {answer.words} ({100 * told_confidence(answer.confidence):.0f} %)"
    if answer.answer == "given":
        return f"Slice {at(place)}, as given"
    if answer.answer == "not-in-view":
        return (
            f"{level} is not in the field of view – {answer.words} ({100 * told_confidence(answer.confidence):.0f} %)"
        )
    if answer.answer == "uncertain":
        return f"{level}: uncertain" + ("" if place is None else f" – {' or '.join(at(p) for p in answer.candidates)}")
    return f"{level}: refused"


def _text(result: Result) -> list[str]:
    """Sentences: the answer, the error against the truth, notes."""
    lines = [result.answer.why or result.answer.message]
    truth, place = result.truth, result.answer.place
    if truth is not None and truth.slice is not None and place is not None:
        slices, mm = abs(place.slice_index - truth.slice), abs(place.position_mm[2] - truth.mm)
        lines.append(f"Truth: slice {truth.slice:.2f}; error {slices:.2f} slices, {mm:.1f} mm.")
    elif truth is not None and truth.where:
        lines.append(
            f"Truth: {result.answer.level} is {truth.where if truth.where != 'absent' else 'not in'} the scan."
        )
    return [*lines, *notes_of(result)]
