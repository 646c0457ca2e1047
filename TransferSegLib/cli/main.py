"""The ``transferseg`` command: parse, run a verb, print its value or its one-line error."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import TransferSegError
from . import demo, doctor, evaluate, finetune, models, segment
from .console import Console

VERBS = (segment, finetune, evaluate, models, demo, doctor)


class Parser(argparse.ArgumentParser):
    """argparse with one-line errors and exit code 2."""

    def error(self, message: str) -> None:
        """One line on stderr, then exit code 2."""
        self.exit(2, f"{self.prog}: error: {message}; see `{self.prog} --help`\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = Parser(
        prog="transferseg", description="Segment medical images, and adapt a model to a few corrected cases."
    )
    parser.add_argument("--version", action="version", version=f"transferseg {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    for verb in VERBS:
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
    except (TransferSegError, OSError, MemoryError) as error:
        console.close()
        if args.debug:
            raise
        print(f"transferseg {args.verb}: {_one_line(error)}", file=sys.stderr, flush=True)
        return error.exit_code if isinstance(error, TransferSegError) else 1
    except Exception as error:
        console.close()
        if args.debug:
            raise
        text = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"transferseg {args.verb}: unexpected error, {text}; run again with --debug", file=sys.stderr, flush=True)
        return 1
    finally:
        if previous is not None:
            signal.signal(signal.SIGINT, previous)


def _one_line(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory; close other programs or choose a smaller window"
    if isinstance(error, OSError) and not isinstance(error, TransferSegError):
        return f"{error.filename or 'a file'}: {error.strerror or error}; check the path, its permissions and the disk"
    return str(error)


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
