"""Where the vertebral bodies lie at each height of a CT, to know which slice of a leaning scan meets them."""

from __future__ import annotations

import numpy as np

# Bone, HU, and how much of its density above that counts: metal and contrast are no denser than bone.
_BONE, _DENSE = 150.0, 200.0
_FLESH = -200.0
# Vertebral bodies lie behind the middle of the body, at this share of its depth, give or take.
_DEPTH, _GIVE = 0.59, 0.12
# From the front, bodies come before the canal and the processes: their middle is at this share of the spine's bone.
_BODIES = 0.3
# Half the width of a vertebral body, and how far from the body's middle it is looked for at first and then, mm.
_HALF_MM, _NEAR_MM = 22.0, (30.0, 20.0)
# The spine bends little: its line is a running median over this many mm.
_SMOOTH_MM = 80.0


def spine_line(voxels: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The LPS x and y, (k,) each, of the vertebral bodies at each height.

    Ribs, hips, arms, table and contrast in bowel or vessels lie aside of, before or behind where bone is counted.

    Parameters
    ----------
    voxels : array (k, j, i)
        HU, axes along LPS.
    x, y, z : arrays (i,), (j,), (k,)
        Rising LPS coordinates of the voxels, mm.
    """
    bone = np.clip(voxels, _BONE, _BONE + _DENSE).astype(np.float32) - np.float32(_BONE)
    flesh = voxels > _FLESH
    line = _Line(z)
    across = line.share(flesh.sum(axis=1), x, 0.5)
    inside = np.abs(x - across[:, None]) < 2 * _HALF_MM
    likely = _likely_depth(np.einsum("kji,ki->kj", flesh, inside, dtype=np.float32), inside, y, line)
    seen = np.einsum("kji,kj->ki", bone, likely)
    for near in _NEAR_MM:
        across = line.share(seen * np.exp(-0.5 * ((x - across[:, None]) / near) ** 2), x, 0.5)
    spine = (np.abs(x - across[:, None]) < _HALF_MM).astype(np.float32)
    return across, line.share(np.einsum("kji,ki->kj", bone, spine) * likely, y, _BODIES)


def _likely_depth(flesh: np.ndarray, inside: np.ndarray, y: np.ndarray, line: _Line) -> np.ndarray:
    """How likely the spine is in each row (k, j), from where the body's middle part begins and ends."""
    body = flesh > 0.5 * inside.sum(axis=1, keepdims=True)
    there = body.any(axis=1)
    if not there.any():
        return np.ones(body.shape, np.float32)
    front = line.smooth(np.where(there, y[np.argmax(body, axis=1)], np.nan))[:, None]
    back = line.smooth(np.where(there, y[::-1][np.argmax(body[:, ::-1], axis=1)], np.nan))[:, None]
    depth = (y - front) / np.maximum(back - front, 1.0)
    return np.exp(-0.5 * ((depth - _DEPTH) / _GIVE) ** 2).astype(np.float32)


class _Line:
    """Coordinates by height, smoothed; a height without one takes its neighbours'."""

    def __init__(self, z: np.ndarray) -> None:
        self._z = z
        self._reach = max(1, round(_SMOOTH_MM / 2 / max(float(np.median(np.diff(z))), 1e-3)))

    def smooth(self, values: np.ndarray) -> np.ndarray:
        """A running median of (k,) values; NaN is where there is none."""
        known = np.isfinite(values)
        filled = np.interp(self._z, self._z[known], values[known])
        padded = np.pad(filled, self._reach, mode="edge")
        return np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * self._reach + 1), axis=1)

    def share(self, amounts: np.ndarray, places: np.ndarray, share: float) -> np.ndarray:
        """For each height the place below which ``share`` of the (k, n) ``amounts`` lies."""
        total = np.cumsum(amounts, axis=1)
        found = places[np.argmax(total >= share * total[:, -1:], axis=1)]
        there = total[:, -1] > 0
        if not there.any():
            return np.full(len(found), float(places.mean()))
        return self.smooth(np.where(there, found, np.nan))
