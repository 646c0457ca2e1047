"""Stand-in for ``slicer.parameterNodeWrapper``: typed access to a scripted module node, bound to widgets.

Values are kept in the node under the same keys and spellings as the real one's (a node parameter is an empty
parameter and a node reference of the same name), and the same widgets are refused.
"""

from __future__ import annotations

import types
import typing
import weakref
from typing import Any

import qt
import slicer
import vtk

from . import connectors

PROPERTY = "SlicerParameterName"


def _store(node: Any, name: str, kind: type, value: Any) -> None:
    if issubclass(kind, slicer.vtkMRMLNode):
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"Value must be of type '{kind}', is type '{type(value)}' value '{value}'")
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)
        return
    if value is None:
        raise ValueError("Value must not be None")
    if not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(f"Value must be of type '{kind}', is type '{type(value)}' value '{value}'")
    node.SetParameter(name, str(value))


def _load(node: Any, name: str, kind: type) -> Any:
    if issubclass(kind, slicer.vtkMRMLNode):
        return node.GetNodeReference(name)
    text = node.GetParameter(name)
    return text == "True" if kind is bool else kind(text)


def _parameter(name: str, kind: type) -> property:
    def read(self: Any) -> Any:
        return self._cache[name]

    def write(self: Any, value: Any) -> None:
        with slicer.util.NodeModify(self.parameterNode):
            _store(self.parameterNode, name, kind, value)
            self._cache[name] = _load(self.parameterNode, name, kind)

    return property(read, write)


def _reload(wrapper: Any) -> None:
    if wrapper() is not None:
        wrapper()._reload()


class _Methods:
    """What the decorator adds to a class."""

    def __init__(self, parameterNode: Any, prefix: str | None = None) -> None:
        if prefix:
            raise NotImplementedError("the stand-in knows no prefix")
        self.parameterNode = parameterNode
        self._guis: dict[int, tuple[dict, int]] = {}
        self._updating = False
        self._next_tag = 0
        self._cache: dict[str, Any] = {}
        self._reload()
        me = weakref.ref(self)
        observer = parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: _reload(me))
        weakref.finalize(self, parameterNode.RemoveObserver, observer)

    def _reload(self) -> None:
        """Values are kept, and read again whenever the node says that it changed; closing the scene empties it."""
        for name, (kind, default) in self.allParameters.items():
            if not self.parameterNode.HasParameter(name):
                _store(self.parameterNode, name, kind, default)
            self._cache[name] = _load(self.parameterNode, name, kind)

    def default(self, paramName: str) -> Any:
        return types.SimpleNamespace(value=self.allParameters[paramName][1])

    def isCached(self, paramName: str) -> bool:
        return paramName in self.allParameters

    @classmethod
    def dataType(cls, membername: str) -> type:
        return cls.allParameters[membername][0]

    def getValue(self, name: str) -> Any:
        self._check(name)
        return getattr(self, name)

    def setValue(self, name: str, value: Any) -> None:
        self._check(name)
        setattr(self, name, value)

    def _check(self, name: str) -> None:
        if name not in self.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}")

    def connectGui(self, gui: Any) -> int:
        is_widget = isinstance(gui, qt.QWidget)
        widgets = gui.findChildren(qt.QWidget) if is_widget else list(vars(gui).values())
        return self.connectParametersToGui({w.property(PROPERTY): w for w in widgets if w.property(PROPERTY)})

    def connectParametersToGui(self, mapping: dict) -> int:
        for name in mapping:
            self._check(name)
        made = {name: connectors.create(widget, self.dataType(name)) for name, widget in mapping.items()}
        for name, connector in made.items():
            connector.write(self.getValue(name))
            connector.onChanged(lambda name=name, connector=connector: self._take(name, connector))
        observer = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: self._show())
        self._guis[self._next_tag] = (made, observer)
        self._next_tag += 1
        return self._next_tag - 1

    def _take(self, name: str, connector: Any) -> None:
        if not self._updating:
            with slicer.util.NodeModify(self):
                self.setValue(name, connector.read())

    def _show(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            with slicer.util.NodeModify(self):
                for made, _observer in self._guis.values():
                    for name, connector in made.items():
                        connector.write(self.getValue(name))
        finally:
            self._updating = False

    def disconnectGui(self, guiTag: int) -> None:
        made, observer = self._guis.pop(guiTag, ({}, None))
        for connector in made.values():
            connector.onChanged(None)
        if observer is not None:
            self.RemoveObserver(observer)

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified: int) -> int:
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def parameterNodeWrapper(classtype: Any = None) -> Any:
    """The class decorator; with ``str int float bool`` and node types only."""

    def wrap(cls: type) -> type:
        parameters = {}
        for name, kind in typing.get_type_hints(cls, include_extras=True).items():
            if not (
                kind in (str, int, float, bool) or (isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode))
            ):
                raise TypeError(f"the stand-in of parameterNodeWrapper has no '{kind}' ({name})")
            empty = None if issubclass(kind, slicer.vtkMRMLNode) else kind()
            parameters[name] = (kind, getattr(cls, name, empty))
            setattr(cls, name, _parameter(name, kind))
        for name, method in vars(_Methods).items():
            if callable(method) or isinstance(method, classmethod):
                if name in vars(cls) and not name.startswith("__"):
                    raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
                setattr(cls, name, method)
        cls.allParameters = parameters
        cls._is_parameter_node_wrapper = True
        return cls

    return wrap if classtype is None else wrap(classtype)


def isParameterNodeWrapper(classOrObj: Any) -> bool:
    """True for decorated classes and their objects."""
    return getattr(classOrObj, "_is_parameter_node_wrapper", False)
