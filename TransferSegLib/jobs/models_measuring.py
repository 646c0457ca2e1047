"""What a model needs on this machine, measured in a process of its own (``main``)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import explain
from ..exporting.sizes_case import StandardCase, standard_case
from ..exporting.sizes_counting import counting, macs_of, parameters_of
from ..exporting.sizes_measuring import Held, held_at_rest, needed
from ..inference import choose_device
from ..inference.windows import place_windows
from ..networks import network_divisor
from ..packages import Card, SizeRecord, read_package
from ..processes import machine_name
from ..storage import write_json
from .predict import Model, predict_array
from .refining import OVERLAP, refined_array


@dataclass(frozen=True)
class _Work:
    """What is measured: a call that does what `segment` (or `l3`) does from the prepared case on."""

    text: str
    run: Callable[[], Any]
    macs: int
    macs_window: int
    precision: str


def measure_here(
    model: Model,
    *,
    device: str = "auto",
    repeats: int = 3,
    case: StandardCase | None = None,
    floor: Held | None = None,
    say: Callable[[int, int], None] = lambda done, total: None,
) -> SizeRecord:
    """Measure an open model on its standard case, or on ``case``, in this process.

    Parameters
    ----------
    case : StandardCase, optional
        Another prepared case to measure on.
    floor : Held, optional
        What the process held with the model loaded; by default what it holds now.

    Raises
    ------
    UsageError, DeviceError
        No standard case for its roles; no such device.
    """
    chosen = choose_device(device, network=model.module)
    floor = floor or held_at_rest()
    case = case or standard_case(model.card)
    work = (_level_work if model.card.task == "level" else _segmentation_work)(model, case, chosen)
    held_at_rest()  # what counting left behind is no part of the peak
    found = needed(work.run, repeats=repeats, floor=floor, gpu=chosen.name if chosen.is_gpu else "", say=say)
    return SizeRecord(
        machine=machine_name(),
        device=_title(chosen.name),
        precision=work.precision,
        case=work.text,
        parameters=parameters_of(model.module),
        macs=work.macs,
        macs_window=work.macs_window,
        seconds=round(found.seconds, 4),
        peak_mb=None if found.peak_mb is None else round(found.peak_mb, 1),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _segmentation_work(model: Model, case: StandardCase, chosen: Any) -> _Work:
    card, how = model.card, {"device": chosen.name}
    window, case_macs = _macs(model.module, case.array, case.mask, **_windows_of(card), turned=card.axes == "ijk")
    if not card.refiner:
        return _Work(
            case.text, lambda: predict_array(model, case.array, case.mask, **how), case_macs, window, chosen.precision
        )
    # Its case lies at the images' own spacing, which is the model's here.
    fine = np.concatenate([case.array, np.zeros((1, *case.mask.shape), np.float32)])
    refiner = {"window": tuple(card.refiner["window"]), "overlap": card.refiner.get("overlap", OVERLAP)}
    divisor = network_divisor(card.refiner["network"], card.refiner.get("arguments") or None)
    case_macs += _macs(model.module.refiner, fine, case.mask, **refiner, divisor=divisor)[1]

    def run() -> None:
        predict_array(model, case.array, case.mask, probability=0, **how)
        refined_array(card, model.module, model.rule, fine, case.mask, **how)

    return _Work(f"{case.text}, refined", run, case_macs, window, chosen.precision)


def _level_work(model: Model, case: StandardCase, chosen: Any) -> _Work:
    from ..level.finding import looked_at

    def run() -> None:
        looked_at(model.card, model.module, case.array, device=chosen.name)

    with counting() as counter:
        run()
    window = macs_of(model.module, (1, model.card.in_channels, *model.card.window))
    return _Work(case.text, run, max(counter.macs, window), window, "float32")


def _windows_of(card: Card) -> dict[str, Any]:
    """How a card's windows lie, as `predict_array` lays them."""
    divisor = network_divisor(card.network, card.arguments)
    divisor = (1, divisor, divisor) if card.dims == 2 else divisor
    return {"window": card.window_kji, "overlap": card.overlap, "divisor": divisor}


def _macs(
    module: Any, array: np.ndarray, mask: np.ndarray | None, *, turned: bool = False, **how: Any
) -> tuple[int, int]:
    """Multiply-accumulates of one window and of all windows of a case."""
    shape = array.shape[:0:-1] if turned else array.shape[1:]
    place = place_windows(shape, mask.transpose(2, 1, 0) if turned and mask is not None else mask, **how)
    flat = how["window"][0] == 1
    window = macs_of(module, (1, len(array), *(place.window[1:] if flat else place.window)))
    return window, window * len(place.starts)


def _title(device: str) -> str:
    """``cpu``, or the GPU's own title."""
    if device == "cpu":
        return device
    import torch

    return torch.cuda.get_device_name(device)


def main(arguments: Sequence[str]) -> int:
    """FOLDER DEVICE REPEATS OUT: measure the package in FOLDER, write the record or the error as JSON to OUT."""
    folder, device, repeats, out = arguments

    def say(done: int, total: int) -> None:
        sys.stdout.write(json.dumps([done, total]) + "\n")
        sys.stdout.flush()

    try:
        model = Model.open(read_package(folder))
        answer = {"record": asdict(measure_here(model, device=device, repeats=int(repeats), say=say))}
    except Exception as error:
        told = explain(error)
        answer = {"error": {"kind": type(told).__name__, "message": told.message}}
    write_json(Path(out), answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
