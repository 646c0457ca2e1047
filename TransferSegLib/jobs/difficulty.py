"""How hard a training case is: from a table, from its truth, or from the score of the model to start from."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cases import Case
from ..errors import InputError
from ..events import Events, quiet
from ..imaging import Grid, read_image, to_array
from ..measuring import components, count_voxels, mean_dice, overlap_measures
from .predict import Model, predict_array
from .target import Target

if TYPE_CHECKING:
    from .adapt import Gathered

# What `--difficulty` takes beside a table, and what it means.
MEASURES = {
    "dice": "the score of the model to start from; a low Dice is hard",
    "volume": "the volume of the lesions; little is hard",
    "lesions": "the number of lesions; many are hard",
    "suv-max": "the highest SUV in the lesions (up to 30, on the model's grid); little is hard",
}
TABLE_WORDS = "a CSV with the columns id and difficulty or dice, or the tmtv.csv of tmtv reports with a truth"


def read_difficulty(
    path: str | Path, cases: Sequence[Case], training: Sequence[Case], events: Events | None = None
) -> dict[str, float]:
    """The difficulty of each training case from a table, by id: more is harder; of a Dice 1 - Dice.

    The table has the columns ``id`` and ``difficulty`` or ``dice``, or is what ``evaluate --out`` writes (``case,
    label, measure, value``: the mean Dice of each case's labels), or the table of ``tmtv`` (``Patient, Dice``, in
    English or French; rows of patients that are no case are left out, and said). Rows of ``cases`` that are not
    trained on are not looked at.

    Raises
    ------
    InputError
        No such file or columns, a row of an unknown case or twice of one, a training case without a row, no number.
    """
    path = Path(path)
    rows = _rows(path)
    names = set(rows[0]) if rows else set()
    reports = "patient" in names and "id" not in names
    name_of = "patient" if reports else "id"
    long = {"case", "label", "measure", "value"} <= names
    value = "value" if long else "difficulty" if "difficulty" in names else "dice"
    if not long and not {name_of, value} <= names:
        raise InputError(f"--difficulty {path}: needs {TABLE_WORDS}")
    known = {case.id for case in cases}
    found: dict[str, list[float]] = {}
    others: list[str] = []
    for row in rows:
        name = row["case" if long else name_of]
        if name not in known and reports:
            others.append(name)
            continue
        if name not in known:
            raise InputError(f"--difficulty {path}: {name} is no case of the data set; remove its row or mend its id")
        if long and (row["measure"] != "dice" or not row["value"]):
            continue
        if not long and name in found:
            raise InputError(f"--difficulty {path}: {name} has two rows; leave one")
        if reports and name not in {case.id for case in training}:
            continue
        found.setdefault(name, []).append(_number(path, name, row[value], dice=value != "difficulty"))
    if others:
        quiet(events).say(f"--difficulty {path}: {len(others)} rows are of patients that are no case and were left out")
    for case in training:
        if case.id not in found:
            raise InputError(f"--difficulty {path}: the training case {case.id} has no row with a value; add one")
    means = {case.id: sum(found[case.id]) / len(found[case.id]) for case in training}
    return means if value == "difficulty" else {name: 1 - dice for name, dice in means.items()}


def truth_difficulty(measure: str, cases: Sequence[Case], events: Events) -> dict[str, float]:
    """Difficulty by id from the truths: minus the lesions' volume in ml (``volume``), or their number (``lesions``)."""
    found = {}
    for number, case in enumerate(cases):
        events.progress("measuring the training cases", number, len(cases))
        image = read_image(case.truth, what="truth")
        mask = to_array(image) > 0
        if measure == "lesions":
            found[case.id] = float(len(components(mask)))
        else:
            found[case.id] = -float(mask.sum()) * math.prod(Grid.of(image).spacing) / 1000
    return found


def uptake_difficulty(gathered: Gathered) -> dict[str, float]:
    """Minus the highest SUV inside the truth, by id, from prepared PET/CT (channel 1: SUV 0 to 30 as 0 to 1)."""
    found = {}
    for case in gathered.training:
        inside = np.asarray(case.image[1])[np.asarray(case.truth) > 0]
        found[case.id] = -30 * float(inside.max()) if inside.size else 0.0
    return found


def score_difficulty(
    target: Target, gathered: Gathered, *, device: str, precision: str, events: Events
) -> dict[str, float | None]:
    """1 - Dice of the model to start from, by id, on the prepared training cases; None where Dice is not defined.

    Dice is the mean over the labels that the model knows.
    """
    values = [value for value, label in target.matched.items() if label is not None]
    found: dict[str, float | None] = {}
    target.model.module.eval()
    for number, case in enumerate(gathered.training):
        events.progress("scoring the training cases", number, len(gathered.training))
        how = {"device": device, "precision": precision, "events": events}
        dice = prepared_dice(target.model, gathered.arrays[case.id], values, **how)
        events.check()
        score = mean_dice([dice])
        found[case.id] = None if score is None else 1 - score
    events.progress("scoring the training cases", len(gathered.training), len(gathered.training))
    return found


def prepared_dice(
    model: Model,
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray],
    values: Sequence[int],
    *,
    device: str,
    precision: str,
    events: Events,
) -> Mapping[str, float | None]:
    """Dice of each label value on a prepared case (image, truth, mask); None where the truth has none of it."""
    image, truth, mask = (np.asarray(array) for array in arrays)
    how = {"device": device, "precision": precision, "events": events.silent()}
    labels = predict_array(model, image, mask, **how).labels
    return {str(v): overlap_measures(count_voxels(labels == v, truth == v))[0]["dice"] for v in values}


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise InputError(f"--difficulty {path}: no such file; give {TABLE_WORDS}, or one of {', '.join(MEASURES)}")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"--difficulty {path}: is no text; give {TABLE_WORDS}") from None
    head = lines[0] if lines else ""
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        names, *rows = [[cell.strip() for cell in row] for row in reader if any(row)] or [[]]
    except csv.Error:
        raise InputError(f"--difficulty {path}: is no CSV; give {TABLE_WORDS}") from None
    if not rows:
        raise InputError(f"--difficulty {path}: has no rows; give {TABLE_WORDS}")
    names = [name.lower() for name in names]
    found = [dict(zip(names, row + [""] * (len(names) - len(row)))) for row in rows]
    for row in found:
        if delimiter == ";":
            row.update({name: row[name].replace(",", ".") for name in ("difficulty", "dice", "value") if name in row})
        if row.get("patient", "")[:2] in ("'=", "'+", "'-", "'@"):  # as the table of reports guards a name
            row["patient"] = row["patient"][1:]
    return found


def _number(path: Path, name: str, text: str, *, dice: bool) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (dice and not 0 <= number <= 1):
        wanted = "a Dice from 0 to 1" if dice else "a number"
        raise InputError(f"--difficulty {path}: {name} has {text or 'nothing'}; give {wanted}")
    return number
