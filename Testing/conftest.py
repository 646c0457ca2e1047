"""What all tests share: the real cases, a private home for models and caches, quiet threads."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from fixtures_logic import client, logic, ready_made, ready_made_worker, stepped  # noqa: F401
from host.fixtures import _host, absent, app, dialogs, module, scene, slicer_members, views  # noqa: F401

PROJECT = Path(__file__).resolve().parent.parent
if "PYTEST_XDIST_WORKER" in os.environ:  # test processes beside each other: one thread each, and each child of theirs
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# In CI the same examples each time, so that a submission is never refused by chance; elsewhere new ones are tried.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")
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


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """New weights drawn in a test are the same in every run and every order of tests."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
