"""From a scan and a model to a located level, looked at the right way up and upside down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import PackageError, UsageError
from ..events import Events, quiet
from ..preparing.projection import Projection, ProjectionSpec, project
from .confidence import Calibration, shipped_calibration
from .consensus import candidates_of
from .located import uncertain
from .locating import Located, locate, locate_map
from .second_looks import second_looks

if TYPE_CHECKING:
    from torch import nn

    from ..imaging.scan import Scan
    from ..inference.votes import Votes
    from ..packages import Card

CLEARER = 0.15
"""By how much the windows must agree more on the mirrored projection for the scan to look upside down."""
SECOND_STEP = 4
"""Rows between the windows of a second look."""
EVALUATIONS = ("dense", "windows")


@dataclass(frozen=True)
class LevelFound:
    """What a model says of a scan.

    Attributes
    ----------
    projection : Projection
    votes : Votes or (rows,) array
        Offsets of the windows, or the confidence map.
    located : Located
        In rows of the projection.
    mirrored : Located
        The same of the projection turned upside down, in its own rows.
    calibrated : bool
        Whether the confidence was calibrated with this model.
    """

    projection: Projection
    votes: Votes | np.ndarray
    located: Located
    mirrored: Located
    calibrated: bool

    @property
    def upside_down(self) -> bool:
        """Whether the level stands out where the projection is turned upside down, and not as it is."""
        clearly = self.mirrored.answer == "found" and self.mirrored.agreement >= self.located.agreement + CLEARER
        return clearly and self.mirrored.confidence > self.located.confidence

    @property
    def mirrored_row(self) -> float | None:
        """The mirrored answer's row, in the rows of the projection as it is."""
        return None if self.mirrored.row is None else self.projection.rows - 1 - self.mirrored.row


def find_level(
    model: Any,
    scan: Scan,
    *,
    evaluation: str | None = None,
    step: int | None = None,
    quick: bool = False,
    device: str = "auto",
    events: Events | None = None,
) -> LevelFound:
    """Find a model's level in a scan.

    Parameters
    ----------
    model : object with ``card`` and ``module``
        An open level model (``jobs.predict.Model``).
    scan : Scan
    evaluation : {"dense", "windows"}, optional
        All windows at once with shared convolutions, or one by one as published; the card's by default.
    step : int, optional
        Rows between windows; the card's by default.
    quick : bool
        Take no second looks at changed pictures: a row then stays uncertain.
    device : str
        ``auto``, ``cpu``, ``cuda``, ...

    Raises
    ------
    UsageError
        When the model is of another task, or an option is out of range.
    """
    events, card = quiet(events), model.card
    check_level_model(card)
    check_step(card, evaluation, step)
    events.progress("finding the level", 0, 2)
    projection = project(scan, ProjectionSpec.of_card(card))
    events.progress("finding the level", 1, 2)
    options = {"evaluation": evaluation, "device": device, "events": events.silent()}
    votes, located, mirrored = looked_at(card, model.module, projection.pixels, step=step, quick=quick, **options)
    events.progress("finding the level", 2, 2)
    return LevelFound(projection, votes, located, mirrored, _knows(card, calibration_of(card)))


def looked_at(
    card: Card, module: nn.Module, pixels: np.ndarray, *, step: int | None = None, quick: bool = False, **options: Any
) -> tuple[Votes | np.ndarray, Located, Located]:
    """A projection (views, rows, width) looked at as it is, upside down and, unless ``quick``, in changed pictures.

    Returns
    -------
    votes, located, mirrored
        As in `LevelFound`.
    """
    votes = curve_of(card, module, pixels, step=step, **options)
    upside_down = np.ascontiguousarray(pixels[:, ::-1])
    mirrored = curve_of(card, module, upside_down, step=second_step(card, step), **options)
    others = () if quick else rows_of_second_looks(card, module, pixels, step=step, **options)
    located = judge(votes, card, pixels.shape[1], others=others)
    if quick and located.answer == "found":
        located = uncertain(located, "no second looks were taken at changed pictures")
    return votes, located, judge(mirrored, card, pixels.shape[1])


