"""How the worker's process is started, and that its threads run inside Slicer."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

import pytest
from helpers_engine import fake_worker, is_running, nothing_left, pump_until
from TransferSegGUI import executable
from TransferSegGUI.client import WorkerClient

from TransferSegLib.errors import DependencyError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake worker uses POSIX signals")


@pytest.fixture
def client():
    with nothing_left():
        client = WorkerClient(fake_worker())
        yield client
        client.close()


def test_the_worker_gets_the_library_and_a_clean_environment(client, tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise ImportError('a stray file of the user')")
    monkeypatch.chdir(tmp_path)
    result = client.wait(client.request("echo")).result
    assert str(executable.libraryParent()) in result["env"]["PYTHONPATH"].split(os.pathsep)
    assert result["env"]["PYTHONUNBUFFERED"] == "1"
    assert result["env"]["TRANSFERSEG_HOME"] == os.environ["TRANSFERSEG_HOME"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs the C library's usleep")
@pytest.mark.alone
def test_threads_run_although_the_event_loop_keeps_pythons_lock(client):
    """Slicer's event loop holds the GIL; only what the timer's slot does lets threads run."""
    from TransferSegGUI.ticker import FAST_MS, SLOW_MS

    held = ctypes.PyDLL(None).usleep  # unlike CDLL, it keeps the lock

    def loop(condition):
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < 20
            interval = client._ticker._interval or FAST_MS
            held(interval * 1000)
            client._ticker._onTimeout()
        return time.monotonic() - start

    client._ticker.keep = lambda interval: setattr(client._ticker, "_interval", interval)
    warm = client.request("echo")
    loop(lambda: warm.finished)
    job = client.request("echo")
    assert loop(lambda: job.finished) < 10 * SLOW_MS / 1000, "a round trip takes a few ticks"
    done = []

    def work():
        for _ in range(20):
            with open(os.devnull, "wb") as file:
                file.write(b"x")

    client.background(work, lambda *_: done.append(1))
    assert loop(lambda: done) < 0.1, "many small steps of a thread do not take a tick each"


def test_the_python_that_runs_the_worker(tmp_path, monkeypatch):
    assert executable.pythonExecutable() == sys.executable
    slicer = tmp_path / "Slicer" / "bin"
    slicer.mkdir(parents=True)
    for name in ("PythonSlicer", "python-real", "SlicerApp-real"):
        (slicer / name).touch(0o755)
    for current in ("PythonSlicer", "python-real", "SlicerApp-real"):
        monkeypatch.setattr(sys, "executable", str(slicer / current))
        assert executable.pythonExecutable() == str(slicer / "PythonSlicer")
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setenv("PATH", str(slicer))
    assert executable.pythonExecutable() == str(slicer / "PythonSlicer")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path / "Slicer" / "lib" / "Python"))
    assert executable.pythonExecutable() == str(slicer / "PythonSlicer")
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path / "a" / "b" / "c"))
    with pytest.raises(DependencyError, match="PythonSlicer"):
        executable.pythonExecutable()


LAUNCHER = (
    "import subprocess, sys\n"
    "code = subprocess.run(sys.argv[1:]).returncode\n"
    "if code < 0: sys.stderr.write('error: [python-real] exit abnormally - Report the problem.\\n')\n"
    "sys.exit(1 if code < 0 else code)\n"
)


def test_behind_a_launcher_as_pythonslicer_is():
    """PythonSlicer runs the interpreter as its child and says only that it ended abnormally."""
    with nothing_left():
        client = WorkerClient([sys.executable, "-c", LAUNCHER, *fake_worker()])
        job = client.wait(client.request("crash", {"signal": int(signal.SIGKILL)}))
        assert job.error.code == "worker-crashed" and "ended the computation" in job.error.message
        stuck = client.request("child", onEvent=lambda job, event: event["event"] == "message" and job.cancel())
        client.wait(stuck)
        assert stuck.state == "cancelled"
        pump_until(client, lambda: not is_running(int(stuck.messages[0])), 20)
        pid = client.wait(client.request("echo")).result["pid"]
        os.kill(client._session._process.pid, signal.SIGKILL)  # the launcher alone
        assert client.wait(client.request("echo")).state == "done"
        pump_until(client, lambda: not is_running(pid), 20)
        client.close()
