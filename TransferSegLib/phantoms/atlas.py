"""The MNI152 tissue maps that nilearn ships, deformed into a different brain for each seed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage

from ..errors import DependencyError
from .anatomy import Anatomy
from .fields import Frame, fraction, ramp, smooth_noise
from .folding import folded
from .warp import Mass, warped_points

# Middle of the MNI152 brain's box in MNI space, LPS (z, y, x) mm: what the phantom's centre shows.
_MIDDLE = (8.0, 17.0, 0.0)


def atlas_anatomy(rng: np.random.Generator, frame: Frame, mass: Mass | None = None) -> Anatomy:
    """A brain with the atlas's real anatomy; affine, displacement, atrophy, folding detail and side vary."""
    grey_map, white_map, depth_map, inside_map = _maps()
    points = warped_points(rng, frame, stretch=(1.1, 1.21), mass=mass)
    fine = rng.uniform(0.4, 1.1)
    points = [p + np.float32(fine) * smooth_noise(rng, frame, 10) for p in points]
    if rng.random() < 0.5:
        points[2] = -points[2]
    places = np.stack(points).astype(np.float32)
    places += np.array([_MIDDLE[0] + 72, _MIDDLE[1] + 98, 98.0], dtype=np.float32)[:, None, None, None]
    maps = (grey_map, white_map, depth_map, inside_map)
    grey, white, depth, inner = (ndimage.map_coordinates(m, places, order=1, mode="nearest") for m in maps)

    atrophy = float(rng.beta(1.6, 3.0))
    brain = depth + rng.uniform(-1.8, 0.8) + rng.uniform(0.2, 0.7) * smooth_noise(rng, frame, 14) > 0
    fluid = np.clip(1 - grey - white, 0, 1)
    grey, white, fluid = _sharpened(rng, frame, grey, white, fluid, depth, atrophy)
    white, tissue = _folded_in(rng, frame, points, depth, white, grey + white, atrophy)
    grey, white, fluid = (tissue - white) * brain, white * brain, (1 - tissue) * brain
    z, y, side = points[0], points[1], np.abs(points[2])
    nuclei = (side > 4) & (side < 34) & (z > -16) & (z < 14) & (y > -46) & (y < 26) & (depth > 20)
    deep = grey * nuclei
    ventricles = fluid * np.clip(inner * 1.5, 0, 1) * (side < 42)
    return Anatomy(frame, grey, white, fluid, deep.astype(np.float32), ventricles.astype(np.float32), brain, depth)


def _folded_in(
    rng: np.random.Generator,
    frame: Frame,
    points: list[np.ndarray],
    depth: np.ndarray,
    white: np.ndarray,
    tissue: np.ndarray,
    atrophy: float,
) -> tuple[np.ndarray, np.ndarray]:
    """White matter and all tissue after narrow sulci of this brain's own, lined with cortex, were cut in."""
    z, y, _ = points
    hindbrain = (z < -22 + (y - 43) * np.float32(0.2)) & (y > -9)
    # Only the sheets are wanted: the hull, 4 mm away, and the hindbrain stay as the atlas has them.
    wall = np.where(hindbrain, np.float32(60), depth + 4)
    wavelength, length, width = rng.uniform(17, 24), rng.uniform(15, 23), 0.35 + 0.6 * atrophy
    cut = folded(rng, frame, points, wall, (6, -1, 30), (60, 90, 38), wavelength, length, width)
    cortex = fraction(cut - np.float32(rng.uniform(2.2, 2.8)), frame.edge)
    folia = np.exp(-((smooth_noise(rng, frame, 3) / np.float32(0.3)) ** 2)) * np.clip(1.3 - white, 0, 1)
    tissue = tissue * (1 - hindbrain * folia * np.float32(rng.uniform(0.1, 0.5)))
    tissue = np.minimum(tissue, fraction(cut, frame.edge))
    return np.minimum(np.minimum(white, cortex), tissue), tissue


def _sharpened(
    rng: np.random.Generator,
    frame: Frame,
    grey: np.ndarray,
    white: np.ndarray,
    fluid: np.ndarray,
    depth: np.ndarray,
    atrophy: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn an average's probabilities into one brain's fractions: noise decides where the average is unsure."""
    power = np.float32(rng.uniform(2.0, 3.5))
    unsure = np.float32(0.45)
    folds = smooth_noise(rng, frame, 6) - np.float32(0.6) * smooth_noise(rng, frame, 12)
    tilt = np.exp(unsure * folds)
    wider = np.float32(np.exp(-0.7 + 1.1 * atrophy))
    # Averaging fills sulci with grey; near the surface fluid gets back what it lost.
    near = np.clip(1 - depth / np.float32(22), 0, 1)
    grey = (grey + np.float32(1e-3)) ** power
    white = (white * np.exp(np.float32(0.3) * -folds) + np.float32(1e-3)) ** power
    fluid = (fluid * wider * tilt * (1 + np.float32(0.6) * near) + np.float32(1e-3)) ** power
    total = grey + white + fluid
    return grey / total, white / total, fluid / total


@lru_cache(maxsize=1)
def _maps() -> tuple[np.ndarray, ...]:
    """Grey and white maps, depth below the hull (mm), and a soft map of the inside; (z, y, x) in LPS, 1 mm."""
    try:
        from nilearn import datasets
    except ImportError as error:
        raise DependencyError(
            "anatomy 'atlas': nilearn is missing; install the extra with pip install 'transferseg[atlas]'"
        ) from error
    loaders = (datasets.load_mni152_gm_template, datasets.load_mni152_wm_template, datasets.load_mni152_brain_mask)
    # RAS (x, y, z) arrays become LPS (z, y, x); the template's first voxel is at (-98, -134, -72) mm.
    arrays = [np.asarray(load(resolution=1).dataobj, dtype=np.float32)[::-1, ::-1].T.copy() for load in loaders]
    grey, white, mask = arrays
    mask = ndimage.binary_fill_holes(mask > 0.5)
    depth = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    depth = ndimage.gaussian_filter(depth.astype(np.float32), 1.0)
    fluid = (mask - grey - white) > 0.5
    core, _ = ndimage.label(fluid & (depth > 16))
    sizes = np.bincount(core.ravel())
    sizes[0] = 0
    inside = ndimage.gaussian_filter((ndimage.binary_dilation(core == sizes.argmax(), iterations=2)).astype("f4"), 1.0)
    grey = grey * (1 - _closed_sulci(white, mask, depth, inside))
    return grey, white, depth, inside


def _closed_sulci(white: np.ndarray, mask: np.ndarray, depth: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Share of fluid (0..1) in grey farther from white matter than cortex is thick: sulci that averaging filled."""
    beyond = ndimage.distance_transform_edt(white < 0.5).astype(np.float32)
    sulci = ramp(beyond, 2.7, 4.4) * mask
    z, y, x = (np.arange(n, dtype=np.float32) for n in white.shape)
    z, y, x = z[:, None, None] - 72, y[None, :, None] - 98, np.abs(x[None, None, :] - 98)
    nuclei = (depth > 20) & (x < 36) & (np.abs(z - 4) < 22) & (np.abs(y - 4) < 34)
    hindbrain = (z < -14 + (y - 60) * np.float32(0.2)) & (y > 8) & (x < 52)
    sulci = sulci * ~(nuclei & (inside < 0.5)) * np.where(hindbrain, np.float32(0.3), np.float32(0.9))
    return ndimage.gaussian_filter(sulci, 0.5)
