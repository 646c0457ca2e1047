"""What all tests share: the real cases, a private home for models and caches, quiet threads."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from fixtures_logic import client, logic, stepped  # noqa: F401
from host.fixtures import _host, absent, app, dialogs, module, scene, slicer_members, views  # noqa: F401

PROJECT = Path(__file__).resolve().parent.parent
# As Slicer does it for a module's folder.
sys.path.insert(0, str(PROJECT / "TransferSeg"))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real, openly licensed cases; skips where it is absent, and fails so in CI."""
    folder = Path(os.environ.get("TRANSFERSEG_DATA") or PROJECT.parent / "shared" / "data")
    if not (folder / "README.md").is_file():
        absent(f"the real cases are not at {folder}; set TRANSFERSEG_DATA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every test run has its own models and caches."""
    home = tmp_path_factory.mktemp("transferseg-home")
    os.environ["TRANSFERSEG_HOME"] = str(home)
    return home
