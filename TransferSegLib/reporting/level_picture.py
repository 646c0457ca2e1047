"""A picture of a found level: the projections with its line, the slice with muscle and fat, the answer in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .level_panels import agreement_panel, axial_panel, projection_panel
from .palette import LESION
from .saving import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOUND_LINE = LESION
TRUTH_LINE = "#00FFFF"
INK, SOFT = "#1A1A1A", "#555555"
TALL, WIDE = 6.6, 7.4
"""Greatest height and width of the projections in inches."""
AXIAL_WIDE = 5.4
GAP, HEAD, FOOT, STRIP = 0.12, 1.12, 0.3, 0.62


@dataclass(frozen=True)
class HeightLine:
    """A line across the projections; ``solid`` unless it is a candidate; the first lies on top."""

    row: float
    label: str
    colour: str
    solid: bool = True
    width: float = 1.6


@dataclass(frozen=True)
class LevelView:
    """What the picture shows.

    Attributes
    ----------
    views : sequence of (name, pixels)
        ``frontal`` and ``lateral``: (rows, columns) in [0, 1] on one scale, row 0 the most superior.
    row_mm : float
        Side of their pixels.
    lines : sequence of HeightLine
    agreement : (rows,) array, optional
        Share of the windows that agree on each row, or the confidence map.
    hu, labels, spacing
        The axial slice (row 0 anterior, column 0 the patient's right), its labels, mm between rows and columns; None
        without a slice.
    tissues : sequence of (value, text, colour)
        Legend of the labels, with areas.
    headline : str
        The answer in a few words.
    text : sequence of str
        Sentences under it.
    title : str
        What it is a picture of.
    axial_title : str
    """

    views: Sequence[tuple[str, np.ndarray]]
    row_mm: float
    headline: str
    lines: Sequence[HeightLine] = ()
    agreement: np.ndarray | None = None
    hu: np.ndarray | None = None
    labels: np.ndarray | None = None
    spacing: tuple[float, float] = (1.0, 1.0)
    tissues: Sequence[tuple[int, str, str]] = ()
    text: Sequence[str] = ()
    title: str = ""
    axial_title: str = ""
    figures: Sequence[str] = field(default=())


def level_figure(view: LevelView) -> Figure:
    """Draw it."""
    tall = view.views[0][1].shape[0] * view.row_mm
    across = sum(pixels.shape[1] for _, pixels in view.views) * view.row_mm
    strip = STRIP if view.agreement is not None else 0.0
    scale = min(TALL / tall, (WIDE - strip) / across)
    left_wide = across * scale + GAP * len(view.views) + strip
    left_wide = max(left_wide, 2.2)
    axial = _axial_size(view)
    right_tall = axial[1] + 0.2 + 0.25 * _legend_rows(view) if axial else 0.0
    inner = max(tall * scale, right_tall, 2.6)
    width = max(0.3 + left_wide + (0.35 + axial[0] if axial else 0) + 0.2, 6.4)
    head = HEAD + 0.2 * (len(_wrapped(view, width - 0.5)) - 1)
    figure = new_figure(width, head + inner + FOOT)
    top = 1 - head / figure.get_figheight()
    _left(figure, view, scale, top, strip)
    if axial:
        _right(figure, view, axial, 0.3 + left_wide + 0.35, top)
    _words(figure, view, width)
    return figure


def save_level_picture(path: str | Path, view: LevelView) -> Path:
    """Save ``level_figure``; raises ``StorageError`` when it cannot be written."""
    return save_figure(level_figure(view), path, dpi=150)


def _axial_size(view: LevelView) -> tuple[float, float] | None:
    """Inches of the axial panel."""
    if view.hu is None:
        return None
    high, wide = view.hu.shape[0] * view.spacing[0], view.hu.shape[1] * view.spacing[1]
    scale = min(AXIAL_WIDE / wide, 4.6 / high)
    return wide * scale, high * scale


def _legend_rows(view: LevelView) -> int:
    return -(-len(view.tissues) // 2) + -(-len(view.figures) // 2)


def _left(figure: Figure, view: LevelView, scale: float, top: float, strip: float) -> None:
    """The projections side by side, with the agreement beside them."""
    width, height = figure.get_size_inches()
    tall = view.views[0][1].shape[0] * view.row_mm * scale
    x = 0.3
    for place, (name, pixels) in enumerate(view.views):
        wide = pixels.shape[1] * view.row_mm * scale
        axes = figure.add_axes((x / width, top - tall / height, wide / width, tall / height))
        projection_panel(axes, name, pixels, view.lines, named=place == 0)
        x += wide + GAP
    if strip:
        axes = figure.add_axes((x / width, top - tall / height, (strip - GAP) / width, tall / height))
        agreement_panel(axes, view.agreement, view.lines)


def _right(figure: Figure, view: LevelView, size: tuple[float, float], x: float, top: float) -> None:
    """The axial slice with its legend."""
    from matplotlib.patches import Patch

    width, height = figure.get_size_inches()
    axes = figure.add_axes((x / width, top - size[1] / height, size[0] / width, size[1] / height))
    axial_panel(axes, view.hu, view.labels, {value: colour for value, _, colour in view.tissues}, view.axial_title)
    y = top - (size[1] + 0.12) / height
    if view.tissues:
        handles = [Patch(facecolor=c, edgecolor="black", linewidth=0.5, label=text) for _, text, c in view.tissues]
        figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(x / width, y), ncols=2, frameon=False,
                      fontsize=9.5, borderpad=0.1, columnspacing=1.4, handlelength=1.4)  # fmt: skip
        y -= (0.24 * -(-len(view.tissues) // 2) + 0.04) / height
    if view.figures:
        figure.text(x / width + 0.05 / width, y - 0.03 / height, "    ".join(view.figures), ha="left", va="top",
                    fontsize=9.5, color=INK)  # fmt: skip


def _words(figure: Figure, view: LevelView, width: float) -> None:
    """Title, headline and sentences above."""
    total = figure.get_figheight()
    left = 0.3 / width
    figure.text(left, 1 - 0.14 / total, view.title, ha="left", va="top", fontsize=9, color=SOFT)
    figure.text(left, 1 - 0.34 / total, view.headline, ha="left", va="top", fontsize=15, weight="bold", color=INK)
    lines = _wrapped(view, width - 0.5)
    figure.text(left, 1 - 0.66 / total, "\n".join(lines), ha="left", va="top", fontsize=9.5, color=INK, linespacing=1.3)


def _wrapped(view: LevelView, width: float) -> list[str]:
    """The sentences in lines of a width in inches."""
    import textwrap

    lines = []
    for sentence in view.text:
        lines += textwrap.wrap(sentence, max(int(width * 13.5), 40))
    return lines or [""]
