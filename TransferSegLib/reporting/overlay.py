"""A picture of a segmented case: three slices with the labels over the image, and the volumes in ml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..measuring import volumes_ml
from .palette import label_colours
from .saving import new_figure, save_figure
from .slices import Slice, of_picture, orthogonal_slices

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, LEAST_WIDTH = 11.0, 5.0
"""Width of the picture in inches."""
HEIGHT = 8.0
"""Greatest height of its panels in inches."""
OPACITY = 0.5
TRUTH_LINE = "#00FFFF"


def overlay_figure(
    image: sitk.Image,
    labels: sitk.Image,
    *,
    names: Mapping[int, str],
    colours: Mapping[int, str] | None = None,
    truth: sitk.Image | None = None,
    title: str = "",
) -> Figure:
    """Draw axial, coronal and sagittal slices where the labels cover most.

    Parameters
    ----------
    image : SimpleITK.Image
        The grey image, normally the case's reference sequence.
    labels : SimpleITK.Image
        Label map on the image's grid.
    names : dict
        Label value to name; other values are not drawn.
    colours : dict, optional
        Label value to ``#RRGGBB``; the palette's defaults for those that are missing.
    truth : SimpleITK.Image, optional
        Label map on the same grid, drawn as cyan outlines; its volumes stand in the legend.
    title : str

    Raises
    ------
    InputError
        When the grids differ.
    """
    from matplotlib.colors import to_rgb

    colours = label_colours(names, colours)
    slices = orthogonal_slices(image, labels, truth, values=list(names))
    widths, heights = zip(*(cut.size_mm for cut in slices))
    gap, head, foot = 0.08, 0.62 if title else 0.32, 0.25 + 0.25 * -(-(len(names) + (truth is not None)) // 3)
    inches_per_mm = min((WIDTH - 2 * gap - 0.2) / sum(widths), HEIGHT / max(heights))
    panel_height = max(heights) * inches_per_mm
    # A picture alone leaves no empty half; three slices fill the width.
    wide = WIDTH if len(slices) > 1 else min(WIDTH, max(widths[0] * inches_per_mm + 0.2, LEAST_WIDTH))
    figure = new_figure(wide, panel_height + head + foot)
    total = figure.get_figheight()
    left, window = 0.1, _window(slices)
    for cut in slices:
        width = cut.size_mm[0] * inches_per_mm
        axes = figure.add_axes((left / wide, foot / total, width / wide, panel_height / total))
        _draw(axes, cut, max(heights), window, {value: to_rgb(colour) for value, colour in colours.items()})
        left += width + gap
    if title:
        figure.text(0.1 / wide, 1 - 0.12 / total, title, ha="left", va="top", fontsize=13, weight="bold")
    _legend(figure, labels, truth, names, colours)
    return figure


def save_overlay(
    path: str | Path,
    image: sitk.Image,
    labels: sitk.Image,
    *,
    names: Mapping[int, str],
    colours: Mapping[int, str] | None = None,
    truth: sitk.Image | None = None,
    title: str = "",
) -> Path:
    """Save ``overlay_figure`` as a picture; also raises ``StorageError`` when it cannot be written."""
    figure = overlay_figure(image, labels, names=names, colours=colours, truth=truth, title=title)
    return save_figure(figure, path, dpi=200)


def _window(slices: list[Slice]) -> tuple[float, float]:
    """Grey values drawn black and white: the 1st and 99.5th percentile of what differs from the background."""
    values = np.concatenate([cut.grey.ravel() for cut in slices])
    seen = values[values > np.percentile(values, 1)]
    low, high = np.percentile(seen if seen.size else values, (1, 99.5))
    return float(low), float(max(high, low + 1e-6))


def _draw(axes: Axes, cut: Slice, panel_mm: float, window: tuple[float, float], colours: dict[int, tuple]) -> None:
    """Draw one slice in the middle of a black panel ``panel_mm`` high."""
    from matplotlib.patheffects import withStroke

    width, height = cut.size_mm
    spare = (panel_mm - height) / 2
    shape = {"extent": (0, width, height, 0), "aspect": "auto"}
    axes.set_facecolor("black")
    axes.imshow(cut.grey, cmap="gray", vmin=window[0], vmax=window[1], interpolation="bilinear", **shape)
    paint = np.zeros((*cut.labels.shape, 4), np.float32)
    for value, colour in colours.items():
        paint[cut.labels == value] = (*colour, OPACITY)
    axes.imshow(paint, interpolation="nearest", **shape)
    for value, colour in colours.items():
        _outline(axes, cut.labels == value, cut.size_mm, colour, 0.8)
        if cut.truth is not None:
            _outline(axes, cut.truth == value, cut.size_mm, TRUTH_LINE, 1.0)
    axes.set_xlim(0, width)
    axes.set_ylim(height + spare, -spare)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(cut.name if cut.name == "picture" else f"{cut.name}, {_place(cut)}", fontsize=9, pad=4)
    rim = [withStroke(linewidth=2, foreground="black")]
    places = ((0.02, 0.5, "left", "center"), (0.98, 0.5, "right", "center"), (0.5, 0.98, "center", "top"))
    for (x, y, across, along), letter in zip((*places, (0.5, 0.02, "center", "bottom")), cut.sides):
        text = axes.text(x, y, letter, ha=across, va=along, color="white", fontsize=11, transform=axes.transAxes)
        text.set_path_effects(rim)


def _outline(axes: Axes, mask: np.ndarray, size_mm: tuple[float, float], colour: object, width: float) -> None:
    """The outline of a mask along its pixels' edges."""
    from matplotlib.collections import LineCollection

    padded = np.pad(mask, 1).astype(np.int8)
    dx, dy = size_mm[0] / mask.shape[1], size_mm[1] / mask.shape[0]
    rows, columns = np.nonzero(np.diff(padded, axis=0)[:, 1:-1])
    across = [((column * dx, row * dy), ((column + 1) * dx, row * dy)) for row, column in zip(rows, columns)]
    rows, columns = np.nonzero(np.diff(padded, axis=1)[1:-1])
    along = [((column * dx, row * dy), (column * dx, (row + 1) * dy)) for row, column in zip(rows, columns)]
    axes.add_collection(LineCollection(across + along, colors=[colour], linewidths=width, capstyle="projecting"))


