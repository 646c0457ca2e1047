"""Tables, verdicts, pictures and pages from what was measured."""

from .blocks import blocks_figure, save_blocks
from .curves import curves_figure, save_curves
from .overlay import overlay_figure, save_overlay
from .page import write_report
from .palette import default_colour, label_colours
from .saving import new_figure, save_figure
from .tables import (
    Table,
    before_after_table,
    evaluations_table,
    format_cell,
    markdown_table,
    teacher_student_table,
    text_table,
    write_measures_csv,
)
from .verdict import verdict

__all__ = [
    "Table",
    "before_after_table",
    "blocks_figure",
    "curves_figure",
    "default_colour",
    "evaluations_table",
    "format_cell",
    "label_colours",
    "markdown_table",
    "new_figure",
    "overlay_figure",
    "save_blocks",
    "save_curves",
    "save_figure",
    "save_overlay",
    "teacher_student_table",
    "text_table",
    "verdict",
    "write_measures_csv",
    "write_report",
]
