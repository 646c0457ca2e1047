"""From the measures of single cases to volumes, case records and means over cases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from .measures import Measures

MEASURES = tuple(entry.name for entry in fields(Measures) if entry.name != "undefined")
"""The names of the measures in the order in which they are written."""
NO_MILLILITRES = "a picture has no millilitres"
_VOLUMES = ("volume_truth_ml", "volume_prediction_ml", "false_positive_ml")


def volumes_ml(labels: np.ndarray, voxel_ml: float, names: Mapping[int, str]) -> dict[str, float]:
    """Volume in ml of each named value of an integer label map; 0 for a label that is not there."""
    return {name: int(np.count_nonzero(labels == value)) * float(voxel_ml) for value, name in names.items()}


def case_mean(values: Mapping[str, float | None]) -> float | None:
    """Mean over the defined labels of one case; None when no label is defined."""
    defined = [value for value in values.values() if value is not None and not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else None


def mean_of_case_means(cases: Sequence[Mapping[str, float | None]]) -> float | None:
    """Mean over cases of ``case_mean``; cases without a defined label do not count, None when none is left."""
    means = [mean for mean in map(case_mean, cases) if mean is not None]
    return math.fsum(means) / len(means) if means else None


def mean_dice(cases: Sequence[Mapping[str, float | None]]) -> float | None:
    """The design's ``mean.dice``: the mean over cases of the mean over that case's defined foreground labels.

    Parameters
    ----------
    cases : sequence of {label: Dice or None}
        None where the label is absent from the case's truth.
    """
    return mean_of_case_means(cases)


def case_record(case_id: str, measures: Mapping[str, Measures]) -> dict:
    """One entry of ``evaluate``'s ``cases``: ``{"id", measure: {label: value or None}, "undefined": {label: ...}}``."""
    record: dict = {"id": case_id}
    for measure in MEASURES:
        record[measure] = {label: getattr(found, measure) for label, found in measures.items()}
    record["undefined"] = {label: dict(found.undefined) for label, found in measures.items() if found.undefined}
    return record


def in_pixels(record: dict) -> dict:
    """A case record of a picture, in which a pixel counted as 1 mm3: pixels in place of millilitres, which are None."""
    changed = dict(record)
    undefined = {label: dict(reasons) for label, reasons in record["undefined"].items()}
    for measure in _VOLUMES:
        counts = record[measure]
        name = measure.removeprefix("volume_").removesuffix("_ml")
        changed[f"pixels_{name}"] = {label: None if ml is None else round(1000 * ml) for label, ml in counts.items()}
        changed[measure] = dict.fromkeys(counts)
        for label in counts:
            undefined.setdefault(label, {})[measure] = NO_MILLILITRES
    return changed | {"undefined": undefined}


def evaluation(records: Sequence[dict]) -> dict:
    """``evaluate``'s result: ``{"cases": [...], "mean": {measure: mean over cases of the mean over labels}}``.

    Volumes are listed with the cases and have no mean.
    """
    records = list(records)
    mean = {
        measure: mean_of_case_means([record[measure] for record in records])
        for measure in MEASURES
        if measure not in _VOLUMES
    }
    return {"cases": records, "mean": mean}
