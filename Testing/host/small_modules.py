"""Stand-ins for slicer.i18n, slicer.packaging and PyTorchUtils: texts stay as they are, and nothing is installed."""

from __future__ import annotations

import importlib.metadata
import types
from pathlib import Path
from typing import Any

recorded: list[tuple[str, Any]] = []
"""Calls that would have changed the installation: (function, requirements)."""


def make_i18n() -> types.ModuleType:
    """``slicer.i18n``."""
    module = types.ModuleType("slicer.i18n")

    def tr(text: str) -> str:
        if not isinstance(text, str):
            raise TypeError(f"tr takes a text, not {type(text)}")
        return text

    def translate(context: str, text: str) -> str:
        return text

    def getContext(sourceFile: str) -> str:
        return Path(sourceFile).stem

    module.tr, module.translate, module.getContext = tr, translate, getContext
    return module


def _names(requirements: Any) -> list[str]:
    items = [requirements] if isinstance(requirements, str) or not isinstance(requirements, list) else requirements
    return [str(item) for item in items]


def make_packaging() -> types.ModuleType:
    """``slicer.packaging``."""
    from packaging.requirements import Requirement

    module = types.ModuleType("slicer.packaging")

    def load_requirements(path: str | Path) -> list:
        lines = [line.split("#")[0].strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
        return [Requirement(line) for line in lines if line]

    def pip_check(req: Any, _seen: Any = None) -> bool:
        for item in req if isinstance(req, list) else [req]:
            wanted = item if isinstance(item, Requirement) else Requirement(item)
            try:
                version = importlib.metadata.version(wanted.name)
            except importlib.metadata.PackageNotFoundError:
                return False
            if version not in wanted.specifier:
                return False
        return True

    def pip_ensure(
        requirements: Any,
        constraints: Any = None,
        skip_packages: Any = None,
        prompt_install: bool = True,
        prompt_restart: bool = True,
        requester: str | None = None,
        skip_in_testing: bool = True,
        show_progress: bool = True,
    ) -> Any:
        recorded.append(("pip_ensure", _names(requirements)))

    def pip_install(
        requirements: Any,
        constraints: Any = None,
        no_deps_requirements: Any = None,
        skip_packages: Any = None,
        blocking: bool = True,
        show_progress: bool = True,
        requester: str | None = None,
        logCallback: Any = None,
        completedCallback: Any = None,
    ) -> Any:
        recorded.append(("pip_install", _names(requirements)))
        if completedCallback:
            completedCallback(0)

    for function in (load_requirements, pip_check, pip_ensure, pip_install):
        setattr(module, function.__name__, function)
    module.Requirement = Requirement
    return module


def make_pytorch_utils() -> types.ModuleType:
    """The PyTorch extension's module."""
    module = types.ModuleType("PyTorchUtils")

    class PyTorchUtilsLogic:
        """Notes what it would have installed."""

        def torchInstalled(self) -> bool:
            return importlib.util.find_spec("torch") is not None

        def installTorch(self, *args: Any, **kwargs: Any) -> Any:
            recorded.append(("installTorch", kwargs or args))

        def getDevice(self) -> str:
            return "cpu"

    module.PyTorchUtilsLogic = PyTorchUtilsLogic
    return module
