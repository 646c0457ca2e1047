"""Pictures of a TMTV report: inverted-grey projections with numbered outlines, and with TP, FN and FP in colour."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .overlay import _outline
from .page import drawable
from .saving import new_figure
from .tmtv_numbers import place_numbers
from .tmtv_projecting import View
from .tmtv_sections import GREY_TOP
from .tmtv_words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LESION = "#C8102E"
APART = "#0072B2"
TRUE_POSITIVE, FALSE_NEGATIVE, FALSE_POSITIVE = "#009E73", "#0072B2", "#D55E00"
OPACITY = 0.62
WIDTH, GREATEST_HEIGHT = 8.0, 7.6
"""Inches."""
MOST_NUMBERS, MOST_APART = 60, 20
_SIDES = {"frontal": ("R", "L"), "lateral": ("A", "P")}


def mip_figure(
    views: Sequence[View], lesions: Mapping[str, str], apart: Mapping[str, str], words: Words, *, title: str = ""
) -> Figure:
    """Both projections with the outlines of lesions, numbered, and of uptake that is kept apart, dashed.

    Parameters
    ----------
    views : sequence of View
        Their ``masks`` hold each mask under the name used here.
    lesions, apart : mapping of mask name to label
        What to write beside each outline, the most important first; beyond 60 only outlines are drawn.
    """
    figure, axes = _figure(views, title, foot=0.0)
    for one, view in zip(axes, views):
        _grey(one, view, words)
        for name in apart:
            _dashed(one, view.masks[name], view.size_mm, APART)
        for name in lesions:
            _outline(one, view.masks[name], view.size_mm, LESION, 1.0)
        # Organs are few, and the reader wants to know what was left out: they are named however many lesions there are.
        labels = [(view.masks[name], text, APART) for name, text in apart.items()][:MOST_APART]
        room = MOST_NUMBERS - len(labels)
        labels += [(view.masks[name], text, LESION) for name, text in list(lesions.items())[:room]]
        place_numbers(one, labels, view)
    return figure


def errors_figure(
    views: Sequence[View], volumes: Mapping[str, float | None], words: Words, *, title: str = ""
) -> Figure:
    """Both projections with ``tp``, ``fn`` and ``fp`` (masks of the views) in colour and their volumes in ml."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    figure, axes = _figure(views, title, foot=0.4)
    colours = {"tp": TRUE_POSITIVE, "fn": FALSE_NEGATIVE, "fp": FALSE_POSITIVE}
    for one, view in zip(axes, views):
        _grey(one, view, words)
        wide, high = view.size_mm
        for name, colour in colours.items():
            paint = np.zeros((*view.suv.shape, 4), np.float32)
            paint[view.masks[name]] = (*to_rgb(colour), OPACITY)
            one.imshow(paint, interpolation="nearest", extent=(0, wide, high, 0), aspect="auto")
            _outline(one, view.masks[name], view.size_mm, colour, 0.5)
    texts = {name: "–" if volumes[name] is None else f"{volumes[name]:.2f}" for name in colours}
    handles = [Patch(facecolor=colour, label=f"{name.upper()} {texts[name]} ml") for name, colour in colours.items()]
    figure.legend(handles=handles, loc="lower center", ncols=3, frameon=False, fontsize=10)
    return figure


def png(figure: Figure, dpi: int = 130) -> bytes:
    """A figure as PNG bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, dpi=dpi, format="png")
    return stream.getvalue()


def _figure(views: Sequence[View], title: str, foot: float) -> tuple[Figure, list[Axes]]:
    """A figure with one panel a view, all at one scale."""
    gap, head = 0.15, 0.55 if title else 0.3
    wide = sum(view.size_mm[0] for view in views)
    high = max(view.size_mm[1] for view in views)
    scale = min((WIDTH - gap * (len(views) + 1)) / wide, GREATEST_HEIGHT / high)
    figure = new_figure(WIDTH, high * scale + head + foot + 0.1)
    total = figure.get_figheight()
    left = (WIDTH - wide * scale - gap * (len(views) - 1)) / 2
    panels = []
    for view in views:
        place = (left / WIDTH, (foot + 0.1) / total, view.size_mm[0] * scale / WIDTH, high * scale / total)
        panels.append(figure.add_axes(place))
        left += view.size_mm[0] * scale + gap
    if title:
        about = {"ha": "center", "va": "top", "fontsize": 12, "weight": "bold", "parse_math": False}
        figure.text(0.5, 1 - 0.1 / total, drawable(title), **about)
    return figure, panels


def _grey(axes: Axes, view: View, words: Words) -> None:
    """The projection in inverted grey, SUV 0 white, with its sides."""
    wide, high = view.size_mm
    axes.imshow(
        view.suv, cmap="gray_r", vmin=0, vmax=GREY_TOP, extent=(0, wide, high, 0), aspect="auto",
        interpolation="bilinear",
    )  # fmt: skip
    axes.set_xlim(0, wide)
    axes.set_ylim(high, 0)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color("#AFB8C1")
    axes.set_title(words(view.name), fontsize=9, pad=3)
    for x, letter, along in zip((0.015, 0.985), _SIDES[view.name], ("left", "right")):
        axes.text(x, 0.99, letter, ha=along, va="top", fontsize=9, color="#57606A", transform=axes.transAxes)


def _dashed(axes: Axes, mask: np.ndarray, size_mm: tuple[float, float], colour: str) -> None:
    """A dashed outline on a white one, so that it is seen on dark uptake; a shadow of one pixel still shows."""
    padded = np.pad(mask, 1).astype(np.float32)
    step_x, step_y = size_mm[0] / mask.shape[1], size_mm[1] / mask.shape[0]
    x = (np.arange(padded.shape[1]) - 0.5) * step_x
    y = (np.arange(padded.shape[0]) - 0.5) * step_y
    if mask.any():
        axes.contour(x, y, padded, levels=[0.5], colors=["white"], linewidths=2.4)
        axes.contour(x, y, padded, levels=[0.5], colors=[colour], linewidths=1.3, linestyles=[(0, (2.5, 1.5))])
