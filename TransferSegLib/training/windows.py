"""Training windows drawn from prepared cases; window n of a seed is always the same one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .augmentation import MARGIN, Augmentation
from .plan import TrainingPlan
from .terms import UNLABELLED

# Windows of unlabelled cases in each step, beside the plan's batch.
UNLABELLED_A_STEP = 1


@dataclass(frozen=True)
class TrainingCase:
    """One case ready for sampling.

    ``image`` is float32 (channel, k, j, i), possibly a memory map; ``truth`` uint8 (k, j, i) in class
    indices of the loss (0 background); ``foreground`` maps class index to (n, 3) voxel positions;
    ``brain`` is (n, 3) positions inside the brain. A case without a truth has `UNLABELLED` everywhere in it.
    """

    id: str
    image: np.ndarray
    truth: np.ndarray
    foreground: dict[int, np.ndarray]
    brain: np.ndarray


class Windows:
    """Draws batches: ``batch(step)`` depends on the seed and the step alone, so a resumed run sees the same.

    ``augmentation`` makes what changes a window, from the patch and ``flip_axis`` (`Augmentation`,
    `PetCtAugmentation`). ``unlabelled`` are cases without a truth: one window of theirs, anywhere in the body, is the
    last of each batch, beside as many of ``cases`` as without it, and these are the same ones.
    """

    def __init__(
        self,
        cases: Sequence[TrainingCase],
        plan: TrainingPlan,
        *,
        flip_axis: int = 2,
        augmentation: Callable[..., Any] = Augmentation,
        unlabelled: Sequence[TrainingCase] = (),
    ) -> None:
        self.cases = tuple(cases)
        self._unlabelled = tuple(unlabelled)
        self._plan = plan
        self._augment = augmentation(plan.patch, flip_axis=flip_axis) if plan.augment else None

    def batch(self, step: int, *, among: Sequence[int] | None = None):
        """(B, C, k, j, i) float32 and (B, 1, k, j, i) uint8 for optimiser step ``step``.

        ``among`` are the places of the cases that may be drawn from, all of them by default.
        """
        import torch

        pool = self.cases if among is None else [self.cases[place] for place in among]
        pairs = [self._window(pool, np.random.default_rng([self._plan.seed, step, n])) for n in range(self._plan.batch)]
        pairs += [self._without_truth(step, n) for n in range(UNLABELLED_A_STEP if self._unlabelled else 0)]
        return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])

    def fixed(self, place: int, count: int = 2):
        """Always the same ``count`` windows of a case, not augmented, the first about a lesion where there is one."""
        import torch

        case, size = self.cases[place], self._plan.patch
        images, truths = [], []
        for number in range(count):
            rng = np.random.default_rng([self._plan.seed, place, number, 19])
            start = _start(self._centre(case, rng, lesion=number == 0), size, case.truth.shape, rng)
            images.append(torch.from_numpy(cut(case.image, start, size)))
            truths.append(torch.from_numpy(cut(case.truth[None], start, size)))
        return torch.stack(images), torch.stack(truths)

    def _without_truth(self, step: int, number: int):
        image, truth = self._window(self._unlabelled, np.random.default_rng([self._plan.seed, step, number, 23]))
        return image, truth.fill_(UNLABELLED)

    def _window(self, pool: Sequence[TrainingCase], rng: np.random.Generator):
        import torch

        case = pool[int(rng.integers(len(pool)))]
        affine = self._augment is not None and rng.random() < self._augment.affine_share
        # A window of one slice moves within its slice: no neighbour is needed.
        size = tuple(p + 2 * MARGIN if affine and p > 1 else p for p in self._plan.patch)
        centre = self._centre(case, rng)
        start = _start(centre, size, case.truth.shape, rng)
        image = torch.from_numpy(cut(case.image, start, size))
        truth = torch.from_numpy(cut(case.truth[None], start, size))
        if self._augment is None:
            return image, truth
        return self._augment(image, truth, affine=affine, seed=int(rng.integers(2**31)))

    def _centre(self, case: TrainingCase, rng: np.random.Generator, *, lesion: bool = False) -> np.ndarray:
        if case.foreground and (lesion or rng.random() < self._plan.foreground):
            classes = sorted(case.foreground)
            positions = case.foreground[classes[int(rng.integers(len(classes)))]]
        else:
            positions = case.brain
        return positions[int(rng.integers(len(positions)))]


def _start(
    centre: np.ndarray, size: tuple[int, ...], shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[int, ...]:
    """Corner of a window that holds the centre somewhere in its middle half and stays inside where it can."""
    start = []
    for c, s, n in zip(centre, size, shape):
        corner = int(c) - s // 2 + int(rng.integers(-(s // 4), s // 4 + 1))
        start.append(min(max(corner, 0), n - s) if n >= s else (n - s) // 2)
    return tuple(start)


def cut(array: np.ndarray, start: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """Window of (channel, k, j, i), zero where it reaches beyond the array; always a fresh copy."""
    out = np.zeros((array.shape[0], *size), dtype=array.dtype)
    source, target = [slice(None)], [slice(None)]
    for s, n, length in zip(start, size, array.shape[1:]):
        low, high = max(s, 0), min(s + n, length)
        source.append(slice(low, high))
        target.append(slice(low - s, high - s))
    out[tuple(target)] = array[tuple(source)]
    return out
