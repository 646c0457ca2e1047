"""What a TMTV page is made of, whichever way it is written out: sections of text, tables and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Tiles:
    """The few numbers that matter, large: (name, value, unit)."""

    items: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Paragraph:
    """A sentence or two; ``strong`` for what must not be overlooked, ``language`` where it is not the page's."""

    text: str
    strong: bool = False
    language: str | None = None


@dataclass(frozen=True)
class Grid:
    """A table of printed cells.

    ``right`` says which columns are flush right, ``strong`` which rows are set apart, ``ids`` gives rows an anchor.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    strong: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """One of the report's pictures by its name, with what is seen on it."""

    name: str
    caption: str


Block: TypeAlias = Tiles | Paragraph | Grid | Picture


@dataclass(frozen=True)
class Section:
    """A heading (empty for none) and what stands under it."""

    heading: str
    blocks: tuple[Block, ...]
