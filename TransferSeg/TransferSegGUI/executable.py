"""Which Python runs the worker, and in which environment."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from .translating import _

_SUFFIX = ".exe" if os.name == "nt" else ""


def pythonExecutable() -> str:
    """The Python interpreter of this Slicer, as a program that can be started.

    Inside Slicer ``sys.executable`` is ``PythonSlicer``, a launcher that sets the library paths; where it is the
    application itself or the bare interpreter behind the launcher, the launcher is looked for beside it.

    Raises
    ------
    DependencyError
        When there is none.
    """
    current = sys.executable or ""
    if _isPython(current) and os.path.isfile(current):
        return current
    for candidate in _candidates(current):
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return str(candidate)
    from TransferSegLib.errors import DependencyError

    raise DependencyError(
        _("Slicer's own Python (PythonSlicer) was not found; install Slicer again, or start it from its own folder")
    )


def workerCommand() -> list[str]:
    """What starts the worker."""
    return [pythonExecutable(), "-m", "TransferSegLib", "worker"]


def workerEnvironment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with the library on the path, and output that is not held back."""
    result = dict(os.environ if environment is None else environment)
    paths = [str(libraryParent()), *filter(None, result.get("PYTHONPATH", "").split(os.pathsep))]
    result["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    # Without PYTHONSAFEPATH any json.py in the folder that Slicer was started from would be imported.
    result |= {"PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "utf-8"}
    return result


def libraryParent() -> Path:
    """The folder that holds TransferSegLib: the module's folder when installed, the repository in a checkout."""
    import TransferSegLib

    return Path(TransferSegLib.__file__).resolve().parent.parent


def _isPython(path: str) -> bool:
    """Whether a program is an interpreter that needs nothing set before; ``python-real`` is not."""
    name = os.path.basename(path).lower().removesuffix(".exe")
    return name == "pythonslicer" or (name.startswith("python") and not name.endswith("-real"))


def _candidates(current: str) -> Iterator[Path]:
    launcher = f"PythonSlicer{_SUFFIX}"
    found = shutil.which("PythonSlicer")
    if found:
        yield Path(found)
    folders = [Path(current).parent] if current else []
    # sys.exec_prefix is bin/.. in a plain Python, lib/Python in an installed Slicer.
    folders += [Path(sys.exec_prefix), Path(sys.exec_prefix).parent, Path(sys.exec_prefix).parent.parent]
    for folder in folders:
        yield folder / launcher
        yield folder / "bin" / launcher
    # Slicer started this process, so its libraries are on the path already: the bare interpreter will do.
    if _isBareInterpreter(current):
        yield Path(current)
    for folder in folders:
        yield folder / "bin" / f"python-real{_SUFFIX}"
        yield folder / "bin" / "python3"


def _isBareInterpreter(path: str) -> bool:
    return os.path.basename(path).lower().startswith("python")
