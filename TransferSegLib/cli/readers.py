"""transferseg readers."""

from __future__ import annotations

import argparse
from typing import Any

from ..events import Events
from . import options

EPILOG = """
The CSV has a row a reading: id (or case), reader, review (1, 2, ...), slice (0-based along the scan's axis) and/or mm
(LPS S); optional ct (path, relative to the CSV), thickness_mm, truth_slice, truth_mm, level. Slicer appends to it."""


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "readers",
        "compare readers of a vertebral level with a reference, with each other and with models",
        "transferseg readers readings.csv --reference truth --model l3-map-phantom --out study.csv\n" + EPILOG,
    )
    parser.add_argument("readings", metavar="CSV", help="a row a reading: id, reader, review, slice or mm")
    parser.add_argument("--reference", metavar="READER", help="a reader, or truth (the truth columns; the default)")
    parser.add_argument("--model", action="append", default=[], metavar="M", help="run on each ct; may be repeated")
    parser.add_argument("--level", metavar="L", help="which level, where the CSV holds several")
    parser.add_argument("--out", metavar="CSV", help="also write the tables")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.readers import compare_readers

    return compare_readers(
        readings=args.readings,
        reference=args.reference,
        models=args.model,
        level=args.level,
        out=args.out,
        device=args.device,
        events=events,
    )


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    parts = [f"{value['level']}, {value['cases']} cases, |error| against {value['reference']}, mean ± SD"]
    for unit in ("slices", "mm"):
        if any(row[f"error_{unit}"]["n"] for row in value["readers"]):
            parts.append(_errors(value["readers"], unit))
    if value["inter"]:
        parts.append("Between readers\n" + _differences(value["inter"], lambda r: " – ".join(r["readers"])))
    if value["intra"]:
        parts.append("Between reviews of one reader\n" + _differences(value["intra"], lambda r: r["reader"]))
    for model, cases in value["unanswered"].items():
        parts += [f"{model}: no slice for {case}: {why}" for case, why in cases.items()]
    return "\n\n".join(parts)


def _errors(rows: list[dict[str, Any]], unit: str) -> str:
    """Readers down, reviews across, as the source has it."""
    from ..reporting.tables import text_table

    reviews = sorted({row["review"] for row in rows})
    cells = {}
    for row in rows:
        cells.setdefault(row["reader"] + (" (model)" if row["model"] else ""), {})[row["review"]] = row
    lines = []
    for reader, found in cells.items():
        line = [reader]
        for review in reviews:
            row = found.get(review)
            line += [_mean_sd(row[f"error_{unit}"]), _signed(row[f"bias_{unit}"]), str(row["n"])] if row else ["–"] * 3
        lines.append(line)
    return text_table(lines, [unit, *(f"{name} {r}" for r in reviews for name in ("review", "bias", "n"))])


def _differences(rows: list[dict[str, Any]], name: Any) -> str:
    from ..reporting.tables import text_table

    lines = [
        [
            name(row),
            str(row.get("review") or " – ".join(str(r) for r in row["reviews"])),
            _mean_sd(row["difference_slices"]),
            _mean_sd(row["difference_mm"]),
            str(row["n"]),
        ]
        for row in rows
    ]
    return text_table(lines, ["readers", "review", "slices", "mm", "n"])


def _mean_sd(value: dict[str, Any]) -> str:
    """``2.37±2.30``, as the source writes it."""
    if value["mean"] is None:
        return "–"
    return f"{value['mean']:.2f}" + ("" if value["sd"] is None else f"±{value['sd']:.2f}")


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"
