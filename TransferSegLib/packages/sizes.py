"""Where size cards lie: in the model's own card, or beside the user's models where that cannot be written."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import StorageError
from ..places import cache_folder, home
from ..processes import machine_name
from ..storage import sha256, write_json
from .card import Card, json_schema
from .catalogue import shipped_folder
from .package import METADATA, Package, read_json
from .schema import check_schema
from .size_record import SizeRecord, newest


def sizes_of(package: Package) -> tuple[SizeRecord, ...]:
    """What is known of a model's size: the newest record of each machine and device, newest first."""
    beside = _read().get(package.card.weights_sha256, ()) if package.card.weights_sha256 else ()
    return newest([*package.card.sizes, *_records(beside)])


def size_here(package: Package, *, device: str | None = None) -> SizeRecord | None:
    """The newest record of this machine (on ``device``, or on any), or None."""
    machine = machine_name()
    found = (r for r in sizes_of(package) if r.machine == machine and (device is None or r.device == device))
    return next(found, None)


def store_size(package: Package, record: SizeRecord) -> Path:
    """Keep a record; the file that was written, whole or not at all.

    It goes into the model's card. The card of a shipped model, of one in the cache or of one that cannot be written
    is left alone: its records lie in ``sizes.json`` beside the user's models, by the hash of the weights.

    Raises
    ------
    StorageError
        Neither can be written.
    """
    if not _is_not_ours_to_write(package.folder):
        try:
            return _into_card(package, record)
        except StorageError:
            pass
    return _beside(package, record)


def sizes_file() -> Path:
    """Where the records lie that are in no card."""
    return home() / "sizes.json"


def _is_not_ours_to_write(folder: Path) -> bool:
    """Whether a folder comes with TransferSeg, or is unpacked from a zip."""
    return any(root.resolve() in folder.resolve().parents for root in (shipped_folder(), cache_folder("packages")))


def _into_card(package: Package, record: SizeRecord) -> Path:
    file = package.folder / METADATA
    metadata = read_json(file)
    # Read anew: another process may have measured meanwhile.
    card = Card.from_json(metadata["transferseg"], where=str(file))
    metadata["transferseg"]["sizes"] = [asdict(one) for one in newest([*card.sizes, record])]
    write_json(file, metadata)
    return file


def _beside(package: Package, record: SizeRecord) -> Path:
    known = _read()
    key = package.card.weights_sha256 or sha256(package.weights)
    known[key] = [asdict(one) for one in newest([*_records(known.get(key, ())), record])]
    write_json(sizes_file(), known)
    return sizes_file()


def _read() -> dict[str, Any]:
    """The file beside the models; what is not readable counts as nothing measured."""
    try:
        found = json.loads(sizes_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _records(found: Any) -> list[SizeRecord]:
    """Those entries that are whole."""
    if not isinstance(found, list) or not found:
        return []
    schema = json_schema()["properties"]["sizes"]["items"]
    whole = [item for item in found if check_schema(item, schema, "size") is None]
    return [SizeRecord(**{key: item[key] for key in schema["properties"]}) for item in whole]
