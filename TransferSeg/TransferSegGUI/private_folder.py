"""Folders that only this user can read: images of patients are copied there."""

from __future__ import annotations

from pathlib import Path


def makePrivate(root: Path, folder: Path | None = None) -> None:
    """Make a folder, and one below it, that nobody else can look into; ``StorageError`` when it cannot be."""
    from TransferSegLib.storage import storage_error

    folder = root if folder is None else folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
    except OSError as error:
        raise storage_error(folder, error) from error
