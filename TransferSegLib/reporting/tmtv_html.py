"""The TMTV page: one HTML file that needs nothing beside it, no script, font or picture from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from typing import Any

from .tmtv_blocks import Block, Grid, Paragraph, Picture, Section, Tiles
from .tmtv_sections import sections
from .tmtv_words import Words

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; color: #1b1f23; background: #fff;
  margin: 0 auto; max-width: 60rem; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.5rem; margin: 0; } h1 small { font-weight: 400; color: #57606a; font-size: 1.1rem; }
h2 { font-size: 1.1rem; margin: 1.9rem 0 .5rem; padding-bottom: .25rem; border-bottom: 2px solid #d0d7de; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0 0; padding: 0; }
.tiles div { border: 1px solid #d0d7de; border-radius: 6px; padding: .45rem .9rem .5rem; min-width: 6.2rem; }
.tiles dt { color: #57606a; font-size: .82rem; } .tiles dd { margin: 0; font-size: 1.35rem; font-weight: 600; }
.tiles dd small { font-size: .85rem; font-weight: 400; color: #57606a; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .3rem 0 .6rem; }
th, td { text-align: left; padding: .28rem .8rem .28rem 0; border-bottom: 1px solid #eaeef2; vertical-align: top; }
thead th { color: #57606a; font-weight: 600; border-bottom-color: #afb8c1; }
tbody th { font-weight: inherit; } .right { text-align: right; } tr.strong > * { font-weight: 700; }
p { margin: .35rem 0; max-width: 48rem; } p.strong { border-left: 4px solid #bf8700; padding-left: .7rem; }
figure { margin: .4rem 0; } figure img { max-width: 100%; height: auto; display: block; }
figcaption { color: #57606a; font-size: .88rem; max-width: 48rem; }
footer { margin-top: 2.5rem; color: #57606a; font-size: .85rem; }
@media print { body { max-width: none; padding: 0; font-size: 11px; } h2 { break-after: avoid; }
  tr, figure, .tiles div { break-inside: avoid; } }
"""


def html_report(
    report: Mapping[str, Any], pictures: Mapping[str, bytes], *, language: str = "en", made: str = ""
) -> str:
    """The page of a patient.

    Parameters
    ----------
    report : mapping
        What ``jobs.tmtv`` returns for a patient.
    pictures : mapping
        Name of a picture (``mip``, ``errors``) to its PNG bytes; one that is missing is left out.
    language : {"en", "fr"}
    made : str
        The last line: what made it and when.
    """
    words = Words(language)
    title = f"{words('title')}{words.colon}{report['patient']}"
    body = "\n".join(_section(section, pictures) for section in sections(report, words))
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(words('title'))} <small>{escape(report['patient'])}</small></h1>\n{body}\n"
        f"<footer>{escape(made)}</footer>\n</body>\n</html>\n"
    )


def _section(section: Section, pictures: Mapping[str, bytes]) -> str:
    blocks = [_block(block, section, pictures) for block in section.blocks]
    heading = f"<h2>{escape(section.heading)}</h2>\n" if section.heading else ""
    return f"<section>\n{heading}" + "\n".join(block for block in blocks if block) + "\n</section>"


def _block(block: Block, section: Section, pictures: Mapping[str, bytes]) -> str:
    if isinstance(block, Tiles):
        return '<dl class="tiles">' + "".join(_tile(*item) for item in block.items) + "</dl>"
    if isinstance(block, Paragraph):
        marks = (' class="strong"' if block.strong else "") + (f' lang="{block.language}"' if block.language else "")
        return f"<p{marks}>{escape(block.text)}</p>"
    if isinstance(block, Picture):
        if block.name not in pictures:
            return ""
        data = base64.b64encode(pictures[block.name]).decode("ascii")
        shown = f'<img src="data:image/png;base64,{data}" alt="{escape(section.heading)}">'
        return f"<figure>{shown}<figcaption>{escape(block.caption)}</figcaption></figure>"
    return _grid(block)


def _tile(name: str, value: str, unit: str) -> str:
    unit = f" <small>{escape(unit)}</small>" if unit else ""
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}{unit}</dd></div>"


def _grid(grid: Grid) -> str:
    flush = [' class="right"' if right else "" for right in grid.right]
    head = "".join(f'<th scope="col"{mark}>{escape(name)}</th>' for name, mark in zip(grid.columns, flush))
    rows = []
    for place, row in enumerate(grid.rows):
        marks = ' class="strong"' if place in grid.strong else ""
        marks += f' id="n{escape(grid.ids[place])}"' if place < len(grid.ids) else ""
        first, *others = row
        cells = f'<th scope="row"{flush[0]}>{escape(first)}</th>'
        cells += "".join(f"<td{mark}>{escape(cell)}</td>" for cell, mark in zip(others, flush[1:]))
        rows.append(f"<tr{marks}>{cells}</tr>")
    return (
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n' + "\n".join(rows)
        + "\n</tbody></table></div>"
    )  # fmt: skip
