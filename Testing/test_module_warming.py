"""The worker is started and the chosen model loaded ahead; the panel says where it will compute, and why."""

from __future__ import annotations

import time
from typing import Any

import pytest
from helpers_logic import placeModel, waitFor
from helpers_panels import add_volume, settle, wait_for

MODEL = "brain-unet-phantom"


@pytest.fixture
def warmed(module: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that the panel asked to load; nothing is loaded."""
    names: list[str] = []
    monkeypatch.setattr(type(module.logic), "warm", lambda self, name: names.append(name))
    return names


def test_the_chosen_model_is_loaded_when_the_panel_is_shown(module: Any, app: Any, warmed: list[str]) -> None:
    panel = module.widget.frame.segmentPanel
    settle(app, 0.6)
    assert warmed == [], "nobody looks"
    module.holder.show()
    module.widget.enter()
    wait_for(app, lambda: warmed)
    assert warmed == [MODEL]
    panel.setBlocked("PyTorch is not installed.")
    settle(app, 0.6)
    assert warmed == [MODEL]
    panel.setBlocked(None)
    panel.run = object()
    settle(app, 0.6)
    panel.run = None
    assert warmed == [MODEL], "never while it computes"


def test_not_without_a_main_window(module: Any, app: Any, warmed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    monkeypatch.setattr(slicer.util, "mainWindow", lambda: None)
    module.holder.show()
    module.widget.enter()
    settle(app, 0.6)
    assert warmed == []


@pytest.mark.alone
def test_a_model_is_loaded_once_and_the_device_is_told(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from helpers_logic import makeLogic

    logic, told = makeLogic(), []
    name = placeModel()
    logic.deviceKnown.connect(lambda: told.append(logic.deviceReason()))
    assert logic.deviceReason() == "" and logic._client is None, "asking starts nothing"
    try:
        asked = []
        request = logic.client.request
        monkeypatch.setattr(logic.client, "request", lambda verb, *a, **k: asked.append(verb) or request(verb, *a, **k))
        start = time.perf_counter()
        logic.warm(name)
        assert time.perf_counter() - start < 0.3, "it does not block"
        logic.warm(name)
        waitFor(lambda: logic.client.state == "ready" and told, logic)
        logic.warm(name)
        assert asked == ["warm"]
        assert told[0].startswith(("GPU not found: runs on the CPU (", "Runs on the GPU "))
        assert "choose" in logic.deviceReason("cuda") or logic.client.device[0].startswith("cuda")
        logic.client.restart()
        logic.warm(name)
        assert asked == ["warm", "warm"], "a fresh worker knows no model"
    finally:
        logic.shutdown()


def test_the_panel_shows_the_device_when_the_worker_tells_it(module: Any) -> None:
    panel = module.widget.frame.segmentPanel
    assert panel.ui.deviceReason.isHidden()
    add_volume("FLAIR")
    reason = "CPU (no GPU that torch can use, 2 threads), float32 as this network is quick in it"
    module.widget.logic.client.device = ("cpu", reason)
    module.widget.logic.deviceKnown.emit()
    assert panel.ui.deviceReason.text == "GPU not found: runs on the CPU (2 cores)."
    assert not panel.ui.deviceReason.isHidden()


def test_what_a_killed_worker_was_writing_goes_with_slicer(scene: Any) -> None:
    import subprocess
    import sys
    import tempfile
    from pathlib import Path

    from helpers_logic import makeLogic
    from host.api import PROJECT

    code = "import sys; from TransferSegLib.storage import _unique; print(_unique())"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    left = Path(tempfile.gettempdir()) / f".transferseg-case.{done.stdout.strip()}.abc"
    left.mkdir()
    logic = makeLogic()
    assert logic.client is not None
    logic.shutdown()
    assert not left.exists()
