"""From a request's arguments to the words of a command line, so that both are checked by the same parser."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ..errors import UsageError


def to_arguments(parser: argparse.ArgumentParser, verb: str, given: Mapping[str, Any]) -> list[str]:
    """The command line that a request means.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        With one subparser a verb (and further ones below, as ``models`` has).
    given : mapping
        Option names with ``_``, and the names of positional arguments. None is as good as absent, true stands
        for a flag, a list for an option that is repeated, a dict for one that takes NAME=VALUE.

    Raises
    ------
    UsageError
        A name that the verb does not have, or a value of another kind than it takes.
    """
    given = {name: value for name, value in given.items() if value is not None}
    words = [verb]
    verbs = _subparsers(parser).choices
    if verb not in verbs:
        raise UsageError(f"unknown verb {verb!r}; use one of {', '.join(verbs)}")
    parser = verbs[verb]
    while (below := _subparsers(parser)) is not None:
        action = given.pop(below.dest, None)
        if action not in below.choices:
            raise UsageError(f"{verb}: {below.dest} {action!r} is unknown; use one of {', '.join(below.choices)}")
        words.append(action)
        parser = below.choices[action]
    options: list[str] = []
    for action in parser._actions:
        name = _name(action) if _name(action) in given else action.dest
        if name not in given or isinstance(action, argparse._HelpAction):
            continue
        value = given.pop(name)
        if action.option_strings:
            options += _option(action, name, value)
        else:
            words += [_bare(name, text) for text in _texts(name, value)]
    if given:
        known = ", ".join(_name(a) for a in parser._actions if not isinstance(a, argparse._HelpAction))
        raise UsageError(f"{' '.join(words[:1])}: unknown argument {next(iter(given))!r}; it takes {known}")
    return words + options


def _subparsers(parser: argparse.ArgumentParser) -> argparse._SubParsersAction | None:
    return next((a for a in parser._actions if isinstance(a, argparse._SubParsersAction)), None)


def _name(action: argparse.Action) -> str:
    """``hold_out`` for ``--hold-out``; a positional argument's own name."""
    return max(action.option_strings, key=len).lstrip("-").replace("-", "_") if action.option_strings else action.dest


def _option(action: argparse.Action, name: str, value: Any) -> list[str]:
    word = max(action.option_strings, key=len)
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise UsageError(f"{name}: got {value!r}; it is true or false")
        return [word] if value else []
    texts = _texts(name, value)
    if action.nargs == "+":
        return [word, *(_bare(name, text) for text in texts)] if texts else []
    if len(texts) != 1 and not isinstance(action, argparse._AppendAction):
        raise UsageError(f"{name}: got {len(texts)} values; it takes one")
    return [f"{word}={text}" for text in texts]


def _texts(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}={_text(name, item)}" for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [_text(name, item) for item in value]
    return [_text(name, value)]


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value)
    raise UsageError(f"{name}: got {value!r}; give text or a number")


def _bare(name: str, text: str) -> str:
    """A word that stands without an option before it, and so must not look like one."""
    if text.startswith("-"):
        raise UsageError(f"{name}: {text!r} starts with a dash; write a path as ./{text}, or choose another name")
    return text
