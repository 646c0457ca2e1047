"""Packages as zip files: packed for a colleague, unpacked without trusting the archive."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from ..errors import PackageError, StorageError
from ..places import cache_folder
from ..storage import sha256, writing, writing_folder
from .package import METADATA, Package

MAX_BYTES = 8 << 30


def export_zip(package: Package, path: Path | str) -> Path:
    """Zip a package's folder to ``path`` (written whole or not at all)."""
    path = Path(path)
    with writing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(package.folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"{package.card.name}/{file.relative_to(package.folder).as_posix()}")
    return path


def unpacked(path: Path | str) -> Path:
    """The folder of a zipped package, unpacked once into the cache.

    Raises
    ------
    PackageError
        Not a zip, damaged, with links or paths that lead outside, too large, or without a bundle inside.
    """
    path = Path(path)
    if not zipfile.is_zipfile(path):
        raise PackageError(f"{path}: is neither a folder nor a readable zip; name a model, its folder or its zip")
    target = cache_folder("packages") / sha256(path)[:24]
    if not target.is_dir():
        try:
            with writing_folder(target) as temporary:
                _extract(path, temporary)
        except StorageError:
            if not target.is_dir():  # else another process unpacked it meanwhile
                raise
    roots = [p.parent.parent for p in target.rglob(METADATA.name) if p.parent.name == METADATA.parent.name]
    if len(roots) != 1:
        shutil.rmtree(target, ignore_errors=True)
        raise PackageError(f"{path}: holds {len(roots)} bundles, expected one with {METADATA.as_posix()}")
    return roots[0]


def _extract(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise PackageError(f"{path}: would unpack to more than {MAX_BYTES >> 30} GB and is refused")
            for entry in entries:
                name = PurePosixPath(entry.filename.replace("\\", "/"))
                is_link = stat.S_ISLNK(entry.external_attr >> 16)
                if is_link or name.is_absolute() or ".." in name.parts or ":" in entry.filename:
                    raise PackageError(f"{path}: entry {entry.filename!r} leads outside the archive; refused")
            archive.extractall(folder)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise PackageError(f"{path}: is a damaged zip; get it again") from error
