"""Colours of labels, told apart by colour-blind readers as well (Okabe and Ito, https://jfly.uni-koeln.de/color/)."""

from __future__ import annotations

from collections.abc import Mapping

TUMOUR = "#D55E00"
NECROSIS = "#56B4E9"
OEDEMA = "#F0E442"
SCAR = "#CC79A7"
LESION = "#E69F00"
OTHERS = ("#009E73", "#0072B2", LESION, SCAR, NECROSIS, OEDEMA, TUMOUR)
"""For labels without a colour of their own, in the order in which they are handed out."""

_WORDS = (
    (NECROSIS, ("necro", "nécro", "cavit", "cyst")),
    (OEDEMA, ("oedem", "edema", "œd")),
    (SCAR, ("scar", "cicatri", "glios")),
    (TUMOUR, ("tumo", "enhanc", "glioma", "gliobl")),
    (LESION, ("lesion", "lésion", "sclero")),
)


def default_colour(name: str) -> str | None:
    """The colour of a label by its name, ``#RRGGBB``; None for a name that has none of its own."""
    lowered = name.lower()
    return next((colour for colour, words in _WORDS if any(word in lowered for word in words)), None)


def label_colours(names: Mapping[int, str], chosen: Mapping[int, str] | None = None) -> dict[int, str]:
    """A colour for each label.

    Parameters
    ----------
    names : dict
        Label value to name.
    chosen : dict, optional
        Colours that are given already (a card's), which go before the defaults.

    Returns
    -------
    dict
        Label value to ``#RRGGBB``. No two labels share a default colour while there are enough of them.
    """
    colours = {value: colour for value, colour in (chosen or {}).items() if value in names and colour}
    for value, name in names.items():
        if value not in colours:
            own = default_colour(name)
            if own is not None and own not in colours.values():
                colours[value] = own
    for place, value in enumerate(names):
        if value not in colours:
            free = [colour for colour in OTHERS if colour not in colours.values()]
            colours[value] = free[0] if free else OTHERS[place % len(OTHERS)]
    return {value: colours[value] for value in names}
