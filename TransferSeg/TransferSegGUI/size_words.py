"""A model's size card in words: parameters, seconds and memory of a standard case, and on which computer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slicer.i18n import tr as _


def sizeSentence(records: Sequence[Any]) -> str:
    """The record of this computer, else the newest of another; empty where nothing was measured.

    Example
    -------
    >>> sizeSentence(sizes_of(package))
    '4.8 million parameters, 2.1 s and 1.3 GB on this computer'
    """
    if not records:
        return ""
    here = recordHere(records)
    record = here or records[0]
    if here is None:
        place = _("on another one ({machine})").format(machine=record.machine)
    elif record.device == "cpu":
        place = _("on this computer")
    else:
        place = _("on this computer's {device}").format(device=record.device)
    needs = secondsText(record.seconds)
    if record.peak_mb is not None:
        needs = _("{seconds} and {memory}").format(seconds=needs, memory=memoryText(record.peak_mb))
    return _("{parameters}, {needs} {place}").format(
        parameters=parametersText(record.parameters), needs=needs, place=place
    )


def recordHere(records: Sequence[Any], device: str | None = None) -> Any:
    """The newest record of this computer (on ``device``), or None."""
    from TransferSegLib.processes import machine_name

    machine = machine_name()
    return next((r for r in records if r.machine == machine and device in (None, r.device)), None)


def parametersText(count: int) -> str:
    """``4800000`` -> ``"4.8 million parameters"``."""
    if count >= 1e6:
        return _("{n} million parameters").format(n=f"{count / 1e6:.1f}")
    return _("{n} parameters").format(n=f"{count:,}")


def secondsText(seconds: float) -> str:
    """``0.34`` -> ``"0.3 s"``, ``130`` -> ``"2 min"``."""
    if seconds < 10:
        return _("{n} s").format(n=f"{seconds:.1f}" if seconds >= 0.1 else f"{seconds:.2f}")
    return _("{n} s").format(n=f"{seconds:.0f}") if seconds < 120 else _("{n} min").format(n=f"{seconds / 60:.0f}")


def memoryText(megabytes: float) -> str:
    """``1290`` -> ``"1.3 GB"``."""
    if megabytes >= 1000:
        return _("{n} GB").format(n=f"{megabytes / 1000:.1f}")
    return _("{n} MB").format(n=f"{megabytes:.0f}")
