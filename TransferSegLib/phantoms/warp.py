"""Moves the coordinates in which anatomy is drawn: head shape, small displacements, a mass that pushes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import Frame, smooth_noise


@dataclass(frozen=True)
class Mass:
    """Something that takes space: its centre (z, y, x) and radius in canonical mm, and how far it pushes (0..1)."""

    centre: tuple[float, float, float]
    radius: float
    push: float


def warped_points(
    rng: np.random.Generator,
    frame: Frame,
    *,
    stretch: tuple[float, float] = (1.0, 1.12),
    mass: Mass | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where in the undeformed brain (z, y, x; canonical mm) each voxel comes from; three (k, j, i) float32 arrays."""
    z, y, x = frame.axes()
    grid = [z[:, None, None], y[None, :, None], x[None, None, :]]
    tilt = rng.normal(0, 0.025, (3, 3)) * (1 - np.eye(3))
    scales = rng.uniform(*stretch, 3)
    points = []
    for axis in range(3):
        moved = sum(np.float32(tilt[axis, other]) * grid[other] for other in range(3) if other != axis)
        moved = moved + np.float32(scales[axis]) * grid[axis]
        moved = moved + np.float32(rng.uniform(1.5, 3.5)) * smooth_noise(rng, frame, 45)
        points.append(moved + np.float32(rng.uniform(0.5, 1.2)) * smooth_noise(rng, frame, 16))
    if mass is not None:
        _make_room(points, grid, mass)
    return tuple(points)


def _make_room(points: list[np.ndarray], grid: list[np.ndarray], mass: Mass) -> None:
    """Draw what lies around the mass from nearer to its centre, fading within three radii."""
    arms = [coordinate - np.float32(middle) for coordinate, middle in zip(grid, mass.centre)]
    square = sum(arm * arm for arm in arms) * np.float32(1 / mass.radius**2)
    pull = np.float32(0.75 * mass.push) * np.exp(square * np.float32(-0.45))
    for axis, arm in enumerate(arms):
        points[axis] -= pull * arm
