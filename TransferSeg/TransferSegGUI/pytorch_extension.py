"""PyTorch by way of Slicer's PyTorch extension, which finds the build that fits the graphics card."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import slicer

from .dependencies import TORCHVISION, installedVersion, torchRequirement, torchState
from .install_plan import constraintsFile
from .pip_errors import captured, pipError
from .translating import _

_LEFTOVERS = ("torch", "torchvision", "functorch", "torchgen", "torchvision.libs")


def installTorch() -> bool:
    """Install PyTorch and torchvision; False when the user did not want the extension or Slicer must restart first.

    Raises
    ------
    DependencyError
        In plain words.
    """
    utilities = _utilities()
    if utilities is None:
        return False
    logic = utilities.PyTorchUtilsLogic()
    state = torchState()
    if state == "half":
        removeRemains()
        state = "missing"
    # A PyTorch that is there stays: only a torchvision that fits it is wanted then.
    exact = f"=={installedVersion('torch')}" if state == "ok" else _conditions(torchRequirement())
    with _waiting(), _pipConstrained(without=() if state == "ok" else ("torch",)):
        lines: list[str] = []
        try:
            with captured(lines):
                logic.installTorch(
                    askConfirmation=False,
                    forceComputationBackend=None,
                    torchVersionRequirement=exact,
                    torchvisionVersionRequirement=_conditions(TORCHVISION),
                )
        except Exception as error:
            raise pipError("\n".join([*lines, str(error)]), _failed()) from error
    return True


def extensionsModel() -> Any:
    """Slicer's extensions manager, or None in a Slicer without one."""
    get = getattr(slicer.app, "extensionsManagerModel", None)
    return get() if get is not None else None


def _utilities() -> Any:
    """The PyTorch extension's module; offers to install the extension where it is not there."""
    from TransferSegLib.errors import DependencyError

    with suppress(ImportError):
        import PyTorchUtils

        return PyTorchUtils
    model = extensionsModel()
    if model is None:
        raise DependencyError(
            _(
                "PyTorch is installed by the extension PyTorch, which this Slicer does not have. Install that "
                "extension (View, Extensions Manager), restart Slicer and press Install again."
            )
        )
    if model.isExtensionInstalled("PyTorch"):
        raise DependencyError(_("The extension PyTorch is installed: restart Slicer, then press Install again."))
    _installExtension(model)
    return None


def _installExtension(model: Any) -> None:
    from TransferSegLib.errors import DependencyError

    question = _(
        "PyTorch, which does the computing, is installed by Slicer's extension named PyTorch. "
        "That extension is not installed yet.\n\nInstall it now? Slicer restarts afterwards; then press Install again."
    )
    if not slicer.util.confirmOkCancelDisplay(question, _("TransferSeg: extension PyTorch")):
        return
    interactive = model.interactive
    model.interactive = False  # this question was the confirmation
    try:
        with _waiting():
            model.updateExtensionsMetadataFromServer(True, True)
            done = model.installExtensionFromServer("PyTorch", False)
    finally:
        model.interactive = interactive
    if not done:
        raise DependencyError(
            _(
                "The extension PyTorch could not be installed: is this computer connected to the internet? "
                "It can also be installed by hand: View, Extensions Manager."
            )
        )
    if slicer.util.confirmYesNoDisplay(_("The extension PyTorch is installed. Restart Slicer now?"), _("TransferSeg")):
        slicer.util.restart()


def removeRemains() -> None:
    """Take away what an interrupted installation left, or pip would take it for installed."""
    from TransferSegLib.errors import DependencyError

    if "torch" in sys.modules:
        raise DependencyError(
            _("PyTorch is in use and damaged: restart Slicer, then press Install before anything else.")
        )
    if installedVersion("torch") is not None:
        with suppress(Exception):  # pip refuses to uninstall what lacks its list of files
            slicer.util.pip_uninstall("torch torchvision")
    for folder in {Path(entry) for entry in sys.path if Path(entry).name == "site-packages"}:
        metadata = [p for name in ("torch", "torchvision") for p in folder.glob(f"{name}-*.dist-info")]
        for path in [*(folder / name for name in _LEFTOVERS), *metadata]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
    if torchState() != "missing":
        raise DependencyError(
            _("The remains of PyTorch could not be removed: restart Slicer, then press Install first of all.")
        )


@contextmanager
def _pipConstrained(*, without: tuple[str, ...]) -> Iterator[None]:
    """Every pip that is started meanwhile keeps the protected packages as they are."""
    with constraintsFile(without=(*without, "torchvision")) as path:
        before = os.environ.get("PIP_CONSTRAINT")
        # An address instead of a path: pip splits this variable at spaces.
        os.environ["PIP_CONSTRAINT"] = path.as_uri()
        try:
            yield
        finally:
            if before is None:
                os.environ.pop("PIP_CONSTRAINT", None)
            else:
                os.environ["PIP_CONSTRAINT"] = before


@contextmanager
def _waiting() -> Iterator[None]:
    with slicer.util.WaitCursor():
        yield


def _conditions(requirement: Any) -> str:
    return ",".join(operator + wanted for operator, wanted in requirement.conditions)


def _failed() -> str:
    return _(
        "PyTorch could not be installed. Restart Slicer and press Install again; "
        "if it fails again, copy the diagnostics and ask for help."
    )
