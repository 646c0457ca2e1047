"""transferseg evaluate."""

from __future__ import annotations

import argparse
from typing import Any

from ..events import Events
from . import options

COLUMNS = {
    "dice": "Dice",
    "precision": "precision",
    "recall": "recall",
    "hd95": "HD95 mm",
    "msd": "MSD mm",
    "nsd": "NSD",
    "volume_truth_ml": "truth ml",
    "volume_prediction_ml": "found ml",
}
# The same of pictures.
PIXEL_COLUMNS = {
    "dice": "Dice",
    "precision": "precision",
    "recall": "recall",
    "hd95": "HD95 pixels",
    "msd": "MSD pixels",
    "nsd": "NSD",
    "pixels_truth": "truth pixels",
    "pixels_prediction": "found pixels",
}


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "evaluate",
        "segment the cases of a data set and compare with their truth",
        "transferseg evaluate --model brain-unet-phantom --data ms/ --map lesion=oedema --out measures.csv",
    )
    parser.add_argument("--model", required=True, metavar="M", help="a model's name, folder or zip")
    parser.add_argument(
        "--data",
        required=True,
        metavar="FOLDER|CSV",
        help=f"data set with truths; for a level model a CSV: {options.LEVEL_CSV}",
    )
    parser.add_argument("--case", action="append", metavar="ID", help="only this case; may be repeated")
    parser.add_argument("--out", metavar="CSV", help="every measure of every case and label")
    parser.add_argument("--pictures", metavar="FOLDER", help="a picture a case: labels, and the truth as a line")
    parser.add_argument("--reference", metavar="ROLE", help="role whose grid the comparison is made on")
    parser.add_argument("--tolerance", type=float, default=1.0, metavar="MM", help="for the NSD (default: 1 mm)")
    options.labels(parser)
    options.device(parser)
    options.preparation(parser)
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.evaluate import evaluate

    return evaluate(
        model=args.model,
        data=args.data,
        out=args.out,
        label_map=options.pairs(args.map, "--map"),
        truth_name=args.truth_name,
        reference=args.reference,
        cases=args.case,
        tolerance_mm=args.tolerance,
        options=options.preparation_of(args),
        device=args.device,
        precision=args.precision,
        pictures=args.pictures,
        events=events,
    )


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    from ..reporting import text_table

    if "level" in value:
        return _show_level(value)
    shown = PIXEL_COLUMNS if any("pixels_truth" in case for case in value["cases"]) else COLUMNS
    columns = ["case", "label", *shown.values()]
    rows = []
    for case in value["cases"]:
        for label in case["volume_truth_ml"]:
            m = {key: case[key][label] for key in shown}
            rows.append([case["id"], label, *m.values()])
    mean = value["mean"]["dice"]
    text = "undefined (no case has one of the labels)" if mean is None else f"{mean:.3f}"
    matched = [f"truth label {theirs}: the model's {ours}" for theirs, ours in value["matched"].items()]
    foot = f"mean Dice over the labels that the truths have: {text}    (– : undefined, counted as neither 0 nor 1)"
    return "\n".join([text_table(rows, columns), "", *matched, foot])


def _show_level(value: dict[str, Any]) -> str:
    """The same for a level model."""
    from ..reporting import text_table

    rows = [
        [
            row["id"],
            row["answer"],
            row["slice_index"],
            row["mm"],
            row["truth"]["mm"],
            row["error_slices"],
            row["error_mm"],
        ]
        for row in value["cases"]
    ]
    columns = ["scan", "answer", "slice", "mm", "truth mm", "error slices", "error mm"]
    mean = value["mean"]

    def share(name: str) -> str:
        return "undefined" if mean[name] is None else f"{100 * mean[name]:.1f} %"

    error = "undefined" if mean["error_mm"] is None else f"{mean['error_mm']:.2f} mm"
    foot = [
        f"{value['level']} shown in {mean['shown']} scans: found in {share('found')}, within 10 mm in "
        f"{share('within_10_mm')}; mean error where found {error}",
        f"not shown in {mean['not_shown']}: 'not in view' sensitivity {share('sensitivity')}, specificity "
        f"{share('specificity')}",
    ]
    return "\n".join([text_table(rows, columns), "", *foot, *(f"note: {note}" for note in value["notes"])])
