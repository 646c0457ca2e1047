"""SUV by body weight from Bq/ml: the dose decayed to the moment of the values, over the body weight."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import InputError
from .suv_inputs import BY_HAND, Input, check_complete, check_plausible
from .suv_times import uptake_seconds

# Half-lives, seconds (NNDC NuDat 3).
HALF_LIVES = {
    "C-11": 1221.8,
    "N-13": 597.9,
    "O-15": 122.24,
    "F-18": 6586.2,
    "Sc-44": 14551.0,
    "Cu-64": 45723.6,
    "Ga-68": 4062.6,
    "Rb-82": 75.45,
    "Y-86": 53064.0,
    "Zr-89": 282276.0,
    "I-124": 360806.0,
}
_ELEMENTS = {
    "carbon": "C", "nitrogen": "N", "oxygen": "O", "fluorine": "F", "fluor": "F", "scandium": "Sc", "copper": "Cu",
    "gallium": "Ga", "rubidium": "Rb", "yttrium": "Y", "zirconium": "Zr", "iodine": "I",
}  # fmt: skip
_FDG = re.compile(r"\bfdg\b|fluoro-?deoxy-?glucose|fludeoxyglucose", re.IGNORECASE)
# Scanners' own half-lives lie within 1.5 % of the table; a wrong nuclide does not.
_TOLERANCE = 0.05


def nuclide_of(*texts: object) -> str | None:
    """The nuclide (``F-18``) that the first telling text names: ``18F``, ``^18^Fluorine``, ``F-18``, ``FDG``."""
    for text in texts:
        plain = re.sub(r"[\^\[\]()\-_]", " ", str(text or ""))
        for mass, name in re.findall(r"\b(\d{2,3})\s*m?\s*([A-Za-z]+)\b", plain):
            if (found := _named(name, mass)) is not None:
                return found
        for name, mass in re.findall(r"\b([A-Za-z]+)\s*(\d{2,3})\b", plain):
            if (found := _named(name, mass)) is not None:
                return found
        if _FDG.search(str(text or "")):
            return "F-18"
    return None


def _named(name: str, mass: str) -> str | None:
    nuclide = f"{_ELEMENTS.get(name.lower(), name.capitalize())}-{mass}"
    return nuclide if nuclide in HALF_LIVES else None


def table_half_life(nuclide: str | None) -> dict[str, Input]:
    """The nuclide's half-life as an input, for where none is stated; empty for an unknown nuclide."""
    if nuclide is None:
        return {}
    return {"half_life_s": Input("half_life", HALF_LIVES[nuclide], "s", f"table, {nuclide}")}


def check_half_life(inputs: Mapping[str, Input], nuclide: str | None, where: object) -> list[str]:
    """Notes on the half-life against the named nuclide's.

    Raises
    ------
    InputError
        When the file's half-life is not that of the nuclide it names.
    """
    own = inputs.get("half_life_s")
    if nuclide is None or own is None:
        return []
    known = HALF_LIVES[nuclide]
    if own.source.startswith("table"):
        return [f"The half-life is that of {nuclide} by the table, {known:g} s: the file gives none."]
    if abs(own.value - known) <= _TOLERANCE * known:
        return []
    text = f"half-life {own.value:g} s by {own.source} is not that of {nuclide}, {known:g} s"
    if own.source != BY_HAND:
        raise InputError(f"{where}: {text}; say --half-life S")
    return [f"The {text}."]


def dose_factor(
    inputs: Mapping[str, Input],
    where: object,
    *,
    at_injection: bool = False,
    faults: Mapping[str, str] | None = None,
) -> tuple[float, float | None, list[str]]:
    """SUVbw (g/ml) per Bq/ml, seconds from injection to the moment of the values, and notes.

    ``1000 weight / (dose 2^(-uptake / half-life))`` (QIBA's vendor-neutral pseudo-code for SUV). With
    ``at_injection`` the values are decay-corrected to the injection, so that the dose does not decay and no
    time is needed. ``faults`` tells why a number is missing.

    Raises
    ------
    InputError
        A number is missing, zero or not plausible; injection after acquisition.
    """
    needed = ("weight_kg", "dose_mbq")
    if not at_injection:
        needed += ("injected", "acquired", "half_life_s")
    check_plausible({key: inputs[key] for key in needed if key in inputs}, where)
    check_complete(inputs, needed, where, faults or {})
    undecayed = 1000 * inputs["weight_kg"].value / (1e6 * inputs["dose_mbq"].value)
    if at_injection:
        return undecayed, None, ["The values are decay-corrected to the injection, so no time was needed."]
    half_life = inputs["half_life_s"].value
    seconds, notes = uptake_seconds(inputs["injected"].value, inputs["acquired"].value, half_life, where)
    return undecayed * 2 ** (seconds / half_life), seconds, notes
