"""A folder that belongs to a living process: a lock that the system lets go of however the process ends."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO

_NAME = ".owner"


class Claim:
    """Marks a folder as used by this process until ``release`` or the process's end.

    A process number alone would not do: numbers are used again, after a restart of the machine at once.
    """

    def __init__(self, folder: str | Path) -> None:
        self._path = Path(folder) / _NAME
        self._file: IO[bytes] | None = open(self._path, "ab+")  # noqa: SIM115
        if not _lock(self._file):
            self._file.close()
            self._file = None
            raise BlockingIOError(f"{folder}: another process uses it")

    def release(self) -> None:
        """Give the folder up; its mark is removed."""
        if self._file is not None:
            self._file.close()
            self._file = None
            with contextlib.suppress(OSError):
                self._path.unlink()


def isClaimed(folder: str | Path) -> bool:
    """Whether a living process (this one too) has claimed the folder; true also where that cannot be found out."""
    path = Path(folder) / _NAME
    try:
        with open(path, "rb+") as file:
            return not _lock(file)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def hasMark(folder: str | Path) -> bool:
    """Whether the folder was claimed and not released, by a living process or one that died."""
    return (Path(folder) / _NAME).exists()


def _lock(file: IO[bytes]) -> bool:
    """Whether this handle has the lock now; it goes when the handle is closed."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
