"""A projection with the heights that were found in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .saving import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"truth": "#009E73", "before": "#56B4E9", "found": "#D55E00", "after": "#D55E00"}


def lines_figure(pixels: np.ndarray, rows: Mapping[str, float | None], *, title: str = "") -> Figure:
    """Draw a view (rows, width) in 0..1 with one labelled line a height.

    Parameters
    ----------
    rows : mapping
        What a line is called (``truth``, ``before``, ``after``, ``found``) to its row; None draws none.
    """
    height, width = pixels.shape
    figure = new_figure(4.2, max(2.0, min(9.0, 4.2 * height / width + 0.4)))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=0.6, interpolation="bilinear")
    for number, (name, row) in enumerate((name, row) for name, row in rows.items() if row is not None):
        colour = COLOURS.get(name, "#F0E442")
        axes.axhline(row, color=colour, linewidth=1.4, linestyle="--" if name == "truth" else "-")
        left = (0.02 + 0.24 * number) * width
        axes.text(left, row - 2, name, color=colour, fontsize=8, va="bottom", ha="left")
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=9)
    return figure
