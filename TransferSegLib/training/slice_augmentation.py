"""Random changes of a window without a background of its own (CT, pictures): flips, brightness, contrast; flips alone.

Crops come with the windows themselves. Flips and crops are the source's (methods.md, section 3).
"""

from __future__ import annotations

import numpy as np

BRIGHTNESS, CONTRAST, SHARE = 0.15, 0.15, 0.5


class Flips:
    """Flips alone, each with probability 0.5: a window is one of a few, which a teacher need not look at again.

    Parameters
    ----------
    patch : tuple of int
        Size of the window, (k, j, i); not changed.
    flip_axis : int
        The spatial axis from left to right.
    both : bool
        Along both axes of the slice instead.
    """

    affine_share = 0.0

    def __init__(self, patch: tuple[int, int, int], *, flip_axis: int = 2, both: bool = False) -> None:
        self._axes = (2, 3) if both else (1 + flip_axis,)

    def __call__(self, image, truth, *, affine: bool, seed: int):
        """Change one window: (channel, k, j, i) float32 and (1, k, j, i) uint8."""
        import torch

        return tuple(torch.flip(part, self._drawn(np.random.default_rng(seed))) for part in (image, truth))

    def _drawn(self, rng: np.random.Generator) -> list[int]:
        return [axis for axis in self._axes if rng.random() < 0.5]


class SliceAugmentation:
    """Flips along both axes of the slice, each with probability 0.5, then brightness and contrast of each channel.

    Parameters
    ----------
    patch : tuple of int
        Size of the window, (1, j, i); not changed.
    flip_axis : int
        Not used: both axes of the slice are mirrored.
    """

    affine_share = 0.0

    def __init__(self, patch: tuple[int, int, int], *, flip_axis: int = 2) -> None:
        self._axes = (2, 3)

    def __call__(self, image, truth, *, affine: bool, seed: int):
        """Change one window.

        Parameters
        ----------
        image, truth : torch.Tensor
            (channel, 1, j, i) float32 in SD of the training set, and (1, 1, j, i) uint8.
        """
        import torch

        rng = np.random.default_rng(seed)
        axes = [axis for axis in self._axes if rng.random() < 0.5]
        if axes:
            image, truth = torch.flip(image, axes), torch.flip(truth, axes)
        shape = (image.shape[0], 1, 1, 1)
        if rng.random() < SHARE:
            factor = 1 + rng.uniform(-CONTRAST, CONTRAST, shape)
            image = image * torch.from_numpy(factor.astype(np.float32))
        if rng.random() < SHARE:
            image = image + torch.from_numpy(rng.uniform(-BRIGHTNESS, BRIGHTNESS, shape).astype(np.float32))
        return image, truth
