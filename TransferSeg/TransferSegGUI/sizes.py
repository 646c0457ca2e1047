"""How big what TransferSeg installs is: measured, in this one place.

Measured on 20 November 2026 with ``transferseg pack --out FOLDER --platform windows`` and ``--platform linux``
(download: the wheels' files; on the disk: the sum of the files in them). The Linux wheels come with CUDA, the Windows
ones without; PyTorch alone without CUDA for Linux was a wheel of 192 MB with 699 MB of files (version 2.13.0).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Megabytes to download, and on the disk."""

    download: int
    disk: int

    def __add__(self, other: Size) -> Size:
        return Size(self.download + other.download, self.disk + other.disk)


PYTORCH = {
    ("windows", "without a graphics card"): Size(138, 527),
    ("linux", "without a graphics card"): Size(192, 699),
    ("linux", "with an NVIDIA graphics card"): Size(3008, 5479),
}
OTHERS = {"windows": Size(57, 158), "linux": Size(64, 191)}


def pytorchSizes(system: str) -> dict[str, Size]:
    """What PyTorch takes on a system, by the kind of computer."""
    return {kind: size for (where, kind), size in PYTORCH.items() if where == system}


def otherSize(system: str) -> Size:
    """What the other packages take together when none of them is there yet."""
    return OTHERS.get(system, OTHERS["linux"])


def inWords(megabytes: int) -> str:
    """``138`` -> ``"140 MB"``, ``5479`` -> ``"5.5 GB"``."""
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{round(megabytes, -1)} MB"
