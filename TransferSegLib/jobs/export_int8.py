"""The cases of a static int8 export: some calibrate it, those of other patients say what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..cases import Case, hold_out, open_data_set, patients, split_by_patient
from ..errors import PackageError, UsageError
from ..events import Events
from ..exporting import network_in_runtime, quantised, runs_of
from ..inference import place_windows
from ..networks import network_divisor
from ..packages import Card, learned_digests
from ..preparing import PreparationOptions
from ..training import case_hash, prepare_case
from .evaluate import evaluate
from .level_dispatch import check_data
from .predict import Model

MOST_FALL = 0.005
"""By how much the mean Dice may fall."""
LEAST_DICE = 0.1
"""Below this Dice in float32 such a fall says nothing."""
MOST_WINDOWS = 24


@dataclass(frozen=True)
class Int8Cases:
    """Cases for calibrating and, of other patients, for measuring.

    ``learned`` are the ids of those measured whose patients the model learned from, None where its card has no record.
    """

    data: Path
    calibrating: tuple[Case, ...]
    measured: tuple[Case, ...]
    learned: tuple[str, ...] | None
    label_map: Mapping[str, str] | None
    truth_name: str | None
    options: PreparationOptions

    @staticmethod
    def of(
        card: Card, data: str | Path | None, ids: Sequence[str], *, truth_name: str | None, events: Events, **how: Any
    ) -> Int8Cases:
        """Split a data set by patient: ``ids`` are measured, by default the patients that the model did not learn from.

        Where it learned from all or none of them, or keeps no record of it, those are half the patients.
        """
        if card.task != "segmentation":
            raise UsageError(
                f"--int8: what it costs is measured by Dice, which a model for {card.task} has not; leave it out"
            )
        if data is None:
            raise UsageError(
                "--int8: needs cases with truths to calibrate and to measure it; name them with --data FOLDER"
            )
        check_data(card, data)
        cases = open_data_set(data, roles=card.roles, truth_name=truth_name, reference_role=card.reference).cases
        known = _learned_patients(card, cases, events)
        rest, held = hold_out(cases, ids) if ids else _split(cases, known or set())
        if not rest or not held:
            raise UsageError(
                f"--data {data}: has {len(patients(cases))} patient; int8 is calibrated on one and measured on "
                "another, give two or more"
            )
        rest = tuple(rest[:MOST_WINDOWS])
        learned = None if known is None else tuple(case.id for case in held if case.patient in known)
        made = Int8Cases(Path(data), rest, tuple(held), learned, truth_name=truth_name, **how)
        events.say(
            f"int8 is calibrated on {_cases(rest)} of {_patients(rest)} and measured on {made.measured_words()} of "
            f"{_patients(held)}: {', '.join(case.id for case in held)}"
        )
        return made

    def measured_words(self) -> str:
        """How many cases are measured, and whether the model learned from them."""
        count, words = len(self.measured), _cases(self.measured)
        if self.learned is None:
            return f"{words} (the model's card does not say what it learned from)"
        if not self.learned:
            return f"{words} that the model did not learn from"
        if len(self.learned) == count:
            return f"{words} that the model learned from"
        return f"{words}, of which the model learned from {len(self.learned)}"

    def score_words(self, before: float, after: float) -> str:
        """What int8 costs, in one line that says what it was measured on and what it does not prove."""
        text = f"mean Dice of {self.measured_words()}: {before:.4f} in float32, {after:.4f} in int8"
        if before < LEAST_DICE:
            text += f"; a Dice this low can hardly fall: that it was kept within {MOST_FALL:g} proves nothing"
        return text

    def windows(self, card: Card, events: Events) -> Iterator[np.ndarray]:
        """Prepared windows (1, c, [k,] j, i) of the cases for calibrating, one case in memory at a time."""
        each = math.ceil(MOST_WINDOWS / len(self.calibrating))
        for number, case in enumerate(self.calibrating):
            events.progress("calibrating int8", number, len(self.calibrating))
            part = events.part(case.id)
            prepared = prepare_case(case, card, options=self.options, events=part, with_truth=False)[1]
            yield from _windows(card, prepared.array, prepared.mask, each)


def int8_of(
    card: Card, graph: bytes, made: dict[str, Any], cases: Int8Cases, events: Events
) -> tuple[bytes, dict[str, Any]]:
    """The graph in int8, and what it costs; ``PackageError`` where the Dice falls too much."""
    small = quantised(graph, cases.windows(card, events), card.name)

    def dice(runtime: str, precision: str, content: bytes, told: Events) -> float | None:
        network = network_in_runtime(card, content, made | {"precision": precision}, runtime, card.name)
        return _dice(Model(card, network), cases, told)

    before = dice("onnxruntime", "float32", graph, events)
    # Each runtime rounds in its own way, and any that is installed may run the file.
    after = [dice(runtime, "int8", small, events.silent()) for runtime in runs_of(small, card.name, events)]
    after = None if None in after else min(after)
    if before is None or after is None:
        raise PackageError(f"{card.name}: no Dice is defined on the measured cases; name others with --hold-out")
    if before - after > MOST_FALL:
        raise PackageError(
            f"{card.name}: int8 lowers the mean Dice of {_cases(cases.measured)} from {before:.4f} to {after:.4f}, "
            f"more than {MOST_FALL}; nothing was written, export it without --int8"
        )
    ids = {"cases": [case.id for case in cases.measured], "calibrated_on": [case.id for case in cases.calibrating]}
    ids["learned_from"] = None if cases.learned is None else list(cases.learned)
    text = cases.score_words(before, after)
    return small, {"dice_float": round(before, 4), "dice_int8": round(after, 4), **ids, "text": text}


def _learned_patients(card: Card, cases: Sequence[Case], events: Events) -> set[str] | None:
    """The patients of a data set that a model learned from, by its card's digests; None where it keeps none."""
    learned = learned_digests(card)
    if not learned:
        return None
    found = set()
    for number, case in enumerate(cases):
        events.progress("which cases the model learned from", number, len(cases))
        # The record of a case that was learned from without its truth is that of its images.
        if case_hash(case) in learned or (
            card.origin["inputs"].get("unlabelled") and case_hash(replace(case, truth=None)) in learned
        ):
            found.add(case.patient)
    events.progress("which cases the model learned from", len(cases), len(cases))
    return found


