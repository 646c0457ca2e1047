"""What an installation would change: asked of pip before it is done, and compared after."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .console import runConsole
from .dependencies import PROTECTED, protectedVersions
from .executable import pythonExecutable
from .pip_errors import pipError
from .translating import _
from .versions import canonical

REFUSED = ("antspyx",)
"""Would take Slicer's numpy and SciPy back to older versions; the command line can use it in a Python of its own."""
_SHOWN = {"simpleitk": "SimpleITK", "torch": "PyTorch", "numpy": "NumPy", "scipy": "SciPy"}


@contextmanager
def constraintsFile(*, without: Sequence[str] = ()) -> Iterator[Path]:
    """A pip constraints file that holds every protected package at its installed version."""
    with tempfile.TemporaryDirectory(prefix="transferseg-") as folder:
        path = Path(folder) / "constraints.txt"
        pins = {name: version for name, version in protectedVersions().items() if name not in without}
        path.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()), encoding="utf-8")
        yield path


def planned(requirements: Sequence[str], constraints: Path, *, options: Sequence[str] = ()) -> dict[str, str]:
    """Which packages pip would install, name -> version; Slicer goes on reacting meanwhile.

    Raises
    ------
    DependencyError
        pip finds no way, or cannot reach the internet; ``hint`` holds its output.
    """
    report = constraints.with_name("report.json")
    command = [pythonExecutable(), "-m", "pip", "install", "--dry-run", "--disable-pip-version-check", "--no-input"]
    command += ["--retries", "2", "--report", str(report), "-c", str(constraints), *options, *requirements]
    code, text = runConsole(command)
    if code or not report.is_file():
        raise pipError(text)
    plan = json.loads(report.read_text(encoding="utf-8"))
    return {canonical(entry["metadata"]["name"]): entry["metadata"]["version"] for entry in plan["install"]}


def refuseChanges(plan: Mapping[str, str], before: Mapping[str, str]) -> None:
    """Raise ``DependencyError`` for a plan that would change a package that must stay."""
    from TransferSegLib.errors import DependencyError

    for name in REFUSED:
        if name in plan:
            raise DependencyError(
                _("{name} cannot be installed in Slicer: it would replace Slicer's own NumPy.").format(name=name)
            )
    changes = [
        _("{name} {old} by {new}").format(name=_SHOWN.get(name, name), old=before[name], new=plan[name])
        for name in PROTECTED
        if name in plan and name in before
    ]
    if changes:
        raise DependencyError(
            _(
                "Nothing was installed: it would have replaced {changes}, which Slicer and other extensions rely on. "
                "Please install a newer Slicer (5.12 or later)."
            ).format(changes=", ".join(changes))
        )


def changedSince(before: Mapping[str, str]) -> list[str]:
    """Protected packages that are not as they were, in words."""
    now = protectedVersions()
    return [
        _("{name} was {old} and is now {new}").format(
            name=_SHOWN.get(name, name), old=version, new=now.get(name, _("missing"))
        )
        for name, version in before.items()
        if now.get(name) != version
    ]
