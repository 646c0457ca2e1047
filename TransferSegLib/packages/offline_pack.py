"""An offline pack: a folder of wheels and models with their hashes, carried to a computer without internet."""

from __future__ import annotations

import json
import platform as host
import sys
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import InputError, PackageError
from ..events import Events, quiet
from ..storage import sha256, write_json

PACK_FILE = "pack.json"
WHEELS, MODELS = "wheels", "models"
FORMAT = 1
SYSTEMS = {"windows": "Windows", "linux": "Linux", "macos": "macOS"}


@dataclass(frozen=True)
class PackFile:
    """One file of a pack: ``path`` below its folder, with ``/``; a wheel's name and version, or a model's name."""

    path: str
    name: str
    version: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Pack:
    """What ``pack.json`` says.

    Attributes
    ----------
    system : ``windows``, ``linux`` or ``macos``
    machine : ``x86_64`` or ``arm64``
    python : ``"3.12"``
    requirements : what to hand to pip
    wheels, models : the files
    """

    folder: Path
    system: str
    machine: str
    python: str
    requirements: tuple[str, ...]
    wheels: tuple[PackFile, ...]
    models: tuple[PackFile, ...]

    @property
    def files(self) -> tuple[PackFile, ...]:
        """All files but ``pack.json`` itself."""
        return (*self.wheels, *self.models)

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(file.bytes for file in self.files)


def write_pack(pack: Pack) -> None:
    """Write ``pack.json``; done last, so that a folder without it is known to be unfinished."""
    value = asdict(pack) | {"format": FORMAT}
    value.pop("folder")
    write_json(pack.folder / PACK_FILE, value)


def read_pack(folder: Path | str) -> Pack:
    """Read a pack's description; its files are not looked at.

    Raises
    ------
    PackageError
        No pack, an unfinished one, or one of another version of TransferSeg.
    """
    folder = Path(folder)
    where = folder / PACK_FILE
    if not where.is_file():
        if (folder / WHEELS).is_dir():
            raise PackageError(f"{folder}: this offline pack is not finished; give the pack command again")
        raise PackageError(f"{folder}: is no offline pack (it has no {PACK_FILE}); choose the folder that pack made")
    try:
        value = json.loads(where.read_text(encoding="utf-8"))
        if value.pop("format") != FORMAT:
            raise PackageError(f"{where}: was made by another version of TransferSeg; make the pack again")
        for kind in (WHEELS, MODELS):
            value[kind] = tuple(PackFile(**entry) for entry in value[kind])
        value["requirements"] = tuple(value["requirements"])
        return Pack(folder=folder, **value)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackageError(f"{where}: is damaged; copy the pack again") from error


def verify_pack(pack: Pack, events: Events | None = None) -> None:
    """Hold every file against its hash; files that ``pack.json`` does not list are refused as well.

    Raises
    ------
    PackageError
        Names the first file that is missing, changed, or not of the pack.
    """
    events = quiet(events)
    listed = set()
    for number, file in enumerate(pack.files, 1):
        name = PurePosixPath(file.path)
        if name.is_absolute() or ".." in name.parts or "\\" in file.path or ":" in file.path:
            raise PackageError(f"{pack.folder / PACK_FILE}: {file.path!r} leads outside the pack; do not use this pack")
        path = pack.folder / name
        listed.add(path)
        if not path.is_file():
            raise PackageError(f"{path}: is missing; copy the pack again")
        if path.stat().st_size != file.bytes or sha256(path) != file.sha256:
            raise PackageError(f"{path}: was changed or damaged since the pack was made; copy the pack again")
        events.progress("checking the pack", number, len(pack.files))
    for kind in (WHEELS, MODELS):
        for path in sorted((pack.folder / kind).rglob("*")):
            if path.is_file() and path not in listed:
                raise PackageError(f"{path}: does not belong to the pack; remove it or make the pack again")


def check_machine(pack: Pack) -> None:
    """Raise ``InputError`` when the pack was made for another system, processor or Python than this one."""
    here = (this_system(), this_machine(), this_python())
    made_for = (pack.system, pack.machine, pack.python)
    if made_for != here:
        raise InputError(
            f"{pack.folder}: this pack is for {_words(*made_for)}, this is {_words(*here)}; "
            f"make one with --platform {here[0]} --python {here[2]}"
        )


def this_system() -> str:
    """``windows``, ``linux`` or ``macos``."""
    return {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")


def this_machine() -> str:
    """``x86_64`` or ``arm64``."""
    return "arm64" if host.machine().lower() in ("arm64", "aarch64") else "x86_64"


def this_python() -> str:
    """``"3.12"``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def fingerprint(pack: Pack) -> str:
    """Short hash of ``pack.json``: told when the pack is made and shown before it is installed, to be compared."""
    return sha256(pack.folder / PACK_FILE)[:16]


def summary(pack: Pack) -> dict[str, Any]:
    """What a pack holds, as plain values."""
    return {
        "pack": str(pack.folder),
        "platform": pack.system,
        "machine": pack.machine,
        "python": pack.python,
        "requirements": list(pack.requirements),
        "wheels": [f"{file.name} {file.version}" for file in pack.wheels],
        "models": [file.name for file in pack.models],
        "bytes": pack.bytes,
        "fingerprint": fingerprint(pack),
    }


def _words(system: str, machine: str, python: str) -> str:
    return f"{SYSTEMS.get(system, system)} ({machine}) with Python {python}"
