"""Fixtures for tests of the module's logic: the real worker, or a client that the test answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def ready_made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str] | None]:
    """A command that starts the real worker at once; None where processes cannot be forked."""
    from helpers_engine import ready_made_workers

    if not hasattr(os, "fork"):
        yield None
        return
    with ready_made_workers(tmp_path_factory.mktemp("z")) as command:
        yield command


@pytest.fixture
def ready_made_worker(ready_made: list[str] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever starts the real worker starts one that has imported PyTorch already."""
    from TransferSegGUI import process

    if ready_made:
        monkeypatch.setattr(process, "workerCommand", lambda: ready_made)


@pytest.fixture(scope="module")
def client(_host: Any, ready_made: list[str] | None) -> Iterator[Any]:
    """One worker for all tests of a file."""
    from TransferSegGUI.client import WorkerClient

    made = WorkerClient(ready_made)
    yield made
    made.close()


@pytest.fixture
def logic(scene: Any, client: Any) -> Any:
    """The logic with the real worker."""
    from helpers_logic import makeLogic

    made = makeLogic()
    made._client = client
    return made


@pytest.fixture
def stepped(scene: Any) -> Any:
    """The logic with a client that goes step by step and is answered by the test."""
    from helpers_logic import StepClient, makeLogic

    made = makeLogic()
    made._client = StepClient()
    return made
