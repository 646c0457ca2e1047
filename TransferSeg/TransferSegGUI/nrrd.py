"""Uncompressed NRRD files by numpy alone: safe in any thread, geometry exact to float64."""

from __future__ import annotations

import errno
import os
import uuid
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .translating import _

_TYPES = {"int8": "int8", "uint8": "uint8", "int16": "int16", "uint16": "uint16", "int32": "int32"}
_TYPES |= {"uint32": "uint32", "int64": "int64", "uint64": "uint64", "float32": "float", "float64": "double"}
_DTYPES = {name: dtype for dtype, name in _TYPES.items()}
# Other names that writers use (Teem, ITK) for the same types.
_DTYPES |= {"signed char": "int8", "unsigned char": "uint8", "uchar": "uint8", "short": "int16", "short int": "int16"}
_DTYPES |= {"ushort": "uint16", "unsigned short": "uint16", "int": "int32", "uint": "uint32", "unsigned int": "uint32"}
_DTYPES |= {"long long": "int64", "longlong": "int64", "unsigned long long": "uint64", "ulonglong": "uint64"}
# Sign of each axis on the way to left-posterior-superior.
_SPACES = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
# One system call takes at most 2 GiB.
_BLOCK = 1 << 30


@dataclass(frozen=True)
class _Layout:
    """What a header says: dtype, sizes (fastest axis first), mapping to LPS, and how the voxels are packed."""

    dtype: np.dtype
    sizes: tuple[int, ...]
    ijkToLps: np.ndarray
    encoding: str


def writeNrrd(path: Path, array: np.ndarray, ijkToLps: np.ndarray) -> None:
    """Write an array (k, j, i) or (k, j, i, components); the file appears whole or not at all.

    Raises
    ------
    StorageError
        The disk is full or the folder is gone; nothing is left behind.
    """
    from TransferSegLib.storage import storage_error

    array = np.ascontiguousarray(array)
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    temporary = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        with open(temporary, "xb", buffering=0) as file:
            _writeAll(file, _header(array, ijkToLps).encode("utf-8"))
            _writeAll(file, memoryview(array.reshape(-1).view(np.uint8)))
        os.replace(temporary, path)
    except FileNotFoundError as error:
        raise _storage(_("{path}: its folder is gone; start again").format(path=path)) from error
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def readNrrd(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(array, ijkToLps) of a NRRD file with one 3-D image, raw or gzipped inside.

    Raises
    ------
    StorageError
        The file is gone, cut off, or not of that kind.
    """
    try:
        with open(path, "rb") as file:
            layout = _readHeader(file, path)
            array = _readVoxels(file, layout, path)
    except FileNotFoundError as error:
        raise _storage(_("{path}: the file is gone; start again").format(path=path)) from error
    except OSError as error:
        text = _("{path}: it cannot be read ({reason}); start again")
        raise _storage(text.format(path=path, reason=error.strerror or error)) from error
    return array, layout.ijkToLps


def _header(array: np.ndarray, ijkToLps: np.ndarray) -> str:
    # No name of a node: it may be the patient's.
    vector = array.ndim == 4
    columns = [_vector(ijkToLps[:3, axis]) for axis in range(3)]
    kind = {3: "RGB-color", 4: "RGBA-color"}.get(array.shape[-1], "vector") if array.dtype == np.uint8 else "vector"
    lines = [
        "NRRD0005",
        f"type: {_TYPES[array.dtype.name]}",
        f"dimension: {array.ndim}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(n) for n in ([array.shape[3]] if vector else []) + list(array.shape[2::-1]))}",
        f"space directions: {' '.join((['none'] if vector else []) + columns)}",
        f"kinds: {' '.join(([kind] if vector else []) + ['domain'] * 3)}",
        "endian: little",
        "encoding: raw",
        f"space origin: {_vector(ijkToLps[:3, 3])}",
    ]
    return "\n".join(lines) + "\n\n"


def _vector(values: np.ndarray) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"


def _writeAll(file: BinaryIO, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        written = file.write(view[:_BLOCK])
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view = view[written:]


def _readHeader(file: BinaryIO, path: Path) -> _Layout:
    if not file.readline().startswith(b"NRRD000"):
        raise _unreadable(path)
    fields: dict[str, str] = {}
    for line in iter(file.readline, b""):
        text = line.decode("utf-8", "replace").strip()
        if not text:
            break
        key, _colon, value = text.partition(": ")
        if not text.startswith("#"):
            fields[key.lower()] = value.strip()
    try:
        sizes = tuple(int(n) for n in fields["sizes"].split())
        dtype = np.dtype(_DTYPES[fields["type"].lower()])
        order = {"big": ">", "little": "<"}[fields.get("endian", "little").lower()]
        matrix = _matrix(fields, len(sizes))
    except (KeyError, ValueError) as error:
        raise _unreadable(path) from error
    if len(sizes) not in (3, 4) or "data file" in fields:
        raise _unreadable(path)
    return _Layout(dtype.newbyteorder(order), sizes, matrix, fields.get("encoding", "raw").lower())


def _matrix(fields: dict[str, str], dimension: int) -> np.ndarray:
    signs = np.array(_SPACES[fields["space"].lower()], float)
    texts = fields["space directions"].replace("none", "").replace(")", " ").replace("(", " ").split()
    columns = np.array([[float(n) for n in text.split(",")] for text in texts])
    origin = np.array([float(n) for n in fields["space origin"].strip("()").split(",")])
    matrix = np.eye(4)
    matrix[:3, :3] = (columns * signs).T
    matrix[:3, 3] = origin * signs
    if columns.shape != (3, 3) or dimension not in (3, 4):
        raise ValueError("not a 3-D image")
    return matrix + 0.0


def _readVoxels(file: BinaryIO, layout: _Layout, path: Path) -> np.ndarray:
    shape = layout.sizes[::-1]
    if layout.encoding == "raw":
        array = np.fromfile(file, layout.dtype, int(np.prod(shape)))
    elif layout.encoding in ("gzip", "gz"):
        try:
            array = np.frombuffer(bytearray(zlib.decompress(file.read(), wbits=31)), layout.dtype)
        except zlib.error as error:
            raise _unreadable(path) from error
    else:
        raise _unreadable(path)
    if array.size != int(np.prod(shape)):
        raise _unreadable(path)
    return array.reshape(shape).astype(layout.dtype.newbyteorder("="), copy=False)


def _unreadable(path: Path) -> Exception:
    return _storage(_("{path}: the file is not whole; start again").format(path=path))


def _storage(text: str) -> Exception:
    from TransferSegLib.errors import StorageError

    return StorageError(text)
