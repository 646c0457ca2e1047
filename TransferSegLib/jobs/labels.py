"""Names for the values in a data set's truths, and what they are in a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..cases import DataSet, segment_names, truth_values
from ..errors import InputError
from ..events import Events
from ..imaging import read_image
from ..packages import Label
from ..strategies import fold_name, match_labels

# A mask without names marks one thing; models list "lesion" among the aliases of what it is for them.
ONLY_LABEL = "lesion"
# The BraTS challenge's values: necrotic core, oedema, enhancing tumour (4, since 2023 3).
BRATS = {1: "necrosis", 2: "oedema", 3: "tumour", 4: "tumour"}


def label_names_of(data_set: DataSet, events: Events) -> dict[int, str]:
    """{value: name} of the foreground: from dataset.json, else from the truths of all cases.

    Segmentations that Slicer saved name their labels themselves. Without names the values of BraTS (1, 2 and 4, or
    its layout) have the challenge's names; otherwise a single value is called ``lesion``, several ``label_1``,
    ``label_2``, ... What was assumed is said.
    """
    if data_set.label_names:
        return {value: name for value, name in data_set.label_names.items() if value > 0}
    named = _names_in_files(data_set)
    values: set[int] = set()
    for case in data_set.cases:
        events.check()
        if case.truth is not None:
            truth = read_image(case.truth, what="truth")
            values |= {v for v in truth_values(truth) if v > 0}
    if named:
        return {value: name for value, name in named.items() if value in values}
    if (data_set.layout == "brats" and values <= set(BRATS)) or (values <= {1, 2, 4} and 4 in values):
        names = {value: BRATS[value] for value in sorted(values)}
    elif len(values) == 1:
        names = {values.pop(): ONLY_LABEL}
    else:
        names = {value: f"label_{value}" for value in sorted(values)}
    if names:
        shown = ", ".join(f"{value} = {name}" for value, name in names.items())
        events.say(f"the truths name no labels; taken as {shown} (a dataset.json with labels says otherwise)")
    return names


def _names_in_files(data_set: DataSet) -> dict[int, str]:
    """What the truths' own headers say; empty unless each of them does. ``InputError`` where two contradict."""
    names: dict[int, str] = {}
    for case in data_set.cases:
        found = segment_names(case.truth) if case.truth is not None else {}
        if not found:
            return {}
        for value, name in found.items():
            if names.setdefault(value, name) != name:
                raise InputError(
                    f"{case.truth}: the value {value} is {name} there and {names[value]} in another case; export "
                    "all with the same value for each name"
                )
    return dict(sorted(names.items()))


def matched_labels(
    names: Mapping[int, str], labels: Sequence[Label], label_map: Mapping[str, str] | None, events: Events
) -> dict[int, Label | None]:
    """``match_labels``, saying each match that rests on an equal value and not on a name."""
    matched = match_labels(names, labels, label_map)
    mapped = {fold_name(left) for left in label_map or {}}
    for value, label in matched.items():
        if label is None or {fold_name(names[value]), str(value)} & mapped:
            continue
        if fold_name(names[value]) not in {fold_name(n) for n in (label.name, *label.aliases)}:
            events.say(
                f"truth label {names[value]} ({value}) taken as the model's {label.name}: equal value, other name"
            )
    return matched
