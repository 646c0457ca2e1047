"""Where user models and caches live, the same for shell and Slicer."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def home() -> Path:
    """``$TRANSFERSEG_HOME``, or the platform's own data folder; not created here."""
    chosen = os.environ.get("TRANSFERSEG_HOME")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "TransferSeg"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "TransferSeg"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "transferseg"


def models_folder() -> Path:
    """User models, one folder each."""
    return home() / "models"


def cache_folder(kind: str) -> Path:
    """A cache that may be deleted at any time."""
    return home() / "cache" / kind
