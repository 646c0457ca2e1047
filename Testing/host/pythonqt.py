"""Makes PySide behave as PythonQt: properties are attributes, and what PythonQt refuses is refused.

PySide accepts ``button.text = "x"`` without a word and changes nothing, so a test on plain PySide passes falsely.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets

from . import api
from .slots import BoundSignal, plain_get, signal_of

GUARDED = str(api.PROJECT / "TransferSeg") + "/"
HOST = str(api.PROJECT / "Testing" / "host") + "/"
INTERNAL = frozenset({"connectNotify", "disconnectNotify", "receivers"})
"""What PySide itself looks up while it makes a connection."""


@functools.cache
def _lies_under(code: Any, folder: str) -> bool:
    return code.co_filename.startswith(folder)


@functools.cache
def _listed_name(kind: type) -> str | None:
    """The nearest class in the list of real members; None if the class itself is Qt's and not in the list."""
    for base in kind.__mro__:
        for room in ("qt.", "ctk.", "slicer."):
            if api.members(room + base.__name__) is not None:
                return room + base.__name__
        if base.__name__ == "qSlicerApplication":
            return "slicer.app"
        if base.__module__.startswith("PySide6"):
            return None
    return None


def _is_function(kind: type, name: str) -> bool:
    """True for a property of PySide that is a function in PythonQt: hidden by a slot, or no property in Qt 5."""
    return name == "singleShot" or (name == "contentsMargins" and issubclass(kind, QtWidgets.QLayout))


@functools.cache
def properties(kind: type) -> dict[str, tuple[str | None, str | None, bool, str]]:
    """Property to the methods that get and set it (None: Qt's property system), whether it can be set, and its type."""
    meta = kind.staticMetaObject
    found = {}
    for index in range(meta.propertyCount()):
        qt_property = meta.property(index)
        name = qt_property.name()
        if _is_function(kind, name):
            continue
        capital = name[0].upper() + name[1:]
        getters = [name]
        if qt_property.typeName() == "bool":
            getters = [f"is{capital}", f"has{capital}", name]
        getter = next((g for g in getters if callable(getattr(kind, g, None))), None)
        setter = f"set{capital}" if callable(getattr(kind, f"set{capital}", None)) else None
        found[name] = (getter, setter, qt_property.isWritable(), qt_property.typeName())
    return found


def _check(instance: Any, name: str) -> None:
    """Refuse, to the module's own code, what the real class does not have."""
    listed = _listed_name(type(instance))
    if listed and not api.offers(listed, name) and name not in _dynamic(instance):
        raise AttributeError(f"{listed} in 3D Slicer has no member '{name}'")


def _dynamic(instance: Any) -> list[str]:
    if not isinstance(instance, QtCore.QObject):
        return []
    return [bytes(name).decode() for name in plain_get(instance, "dynamicPropertyNames")()]


def _get(self: QtCore.QObject, name: str) -> Any:
    if name.startswith("__"):
        return plain_get(self, name)
    guarded = not name.startswith("_") and name not in INTERNAL and _lies_under(sys._getframe(1).f_code, GUARDED)
    if guarded:
        _check(self, name)
    if not shiboken6.isValid(self) and not name.startswith("_"):
        raise ValueError(f"Trying to use '{name}' of a destroyed {type(self).__name__} object")  # no RuntimeError there
    found = properties(type(self)).get(name)
    if found:
        value = plain_get(self, found[0]) if found[0] else plain_get(self, "property")(name)
        return _as_tuple(value() if found[0] and callable(value) else value)
    if name in EXTRA:
        return functools.partial(EXTRA[name], self)
    value = _plain_or_alias(self, name)
    if isinstance(value, QtCore.SignalInstance):
        return BoundSignal(self, name)
    if guarded and isinstance(value, types.BuiltinMethodType):
        return lambda *values: _as_tuple(value(*values))
    return value


