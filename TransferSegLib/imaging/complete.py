"""Whether an image file holds all the voxels that its header promises.

ITK reads a truncated NIfTI file without a word and turns NaN in it into 0, and MetaImage complains on
stderr: look first.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .formats import image_suffix
from .nifti import NiftiHeader

_BLOCK = 1 << 20


def why_no_header(path: Path) -> str | None:
    """What a quick look at the start of a file says against it, or None."""
    if path.stat().st_size == 0:
        return "it is an empty file"
    if image_suffix(path) in (".mha", ".mhd") and not {"dimsize", "elementdatafile"} <= set(_metaimage_header(path)[0]):
        return "its header is truncated or damaged"
    return None


def why_incomplete(path: str | Path, *, finite: bool = False) -> str | None:
    """What is missing in an image file, or None when it is whole (or of a format not looked into).

    With ``finite``, NaN and infinite voxels of a NIfTI file count as damage too.
    """
    path = Path(path)
    suffix = image_suffix(path)
    try:
        problem = why_no_header(path)
        if problem is not None:
            return problem
        if suffix in (".nii", ".nii.gz"):
            return _nifti(path, finite)
        if suffix in (".mha", ".mhd"):
            return _metaimage(path)
    except zlib.error:
        return "its compressed data are damaged"
    return None


def _nifti(path: Path, finite: bool) -> str | None:
    header = NiftiHeader.read(path)
    if header is None or not header.single_file:
        return None
    if not _is_gzip(path) and not (finite and header.float_type):
        return _missing(path.stat().st_size, header.bytes_needed)
    held, bad, rest = 0, 0, b""
    for chunk in _chunks(path):
        if chunk is None:
            return _missing(None, header.bytes_needed)
        start, held = held, held + len(chunk)
        if finite and header.float_type and held > header.voxel_offset:
            # Only the voxels, and only whole ones: a chunk ends anywhere.
            data = rest + chunk[max(0, header.voxel_offset - start) : max(0, header.bytes_needed - start)]
            whole = len(data) - len(data) % header.float_type.itemsize
            bad += int(np.count_nonzero(~np.isfinite(np.frombuffer(data[:whole], header.float_type))))
            rest = data[whole:]
    if bad and held >= header.bytes_needed:
        return f"{bad} voxels are NaN or infinite; replace them (for example by 0)"
    return _missing(held, header.bytes_needed)


def _missing(held: int | None, needed: int) -> str | None:
    if held is None:
        return "its compressed data end too early"
    if held < needed:
        return f"it is truncated: {held} of {needed} bytes"
    return None


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _chunks(path: Path) -> Iterator[bytes | None]:
    """The content of a file, gunzipped where it is gzip, checksums held; None where it ends too early."""
    with path.open("rb") as file:
        data = file.read(_BLOCK)
        zipped = data[:2] == b"\x1f\x8b"
        while data and not zipped:
            yield data
            data = file.read(_BLOCK)
        while data[:2] == b"\x1f\x8b":  # one round a member; padding after the last one is ignored
            member = zlib.decompressobj(wbits=31)
            while not member.eof:
                yield member.decompress(data)
                data = member.unused_data
                if not member.eof:
                    data = file.read(_BLOCK)
                    if not data:
                        yield None
                        return
            data = data or file.read(_BLOCK)
            if len(data) == 1:
                data += file.read(1)


_METAIMAGE_BYTES = {"CHAR": 1, "UCHAR": 1, "SHORT": 2, "USHORT": 2, "INT": 4, "UINT": 4, "LONG": 4, "ULONG": 4}
_METAIMAGE_BYTES |= {"LONG_LONG": 8, "ULONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}


def _metaimage(path: Path) -> str | None:
    fields, start = _metaimage_header(path)
    kind = fields.get("elementtype", "").upper().removeprefix("MET_")
    data = fields.get("elementdatafile", "")
    if data.upper() != "LOCAL":
        path, start = path.parent / data, 0
        if data.upper() in ("LIST", "") or "%" in data:
            return None
        if not path.is_file():
            return f"its voxel file {data} is not beside it"
    if kind not in _METAIMAGE_BYTES:
        return None
    needed = _METAIMAGE_BYTES[kind] * int(fields.get("elementnumberofchannels", 1))
    for size in fields.get("dimsize", "").split():
        needed *= int(size)
    held = path.stat().st_size - start
    if fields.get("compresseddata", "").lower() != "true":
        return _missing(held, needed)
    total, stream = 0, zlib.decompressobj()
    with path.open("rb") as file:
        file.seek(start)
        while not stream.eof:
            data = file.read(_BLOCK)
            if not data:
                return _missing(None, needed)
            total += len(stream.decompress(data))
    return _missing(total, needed)


def _metaimage_header(path: Path) -> tuple[dict[str, str], int]:
    """The fields (names in lower case) and where the voxels start."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        for line in iter(file.readline, b""):
            name, _, value = line[:4096].decode("latin-1").partition("=")
            fields[name.strip().lower()] = value.strip()
            if "elementdatafile" in fields:
                break
        return fields, file.tell()
