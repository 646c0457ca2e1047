"""Loss and the inner split's score over the epochs of a training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .saving import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSS_COLOUR = "#0072B2"
SCORE_COLOUR = "#D55E00"
# Column of the metrics -> what its axis says, and whether more of it is better.
SCORES = {"validation_dice": ("validation Dice", True), "validation_error_mm": ("validation error (mm)", False)}


def curves_figure(rows: Iterable[Mapping], *, title: str = "") -> Figure:
    """Draw the training loss, and the validation Dice (or a level's error in mm) where there is one.

    Parameters
    ----------
    rows : iterable of dict
        The lines of a run's metrics, as numbers or as a CSV file's text: ``epoch``, ``loss``, and
        ``validation_dice`` or ``validation_error_mm`` (missing, None or empty where it was not measured).
    title : str
    """
    rows = list(rows)
    loss = _points(rows, "loss")
    name = next((name for name in SCORES if _points(rows, name)), None)
    figure = new_figure(7.5, 4.6 if name else 2.9)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(2 if name else 1, 1, sharex=True, squeeze=False)[:, 0]
    _plot(panels[0], loss, "training loss", LOSS_COLOUR)
    panels[0].set_ylim(bottom=min([0.0, *(value for _, value in loss)]))
    if name:
        points, (label, more_is_better) = _points(rows, name), SCORES[name]
        _plot(panels[1], points, label, SCORE_COLOUR)
        panels[1].set_ylim(0, 1 if more_is_better else None)
        _mark_best(panels[1], points, more_is_better)
    panels[-1].set_xlabel("epoch")
    if title:
        figure.suptitle(title, fontsize=12, weight="bold")
    return figure


def save_curves(path: str | Path, rows: Iterable[Mapping], *, title: str = "") -> Path:
    """Save ``curves_figure`` as a picture; raises ``StorageError`` when it cannot be written."""
    return save_figure(curves_figure(rows, title=title), path)


def _points(rows: list[Mapping], name: str) -> list[tuple[float, float]]:
    """(epoch, value) of the rows in which the value is there and finite."""
    points = []
    for place, row in enumerate(rows, start=1):
        value = row.get(name)
        if value is not None and value != "" and math.isfinite(float(value)):
            points.append((float(row.get("epoch") or place), float(value)))
    return points


def _plot(axes: Axes, points: list[tuple[float, float]], label: str, colour: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(*zip(*points or [(math.nan, math.nan)]), color=colour, marker="o", markersize=3, linewidth=1.5)
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _mark_best(axes: Axes, points: list[tuple[float, float]], more_is_better: bool) -> None:
    epoch, value = (max if more_is_better else min)(points, key=lambda point: point[1])
    axes.plot([epoch], [value], marker="o", markersize=9, markerfacecolor="none", color="black")
    y, along = (0.04, "bottom") if more_is_better and value > 0.4 else (0.96, "top")
    text = f"best (ringed): {value:.3f} after epoch {epoch:.0f}"
    axes.text(0.99, y, text, ha="right", va=along, fontsize=9, transform=axes.transAxes)
