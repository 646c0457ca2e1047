"""How long models took on this computer, kept beside them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from slicer.i18n import tr as _

from . import wording


def noteSeconds(model: str, weights: str, device: str, shape: tuple[int, int, int], seconds: float) -> None:
    """Keep the time of a segmentation; ``shape`` is (k, j, i). A full disk is no reason to complain here."""
    from TransferSegLib.errors import TransferSegError
    from TransferSegLib.storage import write_json

    known = _read()
    known[_key(model, weights)] = {"device": device, "size": list(shape[::-1]), "seconds": round(seconds, 2)}
    with suppress(TransferSegError):
        write_json(_file(), known)


def timeSentence(model: str, weights: str) -> str:
    """The time measured last, or that there is none."""
    found = _read().get(_key(model, weights))
    try:
        size = " x ".join(str(int(n)) for n in found["size"])
        seconds = float(found["seconds"])
        device = wording.deviceName(str(found["device"]))
    except (TypeError, KeyError, ValueError):
        return _("Not measured on this computer yet.")
    return _("{seconds} for {size} voxels on this computer ({device}).").format(
        seconds=_shown(seconds), size=size, device=device
    )


def _shown(seconds: float) -> str:
    if seconds < 10:
        return _("{n} s").format(n=f"{seconds:.1f}")
    return _("{n} s").format(n=f"{seconds:.0f}") if seconds < 120 else _("{n} min").format(n=f"{seconds / 60:.0f}")


def _key(model: str, weights: str) -> str:
    return f"{model} {weights[:12]}"


def _file() -> Any:
    from TransferSegLib.places import home

    return home() / "timings.json"


def _read() -> dict[str, Any]:
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
