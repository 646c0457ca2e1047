"""The TMTV report as a text file: the listing, then what else the page says."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from .tmtv_blocks import Grid, Paragraph, Section, Tiles
from .tmtv_listing import listing_lines
from .tmtv_sections import sections
from .tmtv_words import Words

WIDTH = 100


def text_report(report: Mapping[str, Any], *, language: str = "en", made: str = "") -> str:
    """The listing in its own words and order, an empty line, then lesions, thresholds, SUV and method.

    Parameters
    ----------
    report : mapping
        What ``jobs.tmtv`` returns for a patient.
    language : {"en", "fr"}
    made : str
        The last line: what made it and when.
    """
    words = Words(language)
    lines = listing_lines(report, words)
    for section in sections(report, words):
        lines += _section(section, words)
    return "\n".join([*lines, "", made] if made else lines) + "\n"


def _section(section: Section, words: Words) -> list[str]:
    lines: list[str] = []
    for block in section.blocks:
        if isinstance(block, Tiles):
            names = [(name, f"{value} {unit}".strip()) for name, value, unit in block.items]
            lines += [f"{name}{words.colon}{value}" for name, value in names]
        elif isinstance(block, Paragraph):
            lines += textwrap.wrap(block.text, WIDTH)
        elif isinstance(block, Grid):
            lines += _grid(block)
    if not lines:
        return []
    heading = [section.heading, "-" * len(section.heading)] if section.heading else []
    return ["", *heading, *lines]


def _grid(grid: Grid) -> list[str]:
    table = [grid.columns, *grid.rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(grid.columns))]
    lines = []
    for row in table:
        cells = [
            cell.rjust(width) if flush else cell.ljust(width) for cell, width, flush in zip(row, widths, grid.right)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
