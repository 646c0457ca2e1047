"""The answer about a scan: found, not in view, uncertain or refused, in slices, mm and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import InputError
from .confidence import WORDS, confidence_words
from .findings import Finding
from .located import UNSURE, uncertain

if TYPE_CHECKING:
    from ..imaging.scan import Scan
    from ..preparing.projection import Projection
    from .finding import LevelFound
    from .located import Located

CAP = 0.69
"""Confidence of an answer about a scan about which something is odd: unsure."""
UNCOUNTABLE = ("spacing", "size", "short", "spine-unseen", "values", "mixed")
"""Findings with which a scan that shows its level in the mirrored picture only need not be upside down."""
FOREIGN = 0.89
"""Confidence of a model that it was not calibrated for: never sure."""


@dataclass(frozen=True)
class Place:
    """A height in a scan.

    Attributes
    ----------
    slice_index : int
        0-based along the scan's axis.
    position_mm : (x, y, z)
        LPS centre of that slice.
    row : float
        In the projection.
    confidence : float
    """

    slice_index: int
    position_mm: tuple[float, float, float]
    row: float
    confidence: float


@dataclass(frozen=True)
class Answer:
    """What is said about a scan.

    Attributes
    ----------
    answer : str
        ``found``, ``not-in-view``, ``uncertain``, ``refused``, or ``given`` for a slice that the user named.
    level : str
    candidates : tuple of Place
        Best first; none for ``refused`` and ``not-in-view``.
    confidence : float or None
        Of the answer; None where nothing was judged.
    message : str
        One or two sentences for the user.
    side : str or None
        Where the level lies, for ``not-in-view``.
    why : str
        The reason alone, one sentence; empty where the message is that.
    """

    answer: str
    level: str
    candidates: tuple[Place, ...]
    confidence: float | None
    message: str
    side: str | None = None
    why: str = ""

    @property
    def place(self) -> Place | None:
        """The best candidate."""
        return self.candidates[0] if self.candidates else None

    @property
    def words(self) -> str | None:
        """The confidence in words."""
        return None if self.confidence is None else confidence_words(self.confidence)


def refused(level: str, sentence: str) -> Answer:
    """No answer, with the reason."""
    return Answer("refused", level, (), None, sentence)


def fatal_finding(findings: Sequence[Finding]) -> Finding | None:
    """The first finding with which no answer should be given."""
    return next((finding for finding in findings if finding.fatal), None)


def answer_of(found: LevelFound, scan: Scan, level: str, findings: Sequence[Finding] = ()) -> Answer:
    """Turn what a model located into an answer about the scan.

    Parameters
    ----------
    found : LevelFound
    scan : Scan
    level : str
        The model's level, ``L3``.
    findings : sequence of Finding
        What was odd about the scan; a fatal one refuses it, others are told, and nothing is ``found`` with them.
    """
    fatal = fatal_finding(findings)
    if fatal is not None:
        return refused(level, fatal.sentence)
    told = " ".join(finding.sentence for finding in findings)
    if found.upside_down and not any(finding.kind in UNCOUNTABLE for finding in findings):
        return _upside_down(found, scan, level, told)
    located = _doubted(found.located, level, findings) if findings else found.located
    located, told = _against_bones(found, located, scan, level, told)
    most = CAP if findings else 1.0 if found.calibrated else FOREIGN
    places = tuple(
        place_of_row(found.projection, scan, row, min(confidence, most)) for row, confidence in located.candidates
    )
    confidence = min(located.confidence, most)
    answer = Answer(located.answer, level, places, confidence, "", located.side)
    words = _sentence(answer, located.message, scan)
    return replace(answer, message=f"{words} {told}".strip(), why=f"{_capital(located.message)}. {told}".strip())


def _doubted(located: Located, level: str, findings: Sequence[Finding]) -> Located:
    """What is said of a scan about which something is odd: never ``found``, ``not-in-view`` only where that is sure.

    Where vertebrae cannot be counted, a level that is merely not recognised (no side is known) may well be there; with
    wrong lengths nothing is recognised at all.
    """
    if located.answer == "found":
        return uncertain(located, "the scan is unusual")
    kinds = {finding.kind for finding in findings}
    countless = bool(kinds & {"spacing", "size"}) or (located.side is None and bool(kinds & set(UNCOUNTABLE)))
    if located.answer == "not-in-view" and (countless or located.confidence < WORDS[0][0]):
        return uncertain(located, f"{level} was not recognised, and the scan is unusual")
    return located


def _against_bones(found: LevelFound, located: Located, scan: Scan, level: str, told: str) -> tuple[Located, str]:
    """Bones in the found slice that belong to another level make it uncertain."""
    from .axial import axial_slice
    from .composition import cue_of_slice

    if located.answer != "found":
        return located, told
    axial = axial_slice(scan, found.projection.slice_of_row(located.row))
    try:
        cue = cue_of_slice(axial.hu, axial.spacing, level)
    except InputError as error:  # no trunk in the slice
        return uncertain(located, "the slice cannot be measured"), f"{told} {_capital(error.message)}.".strip()
    if cue is None:
        return located, told
    return uncertain(located, f"its bones rather belong {cue.side} {level}"), f"{told} {cue.sentence}".strip()


def given(projection: Projection | None, scan: Scan, index: int, level: str) -> Answer:
    """The answer for a slice that the user named."""
    row = float("nan") if projection is None else projection.row_of_slice(index)
    place = Place(index, _position(scan, index), row, 1.0)
    return Answer("given", level, (place,), None, f"Slice {at(place)} as given.")


def place_of_row(projection: Projection, scan: Scan, row: float, confidence: float) -> Place:
    """The slice nearest to a row of the projection."""
    index = projection.slice_of_row(row)
    return Place(index, _position(scan, index), float(row), float(confidence))


def at(place: Place) -> str:
    """``213 (I 412.5 mm)``: slice and height, as slice viewers write it."""
    height = place.position_mm[2]
    return f"{place.slice_index} ({'SI'[height < 0]} {abs(height):.1f} mm)"


def _position(scan: Scan, index: int) -> tuple[float, float, float]:
    return tuple(float(value) for value in scan.positions[index])


def _upside_down(found: LevelFound, scan: Scan, level: str, told: str) -> Answer:
    """The level is seen in the mirrored projection only."""
    places = [place_of_row(found.projection, scan, found.mirrored_row, min(found.mirrored.confidence, UNSURE))]
    message = (
        f"The scan looks upside down: {level} is seen at slice {at(places[0])} only when head and foot are swapped. "
        "Check the orientation in the header."
    )
    return Answer("uncertain", level, tuple(places), places[0].confidence, f"{message} {told}".strip())


def _sentence(answer: Answer, why: str, scan: Scan) -> str:
    """The answer in one sentence, with the reason."""
    level, place = answer.level, answer.place
    if answer.answer == "found":
        return f"{level} is at slice {at(place)}, {answer.words}: {why}."
    if answer.answer == "not-in-view":
        return f"{_capital(why)}."
    if len(answer.candidates) > 1:
        first, second = answer.candidates[:2]
        return f"Uncertain, two candidates for {level}: slice {at(first)} and slice {at(second)}."
    if place is not None:
        return f"Uncertain: {level} may be at slice {at(place)}; {why}."
    return f"Uncertain: {why}."


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
