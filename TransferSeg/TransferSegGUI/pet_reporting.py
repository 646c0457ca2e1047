"""What totals and errors are taken by besides the threshold: least volume, tolerance, what makes a pair of lesions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _

from . import wording

DEFAULTS: dict[str, Any] = {
    "tolerance_mm": 5.0,
    "lesionwise": "precision",
    "lesionwise_share": 0.5,
    "minimum_ml": 0.0,
}
"""As those of ``transferseg tmtv``; the names are those of ``TransferSegLib.jobs.tmtv_options``."""
_ARGUMENTS = {
    "tolerance_mm": "tolerance",
    "lesionwise": "lesionwise",
    "lesionwise_share": "lesionwise_threshold",
    "minimum_ml": "minimum_ml",
}


def checked(reporting: Mapping[str, Any] | None, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """All options: those given, else those of ``before`` (a result's), else the usual ones.

    Raises
    ------
    TransferSegError
        Another name, or a value of no use, in plain words.
    """
    from TransferSegLib.errors import UsageError
    from TransferSegLib.jobs.tmtv_options import TmtvOptions

    known = {**DEFAULTS, **(before or {})}
    for name, value in (reporting or {}).items():
        if name not in DEFAULTS:
            text = _("{name} is no option of the report; there are {names}.")
            raise wording.problem(text.format(name=name, names=", ".join(DEFAULTS)))
        try:
            known[name] = type(DEFAULTS[name])(value)
            TmtvOptions(**{name: known[name]}).check(segmented=True)
        except (UsageError, TypeError, ValueError):
            raise wording.problem(_bounds(name)) from None
    return known


def ofOutlines(reporting: Mapping[str, Any], drawn: Any) -> dict[str, Any]:
    """The same; each part of outlines that the user drew (``drawn`` is not None) counts, however small."""
    return {**reporting, **({} if drawn is None else {"minimum_ml": 0.0})}


def arguments(reporting: Mapping[str, Any]) -> dict[str, Any]:
    """The same for the worker's verb ``tmtv``."""
    return {_ARGUMENTS[name]: value for name, value in reporting.items()}


def comparing(reporting: Mapping[str, Any], rule: str | None) -> Any:
    """What a truth is thresholded by, as in the report."""
    from TransferSegLib.jobs.tmtv_options import TmtvOptions

    return TmtvOptions(rule=rule, minimum_ml=reporting["minimum_ml"]).comparing()


def _bounds(name: str) -> str:
    return {
        "tolerance_mm": _("The tolerance must be above 0 and at most 1000 mm."),
        "lesionwise": _("A pair of lesions is told by precision or by dice."),
        "lesionwise_share": _("The least share of a pair of lesions must be above 0 and at most 1."),
        "minimum_ml": _("The least volume must be from 0 to 100000 ml."),
    }[name]
