"""Projections of CT phantoms as training examples, made once and kept on disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..events import Events
from ..phantoms.ct_projection import ct_projection
from ..preparing.projection import ProjectionSpec
from ..storage import write_json, writing
from ..training import LevelExample

# Raise when the phantoms change, so that stale projections are not used.
PHANTOMS_VERSION = 1
AT_A_TIME = 32


def phantom_examples(
    folder: Path,
    first: int,
    count: int,
    spec: ProjectionSpec,
    level: str,
    *,
    kind: str = "adult",
    jobs: int = 1,
    events: Events,
) -> list[LevelExample]:
    """Projections of the phantoms ``first`` to ``first + count - 1`` and where their level is.

    Parameters
    ----------
    folder : Path
        What was made before lies there, and is not made again.
    level : str
        ``L3`` or another; a phantom that has no such vertebra says ``absent``.
    kind : {"adult", "other"}
    jobs : int
        Phantoms made at a time.
    """
    from joblib import Parallel, delayed

    known = json.dumps([asdict(spec), kind, PHANTOMS_VERSION], sort_keys=True)
    store = Path(folder) / hashlib.sha256(known.encode()).hexdigest()[:16]
    seeds = range(first, first + count)
    missing = [seed for seed in seeds if not (store / f"{seed}.json").is_file()]
    for start in range(0, len(missing), AT_A_TIME):
        events.progress("making phantoms", start, len(missing))
        part = missing[start : start + AT_A_TIME]
        Parallel(n_jobs=jobs)(delayed(_make)(store, seed, spec, kind) for seed in part)
    events.progress("making phantoms", len(missing), max(len(missing), 1))
    return [_read(store, seed, kind, level) for seed in seeds]


def _make(store: Path, seed: int, spec: ProjectionSpec, kind: str) -> None:
    made = ct_projection(seed, kind=kind, views=spec.views, hu=spec.hu, row_mm=spec.row_mm, width=spec.width)
    with writing(store / f"{seed}.npy") as temporary, temporary.open("wb") as file:
        np.save(file, np.rint(made.pixels * 255).astype(np.uint8))
    about = {"rows": made.rows, "field": made.attributes["field"]}
    write_json(store / f"{seed}.json", about)


def _read(store: Path, seed: int, kind: str, level: str) -> LevelExample:
    pixels = np.load(store / f"{seed}.npy").astype(np.float32) / np.float32(255)
    rows = json.loads((store / f"{seed}.json").read_text(encoding="utf-8"))["rows"]
    row = rows.get(level)
    return LevelExample(f"phantom-{kind}-{seed}", pixels, row, "" if row is not None else "absent")
