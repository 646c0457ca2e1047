"""How sure an answer is: a logistic function of what the votes look like, with coefficients fitted on phantoms."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from .correlation import refine

if TYPE_CHECKING:
    from ..inference.votes import Votes
    from .consensus import Candidate

ROW = ("constant", "correlation", "agreement", "spread", "margin", "complete", "steadiness")
"""What the confidence of a row is made of."""
ABSENT = ("constant", "agreement", "outside")
"""What the confidence of "not in view" is made of."""
MAP = ("constant", "height", "rival", "steadiness")
"""What the confidence of a map's peak is made of."""
MOST = 0.99
"""No confidence is nearer to certainty: some hundred phantoms cannot show more."""
WORDS = ((0.9, "sure"), (0.7, "fairly sure"), (0.0, "unsure"))


@dataclass(frozen=True)
class Calibration:
    """Coefficients in the order of ``ROW``, ``ABSENT`` and ``MAP``, and where they come from."""

    row_weights: tuple[float, ...]
    absent_weights: tuple[float, ...]
    map_weights: tuple[float, ...]
    origin: str = ""

    def row(self, features: Sequence[float]) -> float:
        """Probability that a row with these ``row_features`` is right within 10 mm."""
        return _logistic(self.row_weights, features)

    def absent(self, found: Sequence[Candidate], outside: float) -> float:
        """Probability that the level is not in view where no row has the windows' agreement."""
        return _logistic(self.absent_weights, absent_features(found, outside))

    def map(self, height: float, rival: float, steady: float) -> float:
        """Probability that a map's peak of this height, with the next one this high, is right within 10 mm."""
        return _logistic(self.map_weights, (1.0, height, rival, steady))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Calibration:
        """From ``to_json``; ``ValueError`` for numbers that are missing, too many or not finite."""
        weights = []
        for key, names in (("row_weights", ROW), ("absent_weights", ABSENT), ("map_weights", MAP)):
            values = tuple(float(value) for value in data.get(key, ()))
            if len(values) != len(names) or not all(map(math.isfinite, values)):
                raise ValueError(f"{key} is not {len(names)} numbers ({', '.join(names)})")
            weights.append(values)
        return Calibration(*weights, origin=str(data.get("origin", "")))


def row_features(
    votes: Votes, first: Candidate, rivals: Sequence[Candidate], correlation: float, steady: float
) -> tuple[float, ...]:
    """The values that ``ROW`` names, each about 0 to 1."""
    _, spread = refine(votes, first.row)
    margin = first.agreement - (rivals[0].agreement if rivals else 0.0)
    return (1.0, correlation, first.agreement, min(spread / first.tolerance, 2.0), margin, first.complete, steady)


def absent_features(found: Sequence[Candidate], outside: float) -> tuple[float, ...]:
    """The values that ``ABSENT`` names."""
    return (1.0, found[0].agreement if found else 0.0, outside)


@cache
def shipped_calibration() -> Calibration:
    """The coefficients that ``benchmarks/l3_confidence.py`` wrote."""
    file = resources.files("TransferSegLib") / "Resources" / "level_confidence.json"
    return Calibration.from_json(json.loads(file.read_text(encoding="utf-8")))


def confidence_words(confidence: float) -> str:
    """``sure`` from 0.9 on, ``fairly sure`` from 0.7 on, else ``unsure``: of the confidence as it is told."""
    shown = told_confidence(confidence)
    return next(word for least, word in WORDS if shown >= least or least == 0)


def told_confidence(confidence: float) -> float:
    """The confidence as it is told: two digits."""
    return round(float(confidence), 2)


def _logistic(weights: Sequence[float], features: Sequence[float]) -> float:
    value = sum(weight * feature for weight, feature in zip(weights, features, strict=True))
    return min(max(1 / (1 + math.exp(-min(max(value, -30.0), 30.0))), 1 - MOST), MOST)
