"""tmtv: from a PET (and CT) to lesions, TMTV and the report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UsageError
from ..events import Events, quiet
from ..imaging import from_array
from ..lesions import LesionErrors, apply_threshold, compare_lesions, label_map
from ..packages import Package
from ..reporting.tmtv_words import Words
from .tmtv_carried import apart_elsewhere, with_organs_of
from .tmtv_counted import before_threshold
from .tmtv_drawing import draw
from .tmtv_options import TmtvInputs, TmtvOptions
from .tmtv_outputs import check_folder, check_patient, check_text, write_all
from .tmtv_reading import TmtvCase, patient_name, read_tmtv_case
from .tmtv_result import errors_value, notes_of, rules_beside, suv_value, threshold_row, uptake_value
from .tmtv_uptake import DEFAULT_RULE, Move, Uptake, labels_of, measure_uptake, move_of, with_moves

if TYPE_CHECKING:
    from .predict import Model

STEPS = 5


def tmtv(
    *,
    pet: str | Path,
    out: str | Path,
    ct: str | Path | None = None,
    truth: str | Path | None = None,
    mask: str | Path | None = None,
    model: str | Path | Package | Model | None = None,
    apart: Mapping[str, str | Path] | None = None,
    id: str | None = None,
    pet_name: str | None = None,
    options: TmtvOptions | None = None,
    table: bool = True,
    events: Events | None = None,
) -> dict[str, Any]:
    """Find the lesions of a PET, measure them, compare them with a truth, and write the report.

    Parameters
    ----------
    pet, ct, truth, mask : path
        PET and CT: an image file or a DICOM folder, each on its own grid. Truth and mask: label maps on the PET's
        grid, of which every value but 0 is lesion; the mask takes the place of a model.
    out : path
        Folder for the report; files of the same patient and PET are replaced, those of others stay.
    model : name, folder, zip, Package or Model, optional
        What segments the lesions; without it and without a mask the threshold alone does.
    apart : mapping of str to path, optional
        With a mask: uptake that is physiological by the user's word, what it is to a mask of it. It is measured
        apart even where it touches a lesion.
    pet_name : str, optional
        What the report calls the PET in place of its path, as for a volume that has no file of its own.
    id : str, optional
        The patient's name in the report; by default that of the folder that the PET lies in.
    table : bool
        Also write the table of all patients in the folder.

    Returns
    -------
    dict
        ``suv_factor`` (SUVbw per Bq/ml, null where the PET holds SUV already), ``tmtv_ml, tlg, suv_max, count,
        dmax_centroid_mm, dmax_voxel_mm, lesions, physiological, thresholds, errors`` (null without a truth),
        ``suv`` (unit, who states it, every number and its source), ``notes, report`` (the page) and ``files``.

    Raises
    ------
    InputError, UsageError
        One line that says what is wrong and what to do; nothing is written then.
    """
    started, said = time.monotonic(), []
    events = quiet(events).noting(said)
    options = (options or TmtvOptions()).check(segmented=model is not None or mask is not None)
    if model is not None and mask is not None:
        raise UsageError("--model and --mask: both say where lesions are; give one of them")
    inputs, folder = TmtvInputs.of(pet=pet, ct=ct, truth=truth, mask=mask, apart=apart), Path(out)
    patient = patient_name(inputs, id)
    check_text(patient, "--id")
    check_text(pet_name or "", "--pet-name")
    check_folder(folder, inputs.given)
    check_patient(folder, patient, pet_name or str(inputs.pet.resolve()))
    opened = None if model is None else _opened(model, inputs)
    case = read_tmtv_case(inputs, options, patient, events)
    found = _Found.of(case, opened, options, events)
    words = Words(options.language)
    events.progress("tmtv", 3, STEPS)
    pictures = draw(case.suv, case.grid, found.uptake, found.overlap, found.errors, words)
    events.progress("tmtv", 4, STEPS)
    value = _value(case, inputs, found, options, said)
    value |= {"pet": pet_name or value["pet"], "device": found.device, "seconds": round(time.monotonic() - started, 2)}
    value = write_all(folder, value, pictures, found.images(case), language=options.language, table=table)
    events.progress("tmtv", STEPS, STEPS)
    return value


def _opened(model: str | Path | Package | Model, inputs: TmtvInputs) -> Model:
    """The model, checked against the images at hand; only here PyTorch is needed."""
    from .tmtv_segmenting import check_tmtv_model, open_tmtv_model

    opened = open_tmtv_model(model)
    check_tmtv_model(opened, inputs)
    return opened


class _Found:
    """Lesions, totals under every threshold, and errors of one patient."""

    def __init__(self, uptake: Uptake, segmentation: np.ndarray | None, how: dict[str, str], device: str) -> None:
        self.uptake, self.segmentation, self.how, self.device = uptake, segmentation, how, device
        self.raw_ml = 0.0
        self.beside: list[Uptake] = []
        self.errors: LesionErrors | None = None
        self.overlap: dict[str, np.ndarray] | None = None

    @classmethod
    def of(cls, case: TmtvCase, model: Model | None, options: TmtvOptions, events: Events) -> _Found:
        """Segment, measure and compare."""
        how, device = {"kind": "threshold", "name": options.rule or ""}, "cpu"
        segmentation = case.mask
        if case.mask is not None:
            how = {"kind": "mask", "name": ""}
        if model is not None:
            from .tmtv_segmenting import segment_tmtv

            segmentation, device = segment_tmtv(model, case, options, events)
            how = {"kind": "model", "name": model.card.name}
        events.progress("tmtv", 1, STEPS)
        naming = options.names(masked=case.mask is not None)
        ct = case.ct_on_pet() if naming else None
        given = {"segmentation": segmentation, "minimum_ml": options.minimum_ml, "ct": ct, "naming": naming}
        given["apart"] = case.apart
        uptake = measure_uptake(case.suv, case.grid, rule=options.rule, **given)
        moves = [move_of(uptake, number, to) for number, to in options.moves]
        found = cls(with_moves(uptake, case.grid, moves), segmentation, how, device)
        for rule in rules_beside(uptake.rule):
            events.check()
            row = found.uptake
            if rule != uptake.rule:
                row = measure_uptake(case.suv, case.grid, rule=rule, **given)
                carried = {"by_hand": case.apart, "minimum_ml": options.minimum_ml}
                row = with_organs_of(row, found.uptake, case.suv, case.grid, **carried)
                row = with_moves(row, case.grid, moves)
            found.beside.append(row)
        events.progress("tmtv", 2, STEPS)
        found._compare(case, options)
        return found

    def _compare(self, case: TmtvCase, options: TmtvOptions) -> None:
        """The volume before the threshold, and the errors where there is a truth.

        What counts was thresholded when it was measured, and is compared as it is.
        """
        raw = before_threshold(self.uptake, case.suv, self.segmentation, case.apart)
        self.raw_ml = float(np.count_nonzero(raw)) * case.grid.voxel_ml
        if case.truth is None:
            return
        default = next(one for one in self.beside if one.rule == DEFAULT_RULE)
        thresholded = self.uptake if self.uptake.rule is not None else default
        counted = label_map(thresholded.counted, case.suv.shape) > 0
        how = {"tolerance_mm": options.tolerance_mm, "lesionwise": options.lesionwise_share, "counted": counted}
        rule = options.comparing()
        self.errors = compare_lesions(raw, case.truth, case.suv, case.grid, rule=rule, **how)
        true = apply_threshold(case.suv, case.truth, rule, case.grid)
        self.overlap = {"tp": counted & true, "fn": true & ~counted, "fp": counted & ~true}

    def images(self, case: TmtvCase) -> dict[str, Any]:
        """Label maps on the PET's grid, the numbers as in the report."""
        shape, grid = case.suv.shape, case.grid
        found = {"lesions": from_array(labels_of(self.uptake.counted, shape), grid)}
        if self.uptake.apart:
            found["physiological"] = from_array(labels_of(self.uptake.apart, shape), grid)
        return found


