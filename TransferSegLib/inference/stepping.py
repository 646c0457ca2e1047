"""What to try next when memory runs out: each setting smaller than the one before, each said aloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from .devices import Device, choose_device

_GPU_BATCH = 4
# Pixels of slices that a network works on at a time; on a CPU one slice of 512 x 512 fills the cores.
_CPU_PIXELS, _GPU_PIXELS = 512 * 512, 16 * 512 * 512
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


@dataclass(frozen=True)
class Setting:
    """One way to run the windows.

    Attributes
    ----------
    device : Device
    batch : int
        Windows at a time.
    stitch_on : str
        Device that holds the sums.
    note : str
        The sentence for the user; empty for the first setting.
    """

    device: Device
    batch: int
    stitch_on: str
    note: str = ""


def settings_for(device: Device, network: Callable, batch: int | None = None) -> Iterator[Setting]:
    """Yield settings to try in turn: smaller batch, half precision, stitching on the CPU, the CPU itself."""
    setting = Setting(device, max(1, batch or (_GPU_BATCH if device.is_gpu else 1)), device.name)
    yield setting
    while setting.batch > 1:
        size = setting.batch // 2
        setting = replace(setting, batch=size, note=f"not enough memory on {device.name}: batches of {size} instead")
        yield setting
    if not device.is_gpu:
        return
    short = f"not enough memory on {device.name}"
    if device.precision == "float32":
        setting = replace(setting, device=replace(device, precision="float16"), note=f"{short}: half precision instead")
        yield setting
    setting = replace(setting, stitch_on="cpu", note=f"{short}: windows are put together on the CPU instead")
    yield setting
    yield Setting(choose_device("cpu", network=network), 1, "cpu", f"{short}: the CPU does the work instead")


def slices_at_once(window: tuple[int, int, int], *, on_gpu: bool) -> int:
    """Windows (1, j, i) at a time for a network that works on slices."""
    return max(1, (_GPU_PIXELS if on_gpu else _CPU_PIXELS) // (window[1] * window[2]))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch or Python says that memory ran out."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)
