"""Models that stay open between requests, the last few of them."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..events import Events
from ..processes import memory_gb

if TYPE_CHECKING:
    from ..jobs.predict import Model

MOST_MODELS = 4
SHARE_OF_MEMORY = 0.1
MOST_BYTES_UNKNOWN = 1 << 30
PROBE = 64


@dataclass(frozen=True)
class _Kept:
    model: Model
    bytes: int


class WarmModels:
    """Opens models and keeps the last few, within a tenth of the machine's memory."""

    def __init__(self, *, most: int = MOST_MODELS, most_bytes: int | None = None) -> None:
        self._kept: OrderedDict[tuple, _Kept] = OrderedDict()
        self._most = most
        found = memory_gb(os.getpid()) if most_bytes is None else None
        self._most_bytes = most_bytes or (int(SHARE_OF_MEMORY * found[1] * 1e9) if found else MOST_BYTES_UNKNOWN)

    def open(self, reference: str | Path, runtime: str = "auto") -> Model:
        """The model of that name, folder, zip or exported file, opened and checked now or as it was kept.

        A package that was changed since (its card, or the file of its weights) is opened anew.
        """
        from ..jobs.opening import find_runnable
        from ..jobs.predict import Model

        package = find_runnable(reference, runtime)
        key = (*_key(package), runtime)
        kept = self._kept.pop(key, None)
        if kept is None:
            model = Model.open(package)
            kept = _Kept(model, _bytes(model.module))
        self._kept[key] = kept
        self._forget_oldest()
        return kept.model

    def warm(self, reference: str | Path, events: Events) -> dict[str, Any]:
        """Open a model and let it see one small window: the first one costs half a second more, on a GPU several."""
        import numpy as np

        from ..jobs.predict import predict_array

        model = self.open(reference)
        if model.card.task == "level":
            _warm_level(model, events)
            return {}
        window = np.zeros((model.card.in_channels, *(min(side, PROBE) for side in model.card.window_kji)), np.float32)
        predict_array(model, window, None, events=events.silent())
        return {}

    def __len__(self) -> int:
        return len(self._kept)

    def _forget_oldest(self) -> None:
        while len(self._kept) > self._most or (
            len(self._kept) > 1 and sum(k.bytes for k in self._kept.values()) > self._most_bytes
        ):
            self._kept.popitem(last=False)


def release_gpu() -> None:
    """Give back what torch keeps for itself between jobs: Slicer draws with the same GPU's memory."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _warm_level(model: Model, events: Events) -> None:
    """Let a level model see one empty window, and load what looks at a scan before it."""
    import numpy as np

    from ..jobs import l3  # noqa: F401
    from ..level.finding import curve_of

    card = model.card
    pixels = np.zeros((card.in_channels, *card.window), np.float32)
    curve_of(card, model.module, pixels, device="auto", events=events.silent())


def _bytes(module: Any) -> int:
    """What a network holds in memory; one that another runtime runs says it itself."""
    if hasattr(module, "state_dict"):
        return sum(t.numel() * t.element_size() for t in module.state_dict().values())
    return module.bytes


def _key(package: Any) -> tuple:
    """What makes a package this one: its folder, its card with the hash of its weights, and their file's own state."""
    state = package.weights.stat()
    return str(package.folder.resolve()), repr(package.card), state.st_size, state.st_mtime_ns
