"""Stand-in for ``slicer.app``: a QApplication with the few things of qSlicerApplication that the module uses."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from .dialogs import dialogs
from .io_manager import CoreIOManager
from .layout import LayoutManager, Named
from .mrml_core import Core
from .mrml_widgets import qSlicerMainWindow
from .small_modules import recorded

VERSION = (5, 13)


class ModuleManager(Named):
    """``slicer.app.moduleManager()``."""

    moduleLoaded = QtCore.Signal(str)
    moduleAboutToBeUnloaded = QtCore.Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, Any] = {}

    def module(self, name: str) -> Any:
        """A loaded module, None for an unknown name."""
        return self._modules.get(name)

    def modulesNames(self) -> list[str]:
        """All loaded modules."""
        return list(self._modules)


class qSlicerApplication(QtWidgets.QApplication):
    """The application; one for the process."""

    startupCompleted = QtCore.Signal()
    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self) -> None:
        super().__init__(["Slicer"])
        self.setApplicationName("Slicer")
        self.setOrganizationName("TransferSegTests")
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-host-")
        settings = QtCore.QSettings
        settings.setDefaultFormat(settings.IniFormat)
        for scope in (settings.UserScope, settings.SystemScope):
            settings.setPath(settings.IniFormat, scope, self._folder.name)
        self._settings = QtCore.QSettings(str(Path(self._folder.name) / "Slicer.ini"), settings.IniFormat)
        self._core = Core(self._folder.name)
        self._layout = LayoutManager(self._core)
        self._modules = ModuleManager()
        self._io = CoreIOManager()
        self._main_window: Any = qSlicerMainWindow()
        self._testing = False

    def mrmlScene(self) -> Any:
        """The scene."""
        return self._core.scene

    def applicationLogic(self) -> Any:
        """The real application logic."""
        return self._core.application_logic

    def layoutManager(self) -> Any:
        """The layout manager; None without a main window, as in Slicer's generic module test."""
        return self._layout if self._main_window is not None else None

    def moduleManager(self) -> Any:
        """The modules."""
        return self._modules

    def moduleLogic(self, name: str) -> Any:
        """A module's logic."""
        return self._modules.module(name).logic()

    def coreIOManager(self) -> Any:
        """Loading and saving."""
        return self._io

    ioManager = coreIOManager

    def settings(self) -> QtCore.QSettings:
        """Real settings, in a temporary file."""
        return self._settings

    userSettings = settings

    def testingEnabled(self) -> bool:
        """As if started with --testing."""
        return self._testing

    def startupEnvironment(self) -> Any:
        """The environment."""
        return QtCore.QProcessEnvironment.systemEnvironment()

    def pauseRender(self) -> None:
        """Nothing."""

    def resumeRender(self) -> None:
        """Nothing."""

    def restart(self) -> None:
        """Noted only."""
        dialogs.answer()

    def moduleDocumentationUrl(self, name: str) -> str:
        """An address."""
        return f"https://slicer.readthedocs.io/{name}"

    temporaryPath = QtCore.Property(str, lambda self: _made(Path(self._folder.name) / "Temporary"))
    cachePath = QtCore.Property(str, lambda self: _made(Path(self._folder.name) / "Cache"))
    extensionsInstallPath = QtCore.Property(str, lambda self: _made(Path(self._folder.name) / "Extensions"))
    slicerHome = QtCore.Property(str, lambda self: self._folder.name)
    slicerUserSettingsFilePath = QtCore.Property(str, lambda self: self._settings.fileName())
    majorVersion = QtCore.Property(int, lambda self: VERSION[0])
    minorVersion = QtCore.Property(int, lambda self: VERSION[1])
    revision = QtCore.Property(str, lambda self: "34000")
    platform = QtCore.Property(str, lambda self: "linux-amd64")
    os = QtCore.Property(str, lambda self: "linux")

    def _forget(self) -> None:
        """Nothing of one test is left for the next."""
        self._settings.clear()
        self._testing = False
        self._main_window.moduleSelector()._selected = ""
        recorded.clear()
        for name in ("sampleDataSources", "sampleDataSourceCategories"):
            vars(slicer.modules).pop(name, None)
        while self.overrideCursor():
            self.restoreOverrideCursor()

    @contextlib.contextmanager
    def _without_main_window(self) -> Iterator[None]:
        window, self._main_window = self._main_window, None
        window.setObjectName("away")
        try:
            yield
        finally:
            window.setObjectName("qSlicerMainWindow")
            self._main_window = window


def _made(folder: Path) -> str:
    os.makedirs(folder, exist_ok=True)
    return str(folder)
