"""models: list, show, groups, verify, import, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import PackageError, UsageError
from ..networks import build_network, network_names
from ..packages import Package, export_zip, find_package, import_bundle, list_models, read_package, unpacked
from ..packages.package import METADATA, read_json
from ..places import models_folder
from ..storage import check_folder_is_free, check_writable, writing_folder
from ..strategies import groups_report


def models_list() -> list[dict[str, Any]]:
    """``[{name, roles, labels, task, available, path, offered, source, description, problem}]``."""
    rows = []
    for entry in list_models():
        card = entry.package.card if entry.package else None
        rows.append(
            {
                "name": entry.name,
                "roles": list(card.roles) if card else [],
                "labels": [label.name for label in card.labels] if card else [],
                "task": card.task if card else None,
                "available": entry.available,
                "path": str(entry.folder),
                "offered": entry.offered,
                "source": entry.source,
                "description": card.description if card else "",
                "problem": entry.problem,
            }
        )
    return rows


def models_show(name: str) -> dict[str, Any]:
    """The card of a model, and its folder."""
    package = find_package(name)
    return {"path": str(package.folder), **package.card.to_json()}


def models_groups(name: str) -> dict[str, Any]:
    """Total, trainable and frozen parameters by grouping and strategy, for a network or a model's name."""
    if name in network_names():
        return groups_report(name)
    card = find_package(name).card
    return groups_report(card.network, build_network(card.network, card.in_channels, card.out_channels, card.arguments))


def models_verify(name: str | None = None) -> list[dict[str, Any]]:
    """Read every tensor of one model, or of all: ``[{name, ok, problem, path}]``."""
    if name is not None:
        packages: list[tuple[str, Package | None, str, Path]] = [_opened(name)]
    else:
        # A registered folder that is gone was the user's to remove: it is no fault of a model.
        entries = [e for e in list_models() if e.source != "registered" or e.folder.is_dir()]
        packages = [(e.name, e.package, e.problem, e.folder) for e in entries]
    rows = []
    for label, package, problem, folder in packages:
        if package is not None:
            try:
                package.network()
            except PackageError as error:
                problem = error.message
        rows.append({"name": label, "ok": not problem, "problem": problem, "path": str(folder)})
    return rows


def models_import(path: str | Path, *, name: str | None = None) -> dict[str, Any]:
    """Bring a MONAI bundle or one of our packages (folder or zip) into the user's models, verified first.

    Returns
    -------
    dict
        ``{name, path}``.
    """
    folder = Path(path)
    if not folder.exists():
        raise UsageError(f"{path}: no such file or folder; name a bundle's folder or zip")
    if folder.is_file():
        folder = unpacked(folder)
    metadata = read_json(folder / METADATA)
    ours = isinstance(metadata, dict) and "transferseg" in metadata
    name = name or (read_package(folder).card.name if ours else folder.resolve().name)
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name.startswith("."):
        raise UsageError(f"--name {name}: use letters, digits, - and _")
    if any(entry.name == name and entry.source != "registered" for entry in list_models()):
        raise UsageError(f"{name}: a model of that name exists already; choose another with --name")
    target = models_folder() / name
    check_folder_is_free(target, "--name")
    if ours:
        _copy(read_package(folder), target, name)
    else:
        import_bundle(folder, target, name=name)
    return {"name": name, "path": str(target)}


def models_export(name: str, out: str | Path) -> dict[str, Any]:
    """Zip a model's package to ``out`` (verified first): ``{name, path}``."""
    check_writable(out)
    if Path(out).suffix.lower() != ".zip":
        raise UsageError(f"--out {out}: must end in .zip")
    package = find_package(name)
    package.network()
    return {"name": package.card.name, "path": str(export_zip(package, out))}


def _copy(package: Package, target: Path, name: str) -> None:
    import shutil
    from dataclasses import replace

    from ..packages import write_package

    package.network()
    if name != package.card.name:
        write_package(target, replace(package.card, name=name), package.state())
        return
    with writing_folder(target) as temporary:
        shutil.copytree(package.folder, temporary, dirs_exist_ok=True)


def _opened(name: str) -> tuple[str, Package | None, str, Path]:
    package = find_package(name)
    return package.card.name, package, "", package.folder
