"""The outermost layer of an ONNX file, read and written without any library: its metadata, and all the rest.

An ONNX file is one protobuf message (``ModelProto``, onnx.proto3): fields one after another, each a key (its number and
kind as a varint) and a value. Field 14 holds metadata, one entry (key, value) each; what comes twice is joined, so that
an entry can be added at the end. Whoever has only a runtime needs no package ``onnx`` to see what a file is.
"""

from __future__ import annotations

METADATA_FIELD = 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def split_metadata(content: bytes) -> tuple[bytes, dict[str, str]]:
    """The file without its metadata, and the metadata; ``ValueError`` where it is no such message."""
    view = memoryview(content)
    rest, found, place = [], {}, 0
    while place < len(view):
        number, kind, start, end = _field(view, place)
        if number == METADATA_FIELD and kind == _BYTES:
            entry = _entry(view[start:end])
            found[entry[0]] = entry[1]
        else:
            rest.append(view[place:end])
        place = end
    return b"".join(rest), found


def with_metadata(content: bytes, key: str, value: str) -> bytes:
    """The file with one more entry of metadata."""
    entry = b"".join(
        _varint(number << 3 | _BYTES) + _varint(len(text)) + text
        for number, text in ((1, key.encode()), (2, value.encode()))
    )
    return content + _varint(METADATA_FIELD << 3 | _BYTES) + _varint(len(entry)) + entry


def _field(view: memoryview, place: int) -> tuple[int, int, int, int]:
    """(number, kind, start of the value, its end) of the field at ``place``."""
    key, start = _read_varint(view, place)
    number, kind = key >> 3, key & 7
    if kind == _BYTES:
        length, start = _read_varint(view, start)
    elif kind == _VARINT:
        length = _read_varint(view, start)[1] - start
    elif kind in (_FIXED32, _FIXED64):
        length = 4 if kind == _FIXED32 else 8
    else:
        raise ValueError(f"a field of kind {kind}")
    if not number or start + length > len(view):
        raise ValueError("a field without number, or beyond the end")
    return number, kind, start, start + length


def _entry(view: memoryview) -> tuple[str, str]:
    """Key and value of one entry of metadata."""
    texts = {1: "", 2: ""}
    place = 0
    while place < len(view):
        number, kind, start, end = _field(view, place)
        if kind == _BYTES and number in texts:
            texts[number] = bytes(view[start:end]).decode("utf-8")
        place = end
    return texts[1], texts[2]


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _read_varint(view: memoryview, place: int) -> tuple[int, int]:
    """The number that begins at ``place``, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(view):
            break
        byte = view[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
    raise ValueError("a number without end")
