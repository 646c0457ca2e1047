"""What one machine needed for a model: a line of its size card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class SizeRecord:
    """What `models_measure` found on one machine and device.

    Attributes
    ----------
    machine : str
        Processor and number of cores, no host name.
    device : str
        ``cpu``, or the GPU's own title.
    precision : str
        ``float32``, ``bfloat16`` or ``float16``.
    case : str
        What was segmented, in words.
    parameters : int
        Numbers that the networks learned, each counted once.
    macs, macs_window : int
        Multiply-accumulates of convolutions and linear layers (1 is 2 FLOP), for the case and for one window.
    seconds : float
        Median, warm, from the prepared array in memory to labels.
    peak_mb : float or None
        Largest memory above what the process had with the model loaded, 10^6 bytes: resident, on a GPU torch's own.
    date : str
        ISO 8601, UTC.
    """

    machine: str
    device: str
    precision: str
    case: str
    parameters: int
    macs: int
    macs_window: int
    seconds: float
    peak_mb: float | None
    date: str


def newest(records: Iterable[SizeRecord]) -> tuple[SizeRecord, ...]:
    """The newest record of each machine and device, newest first."""
    found: dict[tuple[str, str], SizeRecord] = {}
    for record in sorted(records, key=lambda record: record.date):
        found[record.machine, record.device] = record
    return tuple(sorted(found.values(), key=lambda record: record.date, reverse=True))
