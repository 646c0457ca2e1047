"""transferseg tmtv."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import UsageError
from ..events import Events
from . import options

_BY_HAND = (
    ("weight", "weight_kg", "KG", "body weight"),
    ("dose", "dose_mbq", "MBQ", "injected dose"),
    ("injected", "injected", "TIME", "when it was injected, HH:MM:SS, with the date before it where the day matters"),
    ("acquired", "acquired", "TIME", "the moment that the values are decay-corrected to"),
    ("half-life", "half_life_s", "S", "of the nuclide"),
    ("height", "height_m", "M", "for SUL and SUV by body surface area"),
    ("sex", "sex", "F|M", "for SUL"),
)


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "tmtv",
        "find the lesions of a PET, measure them (TMTV, TLG, Dmax) and write the report",
        "transferseg tmtv --pet pet_dicom/ --ct ct_dicom/ --model petct-light-sarcoma --out report/",
    )
    parser.add_argument("--pet", metavar="P", help="an image file or a DICOM folder")
    parser.add_argument("--ct", metavar="C", help="the CT of the same examination, on its own grid")
    parser.add_argument("--truth", metavar="T", help="reference lesions on the PET's grid: the report tells the errors")
    parser.add_argument("--data", metavar="FOLDER", help="a data set instead of one patient: a report each, one table")
    parser.add_argument("--case", action="append", metavar="ID", help="of --data only this case; may be repeated")
    parser.add_argument(
        "--truth-name", metavar="NAME", help="of --data: which file is the truth where several could be"
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where the report goes")
    parser.add_argument("--id", metavar="NAME", help="the patient's name in the report (default: the PET's folder)")
    parser.add_argument("--pet-name", metavar="TEXT", help="what the report calls the PET (default: its path)")
    parser.add_argument(
        "--lang", default="en", choices=["en", "fr"], help="of the report; its notes stay English (default: en)"
    )
    _finding(parser)
    _suv(parser)
    _comparing(parser)
    options.device(parser)
    parser.set_defaults(run=run, show=show, code=code)


def _finding(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is a lesion")
    group.add_argument(
        "--model", metavar="M", help="a PET/CT model's name, folder or zip (default: the threshold alone)"
    )
    group.add_argument("--mask", metavar="FILE", help="an existing segmentation on the PET's grid, instead of a model")
    group.add_argument(
        "--apart",
        action="append",
        default=[],
        metavar="ORGAN=FILE",
        help="with --mask: physiological uptake on the PET's grid, measured apart from the lesions; may be repeated",
    )
    group.add_argument(
        "--threshold",
        default="4.0",
        metavar="T",
        help="an SUV, a share of each lesion's SUVmax (41%%), reading (SUV 4, 3 ml), or none (default: 4.0)",
    )
    group.add_argument("--minimum-ml", type=float, default=0.0, metavar="ML", help="smaller lesions are counted apart")
    group.add_argument(
        "--physiological",
        default="auto",
        choices=["auto", "on", "off"],
        help="tell brain, bladder, kidneys and heart apart by rule (default: auto, not in a --mask)",
    )
    group.add_argument(
        "--move",
        action="append",
        default=[],
        metavar="N=WHAT",
        help="uptake N (or several: 2,8,9-14) is WHAT: lesion, physiological, brain, bladder, kidney, heart or "
        "other:TEXT; may be repeated",
    )


def _suv(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("SUV", "what the file does not say; numbers are recorded as entered by hand")
    group.add_argument("--pet-unit", metavar="U", help="suv or bqml: what the PET's values are")
    for name, _, metavar, text in _BY_HAND:
        group.add_argument(f"--{name}", metavar=metavar, help=text)


def _comparing(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("comparing with --truth")
    group.add_argument("--tolerance", type=float, default=5.0, metavar="MM", help="of NSD and BJI (default: 5)")
    group.add_argument(
        "--lesionwise",
        default="precision",
        choices=["precision", "dice"],
        help="approach 2: share of the predicted lesion in a true one, or Dice of the two (default: precision)",
    )
    group.add_argument(
        "--lesionwise-threshold", type=float, default=0.5, metavar="X", help="the least of it (default: 0.5)"
    )


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.tmtv import tmtv
    from ..jobs.tmtv_set import tmtv_set

    if (args.pet is None) == (args.data is None):
        raise UsageError("give one patient with --pet FILE, or a data set with --data FOLDER")
    chosen = {"model": args.model, "out": args.out, "options": _options(args), "events": events}
    if args.data is None:
        for name in ("case", "truth_name"):
            if getattr(args, name):
                raise UsageError(f"--{name.replace('_', '-')}: goes with --data")
        files = {"pet": args.pet, "ct": args.ct, "truth": args.truth, "mask": args.mask}
        apart = options.pairs(args.apart, "--apart")
        return tmtv(**files, apart=apart, id=args.id, pet_name=args.pet_name, **chosen)
    for name in ("ct", "truth", "mask", "apart", "id", "pet_name"):
        if getattr(args, name):
            raise UsageError(f"--{name.replace('_', '-')}: goes with --pet; --data takes the files of its cases")
    return tmtv_set(data=args.data, cases=args.case, truth_name=args.truth_name, **chosen)


def code(value: dict[str, Any]) -> int:
    """1 when a case of a data set could not be used."""
    return 1 if value.get("failed") else 0


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    if "cases" in value:
        return _show_set(value)
    from ..reporting import tmtv_says as says
    from ..reporting.tmtv_words import Words

    words = Words()
    doubt = says.suspected_part(value, words)
    lines = [
        f"TMTV        {value['tmtv_ml']:.1f} ml in {_lesions(value['count'])}",
        *([f"            {doubt}"] if doubt else []),
        f"TLG         {value['tlg']:.1f}",
    ]
    if value["suv_max"] is not None:
        lines.append(f"SUVmax      {value['suv_max']:.2f}")
    if value["dmax_voxel_mm"] is not None:
        between = "" if value["dmax_centroid_mm"] is None else f" ({value['dmax_centroid_mm']:.1f} between centroids)"
        lines.append(f"Dmax        {value['dmax_voxel_mm']:.1f} mm{between}")
    for row in value["thresholds"]:
        within = " (within SUV >= 4.0: cannot grow)" if says.within_seeds(row["rule"], value) else ""
        rule = row["rule"] or "no threshold"
        lines.append(f"  at {rule:9} {row['tmtv_ml']:.1f} ml in {_lesions(row['count'])}{within}")
    lines += _apart(value["physiological"])
    lines += _errors(value)
    hints = (says.suspected_move(value, words), says.tiny_hint(value, words))
    said = [*(f"note: {note}" for note in value["notes"]), *(f"hint: {hint}" for hint in hints if hint)]
    lines += ["", *said] if said else []
    return "\n".join([*lines, "", f"{value['report']} written, {value['seconds']} s on {value['device']}"])


def _apart(physiological: list[dict[str, Any]]) -> list[str]:
    """What stands apart, by organ."""
    volumes: dict[str, float] = {}
    for one in physiological:
        organ = one["physiological"].removeprefix("other:")
        volumes[organ] = volumes.get(organ, 0.0) + one["volume_ml"]
    return ["apart       " + ", ".join(f"{organ} {ml:.1f} ml" for organ, ml in volumes.items())] if volumes else []


def _show_set(value: dict[str, Any]) -> str:
    from ..reporting import text_table

    rows = []
    for case in value["cases"]:
        dice = [(case["errors"] or {}).get(name) for name in ("dice", "dice_raw")]
        rows.append((case["patient"], f"{case['tmtv_ml']:.1f}", f"{case['tlg']:.1f}", case["count"], *dice))
    at = value["cases"][0]["errors_threshold"]
    compared = (f"Dice, both at {at}", "Dice, not thresholded")
    lines = [text_table(rows, ("patient", "TMTV ml", "TLG", "lesions", *compared))]
    lines += [f"left out: {case['id']}: {case['message']}" for case in value["failed"]]
    return "\n".join([*lines, f"{value['table']} written"])


def _errors(value: dict[str, Any]) -> list[str]:
    from ..reporting.tmtv_says import truth_basis
    from ..reporting.tmtv_words import Words

    errors, words = value["errors"], Words()
    if errors is None:
        return []
    parts = (f"{name} {errors[name]:.3f}" if errors[name] is not None else f"{name} –"
             for name in ("dice", "precision", "recall"))  # fmt: skip
    volumes = f"TP {errors['tp_ml']:.2f}, FN {errors['fn_ml']:.2f}, FP {errors['fp_ml']:.2f} ml"
    whole = "–" if errors["dice_raw"] is None else f"{errors['dice_raw']:.3f}"
    lines = (f"truth       {', '.join(parts)}; {volumes}", truth_basis(value, words), f"{words('dice_raw')}: {whole}")
    return ["", lines[0], *(f"            {line}" for line in lines[1:])]


def _lesions(count: int) -> str:
    return f"{count} lesion" + ("" if count == 1 else "s")


def _options(args: argparse.Namespace):
    from ..jobs.tmtv_options import TmtvOptions

    by_hand = {key: getattr(args, name.replace("-", "_")) for name, key, *_ in _BY_HAND}
    return TmtvOptions(
        rule=None if args.threshold.strip().lower() == "none" else args.threshold,
        unit=args.pet_unit,
        by_hand={key: value for key, value in by_hand.items() if value is not None},
        language=args.lang,
        minimum_ml=args.minimum_ml,
        tolerance_mm=args.tolerance,
        lesionwise=args.lesionwise,
        lesionwise_share=args.lesionwise_threshold,
        naming=args.physiological,
        moves=_moves(options.pairs(args.move, "--move")),
        device=args.device,
        precision=args.precision,
    )


def _moves(given: dict[str, str]) -> list[tuple[int, str]]:
    """``{"2,8,9-14": what}`` as a move a number."""
    moves: dict[int, str] = {}
    for numbers, to in given.items():
        for one in _numbers(numbers, to):
            if one in moves:
                raise UsageError(f"--move {numbers}={to}: {one} was given as {moves[one]} already; name it once")
            moves[one] = to
    return list(moves.items())


def _numbers(text: str, to: str) -> list[int]:
    """``2,8,9-14`` as numbers."""
    found: list[int] = []
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-")]
        if len(ends) > 2 or not all(end.isascii() and end.isdigit() and len(end) < 6 for end in ends):
            raise UsageError(
                f"--move {text}={to}: give numbers of uptake, as --move 3=physiological or 2,8,9-14=kidney"
            )
        if int(ends[-1]) < int(ends[0]):
            raise UsageError(f"--move {text}={to}: {part.strip()} runs backwards; write {ends[-1]}-{ends[0]}")
        found += range(int(ends[0]), int(ends[-1]) + 1)
    return found