def rows_of_second_looks(
    card: Card, module: nn.Module, pixels: np.ndarray, *, step: int | None = None, **options: Any
) -> list[float | None]:
    """The rows that a model finds in changed pictures of a projection (``level.second_looks``)."""
    rows = []
    for changed, back in second_looks(pixels, card.projection["views"], card.spacing[0]):
        curve = curve_of(card, module, changed, step=second_step(card, step), **options)
        if isinstance(curve, np.ndarray):
            found = float(np.argmax(curve)) if np.isfinite(curve).all() else None
        else:
            best = candidates_of(curve, changed.shape[1], row_mm=card.spacing[0], most=1)
            found = best[0].row if best else None
        rows.append(None if found is None else back(found))
    return rows


def second_step(card: Card, step: int | None) -> int:
    """Rows between the windows of a second look, whose row need not be exact."""
    return max(card.projection["step"] if step is None else step, min(SECOND_STEP, max(card.window[0] // 16, 1)))


def judge(curve: Votes | np.ndarray, card: Card, height: int, *, others: Sequence[float | None] = ()) -> Located:
    """The answer of a projection's curve: its votes or its map, and what second looks found."""
    calibration = calibration_of(card) or shipped_calibration()
    options = {"row_mm": card.spacing[0], "level": card.level, "calibration": calibration, "others": others}
    return locate_map(curve, **options) if isinstance(curve, np.ndarray) else locate(curve, height=height, **options)


def curve_of(
    card: Card,
    module: nn.Module,
    pixels: np.ndarray,
    *,
    evaluation: str | None = None,
    step: int | None = None,
    device: str = "auto",
    events: Events | None = None,
) -> Votes | np.ndarray:
    """Votes of all windows of a projection (views, rows, width), or its confidence map (rows,)."""
    from ..inference.votes import confidence_map, votes_by_windows, votes_dense

    if card.output == "confidence-map":
        return confidence_map(module, pixels, device=device, events=events)
    check_step(card, evaluation, step)
    evaluation = evaluation or card.projection["evaluation"]
    step = step if step is not None else card.projection["step"]
    if evaluation == "dense":
        return votes_dense(module, pixels, rows=card.window[0], step=step, device=device, events=events)
    return votes_by_windows(module, pixels, rows=card.window[0], stride=step, device=device, events=events)


def check_level_model(card: Card) -> None:
    """Refuse a model of another task."""
    if card.task != "level":
        raise UsageError(
            f"--model {card.name}: is a model for {card.task}, not one that finds a level; "
            "see `transferseg models list` for those"
        )


def check_step(card: Card, evaluation: str | None, step: int | None) -> None:
    """Refuse an unknown way of evaluation, and a step that leaves too few windows."""
    if evaluation is not None and evaluation not in EVALUATIONS:
        raise UsageError(f"--evaluation {evaluation}: choose {' or '.join(EVALUATIONS)}")
    if step is not None and not 1 <= step <= card.window[0] // 3:
        raise UsageError(f"--step {step}: give 1 to {card.window[0] // 3} rows, a third of the model's window")


def calibration_of(card: Card) -> Calibration | None:
    """The confidence's coefficients that a card brings; None without any."""
    given = card.projection.get("confidence")
    if given is None:
        return None
    try:
        if not isinstance(given, Mapping):
            raise ValueError("it is no table of coefficients")
        return Calibration.from_json(given)
    except (TypeError, ValueError) as error:
        raise PackageError(f"{card.name}: card.projection.confidence: {error}; get the package again") from None


def _knows(card: Card, calibration: Calibration | None) -> bool:
    """Whether the coefficients in use were fitted to this very model, by its weights' hash."""
    mark = weights_mark(card)
    return calibration is not None or (bool(mark) and mark in shipped_calibration().origin)


def weights_mark(card: Card) -> str:
    """What a calibration's origin says of the model that it was fitted to; empty without a hash."""
    return f"weights {card.weights_sha256[:12]}" if card.weights_sha256 else ""
