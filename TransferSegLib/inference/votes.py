"""The votes of an L3 network over a projection: one offset a window, evaluated densely or window by window."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import UsageError
from ..events import Events, quiet
from .devices import choose_device
from .stepping import is_out_of_memory


@dataclass(frozen=True)
class Votes:
    """What each window says.

    Attributes
    ----------
    tops : int array (n,)
        Row of the projection where each window begins; negative in the padding above it.
    offsets : float array (n,)
        Rows from the window's top down to the level; outside 0..rows where the network says it is not in the window.
    rows : int
        Height of a window in rows.
    step : int
        Rows between windows.
    """

    tops: np.ndarray
    offsets: np.ndarray
    rows: int
    step: int

    @property
    def voted(self) -> np.ndarray:
        """Row of the projection that each window votes for, float (n,)."""
        return self.tops + self.offsets


def votes_dense(
    module: torch.nn.Module,
    pixels: np.ndarray,
    *,
    rows: int,
    step: int,
    device: str = "cpu",
    events: Events | None = None,
) -> Votes:
    """Votes of all windows, their convolutions shared (`LevelRegressor.dense`).

    Parameters
    ----------
    module : LevelRegressor
    pixels : float32 array (views, R, width)
        Projection in [0, 1]. Half a window of padding (0) is added above and below, so that a level near
        an edge is seen by as many windows as another.
    rows, step : int
        Height of a window, and rows between windows.
    device : str
        ``cpu``, ``cuda``, ...; where its memory does not suffice the CPU does the work, which is said.

    Raises
    ------
    UsageError
        When the module has no dense evaluation, or the pixels are not those that it takes.
    """
    if not hasattr(module, "dense"):
        raise UsageError("this network has no dense evaluation; use --evaluation windows or its confidence map")
    padded, first = _padded(pixels, rows, step)
    offsets = _on_device(module, padded, device, quiet(events), lambda x: module.dense(x, step)[0])
    return Votes(first + step * np.arange(len(offsets)), offsets, rows, step)


def votes_by_windows(
    module: torch.nn.Module,
    pixels: np.ndarray,
    *,
    rows: int,
    stride: int,
    batch: int = 8,
    device: str = "cpu",
    events: Events | None = None,
) -> Votes:
    """Votes of the same windows, each on its own as published (Belharbi et al. 2017).

    Parameters as `votes_dense`; ``batch`` windows run at a time.
    """
    events = quiet(events)
    padded, first = _padded(pixels, rows, stride)
    tops = range(0, padded.shape[1] - rows + 1, stride)

    def each(x: torch.Tensor) -> torch.Tensor:
        found = []
        for start in range(0, len(tops), batch):
            events.progress("windows", start, len(tops))
            windows = torch.cat([x[:, :, top : top + rows] for top in tops[start : start + batch]])
            found.append(module(windows)[:, 0])
        events.progress("windows", len(tops), len(tops))
        return torch.cat(found)

    offsets = _on_device(module, padded, device, events, each)
    return Votes(first + stride * np.arange(len(offsets)), offsets, rows, stride)


def confidence_map(
    module: torch.nn.Module, pixels: np.ndarray, *, device: str = "cpu", events: Events | None = None
) -> np.ndarray:
    """Confidence in 0..1 of each row (R,) from a network with a map for output (`LevelMap`)."""
    values = _on_device(module, pixels, device, quiet(events), lambda x: module(x)[0, 0])
    return np.clip(values, 0, 1)


def _padded(pixels: np.ndarray, rows: int, step: int) -> tuple[np.ndarray, int]:
    """The projection with half a window of 0 above and below, and the row at which that begins."""
    if pixels.ndim != 3 or not pixels.shape[1] or step < 1:
        raise UsageError(
            f"votes: got pixels {pixels.shape} at step {step}; expected (views, rows, width) and 1 or more"
        )
    above = rows // 2
    below = max(rows // 2, rows - above - pixels.shape[1])
    return np.pad(pixels, ((0, 0), (above, below), (0, 0))), -above


def _on_device(
    module: torch.nn.Module,
    pixels: np.ndarray,
    device: str,
    events: Events,
    run: Callable[[torch.Tensor], torch.Tensor],
) -> np.ndarray:
    """Run on a device in eval mode without a graph, on the CPU where the device's memory does not suffice."""
    events.check()
    chosen = choose_device(device, network=module)
    x = torch.from_numpy(np.ascontiguousarray(pixels, np.float32))[None]
    with _evaluating(module):
        try:
            return _run_on(module, x, chosen.name, run)
        except (RuntimeError, MemoryError) as error:
            if not chosen.is_gpu or not is_out_of_memory(error):
                raise
        events.say(f"not enough memory on {chosen.name}: the CPU does the work instead")
        return _run_on(module, x, "cpu", run)


def _run_on(
    module: torch.nn.Module, x: torch.Tensor, device: str, run: Callable[[torch.Tensor], torch.Tensor]
) -> np.ndarray:
    """What ``run`` makes of ``x`` on a device, as a float64 array; the module stays there."""
    module.to(device)
    return run(x.to(device)).float().cpu().numpy().astype(np.float64)


@contextmanager
def _evaluating(module: torch.nn.Module):
    """Eval mode and no graph inside the block; the module's own mode after it."""
    training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        module.train(training)
