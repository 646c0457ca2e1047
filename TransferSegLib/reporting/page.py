"""The report of a training as a PDF: what was done, what came of it, then the figures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..storage import writing
from .saving import new_figure
from .tables import Table, numeric_columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = (8.27, 11.69)
"""A4 in inches."""
MARGIN = 0.8
LINE = 0.2
"""Height of a line in inches."""
NAME_WIDTH = 1.7
MISSING = "?"
"""Stands for a character that the font of pages and pictures lacks."""


def drawable(text: str) -> str:
    """A text with ``MISSING`` for every character that matplotlib's font lacks, as those of Chinese names."""
    if text.isascii() and text.isprintable():
        return text
    normal, bold = (_characters(weight) for weight in ("normal", "bold"))
    return "".join(one if ord(one) in normal and ord(one) in bold else MISSING for one in text)


@lru_cache(maxsize=2)
def _characters(weight: str) -> frozenset[int]:
    """The code points that the font has."""
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(findfont(FontProperties(weight=weight))).get_charmap())


class _Writer:
    """Puts text on A4 pages from the top down and begins a new page when one is full."""

    def __init__(self, pdf: object) -> None:
        self._pdf = pdf
        self._figure = new_figure(*PAGE)
        self._used = MARGIN
        self.replaced = False
        """Whether the font lacked a character of what was written."""

    def room(self, height: float) -> None:
        """Begin a new page unless ``height`` inches are left on this one."""
        if self._used + height > PAGE[1] - MARGIN:
            self.finish()
            self._figure = new_figure(*PAGE)
            self._used = MARGIN

    def full(self) -> bool:
        """Whether no further line fits on this page."""
        return self._used + LINE > PAGE[1] - MARGIN

    def line(self, cells: Sequence[tuple[float, str, str]], *, size: float = 10, weight: str = "normal") -> None:
        """Write one line: (inches from the left margin, alignment, text) for each cell."""
        self.room(LINE)
        y = 1 - (self._used + LINE * 0.75) / PAGE[1]
        about = {"va": "baseline", "size": size, "weight": weight, "parse_math": False}
        for x, align, text in cells:
            drawn = drawable(text)
            self.replaced |= drawn != text
            self._figure.text((MARGIN + x) / PAGE[0], y, drawn, ha=align, **about)
        self._used += LINE * max(1.0, size / 11)

    def rule(self, length: float) -> None:
        """Draw a thin line, ``length`` inches long."""
        from matplotlib.lines import Line2D

        y = 1 - (self._used + 0.02) / PAGE[1]
        ends = MARGIN / PAGE[0], (MARGIN + length) / PAGE[0]
        self._figure.add_artist(Line2D(ends, (y, y), color="#999999", linewidth=0.6))
        self._used += 0.04

    def image(self, pixels: object, width: float, height: float) -> None:
        """Put a picture in the middle of the line, ``width`` by ``height`` inches."""
        self.room(height)
        left, below = (PAGE[0] - width) / 2, PAGE[1] - self._used - height
        axes = self._figure.add_axes((left / PAGE[0], below / PAGE[1], width / PAGE[0], height / PAGE[1]))
        axes.imshow(pixels, aspect="auto", interpolation="antialiased")
        axes.axis("off")
        self._used += height

    def space(self, height: float) -> None:
        """Leave ``height`` inches."""
        self._used += height

    def finish(self) -> None:
        """Put the page into the file."""
        self._pdf.savefig(self._figure)


def write_report(
    path: str | Path,
    *,
    title: str,
    facts: Sequence[tuple[str, str]],
    tables: Sequence[Table] = (),
    figures: Sequence[Figure] = (),
    verdict: str = "",
) -> Path:
    """Write a report: title, verdict, facts and tables on A4 pages, then each figure on a page of its own size.

    Parameters
    ----------
    title : str
    facts : sequence of (name, text)
        What was done with what; long texts are wrapped.
    tables : sequence of Table
        Long ones go on over the page, their heading repeated.
    figures : sequence of matplotlib Figure
    verdict : str
        The sentence under the title.

    Raises
    ------
    StorageError
        When the file cannot be written; nothing half-written is left.
    """
    from matplotlib.backends.backend_pdf import PdfPages

    path = Path(path)
    about = {"Title": title, "Creator": "TransferSeg"}
    with writing(path) as temporary, PdfPages(temporary, metadata=about) as pdf:
        writer = _Writer(pdf)
        _head(writer, title, verdict)
        _facts(writer, facts)
        for table in tables:
            _table(writer, table)
        writer.finish()
        for figure in figures:
            pdf.savefig(figure)
    return path


def _head(writer: _Writer, title: str, verdict: str) -> None:
    for line in textwrap.wrap(title, 52):
        writer.line([(0, "left", line)], size=16, weight="bold")
    writer.space(0.1)
    for line in textwrap.wrap(verdict, 68):
        writer.line([(0, "left", line)], size=12)
    writer.space(0.15)


def _facts(writer: _Writer, facts: Sequence[tuple[str, str]]) -> None:
    for name, text in facts:
        for place, line in enumerate(textwrap.wrap(str(text), 64) or [""]):
            writer.line([(0, "left", name if place == 0 else ""), (NAME_WIDTH, "left", line)])
    writer.space(0.25)


def _table(writer: _Writer, table: Table) -> None:
    """A table with its heading, which is written again on each new page."""
    cells = table.cells()
    widths = [max(len(text) for text in column) for column in zip(table.columns, *cells)]
    room = PAGE[0] - 2 * MARGIN
    step = min(0.085, room / (sum(widths) + 3 * len(widths)))
    size = 10 * min(1.0, step / 0.085)
    flush = numeric_columns(table.rows, len(table.columns))
    starts = [sum(widths[:place]) + 3 * place for place in range(len(widths))]
    places = [
        ((start + width) * step, "right") if right else (start * step, "left")
        for start, width, right in zip(starts, widths, flush)
    ]
    length = (starts[-1] + widths[-1]) * step
    writer.room(4 * LINE)
    writer.line([(0, "left", table.title)], size=11, weight="bold")
    heading = [(x, align, text) for (x, align), text in zip(places, table.columns)]
    writer.line(heading, size=size, weight="bold")
    writer.rule(length)
    for row in cells:
        if writer.full():
            writer.room(PAGE[1])
            writer.line(heading, size=size, weight="bold")
            writer.rule(length)
        writer.line([(x, align, text) for (x, align), text in zip(places, row)], size=size)
    writer.space(0.25)
