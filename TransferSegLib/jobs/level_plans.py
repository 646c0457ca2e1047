"""How long and how a level model learns from a data set; what keeps few cases from undoing what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..cases import hold_out, patients, split_by_patient
from ..errors import UsageError
from ..events import Events
from ..level.data_set import LevelCase, LevelSet
from ..packages import Card, Package
from ..places import cache_folder
from ..preparing.projection import ProjectionSpec
from ..training import STEPS_PER_EPOCH, LevelExample, LevelPlan, default_level_plan
from .finetune_plan import HOLD_OUT_FROM, HOLD_OUT_SHARE, INNER_FROM, TrainingOptions, named_cases, some_cases
from .level_phantoms import phantom_examples

if TYPE_CHECKING:
    from torch import nn

# A few cases: a few hundred steps at a low rate, with strongly varied pictures of them.
ADAPT_STEPS, ADAPT_RATE = 400, 3e-4
BACKBONE_ADAPT_RATE = 1e-5
# Half of the pictures are phantoms where the source was made of them, and a spring holds all weights.
REHEARSAL, REHEARSED, REHEARSAL_SEED = 0.5, 48, 7_000_000_000
ANCHOR = 0.01


@dataclass(frozen=True)
class Adaptation:
    """What holds an adaptation to its source.

    Parameters
    ----------
    anchor : float
        Strength of the spring to the source's weights; 0 for new weights.
    rehearsed : int
        Phantoms of the source's kind that are mixed in; 0 for none.
    """

    anchor: float = 0.0
    rehearsed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    def rehearsal_examples(self, card: Card, events: Events) -> list[LevelExample]:
        """The phantoms, made once and kept in the cache."""
        if not self.rehearsed:
            return []
        spec = ProjectionSpec.of_card(card)
        folder = cache_folder("level-phantoms")
        return phantom_examples(folder, REHEARSAL_SEED, self.rehearsed, spec, card.level, events=events)


def adaptation(source: Package | None) -> Adaptation:
    """How an adaptation of ``source`` is held to it; nothing holds new weights."""
    if source is None:
        return Adaptation()
    return Adaptation(ANCHOR, REHEARSED if made_of_phantoms(source.card) else 0)


def made_of_phantoms(card: Card) -> bool:
    """Whether a model, or the one that it comes from, was trained on our phantoms."""
    return bool(card.origin.get("phantoms"))


def level_plan(
    card: Card,
    module: nn.Module,
    training: Sequence[LevelCase],
    options: TrainingOptions,
    *,
    from_source: Package | None,
    on_gpu: bool,
) -> LevelPlan:
    """The default plan for network, evaluation and start, with what the user changed (``UsageError``)."""
    early = options.early_stopping
    if early is None:
        early = len(training) >= INNER_FROM and len(patients(training)) > 1
    evaluation = "map" if card.output == "confidence-map" else card.projection["evaluation"]
    stride = getattr(module, "stride", 1)
    plan = default_level_plan(
        card.network, evaluation, rows=card.window[0], stride=stride, on_gpu=on_gpu, early_stopping=early
    )
    if from_source is not None:
        light = plan.rate > BACKBONE_ADAPT_RATE
        plan = replace(
            plan,
            epochs=-(-ADAPT_STEPS // STEPS_PER_EPOCH),
            rate=ADAPT_RATE if light else BACKBONE_ADAPT_RATE,
            rehearsal=REHEARSAL if made_of_phantoms(from_source.card) else 0.0,
        )
    given = {
        "epochs": options.epochs,
        "steps_per_epoch": options.steps,
        "batch": options.batch,
        "rate": options.rate,
    }
    for option, value in given.items():
        if value is not None and value <= 0:
            raise UsageError(f"--{option.split('_', maxsplit=1)[0]} {value}: must be above 0")
    changes = {key: value for key, value in given.items() if value is not None}
    return replace(plan, seed=options.seed, **changes)


def split_levels(
    levels: LevelSet, ids: Sequence[str] | None, count: int | None, seed: int
) -> tuple[tuple[LevelCase, ...], tuple[LevelCase, ...]]:
    """(training scans, held-out scans), by the rules of every training: see ``finetune_plan.split_cases``."""
    if ids is not None:
        training, held_out = hold_out(levels.cases, named_cases(ids, levels.cases))
    elif len(levels.cases) >= HOLD_OUT_FROM:
        training, held_out = split_by_patient(levels.cases, fraction=HOLD_OUT_SHARE, seed=seed)
    else:
        training, held_out = levels.cases, ()
    if count is not None:
        if not 1 <= count <= len(training):
            raise UsageError(f"--cases {count}: there are {len(training)} scans to train on; name 1 to {len(training)}")
        training = some_cases(training, count, seed)
    return tuple(training), tuple(held_out)
