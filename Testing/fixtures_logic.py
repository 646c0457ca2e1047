"""Fixtures for tests of the module's logic: the real worker, or a client that the test answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def client(_host: Any) -> Iterator[Any]:
    """One worker for all tests of a file."""
    from TransferSegGUI.client import WorkerClient

    made = WorkerClient()
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
