"""How well a model reads the scans of a fold: its own reading, and its votes at several strides."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..events import Events
from ..level.scoring import WITHIN_MM
from ..training.level_plan import MAPS
from .crossvalidate_data import LevelProjection
from .crossvalidate_reading import Reading, Trained

EVALUATIONS = ("windows", "dense")


def score(trained: Trained, cases: Sequence[LevelProjection], events: Events) -> list[dict[str, Any]]:
    """One row a held-out scan: what the model says, how far off it is, how long it took."""
    rows = []
    for number, case in enumerate(cases):
        events.progress("reading the held-out scans", number, len(cases))
        began = time.perf_counter()
        reading = trained.read(case.pixels)
        rows.append(scored(case, reading) | {"seconds": round(time.perf_counter() - began, 4)})
    return rows


def score_constant(training: Sequence[LevelProjection], cases: Sequence[LevelProjection]) -> list[dict[str, Any]]:
    """The trivial baseline: the mean relative height of the training scans, whatever the picture shows."""
    shares = [case.row / case.pixels.shape[1] for case in training if case.in_view]
    share = statistics.mean(shares) if shares else 0.5
    return [scored(case, Reading(share * case.pixels.shape[1], "found")) for case in cases]


def scored(case: LevelProjection, reading: Reading) -> dict[str, Any]:
    """A reading held against the truth; errors are None where there is no level in view, or no row."""
    slices = mm = None
    if case.in_view and reading.row is not None:
        slices, mm = case.error(reading.row)
    return {
        "id": case.id,
        "in_view": case.in_view,
        "true_row": case.row if case.in_view else None,
        "row": None if reading.row is None else round(float(reading.row), 3),
        "answer": reading.answer,
        "slices": slices,
        "mm": None if mm is None else round(mm, 3),
    }


def score_strides(
    trained: Trained, cases: Sequence[LevelProjection], strides: Sequence[int], events: Events
) -> list[dict[str, Any]]:
    """Rows of ``{evaluation, stride, id, slices, mm}``; ``cases`` show the level.

    A plain window's offset does not depend on the stride: every s-th window of stride 1 is taken instead of running
    it again.
    """
    if trained.variant.evaluation not in EVALUATIONS:
        return []
    rows = []
    for number, case in enumerate(cases):
        events.progress("comparing strides", number, len(cases))
        every = trained.votes(case.pixels, evaluation="windows", step=1)
        for stride in strides:
            windows = type(every)(every.tops[::stride], every.offsets[::stride], every.rows, stride)
            dense = trained.votes(case.pixels, evaluation="dense", step=stride)
            for evaluation, votes in (("windows", windows), ("dense", dense)):
                row = scored(case, trained.judge(votes, case.pixels.shape[1]))
                facts = {key: row[key] for key in ("id", "slices", "mm")}
                rows.append({"evaluation": evaluation, "stride": stride, **facts})
    return rows


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a table says of scored scans.

    Returns
    -------
    dict
        ``scans`` that show the level, ``no_row`` of them; mean and SD over scans of the error in ``slices`` and
        ``mm``, and the ``median`` of the latter; share ``within`` 10 mm (a scan without a row is not); ``sensitive``
        and ``specific``: share of the scans without and with the level that are told right. None where there is
        nothing to count.
    """
    shown = [row for row in rows if row["in_view"]]
    hidden = [row for row in rows if not row["in_view"]]
    errors = [row for row in shown if row["mm"] is not None]
    return {
        "scans": len(shown),
        "no_row": len(shown) - len(errors),
        "slices": mean_sd([row["slices"] for row in errors]),
        "mm": mean_sd([row["mm"] for row in errors]),
        "median": round(statistics.median(row["mm"] for row in errors), 2) if errors else None,
        "within": share([row["mm"] is not None and row["mm"] <= WITHIN_MM for row in shown]),
        "sensitive": share([row["answer"] == "not-in-view" for row in hidden]),
        "specific": share([row["answer"] != "not-in-view" for row in shown]),
    }


def mean_sd(values: Sequence[float]) -> tuple[float, float] | None:
    """Mean and sample standard deviation; None of nothing."""
    if not values:
        return None
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def share(flags: Sequence[bool]) -> float | None:
    """Share of true ones; None of nothing."""
    return sum(flags) / len(flags) if flags else None


def time_backbone(trained: Trained, height: int, strides: Sequence[int], views: int, events: Events) -> dict[str, Any]:
    """Seconds that one projection of ``height`` rows takes, network and post-processing, by evaluation and stride.

    The pixels are noise: time does not depend on what they show. Best of three where a run takes below 3 s, else of
    one; a first run warms up. On one thread of a CPU the processor's own time is taken, which other work on the
    machine does not lengthen.
    """
    clock = time.process_time if counts_cpu(trained.device) else time.perf_counter
    pixels = np.random.default_rng(0).random((views, height, trained.protocol.width), dtype=np.float32)
    if trained.variant.evaluation == MAPS:
        return {"map": _seconds(lambda: trained.read(pixels), clock)}
    seconds: dict[str, dict[str, float]] = {}
    for evaluation in EVALUATIONS:
        trained.votes(pixels[:, : trained.protocol.rows * 2], evaluation=evaluation, step=trained.protocol.rows // 2)
        for stride in strides:
            events.progress(f"timing {trained.variant.backbone}", len(seconds), len(EVALUATIONS))
            seconds.setdefault(evaluation, {})[str(stride)] = _seconds(
                lambda e=evaluation, s=stride: trained.judge(trained.votes(pixels, evaluation=e, step=s), height), clock
            )
    return seconds


def counts_cpu(device: str) -> bool:
    """Whether time is the processor's own: one thread on a CPU."""
    import torch

    return device == "cpu" and torch.get_num_threads() == 1


def _seconds(call: Callable[[], object], clock: Callable[[], float]) -> float:
    taken: list[float] = []
    while not taken or (len(taken) < 3 and taken[0] < 3):
        began = clock()
        call()
        taken.append(clock() - began)
    return round(min(taken), 4)
