"""What pruning gains in measured time: seconds of a scan or a window, and the groups whose maps cost nothing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .pruning import MapGroup, half_of, without_maps

if TYPE_CHECKING:
    from torch import Tensor, nn

# Half of a group's maps must shorten the whole by this share, and by more than the clock's own scatter.
WORTH = 0.01
# Turns that together take less than so many seconds are repeated up to so many times: the clock scatters more there.
SHORT_SECONDS, SHORT_REPEATS = 1.0, 25


@dataclass(frozen=True)
class Gain:
    """What half of a group's maps cost.

    Attributes
    ----------
    name : str
        The group.
    share : float
        Part of the seconds that the network takes less without them; below 0 where it takes longer.
    pays : bool
        The share is worth it, and above the scatter of the measurement.
    """

    name: str
    share: float
    pays: bool


# A network to what is timed of it: a call without arguments.
Work = Callable[["nn.Module"], Callable[[], Any]]


def scan_work(rows: int, step: int) -> Work:
    """A level regressor's dense evaluation of a projection of so many rows."""

    def work(module: nn.Module) -> Callable[[], Any]:
        picture = _numbers(1, module.in_channels, max(rows, module.rows), module.width)
        return lambda: module.dense(picture, step)

    return work


def window_work(inputs: int, size: Sequence[int]) -> Work:
    """One window of a segmentation network, of ``size`` voxels or pixels in ``inputs`` channels."""

    def work(module: nn.Module) -> Callable[[], Any]:
        window = _numbers(1, inputs, *size)
        return lambda: module(window)

    return work


def scan_seconds(module: nn.Module, rows: int, step: int, *, repeats: int = 5) -> float:
    """Median seconds of a dense evaluation of a projection of so many rows, on the CPU, after one to warm up."""
    return seconds_in_turn([module], scan_work(rows, step), repeats=repeats)[0]


def seconds_in_turn(modules: Sequence[nn.Module], work: Work, *, repeats: int = 5) -> list[float]:
    """Median seconds of each of several networks on the CPU, run turn by turn so that they can be compared."""
    return [statistics.median(seconds) for seconds in _times(modules, work, repeats)]


def gains(
    module: nn.Module,
    network: str,
    arguments: Mapping[str, Any],
    groups: Sequence[MapGroup],
    *,
    work: Work,
    repeats: int = 5,
    say: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Gain, ...]:
    """Measure each group: the network with half of its maps against the whole, turn by turn.

    The scatter is the median deviation of the ratios of two equal networks, measured in the same way. A group that can
    lose nothing gains nothing.
    """
    still = _ratios(module, module, work, repeats)
    scatter = 2 * statistics.median(abs(ratio - 1) for ratio in still)
    found = []
    for number, group in enumerate(groups):
        say(number, len(groups))
        half, share = half_of(group), 0.0
        if half:
            smaller, _ = without_maps(module, network, arguments, {group.name: half})
            share = 1 - statistics.median(_ratios(smaller, module, work, repeats))
        found.append(Gain(group.name, round(share, 4), share > max(WORTH, scatter)))
    say(len(groups), len(groups))
    return tuple(found)


def _ratios(one: nn.Module, other: nn.Module, work: Work, repeats: int) -> list[float]:
    first, second = _times([one, other], work, repeats)
    return [a / b for a, b in zip(first, second)]


def _times(modules: Sequence[nn.Module], work: Work, repeats: int) -> list[list[float]]:
    """Seconds of each module in turn, so that a change of the machine's speed meets all of them.

    After one turn to warm up; where that is short there are up to `SHORT_REPEATS` turns instead of ``repeats``.
    """
    import torch

    calls = [work(module) for module in modules]
    modes = [module.training for module in modules]
    seconds: list[list[float]] = [[] for _ in modules]
    with torch.inference_mode():
        turn, turns = 0, repeats
        while turn <= turns:
            for number, (module, call) in enumerate(zip(modules, calls)):
                module.eval()
                started = time.perf_counter()
                call()
                seconds[number].append(time.perf_counter() - started)
            if turn == 0:
                turns = max(repeats, min(SHORT_REPEATS, int(SHORT_SECONDS / sum(warm for (warm,) in seconds))))
            turn += 1
    for module, mode in zip(modules, modes):
        module.train(mode)
    return [each[1:] for each in seconds]


def _numbers(*size: int) -> Tensor:
    import torch

    return torch.rand(*size, generator=torch.Generator().manual_seed(0))
