"""Names for the values in a data set's truths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from ..cases import Case, DataSet
from ..imaging import read_image

# A mask without names marks one thing; models list "lesion" among the aliases of what it is for them.
ONLY_LABEL = "lesion"


def label_names_of(data_set: DataSet, cases: Sequence[Case]) -> dict[int, str]:
    """{value: name} of the foreground: from dataset.json, else from the values that the truths hold.

    Without names a single value is called ``lesion``, several ``label_1``, ``label_2``, ...
    """
    if data_set.label_names:
        return {value: name for value, name in data_set.label_names.items() if value > 0}
    values: set[int] = set()
    for case in cases:
        truth = read_image(case.truth, what="truth")
        values |= {int(v) for v in np.unique(sitk.GetArrayViewFromImage(truth)) if v > 0}
    if len(values) == 1:
        return {values.pop(): ONLY_LABEL}
    return {value: f"label_{value}" for value in sorted(values)}
