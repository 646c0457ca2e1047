"""Which light model is proposed instead of another where there is no graphics card, and why.

The rule: a model whose card says that it was distilled from the chosen one, that gives the same labels from the same
images, that was measured and not found worse, and that is lighter. Of several, the fastest that was measured on this
computer's processor; where not all were, the one with the smallest file of weights. A pruned model is none of them: its
card says what pruning cost, not that little was lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slicer.i18n import tr as _

from .size_words import recordHere, secondsText

CLEARLY = 0.05
"""By how much a light model's Dice may lie below its teacher's on the same cases."""


def lightVersion(info: Any, models: Iterable[Any]) -> Any:
    """The model to propose instead of ``info``, or None."""
    if info is None or info.card is None:
        return None
    found = [one for one in models if _fits(one, info) and _isLighter(one, info)]
    measured = all(_seconds(one) is not None for one in found)
    return min(found, key=_seconds if measured else _weight, default=None)


def whyProposed(light: Any, info: Any) -> str:
    """One sentence: what the light model is, and what it saves."""
    before, after = _seconds(info), _seconds(light)
    if before is not None and after is not None:
        saves = _("it needs {after} instead of {before} on this computer").format(
            after=secondsText(after), before=secondsText(before)
        )
    else:
        saves = _("its file is {n} times smaller").format(n=f"{_weight(info) / max(_weight(light), 1):.1f}")
    return _("There is no graphics card to compute on: “{light}” is a light version of “{model}”, {saves}.").format(
        light=light.name, model=info.name, saves=saves
    )


def _fits(light: Any, info: Any) -> bool:
    """Whether it is a light version of a model, for the same images and labels, and known to be good enough."""
    if light.card is None or not (light.available and light.offered) or not distilledFrom(light.card, info):
        return False
    same = light.card.task == info.card.task and set(light.roles) == set(info.roles)
    return same and _names(light) == _names(info) and not _isDoubtful(light.card)


def distilledFrom(card: Any, info: Any = None) -> bool:
    """Whether a card says that its model was distilled, from ``info``: of its name and, where that is kept, weights."""
    teacher, weights = card.origin.get("distilled_from"), card.origin.get("source_sha256")
    if info is None or not teacher:
        return bool(teacher)
    return teacher == info.name and weights in (None, info.card.weights_sha256)


def _isDoubtful(card: Any) -> bool:
    """Whether nothing was measured, or it was measured to be worse (a card may state ``teacher`` beside ``dice``)."""
    if not card.measured_on or card.origin.get("verdict") in ("worse", "not-measured"):
        return True
    pairs = [(entry.get("dice"), entry.get("teacher")) for entry in card.measured_on]
    numbers = [pair for pair in pairs if all(isinstance(value, (int, float)) for value in pair)]
    return any(own < teacher - CLEARLY for own, teacher in numbers)


def _isLighter(light: Any, info: Any) -> bool:
    before, after = _seconds(info), _seconds(light)
    if before is not None and after is not None:
        return after < before
    return _weight(light) < _weight(info)


def _seconds(info: Any) -> float | None:
    """Seconds of the standard case on this computer's processor."""
    record = recordHere(info.sizes, "cpu")
    return None if record is None else record.seconds


def _weight(info: Any) -> int:
    """Bytes of the file of weights."""
    return info.weightBytes


def _names(info: Any) -> set[str]:
    return {label.name for label in info.labels}