def _split(cases: Sequence[Case], learned: set[str]) -> tuple[Sequence[Case], Sequence[Case]]:
    """(calibrating, measured): what was learned from, and the rest; half the patients each where there is one kind."""
    held = [case for case in cases if case.patient not in learned]
    if held and learned:
        return [case for case in cases if case.patient in learned], held
    return split_by_patient(cases, fraction=0.5, seed=0)


def _cases(cases: Sequence[Case]) -> str:
    return f"{len(cases)} case{'' if len(cases) == 1 else 's'}"


def _patients(cases: Sequence[Case]) -> str:
    count = len(patients(cases))
    return f"{count} patient{'' if count == 1 else 's'}"


def _dice(model: Model, cases: Int8Cases, events: Events) -> float | None:
    result = evaluate(
        model=model,
        data=cases.data,
        cases=[case.id for case in cases.measured],
        label_map=cases.label_map,
        truth_name=cases.truth_name,
        options=cases.options,
        events=events,
    )
    return result["mean"]["dice"]


def _windows(card: Card, array: np.ndarray, mask: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """``count`` windows spread over a prepared array, as the sliding window cuts them."""
    if card.axes == "ijk":
        array, mask = array.transpose(0, 3, 2, 1), mask.transpose(2, 1, 0)
    divisor = network_divisor(card.network, card.arguments)
    divisors = (1, divisor, divisor) if card.dims == 2 else (divisor,) * 3
    place = place_windows(array.shape[1:], mask, window=card.window_kji, overlap=0.25, divisor=divisors)
    array = np.pad(array, [(0, 0), *zip(place.pad_before, place.pad_after)])
    chosen = np.unique(np.linspace(0, len(place.starts) - 1, count).round().astype(int)) if place.starts else []
    for start in (place.starts[n] for n in chosen):
        window = array[(slice(None), *(slice(s, s + w) for s, w in zip(start, place.window)))]
        yield np.ascontiguousarray(window[:, 0] if card.dims == 2 else window, np.float32)[None]
