"""Seeded windows on which an exported network is held against PyTorch: noise, shapes, and a phantom where it is quick.

They differ in size, so that the axes that stay open are tried too. Sizes are bounded: a look must not cost minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..packages import Card

_SEED = 20
_MOST = {2: 256, 3: 64}
_LESION_PHANTOM = 1  # a seed whose phantom shows a tumour in the field


def segmentation_windows(card: Card) -> Iterator[np.ndarray]:
    """Windows (n, c, [k,] j, i) float32: noise, shapes, and a brain or a trunk where the model takes one."""
    from ..networks import network_divisor

    divisor = network_divisor(card.network, card.arguments)
    rng = np.random.default_rng(_SEED)
    whole = [_fitting(side, _MOST[card.dims], divisor) for side in card.window]
    small = [_fitting(side // 2, side, divisor) for side in whole]
    yield rng.standard_normal((2, card.in_channels, *small)).astype(np.float32)
    yield _shapes(rng, (1, card.in_channels, *small[:-1], whole[-1]))
    phantom = _phantom(card)
    yield _shapes(rng, (1, card.in_channels, *whole)) if phantom is None else _at_size(phantom, whole)


def level_windows(card: Card) -> Iterator[np.ndarray]:
    """Projections (1, views, R, width) float32 in [0, 1] of noise and of CT phantoms, or windows of them."""
    from ..phantoms import ct_projection

    rows, width = card.window
    rng = np.random.default_rng(_SEED)
    tall = card.output == "confidence-map" or card.projection["evaluation"] == "dense"
    height = 2 * rows + 5 if tall else rows
    yield rng.random((1, card.in_channels, height, width), dtype=np.float32)
    for seed in (1, 2):
        views, hu = tuple(card.projection["views"]), tuple(card.projection["hu"])
        found = ct_projection(seed, views=views, hu=hu, row_mm=card.spacing[0], width=width).pixels
        padded = np.pad(found, ((0, 0), (rows // 2, rows - rows // 2), (0, 0)))
        if tall:
            yield padded[None].astype(np.float32)
        else:
            tops = range(0, padded.shape[1] - rows + 1, max(rows // 4, 1))
            yield np.stack([padded[:, top : top + rows] for top in tops][:8]).astype(np.float32)


def _fitting(side: int, most: int, divisor: int) -> int:
    """A side of at most ``most`` pixels and a multiple of what the network asks for; at least twice that, and 16."""
    least = max(2, -(-16 // divisor)) * divisor
    return max(min(side, most) // divisor * divisor, least)


def _shapes(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Smooth ground with a few ellipsoids of other values in each channel, of about mean 0 and SD 1."""
    from scipy import ndimage

    size = shape[2:]
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in size], indexing="ij"))
    found = np.empty(shape, np.float32)
    for case in found:
        centres, radii = rng.uniform(0.2, 0.8, (4, len(size))), rng.uniform(0.08, 0.3, (4, len(size)))
        inside = [
            (((grid.T / size - centre) / radius) ** 2).sum(axis=-1).T < 1 for centre, radius in zip(centres, radii)
        ]
        for channel in case:
            channel[:] = 3 * ndimage.gaussian_filter(rng.standard_normal(size), 3) + rng.normal(0, 0.2, size)
            for part in inside:
                channel[part] += rng.normal(0, 2)
    return found


def _phantom(card: Card) -> np.ndarray | None:
    """A phantom (c, [k,] j, i) as such a model's preparation leaves one, roughly; None for other models."""
    from ..packages import CT
    from ..phantoms import brain_phantom, ct_phantom
    from ..phantoms.contrast import ROLES

    if set(card.roles) <= set(ROLES):
        found = brain_phantom(_LESION_PHANTOM, shape=(48, 64, 64), spacing=2.8)
        images = np.stack([found.images[role] for role in card.roles]).astype(np.float32)
        inside = images[:, found.brain]
        scaled = (images - inside.mean(axis=1)[:, None, None, None]) / inside.std(axis=1)[:, None, None, None]
        array = np.where(found.brain, scaled, 0).astype(np.float32)
    elif card.normalisation == CT:
        import SimpleITK as sitk

        hu = sitk.GetArrayFromImage(ct_phantom(1, field="lumbar").image).astype(np.float32)[None]
        low, high = card.intensities["window"]
        array = np.clip((hu - low) / (high - low), 0, 1)
        array = ((array - card.intensities["mean"][0]) / card.intensities["sd"][0]).astype(np.float32)
    else:
        return None
    return array[:, array.shape[1] // 2] if card.dims == 2 else array


def _at_size(array: np.ndarray, size: list[int]) -> np.ndarray:
    """The middle of an array (c, ...) at a size, with zeros around where it is smaller; one case more in front."""
    for axis, side in enumerate(size, 1):
        short = max(side - array.shape[axis], 0)
        pads = [(0, 0)] * array.ndim
        pads[axis] = (short // 2, short - short // 2)
        array = np.pad(array, pads)
        first = (array.shape[axis] - side) // 2
        array = np.take(array, range(first, first + side), axis=axis)
    return np.ascontiguousarray(array[None], np.float32)
