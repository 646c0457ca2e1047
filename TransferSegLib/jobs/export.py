"""models export to ONNX: one file with the card inside, held against PyTorch before it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..events import Events, quiet
from ..exporting import form_of, held_against, needed, onnx_bytes, write_exported
from ..inference import choose_device
from ..packages import Card, Package
from ..preparing import PreparationOptions
from ..storage import check_file_is_free
from .export_int8 import Int8Cases, int8_of


def export_onnx(
    package: Package,
    out: str | Path,
    *,
    overwrite: bool = False,
    int8: bool = False,
    data: str | Path | None = None,
    hold_out: Sequence[str] = (),
    label_map: Mapping[str, str] | None = None,
    truth_name: str | None = None,
    options: PreparationOptions | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Write a model as an ONNX file that ONNX Runtime and OpenVINO run.

    Parameters
    ----------
    package : Package
    out : path
        Ends in ``.onnx``; written whole or not at all.
    overwrite : bool
        Whether a file that is there may be replaced.
    int8 : bool
        Convolutions in 8 bits, calibrated on cases of ``data``; written only where the mean Dice of other cases of it
        falls by 0.005 at most.
    data, hold_out, label_map, truth_name, options
        For ``int8``: the data set, the cases that are measured (by default those that the model did not learn from,
        or of half the patients), and how its truths are read and its cases prepared, as for ``evaluate``.

    Returns
    -------
    dict
        ``{name, path, format: "onnx", opset, task, precision, package_precision, largest_difference, checked_windows,
        near_ties, int8, bytes}``; ``package_precision`` is what the package runs in on this CPU, ``largest_difference``
        of logits (of a level: rows, or confidence) between PyTorch in float32 and the installed runtimes,
        ``near_ties`` counts labels that differ where two classes tie. ``int8`` is None or ``{dice_float, dice_int8,
        cases, calibrated_on, learned_from, text}``: of the measured ``cases`` the model ``learned_from`` these (None:
        its card does not say), ``text`` says it in a line, and ``dice_int8`` is the lowest of those runtimes.

    Raises
    ------
    UsageError
        A task or a package of two stages that has no such file; options that do not go together.
    DependencyError
        A library is missing; the message names the extra.
    PackageError
        The exported network gives other labels, or int8 costs too much Dice. Nothing is written.
    TransferSegError
        A part of the network cannot be exported, or ONNX Runtime does not run it.
    """
    events, card = quiet(events), package.card
    check_file_is_free(out, overwrite=overwrite)
    form = form_of(card)
    cases = None
    if int8:
        how = {"label_map": label_map, "truth_name": truth_name, "options": options or PreparationOptions()}
        cases = Int8Cases.of(card, data, hold_out, events=events, **how)
    elif data is not None or hold_out or label_map or truth_name:
        raise UsageError("--data, --hold-out, --map, --truth-name: go with --int8 only; leave them out")
    needed("onnx", "onnxscript", "onnxruntime")
    module = package.network()
    events.progress("exporting", 0, 1)
    graph, opset = onnx_bytes(card, module, form)
    events.progress("exporting", 1, 1)
    agreement, windows = held_against(card, module, form, graph, events)
    made, scores = {"precision": "float32", **form.extra(card, module)}, None
    if cases is not None:
        graph, scores = int8_of(card, graph, made, cases, events)
        # A file travels without the names of its cases.
        kept = {key: len(value) if isinstance(value, list) else value for key, value in scores.items()}
        made |= {"precision": "int8", "int8": kept}
        card = _int8_card(card, kept)
    path = write_exported(out, card, graph, made)
    return {
        "name": card.name,
        "path": str(path),
        "format": "onnx",
        "opset": opset,
        "task": card.task,
        "precision": made["precision"],
        "package_precision": choose_device("cpu", network=module).precision,
        "largest_difference": agreement.largest,
        "checked_windows": windows,
        "near_ties": agreement.near_ties,
        "int8": scores,
        "bytes": path.stat().st_size,
    }


def _int8_card(card: Card, scores: Mapping[str, Any]) -> Card:
    """The weights are others: nothing that was measured of the old ones, or bound to them, may pass for theirs."""
    measured = {
        "text": scores["text"],
        "dice": scores["dice_int8"],
        "dice_float32": scores["dice_float"],
        "cases": scores["cases"],
        "learned_from": scores["learned_from"],
    }
    return replace(card, weights_sha256="", sizes=(), measured_on=(measured,))
