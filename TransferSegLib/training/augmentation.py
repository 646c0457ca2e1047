"""Random changes of a training window, by MONAI, drawn from the step's own seed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

MARGIN = 12


_lock = threading.Lock()
_inside = 0
_tracking_before = True


@contextmanager
def _without_meta() -> Iterator[None]:
    """MONAI tracks no metadata meanwhile; its switch is one for the whole process, and two threads may be inside."""
    from monai.data import get_track_meta, set_track_meta

    global _inside, _tracking_before
    with _lock:
        if _inside == 0:
            _tracking_before = get_track_meta()
            set_track_meta(False)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                set_track_meta(_tracking_before)


class Augmentation:
    """Left-right flip, small affine, and intensity changes of one window.

    Parameters
    ----------
    patch : tuple of int
        Size of the window that comes out.
    flip_axis : int
        Spatial axis that runs from left to right (2 for kji arrays, 0 for ijk).
    """

    def __init__(self, patch: tuple[int, int, int], *, flip_axis: int = 2) -> None:
        from monai.transforms import (
            Compose,
            RandAdjustContrastd,
            RandAffined,
            RandFlipd,
            RandGaussianNoised,
            RandGaussianSmoothd,
            RandScaleIntensityd,
            RandShiftIntensityd,
        )

        both, image = ["image", "truth"], ["image"]
        # A window of one slice is turned and scaled within its plane, and smoothed there: slices may lie far apart.
        flat = patch[0] == 1
        depth = (1e-3, 1e-3) if flat else (0.4, 1)
        # Resampling costs as much as an optimiser step on two cores: a fifth of the windows has to do.
        self.affine_share = 0.2
        self._affine = Compose(
            [
                RandAffined(
                    both,
                    prob=1.0,
                    spatial_size=patch,
                    rotate_range=[0.26, 0.0, 0.0] if flat else [0.26] * 3,
                    scale_range=[0.0, 0.12, 0.12] if flat else [0.12] * 3,
                    mode=["bilinear", "nearest"],
                    padding_mode="zeros",
                )
            ]
        )
        self._rest = Compose(
            [
                RandFlipd(both, prob=0.5, spatial_axis=flip_axis),
                RandScaleIntensityd(image, prob=0.5, factors=0.15, channel_wise=True),
                RandShiftIntensityd(image, prob=0.5, offsets=0.15, channel_wise=True),
                RandAdjustContrastd(image, prob=0.2, gamma=(0.7, 1.5)),
                RandGaussianNoised(image, prob=0.15, std=0.1),
                RandGaussianSmoothd(image, prob=0.1, sigma_x=depth, sigma_y=(0.4, 1), sigma_z=(0.4, 1)),
            ]
        )

    def __call__(self, image, truth, *, affine: bool, seed: int):
        """Change one window; the background stays exactly 0.

        Parameters
        ----------
        image, truth : torch.Tensor
            (channel, k, j, i) float32 and (1, k, j, i) uint8; with ``affine`` larger than the patch by
            ``MARGIN`` on each side, but for the one slice of a flat patch.
        """
        with _without_meta():
            return self._change({"image": image, "truth": truth.float()}, affine=affine, seed=seed)

    def _change(self, data: dict, *, affine: bool, seed: int):
        import torch

        if affine:
            self._affine.set_random_state(state=np.random.RandomState(seed))
            data = self._affine(data)
        # Flips move the brain: carry its mask along, so that intensity changes stop at its edge.
        brain = (data["image"] != 0).any(dim=0, keepdim=True)
        data["truth"] = torch.cat([data["truth"], brain.float()])
        self._rest.set_random_state(state=np.random.RandomState(seed))
        data = self._rest(data)
        truth, brain = data["truth"][:1], data["truth"][1:]
        return data["image"] * brain, truth.round().to(torch.uint8)
