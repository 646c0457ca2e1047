"""Whether Slicer is closing, for loops that block: ``aboutToQuit`` comes only after they have ended."""

from __future__ import annotations

from typing import Any


class Closing:
    """Looks at the main window, if one is shown when this is made; Slicer ends when it is closed."""

    def __init__(self) -> None:
        self._window: Any = _shownWindow()

    @property
    def begun(self) -> bool:
        """Whether the user has closed the main window since."""
        return self._window is not None and not self._window.visible


def _shownWindow() -> Any:
    try:
        from slicer.util import mainWindow

        window = mainWindow()
    except (ImportError, AttributeError):  # plain Python
        return None
    return window if window is not None and window.visible else None
