"""Removing what a process that is just ending may still hold open, or be writing to."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

from .ticker import Ticker

_RETRY_MS = 200
_PATIENCE_SECONDS = 20.0
_END_SECONDS = 2.0

_left: dict[Path, float] = {}  # what is still there, and until when it is tried


def removeWhole(path: str | Path) -> bool:
    """Remove a folder or file now, or as soon as it can be; whether it is gone now.

    Windows does not remove open files, and a process that is ended there lives on for a moment.
    """
    path = Path(path)
    if _remove(path):
        _left.pop(path, None)
        return True
    _left.setdefault(path, time.monotonic() + _PATIENCE_SECONDS)
    if threading.current_thread() is threading.main_thread():  # a timer belongs to its thread
        _ticker.keep(_RETRY_MS)
    return False


def finishRemoving(seconds: float = _END_SECONDS) -> None:
    """Wait that long for what is left; afterwards nothing is tried any more."""
    end = time.monotonic() + seconds
    while _left and time.monotonic() < end:
        _retry()
        if _left:
            time.sleep(0.05)
    for path in _left:
        logging.info("TransferSeg: %s could not be removed", path)
    _left.clear()
    _ticker.close()


def _retry() -> None:
    for path, until in list(_left.items()):
        if _remove(path) or time.monotonic() > until:
            _left.pop(path, None)
    if not _left:
        _ticker.keep(None)


def _remove(path: Path) -> bool:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
    return not os.path.lexists(path)


_ticker = Ticker(_retry)
atexit.register(finishRemoving)
