"""A teacher beside a training: what it says of a batch, kept for windows that come again, and the student's loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..networks import watched_blocks
from .distillation import Distillation, importance_map, importance_map_loss, paired_blocks, prediction_map_loss
from .lessons import Lesson, LessonCache, window_key
from .losses import Loss, active_logits, exclusive_logits, judge
from .planes import as_planes, as_volume, maps_as_volume
from .rating import autocast
from .terms import labelled

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True)
class Teacher:
    """A network that teaches, and how its channels are the student's classes.

    Parameters
    ----------
    network : str
        Its name in the registry; empty for several networks that answer together, whose blocks teach nothing.
    module : nn.Module
    dims : {2, 3}
        A network of two dimensions works on the slices of a window.
    kind : {"softmax", "sigmoid"}
    channels : tuple of int
        Channels of its labels, in the order in which regions (sigmoid) are painted.
    places : tuple of int
        For each class of the student, from 1, which of ``channels`` it is.
    turned : bool
        It takes (channel, i, j, k).
    """

    network: str
    module: nn.Module
    dims: int
    kind: str
    channels: tuple[int, ...]
    places: tuple[int, ...]
    turned: bool = False

    def classes(self, logits: Tensor) -> Tensor:
        """Logits (B, channel, k, j, i) over background and the student's classes; all else is background."""
        if self.kind == "sigmoid":
            return active_logits(exclusive_logits(logits, self.channels), tuple(place + 1 for place in self.places))
        return active_logits(logits, tuple(self.channels[place] for place in self.places))


