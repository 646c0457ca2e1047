"""A brain made from rounded shapes and folded by noise: hemispheres, fissures, cortex, cerebellum, nuclei."""

from __future__ import annotations

import numpy as np

from .anatomy import Anatomy
from .fields import Frame, ellipsoid_depth, fraction, smooth_noise, smooth_union
from .folding import folded
from .ventricles import ventricle_depth
from .warp import Mass, warped_points

# Places and radii are in mm, (z, y, x) with y to the back and x to the left, read off the MNI152 brain
# and moved so that the brain's box is centred.
_STEM = (((-44, 9, 0), (19, 14, 16)), ((-21, 5, 0), (15, 13, 15)), ((-62, 21, 0), (26, 10, 11)))
_NUCLEI = (
    ((1, -33, 13), (9, 12, 5.5)),
    ((-6, -20, 26), (11, 16, 6)),
    ((-1, 2, 11), (9, 14, 8.5)),
    ((-22, 4, 28), (5, 17, 6)),
)


def procedural_anatomy(rng: np.random.Generator, frame: Frame, mass: Mass | None = None) -> Anatomy:
    """A brain of its own for each state of ``rng``: shape, folding, atrophy and ventricles vary."""
    points = warped_points(rng, frame, mass=mass)
    side = np.abs(points[2])
    mirrored = (points[0], points[1], side)
    atrophy = float(rng.beta(1.6, 3.0))
    cerebrum = _cerebrum_hull(mirrored)
    cerebellum = _cerebellum_hull(mirrored)
    stem = _union([ellipsoid_depth(points, centre, radii) for centre, radii in _STEM], 6)
    hull = smooth_union(smooth_union(cerebrum, cerebellum, 10), stem, 8)
    cerebellum = np.minimum(cerebellum, -cerebrum - 1.2)

    cortex = _folded_cerebrum(rng, frame, mirrored, points, cerebrum, atrophy)
    folia = folded(rng, frame, points, cerebellum, (-44, 38, 0), (24, 34, 50), 10.0, 11.0, 0.15 + 0.5 * atrophy)
    edge = frame.edge
    thickness = np.float32(rng.uniform(2.3, 3.0)) + np.float32(0.35) * smooth_noise(rng, frame, 18)
    white = np.maximum(fraction(cortex - thickness, edge), fraction(folia - np.float32(1.7), edge))
    stem_share = fraction(stem, edge)
    tissue = np.maximum(np.maximum(fraction(cortex, edge), fraction(folia, edge)), stem_share)
    white = np.minimum(np.maximum(white, stem_share), tissue)

    depth_of_ventricles = ventricle_depth(rng, points, atrophy)
    ventricles = fraction(depth_of_ventricles, edge)
    nuclei = _union([ellipsoid_depth(mirrored, centre, radii) for centre, radii in _NUCLEI], 2)
    nuclei += np.float32(0.7) * smooth_noise(rng, frame, 8)
    deep = fraction(nuclei, edge * 1.6) * white * (1 - ventricles)

    rim = rng.uniform(-1.6, 1.4) + rng.uniform(0.2, 0.7) * smooth_noise(rng, frame, 14)
    brain = hull + rim > 0
    tissue = tissue * (1 - ventricles) * brain
    white = np.clip(white * (1 - ventricles) - deep, 0, None) * brain
    deep *= brain
    grey = np.clip(tissue - white, 0, None)
    fluid = brain - tissue
    return Anatomy(frame, grey, white, fluid, deep, np.minimum(ventricles * brain, fluid), brain, hull)


def _union(depths: list[np.ndarray], rounding: float) -> np.ndarray:
    joined = depths[0]
    for depth in depths[1:]:
        joined = smooth_union(joined, depth, rounding)
    return joined


def _cerebrum_hull(mirrored: tuple) -> np.ndarray:
    """Depth below the outline of both hemispheres, flat below, with frontal base and temporal lobes."""
    z, y, side = mirrored
    # The dome is higher than the base is deep, and the brain is widest behind its middle.
    lifted = np.where(z > 8, z - 8, (z - 8) * np.float32(56 / 38)) + 8
    narrowed = side * (1 - np.float32(0.0014) * (y - 10))
    dome = ellipsoid_depth((lifted, y, narrowed), (8, -1, 0), (56, 86, 67))
    dome = np.minimum(dome, ellipsoid_depth((lifted, y, narrowed), (8, -1, 14), (64, 100, 55)) + 1.5)
    temporal = ellipsoid_depth(mirrored, (-27, -6, 45), (21, 44, 20))
    return smooth_union(dome, temporal, 8)


def _cerebellum_hull(mirrored: tuple) -> np.ndarray:
    lobe = ellipsoid_depth(mirrored, (-44, 44, 23), (20, 30, 29))
    return smooth_union(lobe, ellipsoid_depth(mirrored, (-40, 44, 0), (21, 24, 13)), 6)


def _folded_cerebrum(
    rng: np.random.Generator, frame: Frame, mirrored: tuple, points: tuple, hull: np.ndarray, atrophy: float
) -> np.ndarray:
    """Depth below the pial surface: hull, fissure between the hemispheres, Sylvian fissure and sulci."""
    z, y, side = mirrored
    width = np.float32(0.5 + 1.3 * atrophy)
    callosum = 1 - np.sqrt(((y + 9) / 42) ** 2 + ((z + 4) / 25) ** 2)
    fissure = np.sqrt(side**2 + np.maximum(callosum * 28, 0) ** 2) - width
    rise = z + 12 - np.float32(0.3) * (y + 20)
    beyond = np.maximum(np.abs(y + 4) - 30, 0)
    sylvian = np.sqrt(rise**2 + np.maximum(39 - side, 0) ** 2 + beyond**2) - np.float32(1.0 + 2.2 * atrophy)
    wall = np.minimum(hull - np.float32(0.8 + 1.6 * atrophy), fissure)
    wavelength = rng.uniform(16, 21)
    length = rng.uniform(14, 21)
    # Each hemisphere folds around its own middle, so that sulci run inward from all of its walls.
    centre = (6, -1, 30)
    cut = folded(rng, frame, points, wall, centre, (52, 84, 34), wavelength, length, 0.25 + 1.1 * atrophy)
    return np.minimum(cut, sylvian)
