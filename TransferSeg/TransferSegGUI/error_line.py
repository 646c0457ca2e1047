"""The line in which a panel says what went wrong and what to do."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from .wording import cancelled, plainError


class ErrorLine:
    """Shows one message at a time, or nothing.

    Parameters
    ----------
    ui : object with the children ``errorBox errorText``
    """

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.clear()

    def clear(self) -> None:
        """Say nothing."""
        self._say("")

    def warn(self, text: str) -> None:
        """Say something that the user should look at."""
        self._say(f"⚠ {text}")

    def show(self, error: Any) -> str:
        """Say an error in plain words; what belongs behind the Details fold."""
        error = plainError(error)
        if error.code == "cancelled":
            plain = error.message == cancelled().message
            self._say(_("Cancelled. Nothing in the scene was changed.") if plain else error.message)
            return ""
        self.warn(f"{error.message}\n{error.hint}".strip())
        return f"{error.message}\n{error.details}".strip()

    def _say(self, text: str) -> None:
        self.ui.errorText.text = text
        self.ui.errorBox.setVisible(bool(text))
