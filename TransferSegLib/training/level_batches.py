"""Training pictures drawn from projections; picture n of a seed is always the same one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .level_augmentation import Drawn, change_intensity, draw_geometry, plain_geometry, sample
from .level_losses import map_target, offset_bounds
from .level_plan import LevelPlan

if TYPE_CHECKING:
    import torch

# A cut scan keeps at least this much, mm.
SHORTEST_MM = 120


@dataclass(frozen=True)
class LevelExample:
    """A projection and where its level is.

    ``pixels`` is (views, rows, width) in [0, 1], row 0 the most superior; ``row`` the level's row, which may lie
    outside, or None where only ``where`` (above, below, absent) is known.
    """

    id: str
    pixels: np.ndarray
    row: float | None
    where: str = ""

    @property
    def height(self) -> int:
        """Rows of the projection."""
        return self.pixels.shape[1]

    def cut(self, first: int, last: int) -> LevelExample:
        """Only the rows from ``first`` to below ``last``, as a shorter scan would show them."""
        row = None if self.row is None else self.row - first
        return replace(self, pixels=self.pixels[:, first:last], row=row)


class LevelPictures:
    """Draws batches: ``batch(step)`` depends on the seed and the step alone, so a resumed run sees the same.

    Parameters
    ----------
    examples : sequence of LevelExample
    views : tuple of str
        In the order of the pixels' first axis.
    rehearsal : sequence of LevelExample
        Of the source's own kind; ``plan.rehearsal`` of the pictures come from them.
    """

    def __init__(
        self,
        examples: Sequence[LevelExample],
        plan: LevelPlan,
        *,
        views: tuple[str, ...],
        row_mm: float,
        rehearsal: Sequence[LevelExample] = (),
    ) -> None:
        # A published window contains the level: scans that do not show it teach nothing there.
        with_row = [e for e in examples if e.row is not None and 0 <= e.row < e.height]
        self._examples = with_row if plan.evaluation == "windows" else list(examples)
        self._rehearsal = list(rehearsal)
        self._plan, self._views, self._row_mm = plan, views, row_mm

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, views, rows, width) float32, and bounds (B, n, 2) or maps (B, 1, rows) for an optimiser step."""
        import torch

        pairs = [self._picture(step, number) for number in range(self._plan.batch)]
        return torch.stack([p[0] for p in pairs]), torch.from_numpy(np.stack([p[1] for p in pairs]))

    def _picture(self, step: int, number: int) -> tuple[torch.Tensor, np.ndarray]:
        plan = self._plan
        rng = np.random.default_rng([plan.seed, step, number])
        rehearse = self._rehearsal and rng.random() < plan.rehearsal
        pool = self._rehearsal if rehearse else self._examples
        example = pool[int(rng.integers(len(pool)))]
        if plan.augment and plan.evaluation != "windows" and rng.random() < 0.5:
            example = _shortened(example, rng, self._row_mm)
        drawn = draw_geometry(rng, len(self._views), self._row_mm) if plan.augment else plain_geometry(len(self._views))
        rows = plan.rows if plan.evaluation == "windows" else plan.crop_rows
        drawn = replace(drawn, first=self._first(example, drawn, rows, rng) * drawn.scale)
        picture = sample(example.pixels, drawn, rows, self._views)
        if plan.augment:
            picture = change_intensity(picture, rng, self._row_mm)
        return picture, self._truth(example, drawn, rows)

    def _first(self, example: LevelExample, drawn: Drawn, rows: int, rng: np.random.Generator) -> float:
        """The picture's first row, in rows of its own size from the projection's first."""
        plan, height = self._plan, example.height / drawn.scale
        if plan.evaluation == "windows":
            first = example.row / drawn.scale - rng.uniform(0, rows)
        elif height + plan.rows <= rows:  # the whole projection fits, with the half windows beyond its ends
            first = -rng.uniform(plan.rows / 2, rows - height - plan.rows / 2)
        else:
            first = rng.uniform(-plan.rows / 2, height + plan.rows / 2 - rows)
        return float(first) if plan.augment else float(round(first))

    def _truth(self, example: LevelExample, drawn: Drawn, rows: int) -> np.ndarray:
        plan = self._plan
        row = None if example.row is None else drawn.place(example.row)
        if plan.evaluation == "map":
            visible = row is not None and 0 <= example.row < example.height and 0 <= row < rows
            return map_target(rows, row if visible else None)[None]
        start, end = drawn.place(-0.5), drawn.place(example.height - 0.5)
        tops = np.arange(plan.windows) * plan.step
        if row is not None:
            return offset_bounds(tops, plan.rows, plan.margin, row=row)
        return offset_bounds(tops - start, plan.rows, plan.margin, row=None, where=example.where, count=end - start)


def _shortened(example: LevelExample, rng: np.random.Generator, row_mm: float) -> LevelExample:
    """A part of the scan, as if the field of view had been shorter; what lies above or below it does so still."""
    least = round(SHORTEST_MM / row_mm)
    if example.height <= least:
        return example
    count = int(rng.integers(least, example.height + 1))
    first = int(rng.integers(0, example.height - count + 1))
    return example.cut(first, first + count)