class Teaching:
    """Teaches one student in one training.

    Parameters
    ----------
    how : Distillation
    teacher : Teacher
    student : str
        The student's network in the registry.
    dims : {2, 3}
        Its dimensions.
    device, precision : str
        Where and how the teacher runs.
    cache : LessonCache, optional
        Keeps what the teacher said of a window for when it comes again. Only sensible where the augmentation brings
        windows again (flips alone, or none). Windows are then shown to it one by one, so that what it says does not
        depend on what it remembers: a resumed training ends as an uninterrupted one.

    Attributes
    ----------
    pairs : tuple of (str, str)
        Student's and teacher's groups whose maps are compared, known after the first batch.
    seen, asked : int
        Windows that the student was shown, and those of them that the teacher looked at.
    """

    def __init__(
        self,
        how: Distillation,
        teacher: Teacher,
        student: str,
        dims: int,
        *,
        device: str,
        precision: str,
        cache: LessonCache | None = None,
    ) -> None:
        self.how, self.teacher, self.pairs, self.cache = how, teacher, (), cache
        self.seen = self.asked = 0
        self._student, self._dims, self._device, self._precision = student, dims, device, precision
        self._blocks: dict[str, Tensor] = {}
        teacher.module.to(device).eval()

    def forward(self, module: nn.Module, inner: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """``inner``, the student's forward pass, with its blocks watched for the loss that follows."""
        if not self.how.importance:
            return inner

        def watched(inputs: Tensor) -> Tensor:
            with watched_blocks(self._student, module) as self._blocks:
                return inner(inputs)

        return watched

    def loss(self, base: Loss) -> DistillationLoss:
        """The student's loss: ``base`` for what has a truth, and the teacher's part."""
        return DistillationLoss(base, self)

    def of(self, logits: Tensor, image: Tensor) -> Tensor:
        """The teacher's part of the loss for logits (B, C, k, j, i) of windows (B, channel, k, j, i)."""
        lesson, total = self._lesson(image), 0
        if self.how.prediction:
            value = prediction_map_loss(
                logits, lesson.logits.float(), temperature=self.how.temperature, direction=self.how.direction
            )
            total = total + self.how.prediction * value
        if self.how.importance and not self.pairs:
            self.pairs = self._pair(lesson, image.shape[-1])
        for ours, theirs in self.pairs:
            maps = importance_map(self._blocks[ours], exponent=self.how.exponent)
            maps = maps_as_volume(maps, len(image), self._dims)
            target = lesson.maps[theirs].float()
            distance = importance_map_loss(_resized(maps, target.shape[1:]), target, form=self.how.form)
            # Their mean: a deep pair of networks has more pairs, which must not outweigh the truth.
            total = total + self.how.importance / len(self.pairs) * distance
        self._blocks = {}
        return total

    def _lesson(self, image: Tensor) -> Lesson:
        """The lesson of a batch."""
        import torch

        self.seen += len(image)
        if self.cache is None:
            return self._ask(image)
        lessons = []
        for window in image:
            key = window_key(window)
            lesson = self.cache.find(key, self._device)
            if lesson is None:
                lesson = self._ask(window[None])
                self.cache.keep(key, lesson)
            lessons.append(lesson)
        maps = {group: torch.cat([lesson.maps[group] for lesson in lessons]) for group in lessons[0].maps}
        return Lesson(torch.cat([lesson.logits for lesson in lessons]), maps)

    def _ask(self, image: Tensor) -> Lesson:
        """Run the teacher; half precision, so that a lesson is the same whether it comes from the cache or not."""
        import torch

        self.asked += len(image)
        teacher = self.teacher
        windows = image.transpose(2, 4) if teacher.turned else image
        planes = as_planes(windows, teacher.dims)
        blocks: dict[str, Tensor] = {}
        with torch.no_grad(), autocast(self._device, self._precision):
            if self.how.importance and teacher.network:
                with watched_blocks(teacher.network, teacher.module) as blocks:
                    logits = _first(teacher.module(planes))
            else:
                logits = _first(teacher.module(planes))
        maps = {}
        for group, value in blocks.items():
            found = maps_as_volume(importance_map(value, exponent=self.how.exponent), len(image), teacher.dims)
            found = found.transpose(1, 3) if teacher.turned else found
            # Values are small, their ratio counts: scaled to 1 they keep their digits in half precision.
            maps[group] = (found / found.flatten(1).amax(1).clamp_min(1e-12).view(-1, 1, 1, 1)).half()
        logits = as_volume(logits, len(image), teacher.dims)
        logits = logits.transpose(2, 4) if teacher.turned else logits
        return Lesson(teacher.classes(logits.float()).half(), maps)

    def _pair(self, lesson: Lesson, size: int) -> tuple[tuple[str, str], ...]:
        """Blocks to compare, once both networks were seen at work."""
        ours = {group: value.shape[-1] / size for group, value in self._blocks.items()}
        theirs = {group: maps.shape[-1] / size for group, maps in lesson.maps.items()}
        pairs = paired_blocks(ours, theirs)
        if not pairs:
            raise UsageError(
                f"--student {self._student}: no block of it has the resolution of one of {self.teacher.network}; "
                "use --importance 0"
            )
        return pairs


class DistillationLoss:
    """The base loss over what has a truth, and the teacher's part over everything; the last head is taught."""

    needs_image = True
    without_truth = True

    def __init__(self, base: Loss, teaching: Teaching) -> None:
        self._base, self._teaching = base, teaching

    def __call__(self, logits: Tensor, truth: Tensor, image: Tensor) -> Tensor:
        """Logits (heads x B, C, k, j, i), truth (B, 1, k, j, i), windows (B, channel, k, j, i) to a scalar."""
        import torch

        heads = logits.chunk(logits.shape[0] // truth.shape[0])
        total = self._teaching.of(heads[-1], image)
        known = labelled(truth)
        if known.all():
            return total + judge(self._base, logits, truth, image)
        if known.any():
            total = total + judge(self._base, torch.cat([head[known] for head in heads]), truth[known], image[known])
        return total


def _resized(maps: Tensor, size: torch.Size) -> Tensor:
    """Maps (B, k, j, i) on the teacher's grid."""
    from torch.nn import functional

    if maps.shape[1:] == size:
        return maps
    return functional.interpolate(maps[:, None], size=tuple(size), mode="trilinear", align_corners=False)[:, 0]


def _first(output: object) -> Tensor:
    return output[0] if isinstance(output, (list, tuple)) else output
