"""A mark of a scan's content, by which a model knows again what it learned from; nothing of the patient is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..preparing.projecting import bare_maxima

if TYPE_CHECKING:
    from ..imaging.scan import Scan
    from ..packages import Card

SCANS = "scans"
"""Key of a card's origin: the marks of all scans that its weights learned from."""


def scan_mark(scan: Scan) -> str:
    """Hex digest of the maxima from front to back, in whole HU, as the body lies.

    The same voxels give the same mark from any file format, order and direction of axes; a crop gives another one.
    """
    maxima = np.rint(bare_maxima(scan)).astype("<i4")
    return hashlib.sha256(repr(maxima.shape).encode() + maxima.tobytes()).hexdigest()


def marks_of(card: Card) -> tuple[str, ...] | None:
    """The marks of the scans that a model's weights learned from; None where its card records none."""
    found = card.origin.get(SCANS)
    return None if found is None else tuple(found)


def all_marks(card: Card | None, marks: Iterable[str]) -> list[str]:
    """Marks for the card of a model that starts from ``card``'s weights (None: from none) and learns more scans."""
    return sorted({*(() if card is None else marks_of(card) or ()), *marks})


def learned_from(card: Card, scan: Scan, marks: Iterable[str] | None = None) -> bool | None:
    """Whether the scan is one of a model's training cases; None where its card does not say.

    ``marks`` are used instead of the card's, for a model that has no finished card yet.
    """
    known = marks_of(card) if marks is None else tuple(marks)
    return None if known is None else bool(known) and scan_mark(scan) in known


def learned_sentence(name: str) -> str:
    """What a user must know of a scan that a model learned from."""
    return f"This scan is one of the cases that {name} was trained on: its answer says nothing about new scans."


def learned_summary(name: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The same about a table of scans, whose rows say ``training_case``; empty where none is one."""
    rows = list(rows)
    learned = [str(row["id"]) for row in rows if row["training_case"]]
    if not learned:
        return []
    shown = ", ".join(learned[:5]) + (", ..." if len(learned) > 5 else "")
    return [
        f"{len(learned)} of {len(rows)} scans {'is one' if len(learned) == 1 else 'are'} of the cases that {name} was "
        f"trained on ({shown}): the figures on {'it' if len(learned) == 1 else 'them'} say nothing about new scans."
    ]
