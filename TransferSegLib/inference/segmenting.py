"""The sliding window: from a prepared array to labels and, if wanted, an uncertainty map."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..errors import TransferSegError, UsageError
from ..events import Events, quiet
from .devices import choose_device
from .fitting import Fitted, fit_network
from .rule import OutputRule
from .stepping import Setting, is_out_of_memory, settings_for, slices_at_once
from .stitching import SlabStitcher
from .windows import Box, Placement, central_weights, gaussian_weights, place_windows

_WEIGHTINGS = {"gaussian": gaussian_weights, "central": central_weights}


@dataclass(frozen=True)
class Prediction:
    """What ``segment_array`` gives.

    Attributes
    ----------
    labels : uint8 (k, j, i)
    entropy : float32 (k, j, i) or None
        0 certain, 1 all classes alike; 0 where no window lay.
    seconds : float
    windows, skipped : int
        Windows run, and windows left out for want of a mask voxel.
    device, precision : str
        What was used in the end, after any stepping down.
    reason : str
        Why.
    probability : float32 (k, j, i) or None
        Of the label asked for; 0 where no window lay.
    """

    labels: np.ndarray
    entropy: np.ndarray | None
    seconds: float
    windows: int
    skipped: int
    device: str
    precision: str
    reason: str
    probability: np.ndarray | None = None


def segment_array(
    network: Callable,
    array: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    outputs: OutputRule,
    window: tuple[int, int, int] = (128, 128, 128),
    overlap: float = 0.5,
    device: str = "auto",
    precision: str = "auto",
    batch: int | None = None,
    flips: bool | tuple[int, ...] = False,
    uncertainty: bool | None = None,
    probability: int | None = None,
    weighting: str = "gaussian",
    divisor: int | tuple[int, int, int] = 16,
    dims: int = 3,
    within: Box | None = None,
    events: Events | None = None,
) -> Prediction:
    """Segment one prepared volume window by window.

    Logits are weighted by a Gaussian and summed, as MONAI's and nnU-Net's inferers do; with ``flips`` or
    ``uncertainty`` probabilities are. Floats are held for one window's depth and the active classes only.

    Parameters
    ----------
    network : torch.nn.Module or callable
        From (n, c, k, j, i) to logits (n, channels, k, j, i). A module is copied, not changed. With ``dims`` 2 from
        (n, c, j, i) to (n, channels, j, i). A ``Fitted`` one is run as it is, on its own device.
    array : float32 (c, k, j, i)
    mask : bool (k, j, i), optional
        Windows without a voxel of it are skipped; labels are not cut off at its edge.
    outputs : OutputRule
    window, overlap, divisor
        As in ``place_windows``.
    device, precision : str
        As in ``choose_device``.
    batch : int, optional
        Windows at a time; by default 1 on a CPU (less memory, no slower) and 4 on a GPU, of slices as many as hold
        512 x 512 pixels on a CPU and 16 times as many on a GPU.
    flips : bool or tuple of int
        Average over mirrored copies: True for all three axes (8 passes; both of a slice, 4 passes), or axes among 0
        (k), 1 (j), 2 (i).
    uncertainty : bool, optional
        Make the entropy map; by default as ``flips``.
    probability : int, optional
        The place among ``outputs.channels`` of a label whose probability map is wanted too.
    weighting : {"gaussian", "central"}
        How a window's voxels are weighed (`gaussian_weights`, `central_weights`).
    dims : {3, 2}
        2 for a network that works on slices: ``window`` is one slice deep, and floats are held for one slice.
    within : ((int, int), ...) along k, j and i, optional
        What the windows cover (half open), instead of the mask's bounding box.
    events : Events, optional
        Progress by windows done; a cancel takes effect after the layer in work.

    Raises
    ------
    UsageError, DeviceError, Cancelled
    TransferSegError
        Out of memory even with the smallest setting.
    """
    started = time.perf_counter()
    events = quiet(events)
    array = np.asarray(array)
    if array.ndim != 4:
        raise UsageError(f"array: got shape {array.shape}, expected (channel, k, j, i)")
    axes = _flip_axes(flips, dims)
    if dims == 2 and window[0] != 1:
        raise UsageError(f"window: got {tuple(window)}, expected (1, j, i) for a network that works on slices")
    place = place_windows(array.shape[1:], mask, window=window, overlap=overlap, divisor=divisor, within=within)
    fitted = isinstance(network, Fitted)
    chosen = network.device if fitted else choose_device(device, precision=precision, network=network)
    if weighting not in _WEIGHTINGS:
        raise UsageError(f"weighting: got '{weighting}', expected one of {', '.join(_WEIGHTINGS)}")
    kept = None if probability is None else probability + (outputs.kind == "softmax")
    wants = _Wants(outputs, axes, bool(axes) if uncertainty is None else uncertainty, kept, weighting, dims)
    if dims == 2 and batch is None:
        batch = slices_at_once(place.window, on_gpu=chosen.is_gpu)
    for setting in settings_for(chosen, network, batch):
        if setting.note:
            events.say(setting.note)
        try:
            labels, entropy, found = _slide(network, array, place, wants, setting, events)
        except (RuntimeError, MemoryError) as error:
            if fitted or not is_out_of_memory(error):
                raise
            if setting.device.is_gpu:
                torch.cuda.empty_cache()
            continue
        used = setting.device
        seconds = time.perf_counter() - started
        return Prediction(
            labels,
            entropy,
            seconds,
            len(place.starts),
            place.skipped,
            used.name,
            used.precision,
            used.reason,
            found,
        )
    raise TransferSegError(f"window {place.window}: not enough memory for one; close programs or use a smaller one")


@dataclass(frozen=True)
class _Wants:
    """What to compute: the rule, the axes to mirror, the entropy map, one field's probability, weights, dimensions."""

    rule: OutputRule
    axes: tuple[int, ...]
    entropy: bool
    kept: int | None = None
    weighting: str = "gaussian"
    dims: int = 3

    @property
    def probabilities(self) -> bool:
        """Whether probabilities are stitched, not logits."""
        return bool(self.axes) or self.entropy or self.kept is not None

    @property
    def mirrors(self) -> list[tuple[int, ...]]:
        """Axes of a (field, k, j, i) array to mirror, one tuple a pass."""
        every = [c for n in range(len(self.axes) + 1) for c in itertools.combinations(self.axes, n)]
        return [tuple(a + 1 for a in combination) for combination in every]


