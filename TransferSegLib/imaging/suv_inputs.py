"""The numbers that SUV needs: what the file says, what was entered by hand, and whether they can be true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import InputError, UsageError
from .suv_times import Moment, moment_by_hand

BY_HAND = "by hand"


class Input(NamedTuple):
    """One number behind an SUV: its name, value, unit, and where it comes from (``DICOM``, ``by hand``, ...)."""

    name: str
    value: Any
    unit: str
    source: str


@dataclass(frozen=True)
class _Kind:
    """How one number is called, entered and judged; ``low`` and ``high`` bound what a patient can have."""

    name: str
    words: str
    unit: str
    option: str
    low: float = 0.0
    high: float = 0.0
    what: str = ""


# By the names that ``by_hand`` takes.
KINDS = {
    "weight_kg": _Kind("weight", "weight", "kg", "--weight KG", 0.5, 450, "kg"),
    "dose_mbq": _Kind("dose", "injected dose", "MBq", "--dose MBQ", 1, 5000, "MBq"),
    "injected": _Kind("injected", "time of injection", "", "--injected TIME"),
    "acquired": _Kind("acquired", "time that the values are decay-corrected to", "", "--acquired TIME"),
    "half_life_s": _Kind("half_life", "half-life", "s", "--half-life S", 60, 1e6, "seconds"),
    "height_m": _Kind("height", "height", "m", "--height M", 0.3, 2.6, "metres"),
    "sex": _Kind("sex", "sex", "", "--sex F|M"),
}
# A difference below this share is rounding.
_SAME = 0.005


def entered(by_hand: Mapping[str, Any] | None) -> dict[str, Input]:
    """What was entered by hand, checked; None and empty texts count as not entered.

    Raises
    ------
    UsageError
        An unknown name, a text that is no number or time, a value that no patient has.
    """
    found = {}
    for key, value in (by_hand or {}).items():
        if value is None or value == "":
            continue
        if key not in KINDS:
            raise UsageError(f"{key}: not a number that SUV needs; one of {', '.join(KINDS)}")
        kind = KINDS[key]
        found[key] = Input(kind.name, _entered(kind, value), kind.unit, BY_HAND)
    return found


def _entered(kind: _Kind, value: Any) -> Any:
    option = kind.option.split()[0]
    if not kind.high:
        if kind.name != "sex":
            return moment_by_hand(value, option)
        if str(value).strip().lower() not in ("f", "female", "m", "male"):
            raise UsageError(f"{option} {str(value)[:20]}: not a sex that the formulas know; say F or M")
        return str(value).strip()[0].upper()
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{option} {str(value)[:20]}: not a number; give {kind.what}") from None
    if not kind.low <= number <= kind.high:
        raise UsageError(f"{option} {number:g}: not plausible in {kind.what} ({kind.low:g} to {kind.high:g})")
    return number


def merged(stated: Mapping[str, Input], by_hand: Mapping[str, Input]) -> tuple[dict[str, Input], list[str]]:
    """The file's numbers with those entered by hand in their place, and a note on each that contradicts."""
    notes = []
    for key, own in by_hand.items():
        other = stated.get(key)
        if other is not None and not _alike(own.value, other.value):
            words = KINDS[key].words.capitalize()
            notes.append(
                f"{words} {_shown(own)} was entered by hand and used; {other.source} says {_shown(other)}, "
                "which was not used."
            )
    return {**stated, **by_hand}, notes


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, Moment):
        undated = a.date is None or b.date is None
        return abs(a.on(None).since(b.on(None)) if undated else a.since(b)) < 1
    return a == b if isinstance(a, str) or isinstance(b, str) else abs(a - b) <= _SAME * abs(b)


def _shown(entry: Input) -> str:
    value = f"{entry.value:g}" if isinstance(entry.value, float) else str(entry.value)
    return f"{value} {entry.unit}".strip()


def check_plausible(inputs: Mapping[str, Input], where: object) -> None:
    """Raise ``InputError`` for a number of the file that no patient has, naming the option that replaces it."""
    for key in inputs:
        if (flaw := implausible(key, inputs)) is not None:
            raise InputError(f"{where}: {flaw}; say {KINDS[key].option}")


def implausible(key: str, inputs: Mapping[str, Input]) -> str | None:
    """What is wrong with a number of the file, or None; those entered by hand were checked before."""
    kind, entry = KINDS[key], inputs.get(key)
    if entry is None or not kind.high or entry.source == BY_HAND or kind.low <= entry.value <= kind.high:
        return None
    told = f"{kind.words} {entry.value:g} {kind.unit} by {entry.source} is not plausible"
    return told + _guess(key, entry.value)


def _guess(key: str, value: float) -> str:
    """What a number far off was meant to be: dose in MBq or kBq in place of Bq, weight in g, half-life in min."""
    if key == "dose_mbq" and value < 1:
        bq = value * 1e6
        return f", since {bq:g} Bq were written: plainly {'MBq' if bq < 1e4 else 'kBq'}, not Bq"
    if key == "half_life_s" and value < 60:
        return ", it must be seconds"
    return ", it looks like grams" if key == "weight_kg" and value > 1000 else ""


def check_complete(
    inputs: Mapping[str, Input], needed: tuple[str, ...], where: object, faults: Mapping[str, str]
) -> None:
    """Raise ``InputError`` that names every number still missing, why, and its option."""
    missing = [key for key in needed if key not in inputs]
    if missing:
        words = ", ".join(KINDS[key].words + (f" ({faults[key]})" if key in faults else "") for key in missing)
        options = " ".join(KINDS[key].option for key in missing)
        raise InputError(f"{where}: no SUV without {words}; say {options}")


def recorded(inputs: Mapping[str, Input]) -> tuple[Input, ...]:
    """The numbers as they go into a report, in a fixed order, times as text."""
    keys = [*(key for key in KINDS if key in inputs), *(key for key in inputs if key not in KINDS)]
    return tuple(
        entry._replace(value=str(entry.value) if isinstance(entry.value, Moment) else entry.value)
        for entry in map(inputs.__getitem__, keys)
    )
