"""Long work as the panels and the console see it: what is being done, how far it is, and how to end it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from . import wording
from .closing import Closing

PAUSE_SECONDS = 0.005


class Run:
    """One piece of long work; its methods are called on the main thread only.

    Attributes
    ----------
    state : str
        ``queued running done failed cancelled``.
    result, error : object or None
        One of them is set when it is finished; ``error`` is a ``TransferSegError`` with ``message`` (plain words),
        ``code`` (``"cancelled"`` after a cancel), ``hint`` and ``details`` (for the "Details" fold, may be empty).
    job : Job or None
        The worker's job, once it was asked for.
    stage : str
        What is being done now, in plain words.
    done, total, secondsLeft : int, int, float or None
        Progress of the stage; ``total`` is 0 where it cannot be counted.
    memory : dict
        The worker's last ``{used_gb, total_gb}``.
    messages : list of str
        What the worker had to say (a fallback taken, a step skipped).
    metrics : list of dict
        A training's rows so far: ``epoch, loss, validation_dice, ...``.
    """

    givesWay = False
    """Whether it ends when other work is started, rather than keep it waiting."""

    def __init__(
        self,
        client: Any,
        callback: Callable[[Any, Any], None] | None = None,
        onEvent: Callable[[Run, dict], None] | None = None,
    ) -> None:
        self.client = client
        self.state = "queued"
        self.result: Any = None
        self.error: Any = None
        self.job: Any = None
        self.stage = wording.waiting()
        self.done = 0
        self.total = 0
        self.secondsLeft: float | None = None
        self.memory: dict[str, float] = {}
        self.messages: list[str] = []
        self.metrics: list[dict[str, Any]] = []
        self.ended: Callable[[Run], None] = lambda run: None
        """Called when it is over, before the callback; ``after`` is called after it."""
        self.whenClosing: Callable[[], None] = self.endNow
        """Called by ``wait`` when Slicer is being closed."""
        self.after: Callable[[], None] = lambda: None
        self._callback = callback
        self._onEvent = onEvent
        self._cancelled: Exception | None = None

    @property
    def finished(self) -> bool:
        """Whether it is over, well or not."""
        return self.state in ("done", "failed", "cancelled")

    def begin(self) -> None:
        """Start the work; called once, by the queue."""
        self.state = "running"
        try:
            self.work()
        except Exception as error:
            self.fail(error)

    def work(self) -> None:
        """The first step; each kind of run has its own."""
        raise NotImplementedError

    def cleanUp(self) -> None:
        """Remove what the run left; called once, when it is over."""

    def cancel(self, message: str = "") -> None:
        """End without a result; it is finished at the latest a second later."""
        if self.finished:
            return
        self._cancelled = wording.cancelled(message)
        if self.job is not None and not self.job.finished:
            self.job.cancel()
        else:
            self.fail(self._cancelled)

    def explained(self, error: Any) -> Any:
        """The error as this run tells it: kinds of runs that have several steps say in which."""
        return error

    def endNow(self) -> None:
        """End at once, since the worker is gone."""
        self.cancel()

    def mute(self) -> None:
        """Call nobody back."""
        self._callback = self._onEvent = None

    def wait(self) -> Any:
        """Block until it is finished or Slicer closes, keeping Slicer alive; the result, or its error raised."""
        import slicer

        closing = Closing()
        while not self.finished:
            if closing.begun:
                self.whenClosing()
                self.endNow()
            self.client.pump()
            slicer.app.processEvents()
            time.sleep(PAUSE_SECONDS)
        if self.error is not None:
            raise self.error
        return self.result

    # Steps

    def inBackground(self, function: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Run ``function`` off the main thread, then ``then(value)`` on it."""

        def onDone(value: Any, error: Any) -> None:
            if self.finished:  # cancelled meanwhile: what the function made is removed now
                self.cleanUp()
            elif error is not None:
                self.fail(error)
            else:
                self._guard(then, value)

        self.client.background(function, onDone)

    def ask(
        self,
        verb: str,
        args: dict[str, Any],
        then: Callable[[Any], None],
        otherwise: Callable[[Any], None] | None = None,
    ) -> None:
        """Ask the worker, then ``then(value)`` with its answer; an error ends the run unless ``otherwise`` takes it."""

        def onDone(job: Any) -> None:
            if self.finished:
                self.cleanUp()
            elif self._cancelled is not None or job.state == "cancelled":
                self.fail(self._cancelled or job.error or wording.cancelled())
            elif job.state == "done":
                self._guard(then, job.result)
            elif otherwise is not None:
                self._guard(otherwise, job.error)
            else:
                self.fail(job.error)

        self.say(wording.starting())
        self.job = self.client.request(verb, args, onEvent=self._event, onDone=onDone)

    def say(self, stage: str) -> None:
        """Show what is being done now."""
        self.stage, self.done, self.total, self.secondsLeft = stage, 0, 0, None
        self.tell({"event": "progress", "stage": stage, "done": 0, "total": 0, "seconds_left": None})

    def succeed(self, result: Any) -> None:
        """End well."""
        self.result = result
        self._end("done")

    def fail(self, error: Any) -> None:
        """End with an error."""
        if not self.finished:
            self.error = self.explained(wording.plainError(error))
            self._end("cancelled" if self.error.code == "cancelled" else "failed")

    def _end(self, state: str) -> None:
        self.state = state
        try:
            self.cleanUp()
        finally:
            self.ended(self)
            try:
                if self._callback is not None:
                    self._callback(self.result, self.error)
            finally:
                self.after()

    def _guard(self, step: Callable[[Any], None], value: Any) -> None:
        try:
            step(value)
        except Exception as error:
            self.fail(error)

    def _event(self, job: Any, event: dict[str, Any]) -> None:
        kind = event.get("event")
        if kind == "progress":
            self.stage = wording.stageName(event.get("stage") or "")
            self.done, self.total = event.get("done") or 0, event.get("total") or 0
            self.secondsLeft = event.get("seconds_left")
        elif kind == "memory":
            self.memory = {key: event.get(key) for key in ("used_gb", "total_gb")}
        elif kind == "message":
            self.messages.append(event.get("text") or "")
        elif kind == "metric":
            self.metrics.append({key: value for key, value in event.items() if key not in ("id", "event")})
        self.tell(event)

    def tell(self, event: dict[str, Any]) -> None:
        """Hand an event to whoever asked for them."""
        if self._onEvent is not None:
            self._onEvent(self, event)


class AskRun(Run):
    """A run that is one question to the worker; ``take`` makes the result of its answer."""

    def __init__(self, client: Any, verb: str, args: dict, take: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(client, **options)
        self._question = (verb, args, take)

    def work(self) -> None:
        """Ask."""
        verb, args, take = self._question
        self.ask(verb, args, lambda value: self.succeed(take(value)))
