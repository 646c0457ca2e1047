"""What the panels say: roles, stages and errors in plain words, all through ``tr``."""

from __future__ import annotations

import re
import traceback
from typing import Any

from slicer.i18n import tr as _

from .library_words import inOwnWords

# The shell's options, which a panel has not: at the end of a message what to say, at its start what was said.
_ADVICE = re.compile(r"[;,(]?\s*((or|and)\s+)?((say|with|give|name|name it with|add|use|match it with)\s+)?--[a-z].*$")
_OPTION = re.compile(r"^--[a-z-]+[^:]*:\s*")


def roleName(role: str) -> str:
    """A role as a radiologist says it."""
    names = {
        "flair": _("FLAIR"),
        "t1": _("T1"),
        "t1gd": _("T1 with contrast"),
        "t2": _("T2"),
        "ct": _("CT"),
        "pet": _("PET"),
        "rgb": _("colour picture"),
        "grey": _("grey picture"),
    }
    return names.get(role, role)


def strategySentence(name: str) -> str:
    """A way to adapt a model, in plain words; empty where there is only the library's own sentence."""
    sentences = {
        "half-lr": _("The whole model learns, in small steps. This is the usual choice."),
        "freeze-encoder": _(
            "The encoder, which recognises structures, stays as it is; the decoder, which draws the outline, learns."
        ),
        "freeze-decoder": _(
            "The decoder, which draws the outline, stays as it is; the encoder, which recognises structures, learns."
        ),
        "freeze-both": _("Encoder and decoder stay as they are; only the middle and the last layer learn."),
        "scratch": _("Nothing is taken over but the model's shape: everything is learned anew."),
    }
    return sentences.get(name, "")


def curriculumSentence(name: str) -> str:
    """An order of the cases, in plain words; empty where there is only the library's own sentence."""
    sentences = {
        "none": _("Every case takes part from the beginning. This is the usual choice."),
        "transfer-teacher": _(
            "Begins with the cases that the model to start from gets right; the hard ones join in later."
        ),
        "predefined": _(
            "Begins with the fifth of the cases that has the largest lesions; the next join in turn by turn."
        ),
        "self-paced": _(
            "Begins with the half of the cases that the training itself finds easiest, and looks again as it goes on."
        ),
        "rl-teacher": _("Tries easy and hard cases alike and goes on with those from which most is learned."),
        "smoothing": _("All cases from the start; what the network sees is blurred at first and grows sharp."),
        "anti": _("To compare with: begins with the cases that the model to start from gets wrong."),
        "random": _("To compare with: the cases join in one after the other, in an order drawn by the seed."),
    }
    return sentences.get(name, "")


def stageName(stage: str) -> str:
    """What the worker is doing, in plain words; an unknown stage is shown as it is."""
    names = {
        "segment": _("Segmenting"),
        "scoring the training cases": _("Looking which training cases are easy"),
        "measuring the training cases": _("Looking which training cases are easy"),
        "reading": _("Reading the CT"),
        "finding the level": _("Looking for the level"),
        "windows": _("Looking for the level"),
        "looking at the scans": _("Looking at the CTs"),
        "projecting the scans": _("Preparing the training"),
        "scoring": _("Comparing with the corrected slices"),
        "registration": _("Aligning the images with each other"),
        "brain mask": _("Finding the brain"),
        "preparing the cases": _("Preparing the cases"),
        "computing the frozen features": _("Preparing the training"),
        "training": _("Training"),
        "scoring the held-out cases before": _("Scoring the held-out cases with the old model"),
        "scoring the held-out cases after": _("Scoring the held-out cases with the new model"),
        "evaluating": _("Comparing with the corrected cases"),
        "making phantoms": _("Making phantoms"),
        "moving models": _("Copying and comparing"),
    }
    if stage.startswith("finding ") and stage not in names:
        return _("Looking for {level}").format(level=stage.removeprefix("finding "))
    return names.get(stage, stage[:1].upper() + stage[1:])


def waiting() -> str:
    """The stage of a run that another one keeps waiting."""
    return _("Waiting for the run that is going on")


def handingOver() -> str:
    """The stage in which images are written for the worker."""
    return _("Handing over the images")


def starting() -> str:
    """The stage before the worker's first word."""
    return _("Starting the computation")


def copying() -> str:
    """The stage in which an image is copied into the storage folder."""
    return _("Copying the image")


def takingResult() -> str:
    """The stage in which a result comes into the scene."""
    return _("Bringing the result into the scene")


def deviceName(device: str) -> str:
    """``cuda:0`` as people say it."""
    kind = device.partition(":")[0]
    return {"cpu": _("CPU"), "cuda": _("GPU"), "mps": _("GPU")}.get(kind, device)


def counted(count: int, one: str, many: str) -> str:
    """``one`` or ``many`` with ``{n}`` filled in."""
    return (one if count == 1 else many).format(n=count)


def problem(message: str) -> Exception:
    """A ``UsageError`` with a sentence of ours."""
    from TransferSegLib.errors import UsageError

    return UsageError(message)


def cancelled(message: str = "") -> Exception:
    """The error of a run that was cancelled."""
    from TransferSegLib.errors import Cancelled

    return Cancelled(message or _("Cancelled."))


def withoutOptions(message: str) -> str:
    """A message of the library without the shell's options."""
    return _ADVICE.sub("", _OPTION.sub("", message)).rstrip(" ;,") or message


def plainError(error: BaseException) -> Any:
    """The error as one that a user can read: a ``TransferSegError`` with ``details`` for the fold."""
    from TransferSegLib.errors import TransferSegError

    if not isinstance(error, TransferSegError):
        details = "".join(traceback.format_exception(error))
        if isinstance(error, MemoryError):
            text = _("There is not enough memory; close other programs or images and try again.")
        elif isinstance(error, OSError):
            name = error.filename or _("a file")
            text = _("{file}: {reason}; check the disk and try again.").format(
                file=name, reason=error.strerror or error
            )
        else:
            text = _("Something unexpected happened ({what}); try again, and report it with the details.").format(
                what=type(error).__name__
            )
        error = TransferSegError(text)
        error.details = details
    details = getattr(error, "details", "")
    text = inOwnWords(withoutOptions(error.message))
    if text != error.message:
        details = f"{error.message}\n{details}"
        error = type(error)(text, hint=error.hint)
    error.details = details
    return error
