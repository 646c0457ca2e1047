"""Connections as PythonQt makes them: how many arguments a function gets, and that it is kept alive."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore

plain_get = QtCore.QObject.__getattribute__
_OF_COUNT: list[Callable] = [
    lambda call: lambda: call(),
    lambda call: lambda a: call(a),
    lambda call: lambda a, b: call(a, b),
    lambda call: lambda a, b, c: call(a, b, c),
    lambda call: lambda a, b, c, d: call(a, b, c, d),
]
"""PySide looks at the parameters of a function to choose a signal: one function for each count."""


def _accepted(function: Any) -> int | None:
    """How many arguments PythonQt gives a function at most; None: all."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None or code.co_flags & inspect.CO_VARARGS:
        return None
    return code.co_argcount - (1 if inspect.ismethod(function) else 0)


def _counts(owner: Any, name: str) -> list[int]:
    meta = plain_get(owner, "metaObject")()
    methods = [meta.method(index) for index in range(meta.methodCount())]
    signal = QtCore.QMetaMethod.MethodType.Signal
    found = [m for m in methods if m.methodType() == signal and bytes(m.name()).decode() == name]
    return [method.parameterCount() for method in found]


def _slot(owner: Any, name: str, count: int, function: Callable, convert: Callable | None = None) -> Callable:
    """What PySide is given in place of ``function``; the same at connecting and disconnecting."""
    kept = plain_get(owner, "__dict__").setdefault("_connected", {})
    key = (name, count, function, convert)
    if key not in kept:
        limit = _accepted(function)

        def call(*values: Any) -> Any:
            values = tuple(convert(value) for value in values) if convert else values
            return function(*values[:limit])

        kept[key] = _OF_COUNT[count](call)
    return kept[key]


class BoundSignal:
    """``button.clicked``: connect, disconnect, emit; calling it emits, too."""

    def __init__(self, owner: Any, name: str, count: int | None = None, convert: Callable | None = None) -> None:
        self._owner, self._name, self._convert = owner, name, convert
        self._count = max(_counts(owner, name), default=0) if count is None else count

    def _instance(self) -> Any:
        return plain_get(self._owner, self._name)

    def connect(self, receiver: Callable) -> bool:
        """Call ``receiver`` with as many of the signal's arguments as it takes."""
        if not callable(receiver):
            raise ValueError("a signal is connected to a callable object")
        self._instance().connect(_slot(self._owner, self._name, self._count, receiver, self._convert))
        return True

    def disconnect(self, receiver: Callable | None = None) -> bool:
        """Stop that; True if it was connected."""
        kept = plain_get(self._owner, "__dict__").get("_connected", {})
        wanted = [k for k in kept if k[0] == self._name and (receiver is None or k[1:3] == (self._count, receiver))]
        for key in wanted:
            self._instance().disconnect(kept.pop(key))
        return bool(wanted)

    def emit(self, *values: Any) -> None:
        """Emit the signal."""
        instance = self._instance()
        if len(values) == 1 and min(_counts(self._owner, self._name)) == 0:
            instance = instance[type(values[0])]
        instance.emit(*values)

    __call__ = emit


def signal_of(owner: Any, signature: str) -> BoundSignal:
    """The signal ``clicked(bool)`` of an object; PythonQt only answers False for one that does not exist."""
    name, _, rest = signature.partition("(")
    arguments = [part for part in rest.rstrip(")").split(",") if part]
    meta = plain_get(owner, "metaObject")()
    normal = QtCore.QMetaObject.normalizedSignature(signature).data().decode()
    stand_ins = [kind for kind in type(owner).__mro__ if not kind.__module__.startswith("PySide6")]
    declared = any(isinstance(vars(kind).get(name), QtCore.Signal) for kind in stand_ins)
    if not declared and meta.indexOfSignal(normal) < 0:
        raise AttributeError(f"{meta.className()} has no signal '{signature}'")
    convert = None
    if declared and arguments == ["bool"] and name.endswith("NodeChanged"):
        convert = _is_there  # of the two signals of this name, the one that tells only whether there is a node
    return BoundSignal(owner, name, len(arguments), convert)


def _is_there(node: Any) -> bool:
    return node is not None
