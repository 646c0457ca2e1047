"""The worker's verb ``live``: open, frame, close; frames travel as files, and only the newest that waits is done."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, UsageError
from ..events import Events
from ..storage import storage_error
from .jobs import Newest
from .warm import WarmModels, release_gpu

if TYPE_CHECKING:
    from ..jobs.live import LiveSession

_TAKES = {
    "open": {"model", "image", "reference", "resample", "register", "mask", "device", "precision"},
    "frame": {"session", "index", "image", "out"},
    "close": {"session"},
}
_NEEDS = {"open": {"model"}, "frame": {"session", "index", "out"}, "close": {"session"}}


class LiveVerb:
    """One session at a time; a new one takes the place of the one before.

    ``{"action": "open", "model", "image": {role: file}, ...}`` gives ``session`` and what `LiveSession.describe` says;
    ``{"action": "frame", "session", "index", "image": {role: NAME.npy}, "out": NAME.npy}`` writes the slice's labels
    (uint8, (j, i)) to ``out`` and gives ``index, dropped, pixels {label: count}, seconds``; a frame that was still
    waiting when a newer one came is answered ``{"dropped": true}``. ``{"action": "close", "session"}`` ends it.
    """

    def __init__(self, models: WarmModels) -> None:
        self._models = models
        self._numbers = itertools.count(1)
        self._number: int | None = None
        self._session: LiveSession | None = None

    @property
    def is_open(self) -> bool:
        """Whether the next frame may come at any moment."""
        return self._session is not None

    def __call__(self, given: Mapping[str, Any]) -> Callable[[Events], Any]:
        """The work that a request means; ``UsageError`` where it means none."""
        given = {name: value for name, value in given.items() if value is not None}
        action = given.pop("action", None)
        if action not in _TAKES:
            raise UsageError(f"live: action {action!r} is unknown; use one of {', '.join(_TAKES)}")
        for name in _NEEDS[action] - set(given):
            raise UsageError(f"live {action}: required: {name}")
        for name in set(given) - _TAKES[action]:
            raise UsageError(f"live {action}: unknown argument {name!r}; it takes {', '.join(sorted(_TAKES[action]))}")
        images = given.get("image", {})
        if not isinstance(images, dict) or not all(isinstance(file, str) for file in images.values()):
            raise UsageError("live: image is {role: file}")
        if action == "open":
            return lambda events: self._open(given, events)
        if action == "close":
            return lambda events: self._close(given["session"])
        index = given["index"]
        if not isinstance(index, int) or isinstance(index, bool):
            raise UsageError(f"live frame: index is {index!r}; it is the number of a slice")
        return Newest(f"live {given['session']}", lambda events: self._frame(given))

    def _open(self, given: dict[str, Any], events: Events) -> dict[str, Any]:
        from ..jobs.live import open_live
        from ..preparing import PreparationOptions

        started = time.perf_counter()
        self._session = self._number = None  # its memory is free before the new case is read
        notes: list[str] = []
        steps = {name: given[name] for name in ("resample", "register", "mask") if name in given}
        how = {name: given[name] for name in ("reference", "device", "precision") if name in given}
        session = open_live(
            model=self._models.open(given["model"]),
            images=given.get("image"),
            options=PreparationOptions(**steps),
            events=events.noting(notes),
            **how,
        )
        self._session, self._number = session, next(self._numbers)
        seconds = round(time.perf_counter() - started, 3)
        return {"session": self._number, **session.describe(), "notes": notes, "seconds": seconds}

    def _frame(self, given: dict[str, Any]) -> dict[str, Any]:
        started = time.perf_counter()
        session = self._session
        if session is None or given["session"] != self._number:
            raise UsageError(f"live frame: there is no session {given['session']}; open one")
        pixels = {role: _read(role, Path(file)) for role, file in given.get("image", {}).items()}
        read = time.perf_counter()
        found = session.frame(given["index"], pixels)
        done = time.perf_counter()
        out = Path(given["out"])
        try:
            np.save(out, found.labels, allow_pickle=False)
        except OSError as error:
            raise storage_error(out, error) from error
        counts = np.bincount(found.labels.reshape(-1), minlength=256)
        ended = time.perf_counter()
        parts = {"read": read - started, "write": ended - done}
        seconds = found.seconds | {name: round(value, 5) for name, value in parts.items()}
        return {
            "index": given["index"],
            "dropped": False,
            "pixels": {name: int(counts[value]) for value, name in session.card.label_names().items()},
            "seconds": seconds | {"total": round(ended - started, 5)},
        }

    def _close(self, number: Any) -> dict[str, Any]:
        was_open = self._number is not None and number == self._number
        if was_open:
            self._session = self._number = None
            release_gpu()
        return {"closed": was_open}


def _read(role: str, path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: the frame of {role} cannot be read ({str(error)[:80]}); write it as .npy") from error
