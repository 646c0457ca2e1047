"""Installing packages in Slicer 5.10, which has no ``slicer.packaging`` yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slicer


def pipEnsure(requirements: Sequence[str], constraints: Path, options: Sequence[str] = ()) -> None:
    """Install ``requirements`` with what this Slicer offers; a failure is raised as it comes.

    ``options`` are further arguments of pip.
    """
    packaging = _packaging()
    if packaging is None:
        slicer.util.pip_install(["-c", str(constraints), *options, *requirements])
    elif options:
        packaging.pip_install([*options, *requirements], constraints=constraints, requester="TransferSeg")
    else:
        packaging.pip_ensure(
            list(requirements),
            constraints=constraints,
            prompt_install=False,
            requester="TransferSeg",
        )


def _packaging() -> Any:
    try:
        import slicer.packaging
    except ImportError:
        return None
    return slicer.packaging
