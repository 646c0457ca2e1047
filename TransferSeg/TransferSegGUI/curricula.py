"""The orders in which a training can meet its cases, and what the worker is told of the chosen one."""

from __future__ import annotations

from . import wording


def curricula() -> list[tuple[str, str]]:
    """[(name, sentence)], plain order (``none``) first."""
    from TransferSegLib.training.curricula import CURRICULA, NONE

    known = {NONE: ""} | {name: family.sentence for name, family in CURRICULA.items()}
    return [(name, wording.curriculumSentence(name) or sentence) for name, sentence in known.items()]


def curriculumOptions(curriculum: str, strategy: str) -> dict[str, str]:
    """Options of ``transferseg finetune``; none for plain order.

    Where nothing was learned before (strategy ``scratch``) the lesions' volume says which cases are easy.
    """
    from TransferSegLib.training.curricula import curriculum_family

    family = curriculum_family(curriculum)
    if family is None:
        return {}
    by_volume = strategy == "scratch" and family.measure == "dice"
    return {"curriculum": family.name} | ({"difficulty": "volume"} if by_volume else {})
