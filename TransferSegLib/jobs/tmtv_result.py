"""What tmtv knows of a patient, as plain JSON types: the ``--json`` value, and what every report is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..imaging import PetInfo
from ..lesions import RULES, Lesion, LesionErrors
from ..lesions.physiological import rule_in_words
from .tmtv_uptake import DEFAULT_RULE, Uptake

BY_HAND = "by hand"
_DIGITS = 4


def suv_value(info: PetInfo) -> dict[str, Any]:
    """Where the SUV comes from; every number with its source, and whether it was entered by hand."""
    value = info.as_json()
    for entry in value["inputs"]:
        entry["by_hand"] = entry["source"] == BY_HAND
    return value


def uptake_value(uptake: Uptake, language: str) -> dict[str, Any]:
    """Totals, lesions, and what stands apart, with the rule in words."""
    moved = dict(uptake.moved)
    total = uptake.totals
    return {
        "tmtv_ml": _rounded(total.tmtv_ml),
        "tlg": _rounded(total.tlg),
        "suv_max": _rounded(total.suv_max),
        "count": total.count,
        "dmax_centroid_mm": _rounded(total.dmax_centroid_mm),
        "dmax_voxel_mm": _rounded(total.dmax_voxel_mm),
        "lesions": [_lesion(one, moved) for one in uptake.counted],
        "physiological": [_lesion(one, moved) for one in uptake.apart],
        "physiological_rule": list(rule_in_words(language)) if uptake.by_rule else [],
        **_suspected(uptake),
        "moved": [{"number": number, "to": to} for number, to in uptake.moved],
        "below_minimum": {"count": uptake.below_count, "ml": _rounded(uptake.below_ml)},
    }


def threshold_row(uptake: Uptake) -> dict[str, Any]:
    """The totals under one threshold."""
    total = uptake.totals
    return {
        "rule": uptake.rule,
        "tmtv_ml": _rounded(total.tmtv_ml),
        "tlg": _rounded(total.tlg),
        "suv_max": _rounded(total.suv_max),
        "count": total.count,
        "physiological_ml": _rounded(total.physiological_ml),
    }


def rules_beside(rule: str | None) -> list[str | None]:
    """The thresholds of the side-by-side table: the standing ones, and the report's own where it is another."""
    return [*RULES, *([] if rule in RULES else [rule])]


def errors_value(errors: LesionErrors | None) -> dict[str, Any] | None:
    """All errors in plain types, None without a truth."""
    return None if errors is None else _all_rounded(errors.as_dict())


def notes_of(info: PetInfo, uptake: Uptake, errors: LesionErrors | None, said: list[str]) -> list[str]:
    """What the reader must know, once each."""
    notes = [*info.notes, *said]
    if not uptake.counted:
        notes.append(_nothing(uptake))
    notes += [_sentence(note) for note in uptake.totals.notes]
    if errors is not None:
        notes += [_sentence(note) for note in errors.notes]
        if errors.undefined:
            notes += [_sentence(reason) for reason in dict.fromkeys(errors.undefined.values())]
    return list(dict.fromkeys(notes))


def _nothing(uptake: Uptake) -> str:
    """Why the TMTV is 0, and what may be done."""
    if uptake.apart:
        return "No lesion: all uptake that reaches the threshold was held for physiological; check that."
    rule = "" if uptake.rule is None else f" that reaches the threshold ({uptake.rule})"
    hint = "" if uptake.rule != DEFAULT_RULE else "; the other thresholds stand beside it"
    return f"No lesion: there is no uptake{rule}{hint}."


def _suspected(uptake: Uptake) -> dict[str, Any]:
    """Lesions that may be an organ's uptake, by organ, with the option that moves them, and the TMTV without them."""
    found = []
    for organ in dict.fromkeys(one.suspected for one in uptake.counted if one.suspected):
        own = [one for one in uptake.counted if one.suspected == organ]
        numbers = [one.number for one in own]
        ml = sum(one.volume_ml for one in own)
        move = f"{ranges(numbers)}={organ}"
        found.append({"organ": organ, "count": len(own), "ml": _rounded(ml), "numbers": numbers, "move": move})
    rest = sum(one.volume_ml for one in uptake.counted if not one.suspected)
    return {"suspected": found, "tmtv_without_suspected_ml": _rounded(rest)}


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as ``--move`` takes them: ``2,8,9-14``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def _lesion(lesion: Lesion, moved: dict[int, str]) -> dict[str, Any]:
    return _all_rounded(lesion.as_dict()) | {"moved": lesion.number in moved}


def _sentence(note: str) -> str:
    note = note.strip()
    return note[:1].upper() + note[1:] + ("" if note.endswith(".") else ".")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS)


def _all_rounded(value: Any) -> Any:
    """Plain types with floats of four decimals."""
    if isinstance(value, dict):
        return {str(key): _all_rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_all_rounded(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return _all_rounded(asdict(value))
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    return _rounded(value)
