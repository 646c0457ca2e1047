"""Panels of the picture of a level: a projection with its lines, how far windows agree, the axial slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .overlay import _outline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .level_picture import HeightLine

OPACITY = 0.45
SOFT_TISSUE = (-160.0, 240.0)
"""HU drawn black and white in the axial slice."""
_SIDES = {"frontal": ("R", "L"), "lateral": ("A", "P")}


def projection_panel(axes: Axes, name: str, pixels: np.ndarray, lines: Sequence[HeightLine], *, named: bool) -> None:
    """A projection (rows, columns) in [0, 1] with lines across it; ``named`` writes their labels."""
    high, wide = pixels.shape
    # The bones, not the densest implant, get the grey scale.
    seen = pixels[pixels > 0.02]
    top = float(np.clip(np.percentile(seen, 99), 0.25, 1)) if seen.size else 1.0
    axes.imshow(
        pixels, cmap="gray", vmin=0, vmax=top, extent=(0, wide, high, 0), aspect="auto", interpolation="bilinear"
    )
    axes.set_facecolor("black")
    _bare(axes, wide, high)
    axes.set_title(name, fontsize=9, pad=4)
    _draw_lines(axes, lines)
    if named:
        _labels(axes, lines, high)
    for x, letter, along in zip((0.02, 0.98), _SIDES[name], ("left", "right")):
        _letter(axes, x, 0.985, letter, along, "top")


def agreement_panel(axes: Axes, agreement: np.ndarray, lines: Sequence[HeightLine]) -> None:
    """How many windows agree on each row, or the map's height there, beside the projections."""
    high = len(agreement)
    axes.fill_betweenx(np.arange(high) + 0.5, 0, agreement, color="#BBBBBB", linewidth=0)
    _draw_lines(axes, lines)
    _bare(axes, 1, high)
    axes.set_facecolor("#F4F4F4")
    axes.set_title("evidence", fontsize=9, pad=4)
    for side in axes.spines.values():
        side.set_visible(False)


def axial_panel(axes: Axes, hu: np.ndarray, labels: np.ndarray | None, colours: Mapping[int, str], title: str) -> None:
    """An axial slice, the patient's right on the left, with its labels over it."""
    from matplotlib.colors import to_rgb

    high, wide = hu.shape
    shape = {"extent": (0, wide, high, 0), "aspect": "auto"}
    axes.imshow(hu, cmap="gray", vmin=SOFT_TISSUE[0], vmax=SOFT_TISSUE[1], interpolation="bilinear", **shape)
    if labels is not None and labels.any():
        paint = np.zeros((*labels.shape, 4), np.float32)
        for value, colour in colours.items():
            paint[labels == value] = (*to_rgb(colour), OPACITY)
        axes.imshow(paint, interpolation="nearest", **shape)
        for value, colour in colours.items():
            if (labels == value).sum() < 200_000:
                _outline(axes, labels == value, (wide, high), colour, 0.35)
    axes.set_facecolor("black")
    _bare(axes, wide, high)
    axes.set_title(title, fontsize=9, pad=4)
    for (x, y), letter, along, up in zip(
        ((0.015, 0.5), (0.985, 0.5), (0.5, 0.985), (0.5, 0.015)), "RLAP", ("left", "right", "center", "center"),
        ("center", "center", "top", "bottom"),
    ):  # fmt: skip
        _letter(axes, x, y, letter, along, up)


def _draw_lines(axes: Axes, lines: Sequence[HeightLine]) -> None:
    """The first one on top, so that a thin one over a thick one shows that both are at one height."""
    for line in reversed(lines):
        axes.axhline(line.row + 0.5, color="black", linewidth=line.width + 1.0, alpha=0.5)
    for line in reversed(lines):
        style = "-" if line.solid else (0, (4, 3))
        axes.axhline(line.row + 0.5, color=line.colour, linewidth=line.width, linestyle=style)


def _labels(axes: Axes, lines: Sequence[HeightLine], high: int) -> None:
    """The lines' labels, moved apart where they would cover each other."""
    from matplotlib.patheffects import withStroke

    inches = axes.get_position().height * axes.figure.get_figheight()
    apart, at = 0.19 / max(inches, 0.1) * high, -np.inf
    for line in sorted(lines, key=lambda one: one.row):
        y = line.row - 0.2 * apart if line.row - 0.2 * apart - at >= apart else at + apart
        # A label that was pushed below the line before it hangs under its own.
        y = max(y, line.row + 1.0 * apart) if y > line.row else y
        at = y
        text = axes.text(3, y, line.label, color=line.colour, fontsize=8.5, weight="bold", ha="left", va="bottom")
        text.set_path_effects([withStroke(linewidth=2.2, foreground="black")])


def _letter(axes: Axes, x: float, y: float, letter: str, along: str, up: str) -> None:
    from matplotlib.patheffects import withStroke

    text = axes.text(x, y, letter, color="white", fontsize=10, ha=along, va=up, transform=axes.transAxes)
    text.set_path_effects([withStroke(linewidth=2, foreground="black")])


def _bare(axes: Axes, wide: float, high: float) -> None:
    axes.set_xlim(0, wide)
    axes.set_ylim(high, 0)
    axes.set_xticks([])
    axes.set_yticks([])