@torch.inference_mode()
def _slide(
    network: Callable, array: np.ndarray, place: Placement, wants: _Wants, setting: Setting, events: Events
) -> tuple[np.ndarray | None, ...]:
    """Run all windows with one setting; labels, entropy and probability on the array's own grid."""
    array = np.ascontiguousarray(array, np.float32)
    # torch takes no read-only memory (a cached array mapped from disk).
    volume = torch.from_numpy(array if array.flags.writeable else array.copy())
    if place.padded:
        pads = [p for axis in (2, 1, 0) for p in (place.pad_before[axis], place.pad_after[axis])]
        volume = functional.pad(volume, pads)
    shape = tuple(high - low for low, high in zip(place.low, place.high))
    weights = torch.from_numpy(_WEIGHTINGS[wants.weighting](place.window)).to(setting.stitch_on)
    stitcher = SlabStitcher(
        wants.rule, shape, weights, probabilities=wants.probabilities, entropy=wants.entropy, kept=wants.kept
    )
    run = network
    if place.starts and not isinstance(network, Fitted):
        run = fit_network(network, setting.device, check=events.check, dims=wants.dims)
    done, total = 0, len(place.starts)
    events.progress("segment", 0, total)
    for first in range(0, total, setting.batch):
        starts = place.starts[first : first + setting.batch]
        boxes = [tuple(slice(s, s + w) for s, w in zip(start, place.window)) for start in starts]
        views = [volume[(slice(None), *box)] for box in boxes]
        # One window stays a view: the network's own change of type and memory order is then its only copy.
        windows = views[0][None] if len(views) == 1 else torch.stack(views)
        for start, fields in zip(starts, _fields(run, windows, wants)):
            stitcher.add(tuple(s - low for s, low in zip(start, place.low)), fields)
        done += len(starts)
        events.progress("segment", done, total)
    stitcher.finish()
    parts = (stitcher.labels, stitcher.entropy, stitcher.probability)
    return tuple(_in_place(part, place, array.shape[1:]) for part in parts)


def _fields(run: Callable, windows: torch.Tensor, wants: _Wants) -> list[torch.Tensor]:
    """Fields (field, k, j, i) of each window of a batch: logits, or probabilities averaged over mirrored passes."""
    if not wants.probabilities:
        return [wants.rule.collapse(logits) for logits in run(windows)]
    sums: list[torch.Tensor] = []
    for axes in wants.mirrors:
        mirrored = run(windows.flip([a + 1 for a in axes])) if axes else run(windows)
        parts = [wants.rule.probabilities(wants.rule.collapse(logits)).flip(axes) for logits in mirrored]
        sums = parts if not sums else [total.add_(part) for total, part in zip(sums, parts)]
    return [total.div_(len(wants.mirrors)) for total in sums]


def _in_place(part: np.ndarray | None, place: Placement, shape: tuple[int, ...]) -> np.ndarray | None:
    """Put the covered box back into the whole volume and take the padding off."""
    if part is None:
        return None
    if part.shape == tuple(shape) and not place.padded:
        return part
    whole = np.zeros([n + b + a for n, b, a in zip(shape, place.pad_before, place.pad_after)], part.dtype)
    whole[tuple(slice(low, high) for low, high in zip(place.low, place.high))] = part
    return np.ascontiguousarray(whole[tuple(slice(b, b + n) for b, n in zip(place.pad_before, shape))])


def _flip_axes(flips: bool | tuple[int, ...], dims: int) -> tuple[int, ...]:
    """Axes to mirror, checked."""
    axes = (0, 1, 2)[3 - dims :] if flips is True else tuple(flips or ())
    if any(axis not in (0, 1, 2) for axis in axes) or len(set(axes)) != len(axes):
        raise UsageError(f"flips: got {flips}, expected True, False or different axes among 0, 1, 2")
    return axes
