"""Images on their way between Slicer and the worker: quick copies, a private folder, nothing left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .claims import Claim, hasMark, isClaimed
from .geometry import ijkToLps, worldIjkToRas
from .nrrd import readNrrd, writeNrrd
from .removing import removeWhole
from .translating import _

_PREFIX = "TransferSeg-exchange-"
# Younger folders may be between being made and being claimed.
_NEW_SECONDS = 60.0


@dataclass(frozen=True)
class Snapshot:
    """An image apart from its node.

    Attributes
    ----------
    array : numpy.ndarray, (k, j, i) or (k, j, i, components)
    ijkToLps : numpy.ndarray, 4x4, float64
        From voxel indices (i, j, k) to the world, mm; linear transforms above the volume are in it.
    name : str
        The node's name.
    """

    array: np.ndarray
    ijkToLps: np.ndarray = field(default_factory=lambda: np.eye(4))
    name: str = ""


def snapshot(volumeNode: Any) -> Snapshot:
    """A copy of a volume as it is now; call it on the main thread (tens of milliseconds for a brain MRI).

    Raises
    ------
    InputError
        No voxels, diffusion tensors, a non-linear transform or a sheared grid; the node is named.
    """
    from slicer.util import arrayFromVolume

    name = volumeNode.GetName() or ""
    image = volumeNode.GetImageData()
    if image is None or min(image.GetDimensions()) < 1 or image.GetPointData().GetScalars() is None:
        raise _inputError(_("{name}: the volume holds no image; load it again or choose another").format(name=name))
    matrix = ijkToLps(worldIjkToRas(volumeNode))
    try:
        view = arrayFromVolume(volumeNode)
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _notAnImage(name) from error
    if view.ndim not in (3, 4) or view.dtype.kind not in "iuf":
        raise _notAnImage(name)
    return Snapshot(np.array(view, order="C", copy=True), matrix, name)


def writeImage(image: Snapshot, path: str | Path) -> None:
    """Write a snapshot as uncompressed NRRD in LPS; safe in any thread. ``StorageError`` when it cannot be kept."""
    writeNrrd(Path(path), image.array, image.ijkToLps)


def readImage(path: str | Path) -> Snapshot:
    """Read a NRRD file that the worker or ``writeImage`` wrote; safe in any thread. ``StorageError`` if damaged."""
    return Snapshot(*readNrrd(Path(path)), Path(path).stem)


class ExchangeFolder:
    """A folder that only this user can read, gone with ``remove``, with this object, or with Slicer.

    Raises
    ------
    StorageError
        When the temporary folder is not writable or full.
    """

    def __init__(self) -> None:
        from TransferSegLib.storage import storage_error

        parent = temporaryFolder()
        folder = None
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))  # 0700
            claim = Claim(folder)
        except OSError as error:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            raise storage_error(parent, error) from error
        self.path = folder
        self._finalizer = weakref.finalize(self, _remove, folder, claim)

    def file(self, name: str) -> Path:
        """The path of a file in it."""
        return self.path / name

    def remove(self) -> None:
        """Remove it with all that it holds; doing so again removes what a thread was still writing meanwhile."""
        self._finalizer()
        removeWhole(self.path)


def temporaryFolder() -> Path:
    """Slicer's temporary folder, which the user can change in the application settings."""
    try:
        from slicer import app

        chosen = app.temporaryPath
    except (ImportError, AttributeError):
        chosen = ""
    return Path(chosen or tempfile.gettempdir())


def removeAbandoned() -> int:
    """Remove the folders that processes left behind which died; the number of folders removed."""
    removed = 0
    for folder in temporaryFolder().glob(f"{_PREFIX}*"):
        if not folder.is_symlink() and folder.is_dir() and _mayBeRemoved(folder):
            shutil.rmtree(folder, ignore_errors=True)
            removed += not folder.exists()
    return removed


def _remove(folder: Path, claim: Claim) -> None:
    claim.release()
    removeWhole(folder)


def _mayBeRemoved(folder: Path) -> bool:
    try:
        state = folder.stat()
    except OSError:
        return False
    # Windows has no getuid; its temporary folder is the user's own.
    if hasattr(os, "getuid") and state.st_uid != os.getuid():
        return False
    if not hasMark(folder) and time.time() - state.st_mtime < _NEW_SECONDS:
        return False
    return not isClaimed(folder)


def _notAnImage(name: str) -> Exception:
    text = _("{name}: it is not a plain image (diffusion, sequence or other); choose a scalar volume")
    return _inputError(text.format(name=name))


def _inputError(text: str) -> Exception:
    from TransferSegLib.errors import InputError

    return InputError(text)
