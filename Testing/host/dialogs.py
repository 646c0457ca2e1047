"""Modal dialogs in tests: none is shown; each is noted and answered as the test asked beforehand."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from PySide6 import QtWidgets


@dataclass
class Shown:
    """A dialog that the user would have seen."""

    kind: str
    title: str = ""
    text: str = ""
    details: str = ""
    dialog: Any = None


class Dialogs:
    """What was shown, and the answers that come next.

    ``answer(x)`` queues one: for message boxes a button (``qt.QMessageBox.No``) or a button's text, for file dialogs
    the path, for others an integer or a function that is called with the dialog. Without an answer a message box takes
    Yes or Ok, a file dialog is cancelled, and any other dialog fails the test.
    """

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.answers: deque = deque()

    def answer(self, *values: Any) -> None:
        """Queue answers for the next dialogs."""
        self.answers.extend(values)

    def clear(self) -> None:
        """Forget everything."""
        self.shown.clear()
        self.answers.clear()

    @property
    def texts(self) -> list[str]:
        """The texts shown so far."""
        return [shown.text for shown in self.shown]

    def take(self, default: Any) -> Any:
        """The next answer."""
        return self.answers.popleft() if self.answers else default


dialogs = Dialogs()


def _run(dialog: QtWidgets.QDialog) -> int:
    if isinstance(dialog, QtWidgets.QMessageBox):
        return _run_message(dialog)
    dialogs.shown.append(
        Shown(type(dialog).__name__, dialog.windowTitle, getattr(dialog, "labelText", ""), dialog=dialog)
    )
    answer = dialogs.take(None)
    if answer is None:
        raise AssertionError(f"a dialog would wait for the user: {type(dialog).__name__} '{dialog.windowTitle}'")
    result = answer(dialog) if callable(answer) else answer
    return int(result or 0)


def _run_message(box: QtWidgets.QMessageBox) -> int:
    text = f"{box.text}\n{box.informativeText}".strip()
    dialogs.shown.append(Shown("message", box.windowTitle.strip(), text, box.detailedText, box))
    buttons = QtWidgets.QMessageBox.StandardButton
    offered = box.standardButtons
    usual = next((b for b in (buttons.Yes, buttons.Ok) if offered & b), offered or buttons.Ok)
    answer = dialogs.take(usual)
    if callable(answer):
        answer = answer(box)
    if isinstance(answer, str):
        button = next((b for b in box.buttons() if b.text.replace("&", "") == answer), None)
        assert button is not None, f"no button '{answer}' in {[b.text for b in box.buttons()]}"
        button.click()
        return int(box.standardButton(button))
    return int(answer)


def _static_message(kind: str, usual: str) -> Any:
    def show(parent: Any, title: str, text: str, *buttons: Any) -> Any:
        dialogs.shown.append(Shown(kind, title, text))
        return dialogs.take(QtWidgets.QMessageBox.StandardButton[usual])

    return staticmethod(show)


def _static_path(kind: str, nothing: Any) -> Any:
    def show(parent: Any = None, caption: str = "", directory: str = "", filter: str = "", *more: Any) -> Any:
        dialogs.shown.append(Shown(kind, caption, filter))
        return dialogs.take(nothing)  # PythonQt: the path alone, not a pair with the chosen filter

    return staticmethod(show)


def _static_input(kind: str) -> Any:
    def show(parent: Any, title: str, label: str, *more: Any) -> Any:
        dialogs.shown.append(Shown(kind, title, label))
        return dialogs.take(None)

    return staticmethod(show)


def patch() -> None:
    """Put these in the place of Qt's modal loops."""
    QtWidgets.QDialog.exec = QtWidgets.QDialog.exec_ = _run
    for kind, usual in (("information", "Ok"), ("warning", "Ok"), ("critical", "Ok"), ("question", "Yes")):
        setattr(QtWidgets.QMessageBox, kind, _static_message(kind, usual))
    for kind in ("getOpenFileName", "getSaveFileName", "getExistingDirectory"):
        setattr(QtWidgets.QFileDialog, kind, _static_path(kind, ""))
    QtWidgets.QFileDialog.getOpenFileNames = _static_path("getOpenFileNames", [])
    for kind in ("getText", "getItem", "getInt", "getDouble"):
        setattr(QtWidgets.QInputDialog, kind, _static_input(kind))
