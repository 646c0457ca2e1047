"""What a pruning leaves to read: the curve, its message, the card's account of itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..packages import Card, Package
from ..storage import write_text
from .prune_options import PruneOptions

if TYPE_CHECKING:
    from ..training.pruning_time import Gain


def write_curve(folder: Path, curve: list[dict[str, Any]], name: str) -> dict[str, str]:
    """The curve as CSV and as a picture in the run's folder."""
    from ..reporting.pruning_curve import save_pruning_curve

    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(curve[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(curve)
    write_text(folder / "curve.csv", text.getvalue())
    picture = save_pruning_curve(folder / "curve.png", curve, title=name)
    return {"curve_csv": str(folder / "curve.csv"), "picture": str(picture)}


def row_words(row: dict[str, Any]) -> str:
    """A row of the curve as words."""
    level = "error_mm" in row
    error = f"{row['error_mm']:.1f} mm" if level else f"Dice {row['dice']:.3f}"
    kept, seconds = f"{100 * row['kept']:.0f} % of the maps", seconds_words(row)
    return f"{row['criterion']}, {kept}: {error}, {row['parameters']:,} parameters, {seconds}"


def seconds_words(row: dict[str, Any]) -> str:
    """``0.41 s a scan``, or ``4.1 ms a window``."""
    if "error_mm" in row:
        return f"{row['seconds']:.3f} s a scan"
    return f"{1000 * row['seconds']:.3g} ms a window"


def prune_message(curve: list[dict[str, Any]], options: PruneOptions, frozen: Sequence[Gain] | None) -> str:
    """One sentence on what pruning cost and gained, and on the layers left alone."""
    own = [row for row in curve if row["criterion"] == options.criterion]
    first, last = own[0], own[-1]
    share = f"{100 * last['kept']:.0f} % of the maps kept"
    error = (
        f"{first['error_mm']:.1f} to {last['error_mm']:.1f} mm error"
        if "error_mm" in first
        else f"Dice {first['dice']:.3f} to {last['dice']:.3f}"
    )
    text = f"{share} by {options.criterion}: {error}, {seconds_words(first)} to {seconds_words(last)}."
    if frozen is None:
        return text
    left = [gain.name for gain in frozen if not gain.pays]
    if len(left) == len(frozen):
        return text + " No layer's maps cost time that could be measured: guided pruning removes nothing here."
    return text + (f" Left alone, as fewer maps there gain no time: {', '.join(left)}." if left else "")


def pruned_card(
    name: str,
    card: Card,
    source: Package,
    result: dict[str, Any],
    options: PruneOptions,
    run_id: str,
    learned: dict[str, Any],
) -> Card:
    """The smaller model's card: what it was made from, what it ``learned`` from, the curve measured."""
    own = [row for row in result["curve"] if row["criterion"] == options.criterion]
    share = f"{100 * own[-1]['kept']:.0f} %"
    text = f"{source.card.name}, pruned by {options.criterion} in {options.steps} steps to {share} of its maps"
    origin = {
        "text": text,
        "source": source.card.name,
        "source_sha256": source.card.weights_sha256,
        "pruning": options.to_json(),
        "guided": result["guided"],
        "phantoms": bool(source.card.origin.get("phantoms")),
        **learned,
        "run": run_id,
    }
    level = card.task == "level"
    measured = ({"text": result["message"], "scans" if level else "cases": len(result["held_out"]), "curve": own},)
    of = f"{card.level} in CT" if level else f"{', '.join(card.label_names().values())} on {', '.join(card.roles)}"
    description = f"{of[0].upper()}{of[1:]}: {text}."
    return replace(card, name=name, description=description, origin=origin, measured_on=measured, weights_sha256="")
