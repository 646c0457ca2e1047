"""doctor: what this machine has, for a user's question or a bug report; no patient data."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from typing import Any

from ..errors import DependencyError, TransferSegError
from ..places import home, models_folder
from ..storage import check_writable

BASE = [
    "torch",
    "torchvision",
    "monai",
    "numpy",
    "scipy",
    "SimpleITK",
    "pydicom",
    "scikit-learn",
    "matplotlib",
    "pillow",
    "joblib",
    "psutil",
]
EXTRAS = {
    "atlas": ["nilearn"],
    "components": ["connected-components-3d", "edt"],
    "cluster": ["dask", "distributed"],
    "onnx": ["onnx", "onnxscript", "onnxruntime"],
    "openvino": ["openvino"],
    "ants": ["antspyx"],
}


def doctor() -> dict[str, Any]:
    """Versions, device, folders, shipped models; ``problems`` is empty where all is well."""
    try:
        import torch
    except ImportError as error:
        raise DependencyError(f"torch cannot be imported ({error}); install it with pip install torch") from error

    from .. import __version__
    from ..inference import choose_device
    from .models import models_verify

    problems: list[str] = []
    base = {name: _version(name) for name in BASE}
    problems += [f"{name} is missing: pip install {name}" for name, version in base.items() if version is None]
    device = choose_device("auto")
    folder = home()
    try:
        check_writable(models_folder() / "x")
    except TransferSegError as error:
        problems.append(error.message)
    models = models_verify()
    problems += [row["problem"] for row in models if not row["ok"]]
    return {
        "transferseg": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "memory_gb": _memory_gb(),
        "device": device.name,
        "precision": device.precision,
        "device_reason": device.reason,
        "gpus": [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())],
        "packages": base,
        "extras": {extra: {name: _version(name) for name in names} for extra, names in EXTRAS.items()},
        "hd_bet": shutil.which("hd-bet"),
        "home": str(folder),
        "cache_gb": round(_folder_bytes(folder / "cache") / 1e9, 2),
        "free_gb": round(shutil.disk_usage(_existing(folder)).free / 1e9, 1),
        "models": models,
        "problems": problems,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _folder_bytes(folder: Any) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else 0


def _existing(folder: Any) -> Any:
    while not folder.exists():
        folder = folder.parent
    return folder
