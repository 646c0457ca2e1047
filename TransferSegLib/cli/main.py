"""The ``transferseg`` command: parse, run a verb, print its value or its one-line error."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import TransferSegError, explain
from . import (
    crossvalidate,
    demo,
    distill,
    doctor,
    evaluate,
    finetune,
    l3,
    models,
    pack,
    prune,
    readers,
    segment,
    tmtv,
    worker,
)
from .console import Console

VERBS = (segment, l3, tmtv, finetune, evaluate, models, pack, demo, doctor, crossvalidate, readers, distill, prune)


class Parser(argparse.ArgumentParser):
    """argparse with one-line errors and exit code 2."""

    def error(self, message: str) -> None:
        """One line on stderr, then exit code 2."""
        self.exit(2, f"{self.prog}: error: {message}; see `{self.prog} --help`\n")


def build_parser(kind: type[argparse.ArgumentParser] = Parser, *, serving: bool = False) -> argparse.ArgumentParser:
    """The parser of all verbs; ``kind`` decides what a wrong use does, a worker (``serving``) starts no other."""
    parser = kind(prog="transferseg", description="Segment medical images, and adapt a model to a few corrected cases.")
    parser.add_argument("--version", action="version", version=f"transferseg {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=kind)
    for verb in VERBS if serving else (*VERBS, worker):
        verb.add(verbs)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 wrong use or input."""
    args = build_parser().parse_args(arguments)
    console = Console(quiet=args.quiet or (args.json and not sys.stderr.isatty()))
    events = console.events()
    previous = _cancel_on_interrupt(events)
    try:
        value = args.run(args, events)
        console.close()
        print(json.dumps(value, ensure_ascii=False) if args.json else args.show(value, args), flush=True)
        return args.code(value) if hasattr(args, "code") else 0
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        console.close()
        print(f"transferseg {args.verb}: stopped at once", file=sys.stderr, flush=True)
        return 1
    except Exception as error:
        console.close()
        if args.debug:
            raise
        told = explain(error)
        again = "; run again with --debug" if told.code == "unexpected" else ""
        print(f"transferseg {args.verb}: {told}{again}", file=sys.stderr, flush=True)
        return 1 if not isinstance(error, TransferSegError) else error.exit_code
    finally:
        if previous is not None:
            signal.signal(signal.SIGINT, previous)


def _cancel_on_interrupt(events):
    """Ctrl-C cancels at the next step, so that a training keeps its checkpoint; a second one ends at once."""

    def handle(number, frame):
        if events.cancelled:
            raise KeyboardInterrupt
        events.cancel()

    try:
        return signal.signal(signal.SIGINT, handle)
    except ValueError:  # not in the main thread (tests, embedding)
        return None
