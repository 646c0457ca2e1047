"""The TMTV page as a PDF: the sections of the HTML page on A4, by matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..storage import writing
from .page import LINE, MARGIN, MISSING, PAGE, _Writer, drawable
from .tmtv_blocks import Block, Grid, Paragraph, Picture, Tiles
from .tmtv_sections import sections
from .tmtv_words import Words

ROOM = PAGE[0] - 2 * MARGIN
GAP = 0.18
"""Inches between the columns of a table."""


def write_pdf(
    path: str | Path,
    report: Mapping[str, Any],
    pictures: Mapping[str, bytes],
    *,
    language: str = "en",
    made: str = "",
) -> Path:
    """Write the page of a patient as PDF.

    Parameters
    ----------
    report, pictures, language, made
        As ``html_report`` takes them.

    Raises
    ------
    StorageError
        When the file cannot be written; nothing half-written is left.
    """
    from matplotlib.backends.backend_pdf import PdfPages

    words, path = Words(language), Path(path)
    title = f"{words('title')}{words.colon}{report['patient']}"
    about = {"Title": title, "Creator": "TransferSeg"}
    with writing(path) as temporary, PdfPages(temporary, metadata=about) as pdf:
        writer = _Writer(pdf)
        for line in textwrap.wrap(title, 52):
            writer.line([(0, "left", line)], size=16, weight="bold")
        for section in sections(report, words):
            blocks = [block for block in section.blocks if not isinstance(block, Picture) or block.name in pictures]
            if section.heading and blocks:
                writer.room(_height(blocks[0], pictures) + 3 * LINE)
                writer.space(0.16)
                writer.line([(0, "left", section.heading)], size=12, weight="bold")
                writer.rule(ROOM)
                writer.space(0.04)
            for block in blocks:
                _write(writer, block, pictures)
        writer.space(0.2)
        if writer.replaced:
            _paragraph(writer, words("not_in_font", sign=MISSING), size=8)
        _paragraph(writer, made, size=8)
        writer.finish()
    return path


def _height(block: Block, pictures: Mapping[str, bytes]) -> float:
    """The inches that must stay together with a heading."""
    if isinstance(block, Picture):
        return _size(_pixels(pictures[block.name]))[1]
    return 3 * LINE if isinstance(block, Grid) else LINE


def _write(writer: _Writer, block: Block, pictures: Mapping[str, bytes]) -> None:
    if isinstance(block, Tiles):
        _tiles(writer, block)
    elif isinstance(block, Paragraph):
        _paragraph(writer, block.text, weight="bold" if block.strong else "normal")
    elif isinstance(block, Picture):
        _picture(writer, pictures[block.name])
        _paragraph(writer, block.caption, size=8)
    else:
        _grid(writer, block)


def _tiles(writer: _Writer, tiles: Tiles) -> None:
    """Names over values, as wide as they need."""
    values = [f"{value} {unit}".strip() for _, value, unit in tiles.items]
    names = [name for name, _, _ in tiles.items]
    widths = [max(text_inches(name, 8), text_inches(value, 11, bold=True)) for name, value in zip(names, values)]
    gap = min(0.4, max(0.08, (ROOM - sum(widths)) / max(len(widths) - 1, 1)))
    starts = [sum(widths[:place]) + gap * place for place in range(len(widths))]
    writer.space(0.1)
    writer.line([(x, "left", name) for x, name in zip(starts, names)], size=8)
    writer.line([(x, "left", value) for x, value in zip(starts, values)], size=11, weight="bold")


def _paragraph(writer: _Writer, text: str, *, size: float = 9, weight: str = "normal") -> None:
    for line in wrapped(text, size, bold=weight == "bold"):
        writer.line([(0, "left", line)], size=size, weight=weight)


def text_inches(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a text is in the font of the pages, inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(drawable(text), font, False)[0] / 72


def wrapped(text: str, size: float, *, bold: bool = False) -> list[str]:
    """The lines of a text that fit between the margins."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_inches(longer, size, bold=bold) <= ROOM:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _pixels(data: bytes) -> Any:
    import io

    from matplotlib.image import imread

    return imread(io.BytesIO(data), format="png")


def _size(pixels: Any) -> tuple[float, float]:
    """Width and height of a picture on the page, inches."""
    rows, columns = pixels.shape[:2]
    wide = min(ROOM, 7.0 * columns / rows)
    return wide, wide * rows / columns


def _picture(writer: _Writer, data: bytes) -> None:
    pixels = _pixels(data)
    wide, high = _size(pixels)
    writer.image(pixels, wide, high)


def _grid(writer: _Writer, grid: Grid) -> None:
    """A table; its heading is written again on each new page."""
    bold = [True, *(place in grid.strong for place in range(len(grid.rows)))]
    table = list(zip((grid.columns, *grid.rows), bold))
    widths = [
        max(text_inches(row[place], 9, bold=strong) for row, strong in table) for place in range(len(grid.columns))
    ]
    shrink = min(1.0, ROOM / (sum(widths) + GAP * (len(widths) - 1)))
    size, widths, gap = 9 * shrink, [shrink * width for width in widths], shrink * GAP
    starts = [sum(widths[:place]) + gap * place for place in range(len(widths))]
    places = [
        (start + width, "right") if right else (start, "left")
        for start, width, right in zip(starts, widths, grid.right)
    ]
    length = starts[-1] + widths[-1]
    _row(writer, places, grid.columns, size, bold=True)
    writer.rule(length)
    for place, row in enumerate(grid.rows):
        if writer.full():
            writer.room(PAGE[1])
            _row(writer, places, grid.columns, size, bold=True)
            writer.rule(length)
        _row(writer, places, row, size, bold=place in grid.strong)
    writer.space(0.06)


def _row(
    writer: _Writer, places: Sequence[tuple[float, str]], cells: Sequence[str], size: float, *, bold: bool
) -> None:
    weight = "bold" if bold else "normal"
    writer.line([(x, align, text) for (x, align), text in zip(places, cells)], size=size, weight=weight)
