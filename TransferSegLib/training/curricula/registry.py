"""The curricula by name: what each does in a sentence, and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import UsageError
from ..plan import TrainingPlan
from ..windows import Windows
from .curriculum import Curriculum, easy_to_hard
from .predefined import Predefined
from .rl_teacher import RlTeacher
from .self_paced import SelfPaced
from .smoothing import Smoothing
from .transfer_teacher import TransferTeacher, random_order

if TYPE_CHECKING:
    from torch import nn

DEFAULT = "transfer-teacher"
NONE = "none"


@dataclass(frozen=True)
class Material:
    """What curricula are made of.

    ``difficulty`` is a number for each of the windows' cases, more is harder; ``head`` are the names of the modules
    that give the network's answer.
    """

    windows: Windows
    plan: TrainingPlan
    module: nn.Module
    head: Iterable[str] = ()
    difficulty: Sequence[float] | None = None

    @property
    def order(self) -> list[int]:
        """Places of the cases, the easiest first."""
        return easy_to_hard(self.difficulty, [case.id for case in self.windows.cases])


@dataclass(frozen=True)
class Family:
    """One curriculum: its name, one plain sentence, and what it takes its order from.

    ``measure`` is what says how hard a case is when the user does not: ``dice`` (the pretrained network's score),
    ``volume`` (of the lesions), or "" where the order needs no difficulty.
    """

    name: str
    sentence: str
    make: Callable[[Material], Curriculum]
    measure: str = ""


def _teacher(material: Material, order: Sequence[int]) -> Curriculum:
    return TransferTeacher(material.windows, material.plan, order=order)


CURRICULA: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            DEFAULT,
            "Begins with the cases that the model to start from gets right; the hard ones join in later.",
            lambda m: _teacher(m, m.order),
            "dice",
        ),
        Family(
            "predefined",
            "Begins with the fifth of the cases that has the largest lesions; the next fifths join in turn by turn.",
            lambda m: Predefined(m.windows, m.plan, order=m.order),
            "volume",
        ),
        Family(
            "self-paced",
            "Begins with the half of the cases that the network finds easiest itself, and asks it again and again.",
            lambda m: SelfPaced(m.windows, m.plan),
        ),
        Family(
            "rl-teacher",
            "Tries easy and hard cases alike and goes on with those from which most is learned.",
            lambda m: RlTeacher(m.windows, m.plan, order=m.order),
            "dice",
        ),
        Family(
            "smoothing",
            "All cases from the start; what the network sees is blurred at first and grows sharp.",
            lambda m: Smoothing(m.windows, m.plan, module=m.module, head=m.head),
        ),
        Family(
            "anti",
            "A control: as transfer-teacher, but begins with the hardest cases.",
            lambda m: _teacher(m, m.order[::-1]),
            "dice",
        ),
        Family(
            "random",
            "A control: as transfer-teacher, but the order of the cases is drawn by seed.",
            lambda m: _teacher(m, random_order(len(m.windows.cases), m.plan.seed)),
        ),
    )
}


def curriculum_family(name: str | None) -> Family | None:
    """The family of that name, ``default`` being transfer-teacher; None for None and ``none``.

    Raises
    ------
    UsageError
        That lists the names.
    """
    if name in (None, NONE):
        return None
    found = CURRICULA.get(DEFAULT if name == "default" else name)
    if found is None:
        raise UsageError(f"--curriculum {name}: there is none of that name; use one of {', '.join(CURRICULA)}, or none")
    return found