def _value(case: TmtvCase, inputs: TmtvInputs, found: _Found, options: TmtvOptions, said: list[str]) -> dict[str, Any]:
    """The report as plain JSON types."""
    info, uptake = case.pet.info, found.uptake
    rows = [threshold_row(one) for one in found.beside]
    default = next(row for row in rows if row["rule"] == DEFAULT_RULE)
    value = uptake_value(uptake, options.language)
    how = found.how if found.how["kind"] != "mask" else {"kind": "mask", "name": inputs.mask.name}
    return {
        "patient": case.loaded.case.id,
        "suv_factor": info.suv_factor,
        **value,
        "tmtv_raw_ml": round(found.raw_ml, 4),
        "tmtv_thresholded_ml": value["tmtv_ml"] if uptake.rule is not None else default["tmtv_ml"],
        "pet_suv_max": round(float(case.suv.max()), 4),
        "segmentation": how,
        "threshold": uptake.rule,
        "errors_threshold": uptake.rule or DEFAULT_RULE,
        "minimum_ml": options.comparing().least_ml,
        "thresholds": rows,
        "errors": errors_value(found.errors),
        "tolerance_mm": options.tolerance_mm,
        "lesionwise": options.lesionwise_share,
        "lesionwise_by": options.lesionwise,
        "suv": suv_value(info),
        "notes": [*notes_of(info, uptake, found.errors, said), *apart_elsewhere(uptake, found.beside)],
        "pet": str(inputs.pet.resolve()),
        "ct": None if inputs.ct is None else str(inputs.ct.resolve()),
        "truth": None if inputs.truth is None else str(inputs.truth.resolve()),
    }


__all__ = ["Move", "TmtvOptions", "tmtv"]
