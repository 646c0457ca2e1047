"""The worker's loop: a thread that reads requests, a queue, and one job at a time in the main thread."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..errors import UsageError
from ..events import Events
from ..processes import kill_tree, memory_gb
from .channel import Channel
from .jobs import Job, error_event

# The parent gives two seconds from the end of stdin; what still runs then is stuck in a native call.
GRACE_SECONDS = 1.2
MEMORY_SECONDS = 1.0

Understand = Callable[[str, dict], Callable[[Events], Any]]


class Server:
    """Serves one parent until its end of the pipes closes.

    Parameters
    ----------
    channel : Channel
    understand : callable
        From a verb and its arguments to the work, which takes ``Events`` and gives the result; raises
        ``UsageError`` for what cannot be meant. Called in the reading thread, so that it answers at once.
    """

    def __init__(self, channel: Channel, understand: Understand) -> None:
        self._channel, self._understand = channel, understand
        self._waiting: deque[Job] = deque()
        self._current: Job | None = None
        self._changed = threading.Condition()
        self._closing = False

    def listen(self) -> None:
        """Start to read requests; they wait until ``work`` is called."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def greet(self, event: dict[str, Any]) -> None:
        """Send the first event of all, which belongs to no request."""
        self._channel.open({"id": None, **event})

    def work(
        self, *, when_idle: Callable[[], None] = lambda: None, expecting: Callable[[], bool] = lambda: False
    ) -> None:
        """Do the requests in turn; returns at the end of the input, when nothing is left running.

        ``when_idle`` is called once, the first time that nothing waits and nothing is ``expecting`` the next request
        at once.
        """
        threading.Thread(target=self._watch_memory, name="memory", daemon=True).start()
        was_idle = False
        while not self._closing:
            wait = was_idle or expecting()
            if (job := self._next(wait=wait)) is not None:
                self._do(job)
            elif not wait:
                was_idle = True
                when_idle()
        kill_tree(os.getpid(), itself=False)

    def _do(self, job: Job) -> None:
        job.run()
        with self._changed:
            self._current = None
        if self._channel.broken.is_set():
            self.close()

    def close(self) -> None:
        """Cancel everything; the process ends soon, whatever it is doing."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            unserved = [str(job.id) for job in (self._current, *self._waiting) if job is not None]
            self._waiting.clear()
            if self._current is not None:
                self._current.events.cancel()
            self._changed.notify_all()
        threading.Thread(target=_end_soon, name="end", daemon=True).start()
        if unserved:
            text = f"transferseg worker: the input ended before request {', '.join(unserved)} was done; "
            with suppress(OSError):  # whoever read this may be gone too
                os.write(2, f"{text}keep it open until the result is there\n".encode())

    def _next(self, *, wait: bool) -> Job | None:
        with self._changed:
            while wait and not self._waiting and not self._closing:
                self._changed.wait()
            if self._closing or not self._waiting:
                return None
            self._current = self._waiting.popleft()
            return self._current

    def _read(self) -> None:
        try:
            for line in self._channel.lines():
                if line.strip():
                    self._take(line)
        except OSError:
            pass
        finally:
            self.close()

    def _take(self, line: bytes) -> None:
        """Answer one line, or queue what it asks for."""
        name = None
        try:
            request = _decoded(line)
            name, verb, args = request.get("id"), request.get("verb"), request.get("args") or {}
            if not isinstance(name, (int, str)) or isinstance(name, bool):
                name = None
                raise UsageError('a request needs an "id", a number or a text')
            if not isinstance(verb, str) or not isinstance(args, dict):
                raise UsageError('a request is {"id": N, "verb": "...", "args": {...}}')
            if verb in ("cancel", "stop"):
                self._end(name, verb)
            else:
                self._queue(name, verb, args)
        except Exception as error:
            self._channel.send({"id": name, **error_event(error)})

    def _queue(self, name: int | str, verb: str, args: dict[str, Any]) -> None:
        with self._changed:
            known = [job.id for job in (self._current, *self._waiting) if job is not None]
        if name in known:  # an answer under that name would pass for the other's
            problem = UsageError(f"request {name}: another of that id is not finished; give each its own")
            self._channel.send({"id": None, **error_event(problem)})
            return
        job = Job(name, verb, self._understand(verb, args), self._channel)
        with self._changed:
            older = [one for one in self._waiting if job.key is not None and one.key == job.key]
            for one in older:
                self._waiting.remove(one)
            self._waiting.append(job)
            self._changed.notify_all()
        for one in older:
            one.dropped()

    def _end(self, name: int | str, how: str) -> None:
        """Cancel or stop a request; one that is finished or unknown needs nothing."""
        with self._changed:
            if self._current is not None and self._current.id == name:
                self._current.events.cancel() if how == "cancel" else self._current.events.stop()
                return
            job = next((job for job in self._waiting if job.id == name), None)
            if job is None:
                return
            self._waiting.remove(job)
        job.cancelled()

    def _watch_memory(self) -> None:
        while not self._closing:
            job = self._current
            found = memory_gb(os.getpid()) if job is not None else None
            if job is not None and found is not None:
                used, total = (round(value, 2) for value in found)
                job.send({"event": "memory", "used_gb": used, "total_gb": total})
            time.sleep(MEMORY_SECONDS)


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"a line that is not JSON in UTF-8 ({str(error)[:80]})") from None
    if not isinstance(request, dict):
        raise UsageError('a request is {"id": N, "verb": "...", "args": {...}}')
    return request


def _end_soon() -> None:
    time.sleep(GRACE_SECONDS)
    kill_tree(os.getpid(), itself=False)
    os._exit(0)
