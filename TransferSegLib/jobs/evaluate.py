"""evaluate: a model's labels held against the truth of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..cases import Case, DataSet, check_truth_values, open_data_set
from ..errors import InputError, UsageError
from ..events import Events, quiet
from ..imaging import Grid, from_array, to_array
from ..measuring import case_record, compare, evaluation, in_pixels
from ..packages import PICTURE, Package
from ..preparing import PreparationOptions
from ..reporting import save_overlay, write_measures_csv
from ..storage import check_writable
from .labels import label_names_of, matched_labels
from .level_dispatch import check_data, refuse_labels
from .level_evaluate import evaluate_level
from .predict import Model, segment_case
from .segment import find_model, with_reference
from .segment_outputs import picture_options

TOLERANCE_MM = 1.0


def evaluate(
    *,
    model: str | Path | Package | Model,
    data: str | Path,
    out: str | Path | None = None,
    label_map: Mapping[str, str] | None = None,
    truth_name: str | None = None,
    reference: str | None = None,
    cases: Sequence[str] | None = None,
    tolerance_mm: float = TOLERANCE_MM,
    options: PreparationOptions | None = None,
    device: str = "auto",
    precision: str = "auto",
    pictures: str | Path | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Segment every case of a data set and compare with its truth, on the patient's own grid.

    Parameters
    ----------
    data : path
        A data set whose cases have a truth; for a level model a CSV, and the result is `evaluate_level`'s.
    out : path, optional
        CSV in long format: case, label, measure, value, and why a value is undefined.
    label_map : mapping, optional
        Truth label (name or value) to the model's label, where the names differ.
    cases : sequence of str, optional
        Only the cases with these ids.
    tolerance_mm : float
        For the NSD.

    Returns
    -------
    dict
        ``{"cases": [{"id", "dice": {label: x or None}, and every other measure, "undefined", "preparation"}],
        "mean": {"dice", ...}, "matched": {truth label: the model's}}``; ``mean.dice`` is the mean over cases of
        the mean over defined labels. Of pictures distances are in pixels, millilitres are None, and the cases have
        ``pixels_truth``, ``pixels_prediction`` and ``pixels_false_positive`` {label: count} besides.
    """
    events = quiet(events)
    for path in (out, None if pictures is None else Path(pictures) / "x"):
        if path is not None:
            check_writable(path)
    if tolerance_mm <= 0:
        raise UsageError(f"--tolerance {tolerance_mm:g}: must be above 0 mm")
    package = model if isinstance(model, Model) else find_model(model)
    check_data(package.card, data)
    if package.card.task == "level":
        refuse_labels(label_map, truth_name, reference)
        how = {"cases": cases, "device": device, "pictures": pictures, "events": events}
        return evaluate_level(model=package, data=data, out=out, **how)
    opened = package if isinstance(package, Model) else Model.open(package)
    opened = Model(with_reference(opened.card, reference), opened.module)
    data_set = open_data_set(data, roles=opened.card.roles, truth_name=truth_name, reference_role=opened.card.reference)
    say_left_out(data_set, events)
    if opened.card.normalisation == PICTURE:
        events.say("a picture has no millimetres: distances are in pixels, --tolerance too")
    chosen = _chosen(data_set, cases)
    truth_names = label_names_of(data_set, events)
    matched = matched_labels(truth_names, opened.card.labels, label_map, events)
    unmatched = [truth_names[value] for value, label in matched.items() if label is None]
    if unmatched:
        ours = ", ".join(label.name for label in opened.card.labels)
        raise InputError(
            f"{data}: the truth has the label {unmatched[0]}, the model has {ours}; "
            f"match it with --map {unmatched[0]}=NAME"
        )
    result = evaluate_cases(
        opened,
        chosen,
        value_of={value: label.value for value, label in matched.items()},
        names=opened.card.label_names(),
        tolerance_mm=tolerance_mm,
        options=options or PreparationOptions(),
        device=device,
        precision=precision,
        pictures=pictures,
        events=events,
    )
    result["matched"] = {truth_names[value]: label.name for value, label in matched.items()}
    if out is not None:
        write_measures_csv(out, result["cases"])
    return result


def evaluate_cases(
    model: Model,
    cases: Sequence[Case],
    *,
    value_of: Mapping[int, int],
    names: Mapping[int, str],
    options: PreparationOptions,
    tolerance_mm: float = TOLERANCE_MM,
    device: str = "auto",
    precision: str = "auto",
    pictures: str | Path | None = None,
    stage: str = "evaluating",
    unknown: Sequence[str] = (),
    events: Events,
) -> dict[str, Any]:
    """Score cases one by one.

    ``value_of`` maps truth values to the model's label values, ``names`` the model's values to the names
    shown; labels in ``unknown`` are not the model's and get Dice None.
    """
    rows = []
    for number, case in enumerate(cases):
        events.progress(stage, number, len(cases))
        segmented = segment_case(
            model,
            case,
            options=options,
            device=device,
            precision=precision,
            with_truth=True,
            events=events.part(case.id),
        )
        loaded = segmented.loaded
        truth = _in_model_values(case, loaded.truth, value_of)
        row = _score(case, segmented.labels, truth, names, unknown, tolerance_mm, events)
        row = in_pixels(row) if model.card.normalisation == PICTURE else row
        rows.append(row | {"preparation": [str(step) for step in segmented.prepared.steps]})
        if pictures is not None:
            path = Path(pictures) / f"{case.id}.png"
            how = picture_options(case, model.card, note=" (line: truth)")
            save_overlay(path, loaded.images[model.card.reference], segmented.labels, truth=truth, **how)
    events.progress(stage, len(cases), len(cases))
    return evaluation(rows)


def _in_model_values(case: Case, truth: sitk.Image, value_of: Mapping[int, int]) -> sitk.Image:
    """The truth with the model's label values, on its own grid; ``InputError`` for a value that is not matched."""
    check_truth_values(truth, [*value_of], case.truth)
    table = np.zeros(256, dtype=np.uint8)
    for value, ours in value_of.items():
        table[value] = ours
    return from_array(table[to_array(truth).astype(np.uint8)], Grid.of(truth))


def _score(
    case: Case,
    labels: sitk.Image,
    truth: sitk.Image,
    names: Mapping[int, str],
    unknown: Sequence[str],
    tolerance_mm: float,
    events: Events,
) -> dict[str, Any]:
    arrays, spacing = (to_array(labels), to_array(truth)), labels.GetSpacing()[::-1]
    found = {}
    for value, name in names.items():  # one by one: the surfaces of a large label take a second
        events.check()
        found |= compare(*arrays, spacing=spacing, labels={value: name}, tolerance_mm=tolerance_mm)
    row = case_record(case.id, found)
    for name in unknown:
        row["dice"][name] = None
        row["undefined"][name] = {"dice": "the model does not have this label"}
    return row


def say_left_out(data_set: DataSet, events: Events) -> None:
    """Name the cases that have no truth and so take no part."""
    for name in data_set.ignored:
        if name.endswith("(no truth)"):
            events.say(f"left out: {name}")


def _chosen(data_set: DataSet, ids: Sequence[str] | None) -> tuple[Case, ...]:
    if ids is None:
        return data_set.cases
    known = {case.id: case for case in data_set.cases}
    missing = [i for i in ids if i not in known]
    if missing:
        raise InputError(f"--case {missing[0]}: no such case in {data_set.folder}; there are {', '.join(known)}")
    return tuple(known[i] for i in ids)
