"""Slicer closing under a program, a blocking call or a result; files that a process which is ending holds open."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers_engine import PROJECT, fake_worker, is_running, nothing_left, pump_until
from helpers_logic import addCase, exchangeFolders, placeModel, someLabels

pytestmark = pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals")

# As PythonSlicer does it: the work is done by a child of what was started.
LAUNCHED = (
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True); child.wait()\n"
)


@pytest.fixture
def window(app: Any) -> Iterator[Any]:
    """The main window, shown."""
    import slicer

    window = slicer.util.mainWindow()
    window.show()
    yield window
    window.hide()


@pytest.fixture
def later(app: Any) -> Iterator[Any]:
    """``later(function)``: called by the event loop soon."""
    import qt

    timers = []

    def later(function: Any, milliseconds: int = 300) -> None:
        timer = qt.QTimer()
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.connect("timeout()", function)
        timer.start()
        timers.append(timer)

    yield later
    for timer in timers:
        timer.stop()


def launched() -> tuple[Any, int]:
    """A program behind a launcher; it and the number of the one that works."""
    from TransferSegGUI.console import ConsoleRun

    run = ConsoleRun([sys.executable, "-c", LAUNCHED])
    end = time.monotonic() + 60
    while not run.lines and time.monotonic() < end:
        run.poll()
        time.sleep(0.02)
    return run, int(run.lines[0])


def gone(pid: int) -> bool:
    """Whether the process is gone, soon."""
    end = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_running(pid)


@pytest.fixture
def without_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slicer's Python as it comes."""
    monkeypatch.setitem(sys.modules, "psutil", None)


def test_cancelling_a_program_ends_what_its_launcher_started(app: Any, without_psutil: None) -> None:
    with nothing_left():
        run, child = launched()
        run.cancel()
        assert run.wait() != 0 and run.cancelled and gone(child) and not run._file.exists()


def test_programs_end_with_slicer(stepped: Any, without_psutil: None) -> None:
    with nothing_left():
        told: list[Any] = []
        run, child = launched()
        run.follow(told.append)
        stepped.shutdown()
        assert gone(child) and run.finished and not run._file.exists() and told == []


def test_programs_end_when_slicer_ends_without_a_word(tmp_path: Path) -> None:
    code = (
        "import sys, time; sys.path[:0] = sys.argv[1:3]\n"
        "from TransferSegGUI.console import ConsoleRun\n"
        "run = ConsoleRun([sys.executable, '-c', sys.argv[3]])\n"
        "while not run.lines: run.poll(); time.sleep(0.02)\n"
        "print(run.lines[0], run._file)\n"
    )
    words = [sys.executable, "-c", code, str(PROJECT), str(PROJECT / "TransferSeg"), LAUNCHED]
    with nothing_left():
        child, log = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout.split()
        assert gone(int(child)) and not Path(log).exists()


@pytest.mark.alone
def test_a_blocking_program_ends_when_the_window_is_closed(window: Any, later: Any) -> None:
    from TransferSegGUI.console import runConsole

    later(window.close)
    start = time.monotonic()
    with nothing_left():
        code, _text = runConsole([sys.executable, "-c", "import time; time.sleep(20)"])
    assert code != 0 and time.monotonic() - start < 5


@pytest.mark.alone
def test_a_blocking_segmentation_ends_when_the_window_is_closed(
    stepped: Any, scene: Any, window: Any, later: Any
) -> None:
    from TransferSegLib.errors import TransferSegError

    model, volumes = placeModel(), addCase(scene)
    later(window.close)
    later(lambda: stepped.running and stepped.running.cancel(), 5000)  # were it not for the fix, forever
    start = time.monotonic()
    with pytest.raises(TransferSegError):
        stepped.segment(model, volumes)
    assert time.monotonic() - start < 3 and exchangeFolders() == [] and stepped.running is None


@pytest.mark.alone
def test_a_blocking_request_ends_when_the_window_is_closed(window: Any, later: Any) -> None:
    from TransferSegGUI.client import WorkerClient

    with nothing_left():
        client = WorkerClient(fake_worker())
        job = client.request("sleep", {"seconds": 20})
        later(window.close)
        later(job.cancel, 6000)
        assert client.wait(job).error.code == "worker-closed"


def test_closing_between_a_result_and_its_end_keeps_the_result(stepped: Any, scene: Any) -> None:
    """What ``close`` gives up is the removal of the files, whose answer never comes."""
    run = stepped.segment(placeModel(), addCase(scene), callback=lambda result, error: None)
    client = stepped.client
    client.pump()
    client.answerSegment(someLabels())
    client.pump()
    assert not run.finished and stepped.canUndo
    stepped.shutdown()
    assert run.state == "done" and scene.IsNodePresent(run.result.segmentationNode)
    assert run._observation is None and exchangeFolders() == []
    assert run.wait() is run.result, "a blocking call returns"


class _Held:
    """Files that are held open, as Windows sees it: they stay, and so does their folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held, self._remove = True, shutil.rmtree
        monkeypatch.setattr(shutil, "rmtree", self)

    def __call__(self, folder: Any, *args: Any, **options: Any) -> None:
        if not self.held:
            self._remove(folder, *args, **options)


def test_files_that_are_held_open_are_removed_as_soon_as_they_can_be(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from TransferSegGUI.exchange import ExchangeFolder

    held, folder = _Held(monkeypatch), ExchangeFolder()
    folder.file("flair.nrrd").write_bytes(b"patient")
    folder.remove()
    assert folder.path.exists()
    held.held = False
    end = time.monotonic() + 15
    while folder.path.exists() and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)
    assert not folder.path.exists()


@pytest.mark.alone
def test_closing_waits_a_moment_for_files_that_are_held_open(stepped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from TransferSegGUI.exchange import ExchangeFolder

    held, folder = _Held(monkeypatch), ExchangeFolder()
    folder.remove()
    threading.Timer(0.4, setattr, (held, "held", False)).start()
    stepped.shutdown()
    assert not folder.path.exists()


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Processes are ended as on Windows: by a program that takes a moment."""
    from TransferSegGUI import killing

    commands: list[list[str]] = []
    start = subprocess.Popen

    def popen(command: list[str], **options: Any) -> Any:
        if command[0] != "taskkill":
            return start(command, **{**options, "start_new_session": True})
        commands.append(command)
        end = f"import os, time; time.sleep(0.05); os.killpg({command[-1]}, {int(signal.SIGKILL)})"
        return start([sys.executable, "-S", "-c", end])

    monkeypatch.setattr(killing, "WINDOWS", True)
    monkeypatch.setattr(killing.subprocess, "Popen", popen)
    return commands


def test_cancelling_on_windows_ends_the_whole_tree(app: Any, windows: list, without_psutil: None) -> None:
    with nothing_left():
        run, child = launched()
        run.cancel()
        assert windows == [["taskkill", "/T", "/F", "/PID", str(run._process.pid)]]
        assert run.wait() != 0 and gone(child)


def test_a_cancel_is_answered_when_the_process_is_gone(windows: list, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while it may still write, so that its files can be removed."""
    from TransferSegGUI import client as module

    monkeypatch.setattr(module, "_DEATH_SECONDS", 5.0)  # the machine of the tests may be busy
    with nothing_left():
        client = module.WorkerClient(fake_worker("deaf"))
        alive: list[bool] = []
        job = client.request("child", onDone=lambda job: alive.append(is_running(process)))
        pump_until(client, lambda: job.messages)
        process = client._session._process.pid
        job.cancel()
        client.wait(job)
        assert job.state == "cancelled" and alive == [False] and len(windows) == 1
        client.close()
