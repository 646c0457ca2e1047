"""The healthy anatomy under the phantoms: volumes, folding, partial volume, resolution."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import ndimage

from TransferSegLib.errors import DependencyError
from TransferSegLib.phantoms.anatomy import Anatomy
from TransferSegLib.phantoms.atlas import atlas_anatomy
from TransferSegLib.phantoms.brain import procedural_anatomy
from TransferSegLib.phantoms.fields import Frame, ellipsoid_depth, smooth_noise

SPACING = 2.0
SHAPE = (72, 88, 72)


@pytest.fixture(scope="module", params=["procedural", "atlas"])
def tissue(request) -> Anatomy:
    if request.param == "atlas":
        pytest.importorskip("nilearn", reason="the atlas anatomy needs nilearn")
    build = {"procedural": procedural_anatomy, "atlas": atlas_anatomy}[request.param]
    return build(np.random.default_rng(11), Frame.fit(SHAPE, (SPACING,) * 3))


def millilitres(share: np.ndarray) -> float:
    return float(share.sum()) * SPACING**3 / 1000


def surface(mask: np.ndarray) -> int:
    """Number of voxel faces between mask and not mask."""
    return sum(int(np.count_nonzero(np.diff(np.pad(mask, 1).astype(np.int8), axis=axis))) for axis in range(3))


def test_fractions_fill_the_brain_and_nothing_else(tissue):
    total = tissue.grey + tissue.white + tissue.fluid
    assert total[tissue.brain] == pytest.approx(1.0, abs=1e-3)
    assert total[~tissue.brain].max() == 0
    assert min(tissue.grey.min(), tissue.white.min(), tissue.fluid.min()) >= -1e-6
    assert (tissue.deep <= tissue.grey + 1e-3).all() and (tissue.ventricles <= tissue.fluid + 1e-3).all()


def test_volumes_are_an_adult_brain(tissue):
    assert 950 < millilitres(tissue.brain) < 1600
    assert 350 < millilitres(tissue.grey) < 850
    assert 300 < millilitres(tissue.white) < 750
    assert 60 < millilitres(tissue.fluid) < 500
    assert 4 < millilitres(tissue.ventricles) < 80
    assert 5 < millilitres(tissue.deep) < 80


def test_ventricles_lie_in_the_middle_and_on_both_sides(tissue):
    mask = tissue.ventricles > 0.5
    assert tissue.depth[mask].mean() > 25
    middle = SHAPE[2] // 2
    left, right = mask[..., :middle].sum(), mask[..., middle:].sum()
    assert min(left, right) > 0.25 * max(left, right)
    assert np.ptp(np.argwhere(mask)[:, 1]) * SPACING > 50  # from frontal to occipital horn


def test_cortex_is_folded(tissue):
    solid = ndimage.binary_fill_holes(tissue.grey + tissue.white > 0.5)
    frame = tissue.frame
    points = tissue.points
    radius = (3 * solid.sum() * SPACING**3 / (4 * np.pi)) ** (1 / 3)
    ratio = np.array([0.9, 1.25, 0.9])
    smooth = ellipsoid_depth(points, (0, 0, 0), tuple(radius * ratio / ratio.prod() ** (1 / 3))) > 0
    assert smooth.sum() == pytest.approx(solid.sum(), rel=0.1)
    assert surface(solid) > 1.6 * surface(smooth)
    assert frame.scale == pytest.approx(1.0)


def test_brain_is_one_piece(tissue):
    pieces, count = ndimage.label(tissue.brain)
    sizes = np.bincount(pieces.ravel())[1:]
    assert sizes.max() > 0.995 * sizes.sum(), f"{count} pieces"


def test_partial_volume_at_boundaries(tissue):
    mixed = (tissue.grey > 0.1) & (tissue.grey < 0.9) & tissue.brain
    assert 0.1 < mixed.sum() / tissue.brain.sum() < 0.75
    assert len(np.unique(np.round(tissue.grey[mixed], 2))) > 50


def test_one_seed_shows_one_brain_at_two_resolutions():
    fine = procedural_anatomy(np.random.default_rng(3), Frame.fit((72, 88, 72), (2.0,) * 3))
    coarse = procedural_anatomy(np.random.default_rng(3), Frame.fit((36, 44, 36), (4.0,) * 3))
    blocks = fine.brain.reshape(36, 2, 44, 2, 36, 2).mean(axis=(1, 3, 5)) > 0.5
    overlap = 2 * (blocks & coarse.brain).sum() / (blocks.sum() + coarse.brain.sum())
    assert overlap > 0.97


def test_noise_has_unit_variance_and_its_length():
    noise = smooth_noise(np.random.default_rng(0), Frame.fit((100, 100, 100), (2.0,) * 3), 6.0)
    assert noise.dtype == np.float32
    assert noise.std() == pytest.approx(1.0, abs=0.15)
    near = np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1]
    far = np.corrcoef(noise[20:].ravel(), noise[:-20].ravel())[0, 1]
    assert near > 0.85 and abs(far) < 0.1


def test_ellipsoid_depth_of_a_sphere_is_exact():
    z = np.linspace(-20, 20, 41, dtype=np.float32)[:, None, None]
    depth = ellipsoid_depth((z, np.zeros((1, 1, 1), "f4"), np.zeros((1, 1, 1), "f4")), (0, 0, 0), (10, 10, 10)).ravel()
    away = np.abs(np.arange(-20, 21)) > 2
    assert depth[away] == pytest.approx((10 - np.abs(np.arange(-20, 21)))[away], abs=0.05)


def test_missing_nilearn_names_the_extra(monkeypatch):
    from TransferSegLib.phantoms import atlas

    monkeypatch.setitem(sys.modules, "nilearn", None)
    with pytest.raises(DependencyError, match=r"transferseg\[atlas\]"):
        atlas._maps.__wrapped__()  # past the cache that other tests filled
