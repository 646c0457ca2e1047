"""A network's parameter groups drawn as a U, with the frozen ones grey and each one's share of the parameters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .saving import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEARNS = "#9BCBEB"
FROZEN = "#D0D0D0"
BOX = (2.5, 0.62)
"""Width and height of a group's box."""
STEP = 1.0
"""Distance of two levels."""


def blocks_figure(groups: Sequence[tuple[str, int, bool]], *, title: str = "", narrow: bool = False) -> Figure:
    """Draw the groups of a network.

    Parameters
    ----------
    groups : sequence of (name, parameters, frozen)
        In the network's order. The groups before ``bottleneck`` go down on the left, those after it up on the right;
        a network without a bottleneck or without anything after it is drawn as one column. Groups without
        parameters are left out.
    title : str
    narrow : bool
        For a panel of about 400 pixels: half as wide, with letters that stay readable there.
    """
    groups = [group for group in groups if group[1]]
    total = sum(count for _, count, _ in groups)
    left, bottom, right = _sides(groups)
    depth = max(len(left), len(right))
    boxes = _places(left, bottom, right, depth)
    wide, row = (4.2, 0.42) if narrow else (8.5 if right else 4.6, 0.62)
    rows = depth + len(bottom)
    figure = new_figure(wide, (0.4 if narrow else 1.25) + row * rows)
    below = 0.3 / figure.get_figheight() if narrow else 0.1
    axes = figure.add_axes((0.01, below, 0.98, 1 - below if not title else 0.9 - below))
    letters = 7.0 if narrow and right else 8.5 if narrow else 10.0
    for (name, count, frozen), place in boxes:
        _box(axes, place, name, count, frozen, total, letters)
    _arrows(axes, boxes, left, right)
    across = [x for _, (x, _) in boxes]
    axes.set_xlim(min(across) - BOX[0] / 2 - 0.2, max(across) + BOX[0] / 2 + 0.2)
    axes.set_ylim(-(depth + len(bottom) - 1) * STEP - 0.5, 0.5)
    axes.axis("off")
    _caption(figure, groups, total, title, 8.0 if narrow else 10.0)
    return figure


def save_blocks(
    path: str | Path, groups: Sequence[tuple[str, int, bool]], *, title: str = "", narrow: bool = False
) -> Path:
    """Save ``blocks_figure`` as a picture; raises ``StorageError`` when it cannot be written."""
    return save_figure(blocks_figure(groups, title=title, narrow=narrow), path, dpi=200 if narrow else 150)


def _sides(groups: Sequence[tuple[str, int, bool]]) -> tuple[list, list, list]:
    """The groups that go down, those at the bottom, and those that go up again."""
    groups = list(groups)
    names = [name for name, _, _ in groups]
    if "bottleneck" in names and names.index("bottleneck") < len(names) - 1:
        place = names.index("bottleneck")
        return groups[:place], [groups[place]], groups[place + 1 :]
    return groups, [], []


def _places(left: list, bottom: list, right: list, depth: int) -> list[tuple[tuple, tuple[float, float]]]:
    """Each group with the centre of its box; both sides stand on the bottom."""
    apart = 3.1
    boxes = [(group, (0.0, -(depth - len(left) + level) * STEP)) for level, group in enumerate(left)]
    boxes += [(group, (apart, -depth * STEP)) for group in bottom]
    return boxes + [(group, (2 * apart, -(depth - 1 - level) * STEP)) for level, group in enumerate(right)]


def _box(
    axes: Axes, place: tuple[float, float], name: str, count: int, frozen: bool, total: int, letters: float
) -> None:
    from matplotlib.patches import FancyBboxPatch

    width, height = BOX
    corner = (place[0] - width / 2, place[1] - height / 2)
    axes.add_patch(
        FancyBboxPatch(
            corner,
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=FROZEN if frozen else LEARNS,
            edgecolor="#666666",
            linestyle="--" if frozen else "-",
        )
    )
    share = f"{100 * count / total:.1f} %" if total else "–"
    middle = {"ha": "center", "va": "center"}
    text = f"{name}, frozen" if frozen else name
    axes.text(place[0], place[1] + 0.12, text, weight="bold", fontsize=letters, **middle)
    axes.text(place[0], place[1] - 0.14, f"{count:,} · {share}", fontsize=0.9 * letters, **middle)


def _arrows(axes: Axes, boxes: list, left: list, right: list) -> None:
    """The way of the data, solid; the skip connections between boxes of one level, dotted."""
    arrow = {"arrowstyle": "-|>", "color": "#444444", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    for (_, (x, y)), (_, (next_x, next_y)) in itertools.pairwise(boxes):
        if x == next_x:
            side = BOX[1] / 2 if next_y > y else -BOX[1] / 2
            start, end = (x, y + side), (next_x, next_y - side)
        elif y > next_y:
            start, end = (x, y - BOX[1] / 2), (next_x - BOX[0] / 2, next_y)
        else:
            start, end = (x + BOX[0] / 2, y), (next_x, next_y - BOX[1] / 2)
        bend = (
            {}
            if x == next_x
            else {"connectionstyle": f"angle,angleA={90 if y > next_y else 0},angleB={0 if y > next_y else 90}"}
        )
        axes.annotate("", end, start, arrowprops={**arrow, **bend})
    decoders = [group for group in right if group[0] != "head"]
    if len(decoders) > len(left):  # a block that a grouping has cut in two: rows do not stand for levels
        return
    rows = {y: x for group, (x, y) in boxes if group in left}
    for group, (x, y) in boxes:
        if group in decoders and y in rows:
            axes.plot([rows[y] + BOX[0] / 2, x - BOX[0] / 2], [y, y], color="#999999", linestyle=":", linewidth=1.2)


def _caption(figure: Figure, groups: Sequence[tuple[str, int, bool]], total: int, title: str, letters: float) -> None:
    frozen = sum(count for _, count, still in groups if still)
    share = f" ({100 * frozen / total:.1f} %)" if total else ""
    text = f"{total:,} parameters, {total - frozen:,} learn"
    text += f", {frozen:,} frozen{share}" if frozen else ", none frozen"
    figure.text(0.5, 0.03, text, ha="center", va="bottom", fontsize=letters)
    if title:
        figure.text(0.5, 0.98, title, ha="center", va="top", fontsize=1.2 * letters, weight="bold")
