"""l3: from a CT to the slice of a vertebral level, how sure that is, and what is measured on it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..events import Events, quiet
from ..imaging.scan import Scan
from ..level.answer import answer_of, fatal_finding, given, refused
from ..level.finding import check_level_model, check_step, find_level
from ..level.plausibility import NOT_HU, examine
from ..level.scan_mark import learned_from
from ..level.truth import TrueLevel, read_truth
from ..measuring.body_composition import check_height
from ..packages import DEFAULT_LEVEL_MODEL, Card, Package
from .l3_outputs import L3Outputs
from .l3_reading import read_or_refuse
from .l3_result import Result, value_of
from .l3_slice import measure_slice
from .opening import find_runnable
from .predict import Model

STEPS = 4


def find_l3(
    *,
    ct: str | Path,
    model: str | Path | Package | Model = DEFAULT_LEVEL_MODEL,
    truth: str | Path | float | None = None,
    truth_label: int | None = None,
    picture: str | Path | None = None,
    projection: str | Path | None = None,
    composition: str | Path | None = None,
    composition_model: str | Path | Package | Model | None = None,
    height_m: float | None = None,
    slice_index: int | None = None,
    evaluation: str | None = None,
    step: int | None = None,
    quick: bool = False,
    device: str = "auto",
    runtime: str = "auto",
    compress: bool = True,
    events: Events | None = None,
) -> dict[str, Any]:
    """Find the level of a model (L3 by default) in a CT and measure body composition on its slice.

    Parameters
    ----------
    ct : path
        An image file, a DICOM folder or one file of a DICOM series.
    model : name, folder, zip, Package or Model
        A level model; one that is already open saves loading it again.
    truth : path, number or text, optional
        Where the level truly is: a vertebra mask, a slice index, ``-412.5mm`` (LPS S), ``above``,
        ``below``, ``absent``.
    truth_label : int, optional
        The level's value in that mask, where its numbering does not tell.
    picture, projection, composition : path, optional
        The picture of the answer; the plain projection (PNG); the slice's label map on the CT's own grid.
    composition_model : name, folder, zip, Package or Model, optional
        Segments the tissues instead of the anatomical rules.
    height_m : float, optional
        Of the patient, for the skeletal muscle index.
    slice_index : int, optional
        Measure this slice (0-based along the scan's axis) and find nothing. Refused where the values are no
        Hounsfield units; what else is odd about the scan is among the notes.
    runtime : {"auto", "onnxruntime", "openvino"}
        What runs an exported network (a ``model`` that ends in ``.onnx``); ``auto`` the faster that is installed.
    evaluation, step, quick
        As ``level.finding.find_level`` takes them.

    Returns
    -------
    dict
        ``answer`` (``found``, ``not-in-view``, ``uncertain``, ``refused``; ``given`` with ``slice_index``), ``level,
        slice_index, slice_axis, position_mm, row, confidence, confidence_words, candidates, areas_cm2,
        muscle_density_hu, skeletal_muscle_index, truth, error_slices, error_mm, message, notes, findings,
        training_case ...``; the last says whether the model learned from this scan, None where its card does not say.
    """
    started, events = time.monotonic(), quiet(events)
    check_height(height_m)
    outputs = L3Outputs.of(picture=picture, projection=projection, composition=composition, compress=compress)
    outputs.check(ct, truth)
    package = model if isinstance(model, Model) else find_runnable(model, runtime)
    check_level_model(package.card)
    check_step(package.card, evaluation, step)
    tissues = _tissue_model(composition_model)
    scan, why_not = read_or_refuse(ct)
    read, level = time.monotonic() - started, package.card.level
    if scan is None:
        result = Result(None, refused(level, why_not), package.card.name)
    else:
        true = None if truth is None else read_truth(truth, scan, level, truth_label)
        options = {"evaluation": evaluation, "step": step, "quick": quick, "device": device}
        result = (
            _found(package, scan, true, options, events)
            if slice_index is None
            else _given(scan, slice_index, package.card, true)
        )
        _measure(result, events, height_m=height_m, model=tissues, device=device)
    files = _write(outputs, result, Path(ct), events)
    _tell(events, STEPS, level)
    return value_of(result) | {
        **files,
        "ct": str(ct),
        "device": device if device != "auto" else result.device,
        "seconds": round(time.monotonic() - started, 2),
        "seconds_reading": round(read, 2),
    }


def _tell(events: Events, done: int, level: str) -> None:
    """Progress; nothing before the scan is read, so that an error stands alone."""
    events.progress(f"finding {level}", done, STEPS)


def _tissue_model(reference: str | Path | Package | Model | None) -> Model | None:
    """The composition model, open and checked."""
    if reference is None:
        return None
    from .l3_slab import tissue_values

    opened = reference
    if not isinstance(opened, Model):
        opened = Model.open(find_runnable(opened))
    tissue_values(opened)
    return opened


def _given(scan: Scan, index: int, card: Card, truth: TrueLevel | None) -> Result:
    """The slice as named, unless the values are no Hounsfield units; other findings become notes."""
    if not 0 <= index < scan.count:
        raise UsageError(f"--slice {index}: the scan has the slices 0 to {scan.count - 1}; name one of them")
    findings = tuple(examine(scan, one_slice=True))
    wrong = next((finding for finding in findings if finding.fatal and finding.kind in NOT_HU), None)
    answer = given(None, scan, index, card.level) if wrong is None else refused(card.level, wrong.sentence)
    return Result(scan, answer, card.name, findings, truth=truth)


def _found(
    package: Package | Model, scan: Scan, truth: TrueLevel | None, options: dict[str, Any], events: Events
) -> Result:
    """Look at the scan, and let the model look where nothing speaks against it."""
    from ..inference import choose_device

    level = package.card.level
    _tell(events, 1, level)
    findings = tuple(examine(scan))
    fatal = fatal_finding(findings)
    if fatal is not None:
        return Result(scan, refused(level, fatal.sentence), package.card.name, findings, truth=truth)
    opened = package if isinstance(package, Model) else Model.open(package)
    device = choose_device(options["device"], network=opened.module).name
    _tell(events, 2, level)
    found = find_level(opened, scan, events=events.silent(), **options | {"device": device})
    answer = answer_of(found, scan, level, findings)
    learned = learned_from(package.card, scan)
    return Result(scan, answer, package.card.name, findings, found, truth, learned=learned, device=device)


def _measure(result: Result, events: Events, **how: Any) -> None:
    """Measure the answered slice, where there is one; ``how`` as `measure_slice` takes it."""
    place, level = result.answer.place, result.answer.level
    if place is not None:
        _tell(events, 3, level)
        how["turned"] = any(finding.kind == "front-back" for finding in result.findings)
        result.measured = measure_slice(result.scan, place.slice_index, level=level, events=events, **how)


def _write(outputs: L3Outputs, result: Result, ct: Path, events: Events) -> dict[str, Any]:
    """Write what was asked for; what was left out is None."""
    files: dict[str, Any] = {"picture": None, "projection": None, "composition": None}
    if result.scan is None:
        return files
    events.check()
    if result.found is not None:
        files["projection"] = outputs.write_projection(result.found.projection)
    if result.measured is not None and result.measured.measures is not None:
        files["composition"] = outputs.write_composition(result.measured.axial.put_back(result.measured.labels))
    if outputs.picture is not None:
        from .l3_drawing import save_answer

        save_answer(outputs.picture, result, title=f"{ct.name}: {result.model}")
        files["picture"] = str(outputs.picture)
    return files
