"""Error or Dice and time of a pruned model against the share of its maps that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .palette import OTHERS
from .saving import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pruning_figure(rows: Iterable[Mapping], *, title: str = "") -> Figure:
    """Draw a curve a criterion: mean error or Dice (bars: SD) above, seconds a scan or milliseconds a window below.

    Parameters
    ----------
    rows : iterable of dict
        ``criterion``, ``kept`` (share of the maps), ``error_mm``, ``error_mm_sd`` (None for one scan) or ``dice``,
        ``dice_sd``, and ``seconds``.
    title : str
    """
    rows = list(rows)
    level = "error_mm" in rows[0]
    column = "error_mm" if level else "dice"
    figure = new_figure(7.5, 5.6)
    figure.set_layout_engine("constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for number, name in enumerate(dict.fromkeys(row["criterion"] for row in rows)):
        own = [row for row in rows if row["criterion"] == name]
        colour = OTHERS[number % len(OTHERS)]
        kept = [100 * row["kept"] for row in own]
        errors, spread = [row[column] for row in own], [row[f"{column}_sd"] or 0.0 for row in own]
        above.errorbar(kept, errors, yerr=spread, color=colour, marker="o", capsize=3, linewidth=1.5, label=name)
        below.plot(kept, [row["seconds"] * (1 if level else 1000) for row in own], color=colour, marker="o")
    above.set_ylabel("error on held-out scans, mm" if level else "mean Dice of held-out cases")
    above.set_ylim(bottom=0)
    above.legend(title="maps removed by", frameon=False, loc="best")
    below.set_ylabel("seconds a scan" if level else "ms a window")
    below.set_ylim(bottom=0)
    for axes in (above, below):  # room above the upper points and their bars
        axes.set_ylim(top=1.08 * axes.get_ylim()[1])
    below.set_xlabel("maps kept, % (100 on the left)")
    below.invert_xaxis()
    for axes in (above, below):
        axes.grid(color="#DDDDDD", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    if title:
        figure.suptitle(title, fontsize=12, weight="bold")
    return figure


def save_pruning_curve(path: str | Path, rows: Iterable[Mapping], *, title: str = "") -> Path:
    """Save ``pruning_figure`` as a picture; raises ``StorageError`` when it cannot be written."""
    return save_figure(pruning_figure(rows, title=title), path)
