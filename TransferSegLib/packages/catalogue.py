"""Which models there are: shipped ones, the user's own, and those that a training registered."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..errors import PackageError, UsageError
from ..places import models_folder, registered_folders, write_registered
from .archive import unpacked
from .package import METADATA, Package, read_package

DEFAULT_LEVEL_MODEL = "l3-map-phantom"
"""What finds L3 where no model is named: of the shipped ones the better on held-out phantoms (their cards)."""
ONNX = ".onnx"
"""How the file of an exported network ends (``exporting/``)."""
_FIRST = ("brain-unet-phantom", DEFAULT_LEVEL_MODEL)


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue.

    ``available`` is False where the folder is gone or unreadable (``problem`` says why);
    ``offered`` is False for an adapted model whose verdict was worse than its source.
    """

    name: str
    folder: Path
    source: str
    package: Package | None
    problem: str = ""

    @property
    def available(self) -> bool:
        """Whether it can be used now."""
        return self.package is not None

    @property
    def offered(self) -> bool:
        """Whether choosers should propose it."""
        return self.package is not None and self.package.card.origin.get("verdict") != "worse"


def shipped_folder() -> Path:
    """Where the package's own models lie."""
    return Path(str(resources.files("TransferSegLib") / "Resources" / "models"))


def list_models() -> list[Entry]:
    """All models, shipped first (those that are proposed before others), then the user's, then registered ones."""
    entries: list[Entry] = []
    seen: set[Path] = set()
    for source, folder in _folders():
        if folder.resolve() not in seen:
            seen.add(folder.resolve())
            entries.append(_entry(source, folder))
    return entries


def find_package(reference: str | Path, option: str = "--model", *, others: Sequence[str] = ()) -> Package:
    """Open a model by name, folder or zip.

    ``option`` is what the user gave it as, ``others`` are names of what is no model but would do there too: both only
    for the message of an unknown name.

    Raises
    ------
    UsageError
        No such name, folder or file; the name that was meant, or all there are, are in the message.
    PackageError
        What is there cannot be read safely.
    """
    path = Path(reference)
    if path.is_dir() and (path / METADATA).is_file():
        return read_package(path)
    if path.is_file() and path.suffix.lower() == ONNX:
        raise UsageError(
            f"{path}: is an exported network, which segments, evaluates and finds levels, nothing else; "
            "name the model that it was made from"
        )
    if path.is_file():
        return read_package(unpacked(path))
    entries = list_models()
    found = [entry for entry in entries if entry.name == str(reference)]
    if found:
        usable = [entry for entry in found if entry.package is not None]
        if not usable:
            raise PackageError(found[0].problem)
        if len(usable) > 1:
            places = ", ".join(str(entry.folder) for entry in usable)
            raise UsageError(f"{option} {reference}: {len(usable)} models have that name; give the folder: {places}")
        return usable[0].package
    if path.is_dir():
        raise PackageError(f"{path}: has no {METADATA.as_posix()}; a model is a folder in the layout of a MONAI Bundle")
    names = [entry.name for entry in entries if entry.available]
    what = "network, model, folder or zip" if others else "model, folder or zip"
    raise UsageError(f"{option} {reference}: no such {what}; {meant(str(reference), names, others)}")


def meant(wanted: str, names: Sequence[str], others: Sequence[str] = ()) -> str:
    """``did you mean X?`` of the names (or ``others``) that are close to the one wanted; else the names there are."""
    close = difflib.get_close_matches(wanted, [*names, *others], n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join([*names, *others]) or 'none'}"


def register(package: Package) -> None:
    """Remember a package that lies outside the models folder, so that choosers list it."""
    folder = package.folder.resolve()
    if models_folder().resolve() in folder.parents:
        return
    write_registered([p for p in registered_folders() if p != folder and p.is_dir()] + [folder])


def forget(folder: Path) -> None:
    """Take a folder off the list of those that were registered; nothing in it is touched."""
    write_registered([p for p in registered_folders() if p.resolve() != folder.resolve()])


def _folders() -> Iterator[tuple[str, Path]]:
    for source, root in (("shipped", shipped_folder()), ("user", models_folder())):
        if root.is_dir():
            for folder in sorted(root.iterdir(), key=_place if source == "shipped" else None):
                if (folder / METADATA).is_file():
                    yield source, folder
    for folder in registered_folders():
        yield "registered", folder


def _place(folder: Path) -> tuple[int, str]:
    """Where a shipped model stands in lists: those that are proposed first, then by name."""
    return (_FIRST.index(folder.name) if folder.name in _FIRST else len(_FIRST), folder.name)


def _entry(source: str, folder: Path) -> Entry:
    try:
        package = read_package(folder)
    except PackageError as error:
        return Entry(folder.name, folder, source, None, error.message)
    return Entry(package.card.name, folder, source, package)
