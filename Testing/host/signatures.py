"""Signatures as they are written in the list of the real application, and calls held against them."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from typing import Any

from . import api


@functools.cache
def parameters(name: str) -> ast.arguments | None:
    """The parameters of ``slicer.util.loadVolume``...; None for a class or an unknown name."""
    text = api.signature(name)
    if not text or not text.startswith("("):
        return None
    text = re.sub(r"<function [^)]*? at 0x[0-9a-f]+>|<class '[^']*'>", "None", text)
    return ast.parse(f"def f{text}: ...").body[0].args


def wrong_call(name: str, call: ast.Call, method: bool = False) -> str | None:
    """What is wrong with a call of a listed function; None if it fits."""
    given = parameters(name)
    if given is None:
        return None
    places = [a.arg for a in given.posonlyargs + given.args][1 if method else 0 :]
    allowed = set(places) | {a.arg for a in given.kwonlyargs}
    keywords = [k.arg for k in call.keywords if k.arg]
    unknown = [k for k in keywords if k not in allowed]
    if unknown and not given.kwarg:
        return f"has no keyword {unknown}"
    starred = any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords)
    if len(call.args) > len(places) and not given.vararg and not starred:
        return f"takes {len(places)} arguments, not {len(call.args)}"
    required = places[: len(places) - len(given.defaults)] if given.defaults else places
    missing = [p for p in required[len(call.args) :] if p not in keywords]
    if missing and not starred:
        return f"misses {missing}"
    return None


def differs(name: str, function: Any) -> str | None:
    """How a stand-in's parameters differ from the listed ones: names, order, and which have a default."""
    listed = parameters(name)
    if listed is None:
        return None if api.signature(name) else "is not listed"
    names = [a.arg for a in listed.posonlyargs + listed.args]
    optional = names[len(names) - len(listed.defaults) :] if listed.defaults else []
    names += [a.arg for a in listed.kwonlyargs]
    optional += [a.arg for a, default in zip(listed.kwonlyargs, listed.kw_defaults) if default is not None]
    starred = [a.arg for a in (listed.vararg, listed.kwarg) if a]
    own = inspect.signature(function).parameters.values()
    star = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    mine = [p.name for p in own if p.kind not in star]
    mine_optional = [p.name for p in own if p.kind not in star and p.default is not p.empty]
    mine_starred = [p.name for p in own if p.kind in star]
    if (names, optional, starred) != (mine, mine_optional, mine_starred):
        return f"{mine} (optional {mine_optional}) instead of {names} (optional {optional})"
    return None
