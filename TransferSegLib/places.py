"""Where user models and caches live, the same for shell and Slicer."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from .errors import StorageError, UsageError
from .storage import check_writable, write_json, write_text

VARIABLE = "TRANSFERSEG_HOME"
# In the default folder: the path of the folder that the user chose instead.
POINTER = "storage-folder.txt"
# Marks a folder as ours, so that nobody's own folder "models" is taken for it.
MARKER = "transferseg-home.txt"
_MARKER_TEXT = "TransferSeg keeps models, adaptations and a cache here; the folder 'cache' may be deleted.\n"


def home() -> Path:
    """``$TRANSFERSEG_HOME``, or the folder that was chosen with ``set_home``, or the default; not created here."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    try:
        pointed = (default_home() / POINTER).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        pointed = ""
    return Path(pointed) if pointed and Path(pointed).is_absolute() else default_home()


def default_home() -> Path:
    """The platform's own data folder."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "TransferSeg"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "TransferSeg"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "transferseg"


def home_is_fixed() -> bool:
    """Whether the environment variable decides, so that ``set_home`` cannot."""
    return bool(os.environ.get(VARIABLE))


def set_home(path: Path | str | None) -> Path:
    """Keep models and caches in ``path`` from now on, in every process of this user; None: the default again.

    Nothing is moved. In a folder that holds other things a folder ``TransferSeg`` is made. The list of models that
    lie elsewhere is carried over.

    Returns
    -------
    Path
        The folder that is used.

    Raises
    ------
    UsageError
        The environment variable decides, or the path is relative.
    StorageError
        The folder cannot be written.
    """
    if home_is_fixed():
        raise UsageError(f"the environment variable {VARIABLE} sets the folder ({home()}); change it there")
    target, before = wanted_home(path), registered_folders()
    check_writable(target / MARKER)
    if target != default_home():
        write_text(target / MARKER, _MARKER_TEXT)
        write_text(default_home() / POINTER, f"{target}\n")
    else:
        (default_home() / POINTER).unlink(missing_ok=True)
    after = registered_folders()
    if set(before) - set(after):
        write_registered([*after, *(folder for folder in before if folder not in after)])
    return target


def wanted_home(path: Path | str | None) -> Path:
    """The folder that ``set_home(path)`` would use."""
    if path is None:
        return default_home()
    target = Path(path).expanduser()
    if not target.is_absolute():
        raise UsageError(f"{path}: give the whole path of the folder")
    if target.is_file():
        raise StorageError(f"{target}: it is a file; name a folder")
    if target.resolve() == default_home().resolve():
        return default_home()
    return target if _is_free(target) else target / "TransferSeg"


def _is_free(folder: Path) -> bool:
    """Whether nothing but ours lies in a folder."""
    ours = (folder / MARKER).is_file() or any(folder.glob("models/*/configs/metadata.json"))
    return ours or not folder.is_dir() or not any(folder.iterdir())


def models_folder() -> Path:
    """User models, one folder each."""
    return home() / "models"


def cache_folder(kind: str) -> Path:
    """A cache that may be deleted at any time."""
    return home() / "cache" / kind


def registered_folders() -> list[Path]:
    """The folders of models that lie elsewhere and are listed all the same."""
    try:
        return [Path(p) for p in json.loads(_register_file().read_text(encoding="utf-8"))["folders"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def write_registered(folders: list[Path]) -> None:
    """Replace the list of ``registered_folders``."""
    write_json(_register_file(), {"folders": [str(p) for p in folders]})


def _register_file() -> Path:
    return home() / "registered.json"
