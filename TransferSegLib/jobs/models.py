"""models: list, show, groups, verify, import, export, delete; measuring is in `models_measure`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import NameTaken, PackageError, UsageError
from ..exporting.sizes_counting import parameters_of_card
from ..networks import build_network, is_network
from ..packages import (
    Entry,
    Package,
    SizeRecord,
    export_zip,
    find_package,
    forget,
    import_bundle,
    import_tmtvnet,
    is_checkpoint,
    list_models,
    meant,
    merge_packages,
    read_package,
    size_here,
    sizes_of,
    unpacked,
)
from ..packages.package import METADATA, read_json
from ..places import home, models_folder
from ..storage import check_file_is_free, check_folder_is_free, remove_folder, writing_folder
from ..strategies import groups_report
from .models_drawing import package_of_network, strategy_blocks
from .opening import find_runnable


def models_list() -> list[dict[str, Any]]:
    """``[{name, roles, labels, task, available, path, offered, source, description, problem, parameters, seconds,
    precision}]``.

    ``seconds`` of the model's standard case were measured on this machine in ``precision`` (`models_measure`); both
    are None where they were not.
    """
    rows = []
    for entry in list_models():
        card = entry.package.card if entry.package else None
        here = size_here(entry.package) if entry.package else None
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
                "parameters": _parameters(entry.package, here),
                "seconds": here.seconds if here else None,
                "precision": here.precision if here else None,
            }
        )
    return rows


def _parameters(package: Package | None, here: SizeRecord | None) -> int | None:
    """Counted when it was measured, else now; None for a network that cannot be built."""
    known = here or next(iter(sizes_of(package) if package else ()), None)
    if package is None or known is not None:
        return known.parameters if known else None
    try:
        return parameters_of_card(package.card)
    except UsageError:
        return None


def models_show(name: str) -> dict[str, Any]:
    """The card of a model, with all that is known of its ``sizes``, and its folder."""
    package = find_runnable(name, option="NAME")
    sizes = [asdict(record) for record in sizes_of(package)] if isinstance(package, Package) else []
    return {"path": str(package.folder), **package.card.to_json(), "sizes": sizes}


def models_groups(
    name: str,
    *,
    strategy_name: str | None = None,
    grouping: str = "anatomical",
    picture: str | Path | None = None,
) -> dict[str, Any]:
    """Total, trainable and frozen parameters by grouping and strategy, for a network or a model's name.

    With ``strategy_name`` also what ``strategy_blocks`` gives, for that strategy alone.
    """
    if picture is not None and strategy_name is None:
        raise UsageError("--picture: say with --strategy which strategy to draw")
    drawn = {} if strategy_name is None else strategy_blocks(name, strategy_name, grouping=grouping, picture=picture)
    if is_network(name):
        return groups_report(name) | drawn
    card = package_of_network(name).card
    module = build_network(card.network, card.in_channels, card.out_channels, card.arguments)
    return groups_report(card.network, module) | drawn


def models_verify(name: str | None = None) -> list[dict[str, Any]]:
    """Read every tensor of one model, or of all: ``[{name, ok, problem, path, source}]``."""
    if name is not None:
        package = find_runnable(name, option="NAME")
        entries = [Entry(package.card.name, package.folder, "named", package)]
    else:
        # A registered folder that is gone was the user's to remove: it is no fault of a model.
        entries = [e for e in list_models() if e.source != "registered" or e.folder.is_dir()]
    rows = []
    for entry in entries:
        problem = entry.problem
        if entry.package is not None:
            try:
                entry.package.network()
            except PackageError as error:
                problem = error.message
        rows.append(
            {
                "name": entry.name,
                "ok": not problem,
                "problem": problem,
                "path": str(entry.folder),
                "source": entry.source,
            }
        )
    return rows


def models_import(path: str | Path, *, name: str | None = None, refiner: str | Path | None = None) -> dict[str, Any]:
    """Bring a MONAI bundle or one of our packages (folder or zip) into the user's models, verified first.

    A file of weights is taken for TMTV-Net's checkpoint (its ensemble or one network of it), ``refiner`` for that
    of its second stage.

    Returns
    -------
    dict
        ``{name, path}``.
    """
    folder = Path(path)
    if not folder.exists():
        raise UsageError(f"{path}: no such file or folder; name a bundle's folder or zip")
    if is_checkpoint(folder):
        return _import_checkpoint(folder, name, refiner)
    if refiner is not None:
        raise UsageError(f"--refiner {refiner}: goes with a checkpoint of TMTV-Net; leave it out")
    if folder.is_file():
        folder = unpacked(folder)
    metadata = read_json(folder / METADATA)
    ours = isinstance(metadata, dict) and "transferseg" in metadata
    name = name or (read_package(folder).card.name if ours else folder.resolve().name)
    target = _free_target(name)
    if ours:
        _copy(read_package(folder), target, name)
    else:
        import_bundle(folder, target, name=name)
    return {"name": name, "path": str(target)}


def models_merge(names: Sequence[str], *, name: str) -> dict[str, Any]:
    """Put several models of one kind into one, whose probabilities are averaged: ``{name, path, members}``."""
    packages = [find_package(model, "MODEL") for model in names]
    target = _free_target(name)
    for package in packages:
        package.network()
    merged = merge_packages(packages, target, name=name)
    return {"name": name, "path": str(target), "members": merged.card.members}


def _import_checkpoint(path: Path, name: str | None, refiner: str | Path | None) -> dict[str, Any]:
    if refiner is not None and not is_checkpoint(refiner):
        raise UsageError(f"--refiner {refiner}: no such file of weights; name TMTV-Net's second checkpoint")
    name = name or "tmtv-net"
    target = _free_target(name)
    import_tmtvnet(path, target, name=name, refiner=refiner)
    return {"name": name, "path": str(target)}


def _free_target(name: str) -> Path:
    """The folder of a new model of that name; refused where the name cannot be or is taken."""
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name.startswith("."):
        raise UsageError(f"--name {name}: use letters, digits, - and _")
    if any(entry.name == name and entry.source != "registered" for entry in list_models()):
        raise NameTaken(f"{name}: a model of that name exists already; choose another with --name")
    if _is_being_adapted(name):
        raise NameTaken(
            f"{name}: a training of that name exists already, interrupted or going on; choose another with --name"
        )
    target = models_folder() / name
    check_folder_is_free(target, "--name")
    return target


def models_export(name: str, out: str | Path, *, overwrite: bool = False, **onnx: Any) -> dict[str, Any]:
    """Zip a model's package to ``out`` (verified first): ``{name, path}``; a path in ``.onnx`` is `export_onnx`'s.

    A file that is there is replaced with ``overwrite`` only. ``onnx`` are options of `export_onnx`; of them a zip
    takes ``events`` only.
    """
    check_file_is_free(out, overwrite=overwrite)
    kind = Path(out).suffix.lower()
    if kind not in (".zip", ".onnx"):
        raise UsageError(f"--out {out}: must end in .zip (the package) or .onnx (its network, for other runtimes)")
    package = find_package(name, "NAME")
    if kind == ".onnx":
        from .export import export_onnx

        return export_onnx(package, out, overwrite=overwrite, **onnx)
    given = [
        key for key, value in onnx.items() if value and key in ("int8", "data", "hold_out", "label_map", "truth_name")
    ]
    if given:
        raise UsageError(f"--{given[0].replace('_', '-')}: is for an .onnx, {out} is a zip; leave it out")
    package.network()
    return {"name": package.card.name, "path": str(export_zip(package, out))}


def models_delete(name: str) -> dict[str, Any]:
    """Delete one of the user's models, by name or folder.

    A model of the models folder is removed from the disk. One that was made elsewhere (``finetune --out``) is only
    taken off the list: its folder was chosen by the user and may hold more than the model. Shipped ones stay.

    Returns
    -------
    dict
        ``{name, path, deleted (its folder is gone), message}``.
    """
    entry = _one_entry(name)
    if entry.source == "shipped":
        raise UsageError(f"{name}: comes with TransferSeg and cannot be deleted")
    if entry.source == "registered":
        forget(entry.folder)
        message = f"{entry.name} is not listed any more; its files stay in {entry.folder}"
        return {"name": entry.name, "path": str(entry.folder), "deleted": False, "message": message}
    remove_folder(entry.folder)
    return {
        "name": entry.name,
        "path": str(entry.folder),
        "deleted": True,
        "message": f"{entry.name} was deleted from {entry.folder.parent}",
    }


def _is_being_adapted(name: str) -> bool:
    """Whether an adaptation in Slicer, going on or interrupted, will put its model under this name."""
    try:
        request = json.loads((home() / "adaptations" / name / "request.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(request, dict) and request.get("state") in ("collecting", "training")


def _one_entry(name: str) -> Entry:
    entries = list_models()
    found = [entry for entry in entries if entry.name == name]
    found = found or [entry for entry in entries if entry.folder.resolve() == Path(name).resolve()]
    if not found:
        names = [entry.name for entry in entries if entry.source != "shipped"]
        hint = meant(name, names).replace("there are", "those that can be deleted")
        raise UsageError(f"{name}: no such model; {hint}")
    if len(found) > 1:
        places = ", ".join(str(entry.folder) for entry in found)
        raise UsageError(f"{name}: {len(found)} models have that name; give the folder: {places}")
    return found[0]


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
