"""Vote curves as networks give them, made without a network."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np


def vote_curve(
    level: float | None,
    height: int,
    *,
    rows: int = 100,
    step: int = 1,
    noise: float = 0.0,
    outside: str = "hinge",
    side: str = "",
    seed: int = 0,
) -> SimpleNamespace:
    """Votes of windows over ``height`` rows whose level is at ``level`` (None: not in view, on ``side``).

    ``outside`` says what windows without the level give: ``hinge`` (beyond their edge, on the true side), ``noise``
    (anywhere inside) or ``flat`` (the middle).
    """
    rng = np.random.default_rng(seed)
    tops = np.arange(-(rows // 2), height - rows // 2 + 1, step)
    at = level if level is not None else {"above": -10.0 * rows, "below": height + 10.0 * rows}.get(side, np.nan)
    offsets = at - tops
    inside = (offsets >= 0) & (offsets <= rows)
    away = {
        "hinge": np.where(offsets > rows, rows + 8.0, -8.0),
        "noise": rng.uniform(0, rows, len(tops)),
        "flat": np.full(len(tops), rows / 2),
    }[outside if np.isfinite(at) else "noise"]
    found = np.where(inside, offsets, away) + noise * rng.standard_normal(len(tops))
    return SimpleNamespace(tops=tops, offsets=found.astype(np.float32), rows=rows, step=step)


def level_card(name: str = "l3-oracle", views: tuple[str, ...] = ("frontal",), **change) -> object:
    """The card of a level model with windows of 100 rows of 1 mm."""
    from TransferSegLib.packages.card import Card, Label

    return Card(
        **{
            "name": name,
            "description": "made in a test",
            "roles": ("ct",),
            "labels": (Label(1, "L3", 0),),
            "network": "l3-cnn4",
            "arguments": {"rows": 100, "width": 512},
            "in_channels": len(views),
            "out_channels": 1,
            "task": "level",
            "output": "offset",
            "level": "L3",
            "spacing": (1.0, 1.0),
            "window": (100, 512),
            "normalisation": "projection",
            "projection": {"views": list(views), "hu": [100, 1500], "evaluation": "dense", "step": 1},
        }
        | change
    )


def turned(image: object, degrees: float, axis: int = 0) -> object:
    """The same patient on a grid turned by ``degrees`` about an axis of the room, as large as it must be."""
    import SimpleITK as sitk

    from TransferSegLib.imaging import Grid, resample

    turn = sitk.Euler3DTransform()
    turn.SetRotation(*(np.radians(degrees) if number == axis else 0.0 for number in range(3)))
    turn, grid = np.array(turn.GetMatrix()).reshape(3, 3), Grid.of(image)
    low, high = (ends(grid.corners() @ turn, axis=0) for ends in (np.min, np.max))
    size = np.ceil((high - low) / grid.spacing - 1e-6).astype(int)
    origin = turn @ (low + np.array(grid.spacing) / 2)
    return resample(image, Grid(tuple(size), grid.spacing, tuple(origin), tuple(turn.ravel())), fill=-1024)


def oracle(scan: object, index: float | None, *, upside_down: bool = False) -> object:
    """A model that knows the slice of the level in one scan, and that gives noise for any other picture.

    ``index`` None: the level lies below the scan. ``upside_down``: it knows the level in the mirrored picture only.
    """
    import torch

    from TransferSegLib.jobs.predict import Model
    from TransferSegLib.preparing.projection import ProjectionSpec, project

    card = level_card()
    made = project(scan, ProjectionSpec.of_card(card))
    row = 1000.0 + made.rows if index is None else made.row_of_slice(index)
    known = made.pixels[:, ::-1] if upside_down else made.pixels
    if upside_down:
        row = made.rows - 1 - row

    class Oracle(torch.nn.Module):
        def dense(self, x: torch.Tensor, step: int) -> torch.Tensor:
            tops = torch.arange((x.shape[2] - 100) // step + 1) * step - 50
            inner = x[0, :, 50:-50].numpy()
            # Second looks are stretched, fainter or mirrored: the picture's profile tells the way up.
            same = np.corrcoef(_profile(inner), _profile(known))[0, 1] > 0.9
            at = row * (inner.shape[1] - 1) / (known.shape[1] - 1) if same else None
            if at is None:
                return 100 * torch.rand(1, len(tops), generator=torch.Generator().manual_seed(1))
            offsets = at - tops.float()
            return torch.where(offsets > 105, 112.0, torch.where(offsets < -5, -8.0, offsets))[None]

    return Model(card, Oracle().eval())


def _profile(pixels: np.ndarray) -> np.ndarray:
    """The mean of each of 20 bands of rows."""
    return np.array([band.mean() for band in np.array_split(pixels[0], 20)])
