"""Scans as training examples: their projection and the true row, made once and kept on disk by content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..errors import StorageError
from ..imaging.scan import Scan, read_scan
from ..places import cache_folder
from ..preparing.projection import Projection, ProjectionSpec, project
from ..storage import sha256, write_json, writing_folder
from ..training import LevelExample
from .data_set import LevelCase
from .scan_mark import scan_mark
from .truth import TrueLevel, true_level

# Raise when projecting or reading a truth changes, so that stale projections are not used.
CACHE_VERSION = 3


@dataclass(frozen=True)
class Projected:
    """A case ready for training: its example, its truth in its own scan, and the scan's mark (``scan_mark``)."""

    example: LevelExample
    truth: TrueLevel
    mark: str


def level_case_hash(case: LevelCase) -> str:
    """Digest of the scan's and the truth's content, and of what the row of the CSV says."""
    said = [case.level, case.slice, case.mm, case.label, case.where, "" if case.mask is None else sha256(case.mask)]
    return hashlib.sha256(json.dumps([sha256(case.ct), *said]).encode()).hexdigest()


def projected(case: LevelCase, spec: ProjectionSpec, *, digest: str) -> Projected:
    """The example of a case, from the cache where it lies there.

    Raises
    ------
    InputError, UsageError
        A scan or truth that cannot be read.
    """
    wanted = {"case": digest, "spec": asdict(spec), "version": CACHE_VERSION}
    key = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:32]
    folder = cache_folder("projections") / key
    if not (folder / "truth.json").is_file():
        scan = read_scan(case.ct)
        truth = true_level(case, scan)
        _keep(folder, project(scan, spec), truth, scan_mark(scan))
    about = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    pixels = np.load(folder / "pixels.npy", mmap_mode="r")
    truth = TrueLevel(about["slice"], about["mm"], about["where"])
    return Projected(LevelExample(case.id, pixels, about["row"], truth.where), truth, about["mark"])


def true_row(projection: Projection, truth: TrueLevel) -> float | None:
    """The projection's row of a true slice; None where the scan does not show the level."""
    return None if truth.slice is None else projection.row_of_slice(truth.slice)


def project_all(
    cases: tuple[LevelCase, ...], spec: ProjectionSpec, *, digests: dict[str, str], say: Callable[[int], None]
) -> list[Projected]:
    """The examples of cases in order; ``say`` hears how many are done."""
    found = []
    for number, case in enumerate(cases):
        say(number)
        found.append(projected(case, spec, digest=digests[case.id]))
    return found


def open_scan(case: LevelCase) -> tuple[Scan, TrueLevel]:
    """A case's scan and its truth."""
    scan = read_scan(case.ct)
    return scan, true_level(case, scan)


def _keep(folder: Path, projection: Projection, truth: TrueLevel, mark: str) -> None:
    about = {"slice": truth.slice, "mm": truth.mm, "where": truth.where, "row": true_row(projection, truth)}
    about["mark"] = mark
    try:
        with writing_folder(folder) as temporary:
            np.save(temporary / "pixels.npy", projection.pixels.astype(np.float16))
            write_json(temporary / "truth.json", about)
    except StorageError:
        if not (folder / "truth.json").is_file():  # else another training was faster with the same case
            raise
