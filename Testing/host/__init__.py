"""A small host for the Slicer module without the desktop application: the real MRML core, Qt, and stand-ins.

Stood in for: PythonQt's ways (over PySide), ctk and qMRML widgets, slicer.app, ScriptedLoadableModule,
parameterNodeWrapper, i18n, packaging, PyTorchUtils. Real: scene, nodes, logics, displayable managers, slicer.util.
Whatever the stand-ins offer is held against the real application's members by ``test_module_api.py``.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import os
import sys
import types
from pathlib import Path
from typing import Any


@functools.cache
def missing() -> str | None:
    """Why the host cannot run here, None if it can."""
    _environment()
    for name, package in (("slicer_core", "slicer-core"), ("PySide6.QtWidgets", "PySide6-Essentials")):
        try:
            importlib.import_module(name)
        except ImportError as error:
            return f"the Slicer host needs {package} (pip install .[slicer]) and its system libraries: {error}"
    return None


@functools.cache
def no_rendering() -> str | None:
    """Why views cannot be drawn here, None if they can."""
    try:
        for library in ("libEGL.so.1", "libGL.so.1"):
            ctypes.CDLL(library)
    except OSError as error:
        return f"drawing without a screen needs Mesa's EGL (Debian: libegl1 libegl-mesa0 libgl1-mesa-dri): {error}"
    return None


@functools.cache
def prepare_rendering() -> None:
    """Call before the first picture is drawn.

    Triton, which PyTorch imports at times, and Mesa's software renderer bring an LLVM each: loaded after Mesa's,
    Triton's ends the process.
    """
    found = importlib.util.find_spec("triton")
    for library in Path(found.submodule_search_locations[0]).glob("_C/libtriton*.so") if found else ():
        ctypes.CDLL(str(library))


def _environment() -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["PYSIDE6_OPTION_PYTHON_ENUM"] = "0x02"  # enumerations are integers, as in PythonQt
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")


def install() -> Any:
    """Put everything in place, once a process; returns ``slicer.app``."""
    _environment()
    import slicer

    if hasattr(slicer, "app"):
        return slicer.app
    from . import pythonqt

    pythonqt.patch()
    from . import dialogs, mrml_widgets, node_combo_box, plot_view, qt_module, small_modules, table_view  # noqa: F401
    from .application import qSlicerApplication

    dialogs.patch()
    _module("qt", qt_module.make_qt())
    _module("ctk", qt_module.make_ctk())
    app = slicer.app = qSlicerApplication()
    slicer.mrmlScene = app.mrmlScene()
    from .modules import make_modules

    _module("slicer.modules", make_modules(app._core))
    _module("slicer.i18n", small_modules.make_i18n())
    _module("slicer.packaging", small_modules.make_packaging())
    _module("PyTorchUtils", small_modules.make_pytorch_utils())
    from . import sample_data, scripted_module

    _module("SampleData", sample_data.make_sample_data())
    _module("slicer.ScriptedLoadableModule", scripted_module)
    from . import parameter_node

    _module("slicer.parameterNodeWrapper", parameter_node)
    return app


def _module(name: str, module: types.ModuleType) -> None:
    sys.modules[name] = module
    if name.startswith("slicer."):
        import slicer

        setattr(slicer, name.split(".")[1], module)
