"""What went wrong in pip, for somebody who does not know pip."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from .translating import _


def pipError(text: str, otherwise: str = "") -> Exception:
    """``DependencyError`` with one plain sentence; ``details`` holds pip's own output.

    ``otherwise`` is said where the output tells nothing that is known.
    """
    from TransferSegLib.errors import DependencyError
    from TransferSegLib.packages.pip_words import last_error, pip_problem

    sentences = {
        "offline": _(
            "The packages could not be downloaded: is this computer connected to the internet? "
            "Without internet, install from an offline pack (Install from a folder)."
        ),
        "disk-full": _("The disk is full: free some space and press Install again."),
        "no-pip": _("This Slicer's Python cannot install packages: please install Slicer again."),
        "conflict": _("The packages do not fit what is installed in this Slicer; nothing was changed."),
        "no-wheel": _("A package is not available for this Slicer's Python; nothing was changed."),
    }
    fallback = otherwise or _("The packages could not be installed: {error}").format(error=last_error(text))
    error = DependencyError(sentences.get(pip_problem(text), fallback))
    error.details = text
    return error


@contextmanager
def captured(lines: list[str]) -> Iterator[None]:
    """Collect what is printed meanwhile (Slicer prints pip's output), and print it as before."""
    with redirect_stdout(_Tee(lines, sys.stdout)):
        yield


class _Tee:
    """Writes to a list of lines and to the stream that was there."""

    def __init__(self, lines: list[str], stream: Any) -> None:
        self._lines, self._stream = lines, stream

    def write(self, text: str) -> int:
        self._lines.extend(line for line in text.splitlines() if line.strip())
        return self._stream.write(text) if self._stream is not None else len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
