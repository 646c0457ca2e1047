"""The projections of an L3 data set, made once and kept beside the table that is made from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..events import Events
from ..preparing.projection import ProjectionSpec
from ..storage import sha256, write_json, writing


@dataclass(frozen=True, eq=False)
class LevelProjection:
    """One scan as training and scoring see it.

    Attributes
    ----------
    id, patient : str
    pixels : float32 (views, rows, width)
        A memory map; what is written to it is not kept.
    row : float or None
        Row of the level; it may lie outside the projection where the table knows its height all the same.
    where : str
        ``above``, ``below`` or ``absent`` for a scan that does not show the level, else empty.
    row_mm : float
        Height of a row, mm.
    indices : float64 (rows,)
        Continuous slice index at each row.
    slices : int
        Slices of the scan.
    """

    id: str
    patient: str
    pixels: np.ndarray = field(repr=False)
    row: float | None
    where: str
    row_mm: float
    indices: np.ndarray = field(repr=False)
    slices: int

    @property
    def in_view(self) -> bool:
        """Whether the scan shows the level."""
        return self.row is not None and not self.where and -0.5 <= self.row <= self.pixels.shape[1] - 0.5

    def slice_at(self, row: float) -> int:
        """The slice nearest to a row."""
        rows = np.arange(len(self.indices), dtype=float)
        index = np.interp(row, rows, self.indices) if len(rows) > 1 else self.indices[0]
        return int(np.clip(np.rint(index), 0, self.slices - 1))

    def error(self, row: float) -> tuple[float, float]:
        """(slices, mm) between a row and the level's own; ``ValueError`` where the scan does not show it."""
        if self.row is None or not self.in_view:
            raise ValueError(f"{self.id}: does not show the level")
        apart = abs(self.slice_at(row) - self.slice_at(self.row))
        return float(apart), abs(row - self.row) * self.row_mm


def level_projections(
    csv: str | Path, spec: ProjectionSpec, folder: str | Path, *, level: str | None = None, events: Events
) -> tuple[list[LevelProjection], list[str], str]:
    """The projections of a data set, from ``folder`` where they lie there already.

    Parameters
    ----------
    csv : path
        Data set in the CSV layout of `open_levels`.
    level : str, optional
        Which annotated level; needed where the table holds several.

    Returns
    -------
    tuple
        Projections; ``ID: reason`` of the scans that could not be used; a digest of all that was used.

    Raises
    ------
    InputError
        The table cannot be read, or no scan can be used.
    """
    from ..level.data_set import open_levels

    levels = open_levels(csv, level)
    found, left_out = [], []
    for number, case in enumerate(levels.cases):
        events.progress("projecting the scans", number, len(levels.cases))
        try:
            found.append(_kept(case, spec, Path(folder)))
        except InputError as error:
            left_out.append(f"{case.id}: {error}")
            events.say(f"{case.id} is left out: {error}")
    events.progress("projecting the scans", len(levels.cases), len(levels.cases))
    if not found:
        raise InputError(f"{csv}: no scan can be used ({left_out[0]}); correct the table")
    return found, left_out, digest(found)


def digest(cases: Sequence[LevelProjection]) -> str:
    """Hex digest of what training and scoring see of the cases."""
    total = hashlib.sha256()
    for case in sorted(cases, key=lambda case: case.id):
        total.update(repr((case.id, case.patient, case.row, case.where, case.row_mm, case.pixels.shape)).encode())
        total.update(np.ascontiguousarray(case.pixels).tobytes())
    return total.hexdigest()


def _kept(case: Any, spec: ProjectionSpec, folder: Path) -> LevelProjection:
    """One case's projection, made and kept, or as it was kept when neither scan nor table have changed."""
    key = {"ct": sha256(case.ct), "case": repr(case), "spec": asdict(spec)}
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:20]
    numbers, facts = folder / f"{name}.npy", folder / f"{name}.json"
    if not facts.is_file() or not numbers.is_file():
        made, about = _project(case, spec)
        with writing(numbers) as temporary, temporary.open("wb") as file:
            np.save(file, made, allow_pickle=False)
        write_json(facts, about)
    about = json.loads(facts.read_text(encoding="utf-8"))
    indices = np.asarray(about.pop("indices"), dtype=float)
    return LevelProjection(case.id, case.patient, np.load(numbers, mmap_mode="c"), indices=indices, **about)


def _project(case: Any, spec: ProjectionSpec) -> tuple[np.ndarray, dict[str, Any]]:
    """Pixels, and what `LevelProjection` holds beside them."""
    from ..imaging.scan import read_scan
    from ..level.truth import true_level
    from ..preparing.projection import project

    scan = read_scan(case.ct)
    truth, projection = true_level(case, scan), project(scan, spec)
    row = None
    if truth.slice is not None:
        row = projection.row_of_slice(truth.slice)
    elif truth.mm is not None:
        row = projection.row_of_mm(truth.mm)
    about = {
        "row": row,
        "where": truth.where,
        "row_mm": spec.row_mm,
        "indices": np.round(projection.indices, 4).tolist(),
        "slices": scan.count,
    }
    return projection.pixels, about
