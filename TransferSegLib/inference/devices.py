"""Which device and which precision a network runs in, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ..errors import DeviceError, UsageError

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
# Measured on two AVX512-BF16 cores, network time of bfloat16 against float32: 1.6 to 2.2 times as fast with 4 or 8
# channels in the first convolution, 2.1 to 2.7 with 16 and more. Narrow networks take well under a second a volume
# anyway, and rounding moves their labels (Dice 0.997 to 0.999 to float32 for the 4-channel U-Net): not worth it.
_BFLOAT16_WIDTH = 16


@dataclass(frozen=True)
class Device:
    """Where a network runs.

    Attributes
    ----------
    name : str
        ``cpu``, ``cuda:0`` ...
    precision : str
        ``float32``, ``bfloat16`` or ``float16``; ``int8`` of an exported network that was quantised.
    reason : str
        One sentence for the user: why this device and this precision.
    """

    name: str
    precision: str
    reason: str

    @property
    def is_gpu(self) -> bool:
        """Whether it is a GPU."""
        return self.name.startswith("cuda")


def choose_device(name: str = "auto", *, precision: str = "auto", network: object | None = None) -> Device:
    """Choose the device and the precision; the same choice every time on the same machine.

    Parameters
    ----------
    name : str
        ``auto`` (the first GPU, else the CPU), ``cpu``, ``cuda`` or ``cuda:N``.
    precision : str
        ``auto``, ``float32``, ``bfloat16`` or ``float16`` (GPU only).
    network : torch.nn.Module, optional
        Decides whether bfloat16 pays on a CPU: without it float32 is chosen there. One that another runtime runs has
        its `Device` as ``device``, and no other is chosen.

    Raises
    ------
    DeviceError
        The GPU that was asked for is not there.
    UsageError
        An unknown device or precision, or float16 on a CPU.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"precision: got '{precision}', expected one of {', '.join(PRECISIONS)}")
    own = getattr(network, "device", None)
    if isinstance(own, Device):
        return _own_device(own, name, precision)
    index = _gpu_index(name)
    if index is None:
        chosen, why = _cpu_precision(precision, network)
        no_gpu = "no GPU that torch can use, " if name == "auto" else ""
        return Device("cpu", chosen, f"CPU ({no_gpu}{torch.get_num_threads()} threads), {why}")
    title = torch.cuda.get_device_name(index)
    if precision == "auto":
        return Device(f"cuda:{index}", "float16", f"GPU {title}, half precision as it gains there")
    return Device(f"cuda:{index}", precision, f"GPU {title}, {precision} as asked")


def cpu_has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 numbers in hardware (AVX512-BF16 or AMX)."""
    for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        try:
            if getattr(torch.cpu, probe)():
                return True
        except (AttributeError, RuntimeError):  # another release of torch, or not an x86 CPU
            continue
    return False


def gains_from_bfloat16(network: object) -> bool:
    """Whether bfloat16 pays for a network on a CPU: its first convolution gives at least 16 channels."""
    if not isinstance(network, nn.Module):
        return False
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    first = next((m for m in network.modules() if isinstance(m, kinds)), None)
    return first is not None and first.out_channels >= _BFLOAT16_WIDTH


def _has_grouped_convolutions(network: object) -> bool:
    """Whether the CPU's bfloat16 is no safe choice: gradients of grouped 3-D convolutions come out NaN now and then.

    Seen with torch 2.14 (DMFNet, windows of 32 voxels, one in some 40 backward passes); never in float32.
    """
    if not isinstance(network, nn.Module):
        return False
    return any(isinstance(m, nn.Conv3d) and m.groups > 1 for m in network.modules())


def _own_device(own: Device, name: str, precision: str) -> Device:
    """The only device and precision of a network that another runtime runs; others are refused."""
    if name not in ("auto", own.name):
        raise UsageError(f"device: an exported network runs on the {own.name}, not on {name}; leave --device out")
    if precision not in ("auto", own.precision):
        raise UsageError(
            f"precision: this network was exported in {own.precision}, not in {precision}; leave --precision out"
        )
    return own


def _gpu_index(name: str) -> int | None:
    """Index of the GPU to use, None for the CPU."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not count):
        return None
    if name in ("auto", "cuda"):
        index = 0
    elif name.startswith("cuda:") and name[5:].isdigit():
        index = int(name[5:])
    else:
        raise UsageError(f"device: got '{name}', expected auto, cpu, cuda or cuda:N")
    if index >= count:
        have = f"has {count} GPU{'s' * (count != 1)} that torch can use" if count else "has no GPU that torch can use"
        raise DeviceError(f"device: '{name}' was asked for but this machine {have}; use --device cpu or auto")
    return index


def _cpu_precision(precision: str, network: object | None) -> tuple[str, str]:
    """Precision on the CPU and why."""
    if precision == "float16":
        raise UsageError("precision: float16 needs a GPU; use bfloat16 or float32 on the CPU")
    if precision != "auto":
        return precision, f"{precision} as asked"
    if not cpu_has_bfloat16():
        return "float32", "float32 as it has no bfloat16 arithmetic"
    if _has_grouped_convolutions(network):
        return "float32", "float32 as this network's grouped convolutions need it"
    if not gains_from_bfloat16(network):
        return "float32", "float32 as this network is quick in it"
    return "bfloat16", "bfloat16 as it has the arithmetic and this network gains from it"
