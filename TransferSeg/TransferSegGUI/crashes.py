"""Why a job did not end well, in plain words."""

from __future__ import annotations

import signal
import sys
from typing import Any

from .translating import _

# Above this share of the machine's memory, a kill by the system was most likely for want of it.
_MEMORY_SHARE = 0.7
_DETAIL_LINES = 40
_WINDOWS_NO_MEMORY = {0xC0000017, 0xC000009A, 0xC000012D}


def workerError(event: dict[str, Any]) -> Exception:
    """The exception of a worker's ``error`` event, of the class that has its code, with ``details``."""
    from TransferSegLib import errors

    code = str(event.get("code") or "failed")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    kind = next((k for k in kinds if getattr(k, "code", None) == code), errors.TransferSegError)
    message = str(event.get("message") or _("it failed without saying why; look at the details"))
    return _withCode(kind(message, hint=str(event.get("hint") or "")), code, str(event.get("details") or ""))


def cancelledError() -> Exception:
    """What a job that the user cancelled carries."""
    from TransferSegLib.errors import Cancelled

    return _withCode(Cancelled(_("Cancelled.")), "cancelled", "")


def closedError() -> Exception:
    """What a job carries that was cut off because Slicer closes: not a cancel, so what can be resumed stays."""
    return _plain(_("Slicer was closed while this was running; a training can be resumed"), "worker-closed", "")


def crashError(exitCode: int | None, memory: dict[str, float], stderr: str) -> Exception:
    """What a job carries whose worker died under it."""
    text = whatHappened(exitCode, memory, stderr)
    return _plain(text, "worker-crashed", _tail(stderr))


def startError(exitCode: int | None, stderr: str, problem: Exception | None = None) -> Exception:
    """What waiting jobs carry when the worker cannot be started; ``problem`` is what it, or the system, said."""
    from TransferSegLib.errors import TransferSegError

    if isinstance(problem, TransferSegError):
        return _withCode(problem, problem.code, getattr(problem, "details", "") or _tail(stderr))
    text = _("The program that computes cannot be started ({reason}); open Setup and install again, or restart Slicer")
    reason = str(problem) if problem is not None else _codeText(exitCode)
    return _plain(text.format(reason=reason), "worker-crashed", _tail(stderr))


def whatHappened(exitCode: int | None, memory: dict[str, float], stderr: str) -> str:
    """One sentence on how the worker ended and what to do."""
    used, total = memory.get("used_gb") or 0.0, memory.get("total_gb") or 0.0
    killed = exitCode in (-9, 137) or (exitCode == 1 and "exit abnormally" in stderr and "Fatal Python" not in stderr)
    figures = _("{used:.1f} of {total:.1f} GB").format(used=used, total=total)
    if _ranOutOfMemory(exitCode, stderr) or (killed and total and used > _MEMORY_SHARE * total):
        text = _("Memory ran out (it used {figures}); close other programs or volumes and start again")
        return text.format(figures=figures) if total else _("Memory ran out; close other programs and start again")
    if killed:
        text = _("The system or another program ended the computation, often because memory runs out; start again")
        return f"{text} ({_('it used {figures}').format(figures=figures)})" if total else text
    text = _("The program that computes stopped unexpectedly ({code}); start again, on the CPU if it happens twice")
    return text.format(code=_codeText(exitCode))


def _ranOutOfMemory(exitCode: int | None, stderr: str) -> bool:
    if exitCode is not None and exitCode & 0xFFFFFFFF in _WINDOWS_NO_MEMORY:
        return True
    last = stderr[-2000:]
    return "MemoryError" in last or "std::bad_alloc" in last


def _codeText(exitCode: int | None) -> str:
    if exitCode is None:
        return _("no answer")
    if exitCode < 0 and sys.platform != "win32":
        try:
            return signal.Signals(-exitCode).name
        except ValueError:
            return _("signal {number}").format(number=-exitCode)
    if exitCode & 0xFFFFFFFF >= 0xC0000000:
        return f"0x{exitCode & 0xFFFFFFFF:08X}"
    return _("exit code {number}").format(number=exitCode)


def _tail(stderr: str) -> str:
    return "\n".join(stderr.strip().splitlines()[-_DETAIL_LINES:])


def _plain(text: str, code: str, details: str) -> Exception:
    from TransferSegLib.errors import TransferSegError

    return _withCode(TransferSegError(text), code, details)


def _withCode(error: Any, code: str, details: str) -> Exception:
    error.code, error.details = code, details
    return error
