"""transferseg worker."""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .. import __version__
from ..errors import DependencyError, UsageError
from ..events import Events
from ..places import cache_folder, models_folder
from ..storage import remove_leftovers
from ..worker import Channel, LiveVerb, Server, WarmModels, error_event, release_gpu, to_arguments
from . import options

# Verbs whose model is taken from those that are open already.
WARMED = ("segment", "evaluate", "l3", "tmtv")


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "worker",
        "serve requests, one JSON a line on stdin, until its end; what Slicer talks to",
        """echo '{"id": 1, "verb": "doctor", "args": {}}' | transferseg worker""",
    )
    parser.set_defaults(run=run, show=lambda value, args: "")


def run(args: argparse.Namespace, events: Events) -> Any:
    """Serve until the end of stdin."""
    # Read when torch is loaded. Threads that wait actively take the cores that Slicer draws with: with two threads on
    # two busy cores a frame of live mode took 2.5 s and 1.1 s of CPU, and 0.3 s and 0.08 s with this.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in Slicer's terminal is not for us
    channel = Channel.take_standard()
    faulthandler.enable()
    understand = _Verbs()
    server = Server(channel, understand)
    signal.signal(signal.SIGTERM, lambda number, frame: server.close())
    server.listen()
    try:
        import torch  # noqa: F401
    except (ImportError, OSError) as error:  # a half-installed torch raises OSError for its libraries
        problem = DependencyError(f"torch cannot be loaded ({error}); install the dependencies again")
        server.greet(error_event(problem))
        raise SystemExit(1) from None
    server.greet({"event": "ready", "version": __version__, "pid": os.getpid(), **_device()})
    _tidy()
    server.work(when_idle=_import_ahead, expecting=lambda: understand.live.is_open)
    # torch takes more than a second to be taken down: nothing of it needs that.
    sys.stderr.flush()
    os._exit(0)


def _device() -> dict[str, str]:
    """Where work will run unless a request says otherwise, and why; nothing where that cannot be told."""
    from ..inference.devices import choose_device

    try:
        chosen = choose_device("auto")
    except Exception:  # a broken driver is for the request that needs it to tell
        return {}
    return {"device": chosen.name, "device_reason": chosen.reason}


def _import_ahead() -> None:
    """What the first segmentation would otherwise wait for."""
    for module in ("monai.networks.nets", "TransferSegLib.jobs.finetune"):
        with suppress(Exception):  # the request that needs it says what is missing
            importlib.import_module(module)


def _tidy() -> None:
    """Remove what workers that were killed left behind."""
    for folder in (models_folder(), cache_folder("packages"), cache_folder("prepared"), tempfile.gettempdir()):
        remove_leftovers(folder)


class _Verbs:
    """Turns requests into calls of the command line's verbs."""

    def __init__(self) -> None:
        from .main import build_parser

        self._parser = build_parser(_Strict, serving=True)
        self._models = WarmModels()
        self.live = LiveVerb(self._models)

    def __call__(self, verb: str, given: dict[str, Any]) -> Callable[[Events], Any]:
        """The work that a request means; ``UsageError`` where it means none."""
        if verb == "warm":
            if set(given) - {"model"} or not isinstance(given.get("model"), str):
                raise UsageError('warm: takes the argument "model", a name, folder or zip')
            return lambda events: self._models.warm(given["model"], events)
        if verb == "live":
            return self.live(given)
        args = self._parser.parse_args(to_arguments(self._parser, verb, given))
        return lambda events: self._do(verb, args, events)

    def _do(self, verb: str, args: argparse.Namespace, events: Events) -> Any:
        if verb in WARMED and args.model is not None:
            args.model = self._models.open(args.model, getattr(args, "runtime", "auto"))
        try:
            return args.run(args, events)
        finally:
            release_gpu()


class _Strict(argparse.ArgumentParser):
    """argparse that raises what the command line would print."""

    def error(self, message: str) -> None:
        """Every wrong use."""
        raise UsageError(f"{self.prog.removeprefix('transferseg ')}: {message}")
