"""The curriculum of an adaptation: which one, how hard each training case is, and the source of batches it makes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cases import Case, DataSet
from ..errors import UsageError
from ..events import Events
from ..inference import choose_device
from ..networks import network_spec
from ..packages import PETCT
from ..training import Run, TrainingPlan, Windows
from ..training.curricula import Curriculum, Family, Material, curriculum_family
from ..training.curricula.smoothing import answers
from .difficulty import MEASURES, read_difficulty, score_difficulty, truth_difficulty, uptake_difficulty
from .target import Target

if TYPE_CHECKING:
    from .adapt import Gathered
    from .finetune_plan import TrainingOptions

TABLE = "table"


@dataclass(frozen=True)
class Lessons:
    """A curriculum that was asked for.

    ``measure`` says what makes a case hard (a word of `MEASURES`, ``table``, or "" where nothing needs to be known);
    ``difficulty`` is that by case id, more is harder, None where it is not defined: such a case counts as the hardest.
    """

    family: Family
    measure: str = ""
    difficulty: Mapping[str, float | None] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """What decides the result, for run.json."""
        return {"name": self.family.name, "measure": self.measure, "table": dict(self.difficulty)}

    def measured(
        self,
        run: Run,
        target: Target,
        gathered: Gathered,
        training: Sequence[Case],
        options: TrainingOptions,
        events: Events,
    ) -> Lessons:
        """With the difficulty of each case that is trained on, which is noted in the run and read from a resumed one.

        Neither the held-out cases nor the inner split are looked at.
        """
        noted = run.noted("curriculum")
        if run.resumed and noted is not None:
            return replace(self, difficulty=noted["difficulty"])
        inside = [case for case in training if case.id in gathered.arrays]
        found = dict(self.difficulty)
        if self.measure == "dice":
            name = choose_device(options.device, precision=options.precision, network=target.model.module).name
            target.model.module.to(name)
            how = {"device": name, "precision": options.precision, "events": events}
            found = score_difficulty(target, gathered, **how)
        elif self.measure == "suv-max":
            found = uptake_difficulty(gathered)
        elif self.measure in MEASURES:
            found = truth_difficulty(self.measure, inside, events)
        found = {case.id: found[case.id] for case in inside} if self.measure else {}
        run.note(curriculum={"name": self.family.name, "measure": self.measure, "difficulty": found})
        return replace(self, difficulty=found)

    def source(self, windows: Windows, plan: TrainingPlan, target: Target) -> Curriculum:
        """The source of batches that the training loop takes."""
        module = target.model.module
        hard = [self.difficulty.get(case.id) for case in windows.cases]
        return self.family.make(
            Material(
                windows,
                plan,
                module,
                head=answers(network_spec(target.model.card.network), module),
                difficulty=[math.inf if d is None else d for d in hard] if self.measure else None,
            )
        )

    def facts(self, curriculum: Curriculum) -> dict[str, Any]:
        """For the result and the card: its name, its parameters, what the difficulty was; no case's name."""
        return {"name": self.family.name, "difficulty": self.measure or None, **curriculum.facts()}


def check_curriculum(options: TrainingOptions) -> None:
    """Refuse what cannot be, before any work (``UsageError``)."""
    family = curriculum_family(options.curriculum)
    if family is None:
        if options.difficulty is not None:
            raise UsageError("--difficulty: is for a curriculum only; name one with --curriculum, or leave it out")
        return
    if options.difficulty is not None and not family.measure:
        raise UsageError(f"--difficulty: the curriculum {family.name} needs none; leave it out")
    if options.feature_bank:
        raise UsageError("--feature-bank: reuses windows in any order; leave out it or --curriculum")


def make_lessons(
    options: TrainingOptions,
    data_set: DataSet,
    training: Sequence[Case],
    target: Target,
    events: Events | None = None,
) -> Lessons | None:
    """What `options` ask for, with the table read and checked; None for plain order.

    Raises
    ------
    UsageError
        The difficulty would come from a model to start from, and there is none; SUV is asked of other images.
    InputError
        From `read_difficulty`.
    """
    family = curriculum_family(options.curriculum)
    if family is None or not family.measure:
        return None if family is None else Lessons(family)
    measure = str(options.difficulty or family.measure)
    if measure not in MEASURES:
        return Lessons(family, TABLE, read_difficulty(Path(measure), data_set.cases, training, events))
    if measure == "suv-max" and target.model.card.normalisation != PETCT:
        raise UsageError("--difficulty suv-max: is for PET/CT only; choose another")
    if measure == "dice" and (target.transfer is None or not any(target.matched.values())):
        why = "nothing was learned before" if target.transfer is None else "the model knows none of the labels"
        raise UsageError(
            f"--curriculum {family.name}: begins with what the model to start from gets right, but {why}; "
            "give --difficulty CSV, volume or lesions"
        )
    return Lessons(family, measure)
