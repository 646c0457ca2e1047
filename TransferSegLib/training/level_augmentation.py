"""Random changes of a projection that keep what tells one vertebra from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Drawn:
    """The geometry of one training picture: its rows and columns as places in the projection it comes from.

    Row r of the picture lies at ``first + scale * r`` of the projection, column c of view v at
    ``centre + stretch * (c - centre) + shift[v] + shear[v] * (r - middle)``.
    """

    first: float
    scale: float
    stretch: float
    shift: tuple[float, ...]
    shear: tuple[float, ...]
    mirror: bool

    def place(self, row: float) -> float:
        """The picture's row of a row of the projection."""
        return (row - self.first) / self.scale


def draw_geometry(rng: np.random.Generator, views: int, row_mm: float) -> Drawn:
    """Size within 17 %, the column's side-to-side place within 25 mm and its lean within 8 degrees; the start is 0."""
    scale = float(np.exp(rng.uniform(-0.16, 0.16)))
    return Drawn(
        first=0.0,
        scale=scale,
        stretch=scale * float(np.exp(rng.uniform(-0.08, 0.08))),
        shift=tuple(rng.uniform(-25, 25, views) / row_mm),
        shear=tuple(rng.uniform(-0.14, 0.14, views)),
        mirror=bool(rng.random() < 0.5),
    )


def plain_geometry(views: int) -> Drawn:
    """Nothing changed."""
    return Drawn(0.0, 1.0, 1.0, (0.0,) * views, (0.0,) * views, False)


def sample(pixels: np.ndarray, drawn: Drawn, rows: int, views: tuple[str, ...]) -> torch.Tensor:
    """The picture (views, rows, width) float32 that ``drawn`` takes from a projection; zero where that has no row.

    A frontal view is mirrored where ``drawn.mirror`` says so; a lateral one never, the spine stays behind.
    """
    import torch
    from torch.nn.functional import grid_sample

    count, width = pixels.shape[1:]
    source = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32))[:, None]
    down = torch.arange(rows, dtype=torch.float32)
    across = torch.arange(width, dtype=torch.float32) - (width - 1) / 2
    y = (drawn.first + drawn.scale * down + 0.5) * 2 / count - 1
    grids = []
    for view, shift, shear in zip(views, drawn.shift, drawn.shear):
        sign = -1.0 if drawn.mirror and view == "frontal" else 1.0
        x = sign * drawn.stretch * across[None] + shift + shear * (down[:, None] - rows / 2)
        grids.append(torch.stack([x * 2 / width, y[:, None].expand(rows, width)], dim=-1))
    return grid_sample(source, torch.stack(grids), mode="bilinear", padding_mode="zeros", align_corners=False)[:, 0]


def change_intensity(picture: torch.Tensor, rng: np.random.Generator, row_mm: float) -> torch.Tensor:
    """Another scanner, another patient: contrast, haze, thick slices, noise, things in the way, a narrow field."""
    import torch

    present = picture > 0
    if rng.random() < 0.5:
        picture = _hollow(picture, rng, row_mm)
    if rng.random() < 0.4:
        picture = _shade(picture, rng, row_mm)
    picture = picture.clamp(min=0) ** float(np.exp(rng.uniform(-0.4, 0.4))) * float(np.exp(rng.uniform(-0.4, 0.3)))
    if rng.random() < 0.5:
        picture = picture + float(rng.uniform(0, 0.08))
    if rng.random() < 0.4:
        picture = _thick_slices(picture, max(1, round(float(rng.uniform(2, 10)) / row_mm)), rng)
    if rng.random() < 0.6:
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        picture = picture + float(rng.uniform(0, 0.05)) * torch.randn(picture.shape, generator=generator)
    picture = picture.clamp(0, 1) * present
    for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.5 else 0):
        _cover(picture, rng, row_mm)
    if rng.random() < 0.3:
        _narrow(picture, rng, row_mm)
    return picture


def _hollow(picture: torch.Tensor, rng: np.random.Generator, row_mm: float) -> torch.Tensor:
    """Bones as shells: the inside of what is bright fades and its rim stays, as cortex does in a real projection."""
    from torch.nn.functional import max_pool2d

    reach = max(1, round(float(rng.uniform(2, 7)) / row_mm))
    inside = -max_pool2d(-picture, 2 * reach + 1, stride=1, padding=reach)
    return picture - float(rng.uniform(0.2, 0.9)) * inside


def _shade(picture: torch.Tensor, rng: np.random.Generator, row_mm: float) -> torch.Tensor:
    """Some bones brighter than others: a smooth field of factors from a half to one and a half, 60 mm a patch."""
    import torch
    from torch.nn.functional import interpolate

    views, rows, width = picture.shape
    patches = (views, max(2, round(rows * row_mm / 60)), max(2, round(width * row_mm / 60)))
    factors = torch.from_numpy(np.exp(rng.uniform(-0.7, 0.4, patches)).astype(np.float32))
    return picture * interpolate(factors[None], size=(rows, width), mode="bilinear", align_corners=False)[0]


def _thick_slices(picture: torch.Tensor, rows: int, rng: np.random.Generator) -> torch.Tensor:
    """Means of ``rows`` rows, drawn out again: slices thicker than a row."""
    from torch.nn.functional import avg_pool2d, interpolate

    count, width = picture.shape[1:]
    if rows < 2 or count < 2 * rows:
        return picture
    thick = avg_pool2d(picture[None], (rows, 1), ceil_mode=True)
    size = (thick.shape[2] * rows, width)
    drawn = interpolate(thick, size=size, mode="bilinear", align_corners=False)
    return drawn[0, :, :count]


def _cover(picture: torch.Tensor, rng: np.random.Generator, row_mm: float) -> None:
    """A bright or dark rectangle in one view: metal, contrast, a cable; in place."""
    view = int(rng.integers(picture.shape[0]))
    rows, width = picture.shape[1:]
    tall, wide = (max(1, round(float(rng.uniform(4, 60)) / row_mm)) for _ in range(2))
    top, left = int(rng.integers(-tall, rows)), int(rng.integers(-wide, width))
    part = picture[view, max(top, 0) : top + tall, max(left, 0) : left + wide]
    value = float(rng.uniform(0.3, 1.0)) if rng.random() < 0.7 else 0.0
    part.copy_(part.clamp(min=value) if value else part * 0)


def _narrow(picture: torch.Tensor, rng: np.random.Generator, row_mm: float) -> None:
    """A field of view narrower than the body; in place."""
    width = picture.shape[2]
    keep = int(rng.uniform(200, 400) / row_mm)
    left = (width - keep) // 2 + int(rng.uniform(-30, 30) / row_mm)
    picture[:, :, : max(left, 0)] = 0
    picture[:, :, max(left + keep, 0) :] = 0
