"""transferseg l3."""

from __future__ import annotations

import argparse
from typing import Any

from ..events import Events
from ..packages import DEFAULT_LEVEL_MODEL
from . import options

TISSUES = {
    "skeletal_muscle": "skeletal muscle",
    "subcutaneous_fat": "subcutaneous fat",
    "visceral_fat": "visceral fat",
    "intermuscular_fat": "intermuscular fat",
}


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "l3",
        "find the L3 slice of a CT and measure muscle and fat on it",
        "transferseg l3 ct.nii.gz --picture l3.png --composition muscle.nii.gz --height 1.72",
    )
    parser.add_argument("ct", metavar="CT", help="an image file, a DICOM folder, or one file of a DICOM series")
    parser.add_argument(
        "--model",
        default=DEFAULT_LEVEL_MODEL,
        metavar="M",
        help=f"a level model's name, folder or zip, or its .onnx (default: {DEFAULT_LEVEL_MODEL})",
    )
    parser.add_argument(
        "--truth",
        metavar="T",
        help="where the level truly is: a vertebra mask, a slice index, a height (--truth=-412.5mm), "
        "above, below or absent",
    )
    parser.add_argument("--truth-label", type=int, metavar="N", help="the level's value in the mask")
    parser.add_argument("--picture", metavar="PNG", help="also draw the projections, the slice and the answer")
    parser.add_argument(
        "--composition", metavar="FILE", help=f"also write the slice's label map ({options.SUFFIX_HELP})"
    )
    parser.add_argument(
        "--height", type=float, metavar="M", help="the patient's height in metres, for the muscle index"
    )
    parser.add_argument(
        "--composition-model", metavar="M", help="a segmentation model of the tissues, instead of rules"
    )
    parser.add_argument(
        "--projection", metavar="PNG", help="also write the projection as it is, one pixel a row and column"
    )
    parser.add_argument("--slice", type=int, metavar="K", help="measure this slice and find nothing")
    parser.add_argument(
        "--evaluation",
        choices=["dense", "windows"],
        help="all windows at once, or one by one as published (the model's)",
    )
    parser.add_argument("--step", type=int, metavar="N", help="rows between windows (the model's)")
    parser.add_argument("--quick", action="store_true", help="no second looks: quick, and never more than uncertain")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    options.runtime(parser)
    parser.add_argument("--uncompressed", action="store_true", help="write .nrrd and .mha quickly and large")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.l3 import find_l3

    return find_l3(
        ct=args.ct,
        model=args.model,
        truth=args.truth,
        truth_label=args.truth_label,
        picture=args.picture,
        projection=args.projection,
        composition=args.composition,
        composition_model=args.composition_model,
        height_m=args.height,
        slice_index=args.slice,
        evaluation=args.evaluation,
        step=args.step,
        quick=args.quick,
        device=args.device,
        runtime=args.runtime,
        compress=not args.uncompressed,
        events=events,
    )


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    lines = [("Refused. " if value["answer"] == "refused" else "") + value["message"]]
    if value["answer"] in ("found", "given", "uncertain") and value["position_mm"]:
        axis = "" if value["slice_axis"] == "k" else f" (counted along image axis {value['slice_axis']})"
        x, y, z = value["position_mm"]
        lines.append("")
        lines.append(
            f"slice       {value['slice_index']}{axis}" + (f", {value['slice_file']}" if value["slice_file"] else "")
        )
        lines.append(f"position    {x:.1f} {y:.1f} {z:.1f} mm (LPS)")
    if value["confidence"] is not None:
        lines.append(f"confidence  {value['confidence']:.2f}, {value['confidence_words']}")
    lines += _measures(value) + _truth(value)
    if value["notes"]:
        lines += ["", *(f"note: {note}" for note in value["notes"])]
    lines += ["", f"{value['seconds']} s on {value['device']}, of which reading {value['seconds_reading']} s"]
    plain = value["projection"]["file"] if value["projection"] else None
    lines += [f"{path} written" for path in (value["composition"], value["picture"], plain) if path]
    return "\n".join(lines)


def _measures(value: dict[str, Any]) -> list[str]:
    """The areas and what follows from them."""
    if value["areas_cm2"] is None:
        return []
    lines = ["", *(f"{TISSUES[name]:18} {area:7.1f} cm2" for name, area in value["areas_cm2"].items())]
    if value["muscle_density_hu"] is not None:
        lines.append(f"{'muscle density':18} {value['muscle_density_hu']:7.1f} HU")
    if value["skeletal_muscle_index"] is not None:
        lines.append(f"{'muscle index':18} {value['skeletal_muscle_index']:7.1f} cm2/m2")
    return lines


def _truth(value: dict[str, Any]) -> list[str]:
    """The error where the truth is known."""
    truth = value["truth"]
    if truth is None:
        return []
    if truth["where"]:
        return ["", f"truth: {value['level']} is {'not in' if truth['where'] == 'absent' else truth['where']} the scan"]
    told = f"truth: slice {truth['slice_index']:.2f}"
    if value["error_mm"] is None:
        return ["", told]
    return ["", f"{told}; error {value['error_slices']:.2f} slices, {value['error_mm']:.1f} mm"]
