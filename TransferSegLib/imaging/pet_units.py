"""The unit of a PET's values, from whatever text states it."""

from __future__ import annotations

import re

from ..errors import InputError, UsageError

UNITS = ("suv", "bqml")
OPTION = "--pet-unit suv|bqml"

# Texts without spaces, braces, dots, dashes and underscores, lower case.
_SUV = {"suv", "suvbw", "gml", "g/ml", "suvbwg/ml", "suvg/ml", "suvbw(g/ml)", "suv(g/ml)", "g/cc", "g/cm3"}
_BQML = {"bqml", "bq/ml", "bq/cc", "bq/cm3", "bqcc", "bqml1", "becquerel/ml", "becquerels/ml", "becquerel/milliliter"}
# Recognised, and still no SUV by body weight: text, what it is.
_OTHER = (
    (r"suvlbm.*|sul.*|suvlean.*", "SUV by lean body mass"),
    (r"suvbsa.*|cm2ml|cm2/ml", "SUV by body surface area"),
    (r"suvibw.*", "SUV by ideal body weight"),
    (r"kbq.*", "kilobecquerel; multiply the values by 1000"),
    (r"mbq.*", "megabecquerel; multiply the values by 1000000"),
    (r"cnts|counts|propcnts", "counts"),
    (r"cps|propcps|counts/sec.*", "counts per second"),
    (r"pcnt|percent|%id/g|%idg", "per cent"),
    (r"nci/ml|uci/ml|mci/ml|nci/cc|uci/cc", "curie"),
    (r"hu|hounsfield.*|\[hnsf'?u\]", "Hounsfield units, as of a CT"),
)


def unit_of_text(text: object) -> str | None:
    """``"suv"`` (body weight, g/ml), ``"bqml"``, or None where a text names neither.

    Takes DICOM (``BQML``, ``GML``), BIDS and dcm2niix (``Bq/mL``), plain words (``SUV``, ``SUVbw``) and the
    units of a Slicer volume node (``{SUVbw}g/ml``). ``g/ml`` alone is SUV by body weight, as in the
    vendor-neutral rules; lean mass, surface area, counts and kBq/ml are none of the two.
    """
    plain = _plain(text)
    if plain in _SUV:
        return "suv"
    return "bqml" if plain in _BQML else None


def what_unit(text: object) -> str:
    """A word for a unit that is recognised and of no use, else the text itself in quotes."""
    plain = _plain(text)
    found = next((what for pattern, what in _OTHER if re.fullmatch(pattern, plain)), None)
    return found or f'"{str(text).strip()[:40]}"'


def checked_unit(unit: str | None) -> str | None:
    """The unit that a user states, lower case; ``UsageError`` when it is none of ``UNITS``."""
    if unit is None or unit == "":
        return None
    if str(unit).lower() not in UNITS:
        raise UsageError(f"--pet-unit {str(unit)[:40]}: not a unit of a PET; say {OPTION}")
    return str(unit).lower()


def settled_unit(where: object, text: object, by: str, stated: str | None) -> tuple[str, str]:
    """The unit and who states it, from the file's own ``text`` (``by`` names its place) and the user's word.

    Raises
    ------
    InputError
        When neither tells it, the file's unit is of no use, or the two contradict each other.
    """
    own = unit_of_text(text) if text not in (None, "") else None
    if own is None and text not in (None, "") and (stated is None or _useless(text)):
        raise InputError(
            f"{where}: its unit by {by} is {what_unit(text)}, from which no SUV by body weight can be made; "
            "give the series in Bq/ml or SUV" + ("" if _useless(text) else f", or say {OPTION}")
        )
    if own and stated and own != stated:
        raise InputError(f"{where}: {by} says {text}, and --pet-unit says {stated}; correct whichever is wrong")
    if own:
        return own, by
    if stated:
        return stated, "user"
    raise InputError(f"{where}: a PET of unknown unit; say {OPTION}")


def _useless(text: object) -> bool:
    return any(re.fullmatch(pattern, _plain(text)) for pattern, _ in _OTHER)


def _plain(text: object) -> str:
    return re.sub(r"[\s{}._\-^*]", "", str(text)).lower()
