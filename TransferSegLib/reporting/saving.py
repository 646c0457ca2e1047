"""Making and saving figures without a window, pyplot or a half-written file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..storage import writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure of a size in inches, which belongs to no window and no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: str | Path, *, dpi: int = 150) -> Path:
    """Save a figure as the kind of picture its suffix names, whole or not at all; raises ``StorageError``."""
    path = Path(path)
    with writing(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format=path.suffix.lstrip(".").lower() or "png")
    return path