def _place(cut: Slice) -> str:
    """Where the slice lies, as the slice bars of 3D Slicer write it."""
    towards = {"axial": "SI", "coronal": "PA", "sagittal": "LR"}[cut.name]
    return f"{towards[cut.position_mm < 0]}: {abs(cut.position_mm):.0f} mm"


def _legend(
    figure: Figure,
    labels: sitk.Image,
    truth: sitk.Image | None,
    names: Mapping[int, str],
    colours: dict[int, str],
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    picture = of_picture(labels)
    unit, digits = ("pixels", 0) if picture else ("ml", 1)
    size = 1.0 if picture else float(np.prod(labels.GetSpacing())) / 1000
    found = volumes_ml(sitk.GetArrayViewFromImage(labels), size, names)
    true = volumes_ml(sitk.GetArrayViewFromImage(truth), size, names) if truth is not None else {}
    handles = []
    for value, name in names.items():
        text = f"{name} {found[name]:.{digits}f} {unit}"
        text += f" (truth {true[name]:.{digits}f} {unit})" if name in true else ""
        handles.append(Patch(facecolor=colours[value], edgecolor="black", linewidth=0.5, label=text))
    if truth is not None:
        handles.append(Line2D([], [], color=TRUTH_LINE, linewidth=2, label="outline of the truth"))
    columns = 2 if len(handles) == 4 else min(len(handles), 3)
    figure.legend(handles=handles, loc="lower center", ncols=columns, frameon=False, fontsize=10)
