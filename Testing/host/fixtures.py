"""Pytest fixtures for tests of the Slicer module; they skip where something is absent, and fail so in CI."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

import host
from host import api
from host.api import PROJECT

MODULE = PROJECT / "TransferSeg" / "TransferSeg.py"


def absent(reason: str) -> NoReturn:
    """Skip the test that needs what is not here; with ``CI=true`` all has to be here, and it fails."""
    if os.environ.get("CI", "").lower() in ("", "0", "false"):
        pytest.skip(reason)
    pytest.fail(f"{reason} (CI is set, so nothing is skipped for that)", pytrace=False)


class _VtkErrors:
    """Errors that VTK prints; a test that caused one fails."""

    def __init__(self) -> None:
        import vtk

        self.texts: list[str] = []
        self._window = vtk.vtkOutputWindow.GetInstance()
        self._window.SetDisplayModeToNever()
        self._take.__func__.CallDataType = vtk.VTK_STRING
        self._window.AddObserver(vtk.vtkCommand.ErrorEvent, self._take)

    def _take(self, caller: Any, event: str, text: str = "") -> None:
        self.texts.append(text.strip())


@pytest.fixture(scope="session")
def _host() -> Any:
    reason = host.missing()
    if reason:
        absent(reason)
    application = host.install()
    application._vtk_errors = _VtkErrors()
    return application


@pytest.fixture(scope="session")
def slicer_members() -> None:
    """The list of the real application's members is there."""
    if not api.available():
        absent(f"the list of Slicer's members is not at {api.FILE}")


@pytest.fixture
def app(_host: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``slicer.app``; errors in slots and errors of VTK fail the test. ``app.dialogs`` notes and answers dialogs."""
    from host.dialogs import dialogs

    raised: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: raised.append("".join(traceback.format_exception(*error))))
    dialogs.clear()
    _host._dialogs = dialogs
    _host._vtk_errors.texts.clear()
    _host._forget()
    yield _host
    _host.processEvents()
    _host._core.clear()
    _host._forget()
    assert not raised, f"raised in a slot or callback:\n{raised[0]}"
    assert not _host._vtk_errors.texts, f"VTK reported: {_host._vtk_errors.texts[0]}"


@pytest.fixture
def dialogs(app: Any) -> Any:
    """What the user would have been shown; queue answers with ``dialogs.answer(...)``."""
    return app._dialogs


@pytest.fixture
def scene(app: Any) -> Any:
    """The real MRML scene, empty."""
    app._core.clear()
    return app.mrmlScene()


@pytest.fixture
def views(app: Any, scene: Any) -> Iterator[Any]:
    """``views.render("Red")`` as an array, ``pixelOf("Red", ras)``, ``fit()``, ``save(path, "Red")``."""
    from host.views import Views

    if host.no_rendering():
        absent(host.no_rendering())
    made = Views(app._core)
    yield made
    made.close()


@pytest.fixture
def module(app: Any, scene: Any) -> Iterator[Any]:
    """The module, loaded as Slicer does it: ``module.name``, ``module.widget``, ``module.logic``, ``module.holder``."""
    from host.loading import Loaded

    loaded = Loaded(MODULE)
    yield loaded
    loaded.close()
