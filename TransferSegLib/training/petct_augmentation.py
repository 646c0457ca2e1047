"""Random changes of a PET/CT window (methods.md, section 1): each of a kind with probability 0.1, affine 0.5."""

from __future__ import annotations

import math

import numpy as np

AFFINE_SHARE = 0.5
SHARE = 0.1
SHIFT_VOXELS, TURN_DEGREES, SCALE = 10.0, 12.0, 0.1


class PetCtAugmentation:
    """Affine, mirror, blur, brightness, contrast, low resolution and gamma of channels in [0, 1].

    A sixth channel, the probability of a first stage, is moved along and keeps its values.

    Parameters
    ----------
    patch : tuple of int
        Size of the window that comes out, (k, j, i).
    flip_axis : int
        Spatial axis that runs from left to right.
    without_ct : float
        Share of windows whose CT channels are all air: the network then learns to do without.
    """

    affine_share = AFFINE_SHARE
    # CT channels of the preparation (`preparing.petct.CHANNELS`).
    _CT = (0, 2, 3)
    _IMAGES = 5

    def __init__(self, patch: tuple[int, int, int], *, flip_axis: int = 2, without_ct: float = SHARE) -> None:
        self._patch, self._flip_axis, self._without_ct = tuple(patch), flip_axis, without_ct

    def __call__(self, image, truth, *, affine: bool, seed: int):
        """Change one window.

        Parameters
        ----------
        image, truth : torch.Tensor
            (channel, k, j, i) float32 in [0, 1] and (1, k, j, i) uint8; with ``affine`` larger than the patch.
        """
        import torch

        rng = np.random.default_rng(seed)
        if affine:
            image, truth = _moved(image, truth, self._patch, rng)
        if rng.random() < 0.5:
            axis = 1 + self._flip_axis
            image, truth = torch.flip(image, (axis,)), torch.flip(truth, (axis,))
        image, probability = image[: self._IMAGES], image[self._IMAGES :]
        for change in (_blurred, _brighter, _contrasted, _coarser, _gamma, _inverted_gamma):
            if rng.random() < SHARE:
                image = change(image, rng)
        if rng.random() < self._without_ct:
            image = image.clone()
            image[list(self._CT)] = 0
        image = torch.cat([image, probability]) if len(probability) else image
        return image.clamp(0, 1), truth.to(torch.uint8)


def _moved(image, truth, patch: tuple[int, int, int], rng: np.random.Generator):
    """Shifted up to 10 voxels, turned up to 12 degrees about the body's axis, scaled up to 10 %; cut to the patch.

    A patch of one slice stays in its slice.
    """
    import torch
    from torch.nn import functional

    angle = math.radians(rng.uniform(-TURN_DEGREES, TURN_DEGREES))
    scale = 1 + rng.uniform(-SCALE, SCALE)
    shift = rng.uniform(-SHIFT_VOXELS, SHIFT_VOXELS, 3)
    # From voxels of the patch about its centre to voxels of the larger window about its own, (i, j, k).
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    flat = patch[0] == 1
    if flat:
        image, truth, patch, turn, shift = image[:, 0], truth[:, 0], patch[1:], turn[:2, :2], shift[:2]
    half_in = (np.array(image.shape[:0:-1]) - 1) / 2
    half_out = (np.array(patch[::-1]) - 1) / 2
    # `affine_grid` counts from -1 to 1 between the centres of the first and last voxel (align_corners).
    theta = np.concatenate([turn / scale * half_out[None] / half_in[:, None], (shift / half_in)[:, None]], axis=1)
    theta = torch.from_numpy(theta.astype(np.float32))[None]
    grid = functional.affine_grid(theta, [1, 1, *patch], align_corners=True)
    image = functional.grid_sample(image[None], grid, mode="bilinear", align_corners=True)[0]
    truth = functional.grid_sample(truth[None].float(), grid, mode="nearest", align_corners=True)[0]
    return (image[:, None], truth[:, None]) if flat else (image, truth)


def _blurred(image, rng: np.random.Generator):
    """Gaussian blur of sigma 0.5 to 1 voxels."""
    import torch
    from torch.nn import functional

    sigma = rng.uniform(0.5, 1.0)
    x = np.arange(-3, 4)
    profile = np.exp(-(x**2) / (2 * sigma**2))
    kernel = torch.from_numpy((profile / profile.sum()).astype(np.float32))
    y = image[:, None]
    for axis in range(3):
        shape, pad = [1, 1, 1, 1, 1], [0, 0, 0]
        shape[2 + axis], pad[axis] = 7, 3
        pads = [p for axis_pad in reversed(pad) for p in (axis_pad, axis_pad)]
        y = functional.conv3d(functional.pad(y, pads, mode="replicate"), kernel.view(shape))
    return y[:, 0]


def _brighter(image, rng: np.random.Generator):
    return image * float(rng.uniform(0.75, 1.25))


def _contrasted(image, rng: np.random.Generator):
    """Away from, or towards, each channel's mean by 0.75 to 1.25."""
    mean = image.mean(dim=(1, 2, 3), keepdim=True)
    return (image - mean) * float(rng.uniform(0.75, 1.25)) + mean


def _coarser(image, rng: np.random.Generator):
    """As if sampled at 0.5 to 1 of the resolution."""
    from torch.nn import functional

    size = image.shape[1:]
    zoom = rng.uniform(0.5, 1.0)
    small = [max(round(n * zoom), 1) for n in size]
    down = functional.interpolate(image[None], size=small, mode="nearest")
    return functional.interpolate(down, size=tuple(size), mode="trilinear", align_corners=False)[0]


def _gamma(image, rng: np.random.Generator):
    return image.clamp(0, 1) ** float(rng.uniform(0.7, 1.5))


def _inverted_gamma(image, rng: np.random.Generator):
    return 1 - (1 - image.clamp(0, 1)) ** float(rng.uniform(0.7, 1.5))