def _as_tuple(value: Any) -> Any:
    """PythonQt gives tuples where PySide gives lists."""
    return tuple(value) if isinstance(value, list) else value


def _plain_or_alias(self: QtCore.QObject, name: str) -> Any:
    try:
        return plain_get(self, name)
    except AttributeError:
        if name == "name":
            return plain_get(self, "objectName")()
        if name in api.KEYWORDS:
            return plain_get(self, name[:-1])
        if name in _dynamic(self):
            return plain_get(self, "property")(name)
        raise


def _set(self: QtCore.QObject, name: str, value: Any) -> None:
    guarded = _lies_under(sys._getframe(1).f_code, GUARDED)
    if (name.startswith("_") and not guarded) or isinstance(value, QtCore.SignalInstance):
        plain_get(self, "__dict__")[name] = value  # PySide keeps a signal in its object when first asked for
        return
    if guarded:
        _check(self, name)
    if name == "name" and name not in properties(type(self)):
        name = "objectName"
    found = properties(type(self)).get(name)
    if found is None and name not in _dynamic(self):
        _set_value(self, name, value)
    _, setter, writable, kind = found or (None, None, True, "")
    if not writable:
        raise AttributeError(f"Property '{name}' of {type(self).__name__} is not writable")
    if kind in ("QString", "bool"):
        value = bool(value) if kind == "bool" else str(value)  # as PythonQt does: None becomes the text "None"
    if setter:
        plain_get(self, setter)(value)
    else:
        plain_get(self, "setProperty")(name, value)


def _get_value(self: Any, name: str) -> Any:
    """Attribute access of classes that are no QObject (items, colours, icons)."""
    if not name.startswith("_") and _lies_under(sys._getframe(1).f_code, GUARDED):
        _check(self, name)
    return object.__getattribute__(self, name)


def _set_value(self: Any, name: str, value: Any) -> None:
    raise AttributeError(f"Attribute '{name}' does not exist, and C++ objects take no new ones: {type(self).__name__}")


def _connect(self: Any, signature: str, receiver: Any, slot: str | None = None) -> bool:
    """PythonQt's ``object.connect("clicked(bool)", function)``, or with an object and the name of its slot."""
    return signal_of(self, signature).connect(getattr(receiver, slot.split("(")[0]) if slot else receiver)


def _disconnect(self: Any, signature: str, receiver: Any = None, slot: str | None = None) -> bool:
    return signal_of(self, signature).disconnect(getattr(receiver, slot.split("(")[0]) if slot else receiver)


def _find_children(self: Any, kind: Any, name: str = "") -> tuple:
    base = QtCore.QObject if isinstance(kind, str) else kind
    found = plain_get(self, "findChildren")(base)
    if isinstance(kind, str):
        found = [widget for widget in found if widget.inherits(kind)]
    return tuple(widget for widget in found if not name or widget.objectName == name)


def _find_child(self: Any, kind: Any, name: str = "") -> Any:
    return next(iter(_find_children(self, kind, name)), None)


EXTRA: dict[str, Callable] = {
    "connect": _connect,
    "disconnect": _disconnect,
    "findChild": _find_child,
    "findChildren": _find_children,
    "className": lambda self: plain_get(self, "metaObject")().className(),
    "delete": shiboken6.delete,
}


def patch() -> None:
    """Change PySide's classes in this process, once."""
    if QtCore.QObject.__getattribute__ is _get:
        return
    QtCore.QObject.__getattribute__ = _get
    for room in (QtCore, QtGui, QtWidgets):
        for kind in [getattr(room, name) for name in dir(room)]:  # getattr: PySide makes its classes when first asked
            if not isinstance(kind, type) or not kind.__module__.startswith("PySide6"):
                continue
            if issubclass(kind, QtCore.QObject):
                kind.__setattr__ = _set
            elif isinstance(kind, type(QtCore.QObject)) and api.members(f"qt.{kind.__name__}") is not None:
                kind.__getattribute__ = _get_value
                kind.__setattr__ = _set_value
