"""pack: wheels and models in one folder, for a Slicer that has no internet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import StorageError, UsageError
from ..events import Events, quiet
from ..packages import Package, export_zip, find_package, list_models, shipped_folder
from ..packages.offline_pack import (
    MODELS,
    PACK_FILE,
    WHEELS,
    Pack,
    PackFile,
    read_pack,
    summary,
    verify_pack,
    write_pack,
)
from ..storage import check_writable, sha256
from .pack_target import Target, choose_target
from .pack_wheels import Wheel, collect_wheels

# The same lines as TransferSeg/Resources/requirements.txt (a test holds them together).
REQUIREMENTS = (
    "monai>=1.5.1",
    "scikit-learn>=1.5",
    "matplotlib>=3.9",
    "pillow>=10",
    "joblib>=1.4",
    "psutil>=5.9",
    "nilearn>=0.11",
)
TORCH = ("torch>=2.8", "torchvision>=0.23")
# Paths inside newer wheels are longer than what Slicer's folder leaves on Windows.
TORCH_WINDOWS = ("torch>=2.8,<2.13", "torchvision>=0.23")
TORCH_CHOICES = ("any", "cpu", "gpu", "none")


def pack(
    out: str | Path,
    *,
    python: str | None = None,
    platform: str | None = None,
    models: Sequence[str] = (),
    torch: str = "any",
    index: str | None = None,
    requirements: Sequence[str] | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Make an offline pack, or go on with one that was interrupted.

    Parameters
    ----------
    out : path
        A new folder, or one that this function made.
    python : str, optional
        Slicer's Python there; ``"3.12"`` when left out.
    platform : str, optional
        ``windows``, ``linux`` or a wheel tag; this computer's when left out.
    models : names
        Models to take along; ``all`` for all that did not come with TransferSeg itself.
    torch : {"any", "cpu", "gpu", "none"}
        What the index has for the platform, only a build without or with CUDA, or leave it out.
    index : str, optional
        A further package index, as pip's ``--extra-index-url``.
    requirements : optional
        Instead of what TransferSeg needs.

    Returns
    -------
    dict
        ``{"pack", "platform", "machine", "python", "requirements", "wheels", "models", "bytes", "fingerprint"}``

    Raises
    ------
    UsageError, StorageError, TransferSegError
        Wrong options, no room, no connection; what was downloaded is kept.
    """
    events, out = quiet(events), Path(out)
    if torch not in TORCH_CHOICES:
        raise UsageError(f"--torch {torch}: is not known; use one of {', '.join(TORCH_CHOICES)}")
    target = choose_target(platform, python)
    packages = _models(models, events)
    _prepare(out)
    wanted = list(REQUIREMENTS if requirements is None else requirements)
    if torch != "none":
        wanted = list(TORCH_WINDOWS if target.system == "windows" else TORCH) + wanted
    wheels = collect_wheels(wanted, out / WHEELS, target, index=index, events=events)
    _check_torch(wheels, torch, target)
    zips = _export(packages, out / MODELS, events)
    made = Pack(
        folder=out,
        system=target.system,
        machine=target.machine,
        python=target.python,
        requirements=tuple(wanted),
        wheels=tuple(_entry(out, wheel.path, wheel.name, wheel.version) for wheel in wheels),
        models=tuple(_entry(out, path, path.stem, "") for path in zips),
    )
    write_pack(made)
    return summary(read_pack(out))


def check(folder: str | Path, *, events: Events | None = None) -> dict[str, Any]:
    """Hold every file of a pack against its hash; returns what ``pack`` does, ``PackageError`` names a changed file."""
    made = read_pack(folder)
    verify_pack(made, events)
    return summary(made)


def _prepare(out: Path) -> None:
    """Make the folders; an old ``pack.json`` goes first, so that a half-made pack is never taken for whole."""
    check_writable(out / "x")
    ours = {PACK_FILE, WHEELS, MODELS}
    foreign = [p.name for p in out.iterdir() if p.name not in ours] if out.is_dir() else []
    if foreign:
        raise StorageError(f"{out}: holds other files ({foreign[0]}); name a new or empty folder with --out")
    (out / PACK_FILE).unlink(missing_ok=True)
    for kind in (WHEELS, MODELS):
        (out / kind).mkdir(parents=True, exist_ok=True)


def _models(names: Sequence[str], events: Events) -> list[Package]:
    if "all" in names:
        return [e.package for e in list_models() if e.package is not None and e.source != "shipped"]
    found = []
    for name in dict.fromkeys(names):
        package = find_package(name, "--models")
        if shipped_folder() in package.folder.parents:
            events.say(f"{name} comes with TransferSeg itself and is left out")
        else:
            found.append(package)
    return found


def _export(packages: Sequence[Package], folder: Path, events: Events) -> list[Path]:
    for old in folder.glob("*"):
        old.unlink()
    paths = []
    for number, package in enumerate(packages, 1):
        package.network()
        paths.append(export_zip(package, folder / f"{package.card.name}.zip"))
        events.progress("packing models", number, len(packages))
    return sorted(paths)


def _check_torch(wheels: Sequence[Wheel], torch: str, target: Target) -> None:
    """Whether ``--torch cpu|gpu`` got what it asked for: a build with CUDA has NVIDIA's packages or a version +cu..."""
    found = next((wheel for wheel in wheels if wheel.name == "torch"), None)
    if found is None or torch not in ("cpu", "gpu"):
        return
    local = found.version.partition("+")[2]
    cuda = local.startswith("cu") or (not local and any(w.name.startswith("nvidia-") for w in wheels))
    if cuda != (torch == "gpu"):
        has = "with" if cuda else "without"
        other = "CUDA" if torch == "gpu" else "CPU"
        raise UsageError(
            f"--torch {torch}: for {target.system} the package index has PyTorch {found.version} {has} CUDA; "
            f"name PyTorch's own index of {other} wheels with --index, or take --torch any"
        )


def _entry(out: Path, path: Path, name: str, version: str) -> PackFile:
    return PackFile(path.relative_to(out).as_posix(), name, version, path.stat().st_size, sha256(path))
