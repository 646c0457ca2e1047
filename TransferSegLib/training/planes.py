"""Windows (B, channel, k, j, i) as networks of two dimensions take them: each slice a picture of the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def as_planes(windows: Tensor, dims: int) -> Tensor:
    """Windows as they are for 3 dimensions; (B k, channel, j, i) for 2."""
    if dims == 3:
        return windows
    if windows.shape[2] == 1:
        return windows[:, :, 0]
    return windows.transpose(1, 2).flatten(0, 1)


def as_volume(logits: Tensor, count: int, dims: int) -> Tensor:
    """What a network gives for `as_planes` of ``count`` windows, as (B, channel, k, j, i) again."""
    if dims == 3:
        return logits
    if logits.shape[0] == count:
        return logits[:, :, None]
    return logits.unflatten(0, (count, -1)).transpose(1, 2)


def maps_as_volume(maps: Tensor, count: int, dims: int) -> Tensor:
    """Maps (B k, j, i) of a network of two dimensions as (B, k, j, i); those of three as they are."""
    return maps if dims == 3 else maps.unflatten(0, (count, -1))
