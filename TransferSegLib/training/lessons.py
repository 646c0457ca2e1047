"""What a teacher said of windows, kept in memory and on disk for when they come again."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

if TYPE_CHECKING:
    from torch import Tensor

# What is kept of a teacher, in memory and on disk.
CACHE_BYTES = 2**30


@dataclass(frozen=True)
class Lesson:
    """What a teacher says of windows: logits (B, class, k, j, i), and by its groups importance maps (B, k', j', i').

    In half precision, so that it is the same whether it comes from the teacher or from the cache.
    """

    logits: Tensor
    maps: dict[str, Tensor]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(part.numel() * part.element_size() for part in (self.logits, *self.maps.values()))


def window_key(window: Tensor) -> str:
    """A digest of a window (channel, k, j, i): its shape, and what is in it."""
    digest = hashlib.blake2b(repr(tuple(window.shape)).encode(), digest_size=16)
    digest.update(window.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


class LessonCache:
    """Lessons of single windows by the window's content.

    Parameters
    ----------
    folder : path, optional
        Of this teacher and of what is asked of it: other trainings find its lessons there. It may be deleted at any
        time; nothing more is written once it holds ``limit`` bytes.
    limit : int
        Bytes in memory, the oldest go first, and on disk.
    """

    def __init__(self, folder: Path | None = None, limit: int = CACHE_BYTES) -> None:
        self._kept: OrderedDict[str, Lesson] = OrderedDict()
        self._folder, self._limit, self._bytes, self._room = folder, limit, 0, 0
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                self._room = limit - sum(file.stat().st_size for file in folder.glob("*.npz"))
        except OSError:  # cannot be written, or is being deleted
            self._folder = None

    def find(self, key: str, device: str = "cpu") -> Lesson | None:
        """The lesson of one window, or None."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        found = self._read(key, device)
        if found is not None:
            self._remember(key, found)
        return found

    def keep(self, key: str, lesson: Lesson) -> None:
        """Remember one window's lesson."""
        self._remember(key, lesson)
        if self._folder is None or self._room < lesson.size:
            return
        import numpy as np

        self._room -= lesson.size
        part = self._folder / f"{key}.{os.getpid()}.part"
        try:
            with part.open("wb") as file:
                arrays = {"logits": lesson.logits, **{f"map {g}": m for g, m in lesson.maps.items()}}
                np.savez(file, **{name: array.cpu().numpy() for name, array in arrays.items()})
            part.replace(self._folder / f"{key}.npz")
        except OSError:  # a full disk costs time, not the training
            part.unlink(missing_ok=True)
            self._room = 0

    def _remember(self, key: str, lesson: Lesson) -> None:
        self._kept[key] = lesson
        self._bytes += lesson.size
        while self._bytes > self._limit:
            self._bytes -= self._kept.popitem(last=False)[1].size

    def _read(self, key: str, device: str) -> Lesson | None:
        if self._folder is None:
            return None
        import numpy as np
        import torch

        try:
            with np.load(self._folder / f"{key}.npz") as file:
                arrays = {name: torch.from_numpy(file[name]).to(device) for name in file.files}
        except (OSError, ValueError, EOFError, BadZipFile):  # not there, or damaged
            return None
        logits = arrays.pop("logits", None)
        return None if logits is None else Lesson(logits, {n.removeprefix("map "): a for n, a in arrays.items()})
