"""What is asked of tmtv besides the images, checked before any work."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..lesions import Threshold, threshold_of
from ..reporting.tmtv_words import Words
from .tmtv_uptake import DEFAULT_RULE, OTHER, organ_of, rule_name

LESIONWISE = ("precision", "dice")
NAMING = ("auto", "on", "off")


@dataclass(frozen=True)
class TmtvOptions:
    """How a TMTV is taken.

    Attributes
    ----------
    rule : str or None
        The threshold: an SUV, ``41%``, ``reading``; None (``none``) takes a segmentation as it is.
    unit : {"suv", "bqml"}, optional
        The PET's unit as the user states it.
    by_hand : mapping
        Numbers for the SUV that the user enters (``imaging.read_pet``).
    language : {"en", "fr"}
    minimum_ml : float
        Smaller lesions are counted apart.
    tolerance_mm : float
        Of NSD and BJI.
    lesionwise : {"precision", "dice"}
        What approach 2 asks of a pair of lesions.
    lesionwise_share : float
        How much of it.
    naming : {"auto", "on", "off"}
        Tell physiological uptake by rule; ``auto`` leaves a mask as the user made it.
    moves : sequence of (number, what)
        The user's word on what an uptake is, by its number in a report made without moves.
    """

    rule: str | None = DEFAULT_RULE
    unit: str | None = None
    by_hand: Mapping[str, Any] = field(default_factory=dict)
    language: str = "en"
    minimum_ml: float = 0.0
    tolerance_mm: float = 5.0
    lesionwise: str = "precision"
    lesionwise_share: float = 0.5
    naming: str = "auto"
    moves: Sequence[tuple[int, str]] = ()
    device: str = "auto"
    precision: str = "auto"

    def check(self, *, segmented: bool) -> TmtvOptions:
        """These options, or one ``UsageError``; ``segmented`` says that a model or a mask is there."""
        Words(self.language)
        rule_name(self.rule)
        if self.rule is None and not segmented:
            raise UsageError("--threshold none: needs a segmentation to take as it is; add --model M or --mask FILE")
        if not self.minimum_ml >= 0 or self.minimum_ml > 1e5:
            raise UsageError(f"--minimum-ml {self.minimum_ml:g}: give a volume in ml from 0")
        if not 0 < self.tolerance_mm <= 1000:
            raise UsageError(f"--tolerance {self.tolerance_mm:g}: give a distance above 0 mm")
        if self.lesionwise not in LESIONWISE:
            raise UsageError(f"--lesionwise {self.lesionwise}: unknown; choose one of {', '.join(LESIONWISE)}")
        if not 0 < self.lesionwise_share <= 1:
            raise UsageError(f"--lesionwise-threshold {self.lesionwise_share:g}: give a share above 0 and at most 1")
        if self.naming not in NAMING:
            raise UsageError(f"--physiological {self.naming}: unknown; choose one of {', '.join(NAMING)}")
        for _, to in self.moves:
            organ_of(to)
        return self

    def comparing(self) -> Threshold:
        """What a truth is thresholded by: the report's rule (4.0 for none) with the least volume of its lesions."""
        threshold = threshold_of(DEFAULT_RULE if self.rule is None else self.rule)
        return dataclasses.replace(threshold, least_ml=max(self.minimum_ml, threshold.least_ml))

    def names(self, *, masked: bool) -> bool:
        """Whether physiological uptake is told by rule."""
        return self.naming == "on" or (self.naming == "auto" and not masked)


@dataclass(frozen=True)
class TmtvInputs:
    """The files of one patient; ``model`` and ``mask`` exclude each other, neither means the threshold alone.

    ``apart`` are masks of physiological uptake that go with ``mask``: what it is, its file.
    """

    pet: Path
    ct: Path | None = None
    truth: Path | None = None
    mask: Path | None = None
    apart: tuple[tuple[str, Path], ...] = ()

    @staticmethod
    def of(apart: Mapping[str, str | Path] | None = None, **paths: str | Path | None) -> TmtvInputs:
        """From paths as the user gives them."""
        given = {name: None if path is None else Path(path) for name, path in paths.items()}
        organs = tuple((organ_of(name, "--apart") or OTHER, Path(path)) for name, path in (apart or {}).items())
        if organs and given.get("mask") is None:
            raise UsageError("--apart: goes with --mask, which holds the lesions")
        return TmtvInputs(**given, apart=organs)

    @property
    def given(self) -> list[Path]:
        """All that were named."""
        named = (self.pet, self.ct, self.truth, self.mask, *(path for _, path in self.apart))
        return [path for path in named if path is not None]
