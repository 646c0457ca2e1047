"""Writing numbers beside outlines so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .page import drawable
from .tmtv_projecting import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONT = 8.0
FAR = 0.6
"""Letters between a label and its shadow from which on a thin line leads there."""
_POINTS_AN_INCH = 72.0
_ANGLES = np.deg2rad([-35, 35, 145, -145, 0, 180, -90, 90])


def place_numbers(axes: Axes, labels: Sequence[tuple[np.ndarray, str, str]], view: View) -> None:
    """Write a label beside each shadow, with a thin line to it where it had to go further off.

    Parameters
    ----------
    labels : sequence of (bool (rows, columns), text, colour)
        In the order of importance: the first get the nearest places.
    """
    from matplotlib.patheffects import withStroke

    letter = _letter_mm(axes, view)
    taken: list[tuple[float, float, float, float]] = []
    for mask, text, colour in labels:
        if not mask.any():
            continue
        box = _extent(mask, view)
        size = (0.62 * letter * len(text) + 0.3 * letter, 1.15 * letter)
        x, y = _free_place(box, size, taken, view.size_mm)
        taken.append(_box(x, y, size))
        end = nearest_point(mask, view, (x, y))
        start = _edge(_box(x, y, size), end)
        if np.hypot(start[0] - end[0], start[1] - end[1]) > FAR * letter:
            line = axes.plot(*zip(start, end), color=colour, linewidth=0.7, solid_capstyle="round", zorder=2.5)
            line[0].set_path_effects([withStroke(linewidth=1.8, foreground="white")])
        about = {"color": colour, "fontsize": FONT, "weight": "bold", "ha": "center", "va": "center_baseline"}
        drawn = axes.text(x, y, drawable(text), parse_math=False, **about)
        drawn.set_path_effects([withStroke(linewidth=2, foreground="white")])


def nearest_point(mask: np.ndarray, view: View, place: tuple[float, float]) -> tuple[float, float]:
    """The pixel of a shadow that lies nearest to a place, in mm: where a line from there meets its outline."""
    rows, columns = np.nonzero(mask)
    x, y = (columns + 0.5) * view.pixel_mm[0], (rows + 0.5) * view.pixel_mm[1]
    nearest = int(np.argmin((x - place[0]) ** 2 + (y - place[1]) ** 2))
    return float(x[nearest]), float(y[nearest])


def _edge(box: tuple[float, float, float, float], end: tuple[float, float]) -> tuple[float, float]:
    """The place on or in a box that lies nearest to a point: a line from there does not cross the text."""
    return min(max(end[0], box[0]), box[1]), min(max(end[1], box[2]), box[3])


def _letter_mm(axes: Axes, view: View) -> float:
    """The height of a letter in the millimetres of the view."""
    inches = axes.get_position().height * axes.figure.get_figheight()
    high = abs(axes.get_ylim()[0] - axes.get_ylim()[1])
    return FONT / _POINTS_AN_INCH / max(inches, 1e-3) * high


def _extent(mask: np.ndarray, view: View) -> tuple[float, float, float, float]:
    """Left, right, upper and lower edge of a shadow in mm."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    wide, high = view.pixel_mm
    return columns[0] * wide, (columns[-1] + 1) * wide, rows[0] * high, (rows[-1] + 1) * high


def _free_place(
    box: tuple[float, float, float, float],
    size: tuple[float, float],
    taken: list[tuple[float, float, float, float]],
    frame: tuple[float, float],
) -> tuple[float, float]:
    """The centre of the nearest free place around a box."""
    middle = (box[0] + box[1]) / 2, (box[2] + box[3]) / 2
    half = (box[1] - box[0]) / 2 + size[0] / 2, (box[3] - box[2]) / 2 + size[1] / 2
    nearest = None
    for ring in range(12):
        for angle in _ANGLES:
            across, down = np.cos(angle), np.sin(angle)
            x = middle[0] + across * (half[0] + ring * size[1])
            y = middle[1] + down * (half[1] + ring * size[1])
            x = float(np.clip(x, size[0] / 2, frame[0] - size[0] / 2))
            y = float(np.clip(y, size[1] / 2, frame[1] - size[1] / 2))
            nearest = nearest or (x, y)
            if not any(_overlap(_box(x, y, size), other) for other in taken):
                return x, y
    return nearest


def _box(x: float, y: float, size: tuple[float, float]) -> tuple[float, float, float, float]:
    return x - size[0] / 2, x + size[0] / 2, y - size[1] / 2, y + size[1] / 2


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
