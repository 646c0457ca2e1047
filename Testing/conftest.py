"""What all tests share: the real cases, a private home for models and caches, quiet threads."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from fixtures_logic import client, logic, stepped  # noqa: F401
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


# Files that measure times, or drive processes which must answer in time: nothing may run beside them.
ALONE = (
    "test_jobs_tmtv_uptake",
    "test_level_composition",
    "test_level_plausibility",
    "test_level_projection",
    "test_module_adapt_panel_",
    "test_module_adaptation",
    "test_module_api",
    "test_module_display",
    "test_module_engine",
    "test_module_faults",
    "test_module_l3_story",
    "test_module_logic_models",
    "test_module_models_panel_worker",
    "test_module_offline",
    "test_module_segment_run",
    "test_module_setup_state",
    "test_module_story",
    "test_module_tmtv_story",
    "test_module_training_cases",
    "test_module_warming",
    "test_worker",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of ``ALONE``; the README's command runs them after the others, in one process."""
    for item in items:
        if item.path.stem.startswith(ALONE):
            item.add_marker(pytest.mark.alone)


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
