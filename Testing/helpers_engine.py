"""A worker without torch that can be made to misbehave, and what tests of the worker's client share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
for _folder in (PROJECT, PROJECT / "TransferSeg"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

FAKE_WORKER = r"""
import json, os, signal, subprocess, sys, threading, time

mode = sys.argv[1] if len(sys.argv) > 1 else ""
channel = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
lock, cancelled, jobs, wake = threading.Lock(), set(), [], threading.Condition()


def send(**event):
    with lock:
        channel.write(json.dumps(event) + "\n")
        channel.flush()


def read():
    for line in sys.stdin:
        request = json.loads(line)
        if request["verb"] in ("cancel", "stop"):
            cancelled.add((request["verb"], request["id"]))
            continue
        with wake:
            jobs.append(request)
            wake.notify()
    if mode != "deaf":
        os._exit(0)


def work(number, verb, args):
    if verb == "crash":
        sys.stderr.write("something went wrong\n")
        sys.stderr.flush()
        os.kill(os.getpid(), args["signal"])
    elif verb == "exit":
        os._exit(args["code"])
    elif verb == "answer-and-die":
        send(id=number, event="result", value="kept")
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        send(id=number, event="message", text=str(child.pid))
        time.sleep(60)
    elif verb == "stuck":
        time.sleep(60)
    elif verb == "fail":
        return dict(event="error", code=args["code"], message="wrong; do it right", hint="h", details="Traceback")
    elif verb == "sleep":
        steps = int(args["seconds"] / 0.02)
        for step in range(steps):
            time.sleep(0.02)
            send(id=number, event="progress", stage="sleep", done=step + 1, total=steps, seconds_left=0.0)
            if ("cancel", number) in cancelled:
                return dict(event="error", code="cancelled", message="cancelled", hint="", details="")
            if ("stop", number) in cancelled:
                return dict(event="result", value={"stopped": step})
    elif verb == "flood":
        for step in range(args["count"]):
            send(id=number, event="progress", stage="flood", done=step, total=args["count"], seconds_left=None)
            send(id=number, event="metric", epoch=step)
    elif verb == "noise":
        channel.write("not json\n")
    elif verb == "memory":
        send(id=number, event="memory", used_gb=15.2, total_gb=16.0)
        os.kill(os.getpid(), signal.SIGKILL)
    return dict(event="result", value={"args": args, "pid": os.getpid(), "env": dict(os.environ)})


if mode == "die":
    sys.stderr.write("cannot import torch: a library is missing\n")
    sys.exit(3)
if mode == "problem":
    send(id=None, event="error", code="missing-dependency", message="torch is missing; install it", hint="", details="")
    sys.exit(1)
time.sleep(float(mode[5:]) if mode.startswith("slow=") else 0)
threading.Thread(target=read, daemon=True).start()
send(id=None, event="ready", version="0", pid=os.getpid())
while True:
    with wake:
        while not jobs:
            wake.wait()
        job = jobs.pop(0)
    send(id=job["id"], event="started", verb=job["verb"])
    send(id=job["id"], **work(job["id"], job["verb"], job["args"]))
"""


def fake_worker(mode: str = "") -> list[str]:
    """The command that starts it."""
    return [sys.executable, "-c", FAKE_WORKER, mode]


_ZYGOTE = r"""
import ctypes, json, os, signal, socket, sys, tempfile, threading
import torch._dynamo, monai.networks.nets, fontTools.subset, TransferSegLib.jobs.finetune
from TransferSegLib.cli.main import main

ctypes.pythonapi.getenv.restype = ctypes.c_void_p
ROOM, LEAVE = ctypes.pythonapi.getenv(b"ROOM_FOR_MARKS"), os._exit
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1] + ".new")
listening.listen()
os.rename(sys.argv[1] + ".new", sys.argv[1])


def become(asked):
    # The asker's folder and variables; its marks also where the system shows those that a process began with.
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["variables"])
    marks = " ".join(name for name in asked["variables"] if name.startswith("TRANSFERSEG_TEST_")).encode()[:399]
    ctypes.memmove(ROOM, marks, len(marks) + 1)
    tempfile.tempdir = None


def leave(code):
    parent.sendall(b"%d" % code)
    LEAVE(code)


def end_with_launcher():
    parent.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


while True:
    parent, _ = listening.accept()
    _, pipes, _, _ = socket.recv_fds(parent, 1, 3)
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        listening.close()
        for number, pipe in enumerate(pipes):
            os.dup2(pipe, number)
            os.close(pipe)
        os._exit = leave
        try:
            become(json.loads(parent.makefile().readline()))
            threading.Thread(target=end_with_launcher, daemon=True).start()
            main(["worker"])
        finally:
            leave(1)
    for pipe in pipes:
        os.close(pipe)
    parent.close()
"""
_LAUNCHER = r"""
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
socket.send_fds(server, [b"x"], [0, 1, 2])
server.sendall(json.dumps({"folder": os.getcwd(), "variables": dict(os.environ)}).encode() + b"\n")
for pipe in (0, 1):
    os.close(pipe)
code = server.recv(8)
if not code:
    sys.stderr.write("error: [python-real] exit abnormally - Report the problem.\n")
sys.exit(int(code or 1))
"""


@contextmanager
def ready_made_workers(folder: Path) -> Iterator[list[str]]:
    """A command that starts the real worker without importing torch each time: forked from a process that has it.

    It stands behind a launcher that tells of a crash no more than PythonSlicer does, and ends when that one is killed.
    """
    address = str(folder / "zygote")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFERSEG_TEST_")}
    environment |= {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1", "ROOM_FOR_MARKS": " " * 400}
    command, quiet = [sys.executable, "-c", _ZYGOTE, address], subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet) as zygote:
        try:
            end = time.monotonic() + 300
            while not os.path.exists(address) and time.monotonic() < end and zygote.poll() is None:
                time.sleep(0.02)
            yield [sys.executable, "-S", "-c", _LAUNCHER, address]
        finally:
            zygote.kill()


def pump_until(client, condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Pump as a timer would until ``condition()``; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        client.pump()
        time.sleep(0.005)


def started_under(mark: str) -> set[int]:
    """The processes, orphans too, whose environment holds ``mark``, and children of ours that nobody waited for."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            ours = mark.encode() in (folder / "environ").read_bytes() or (state == "Z" and int(parent) == os.getpid())
        except OSError:
            continue
        if ours and int(folder.name) != os.getpid():
            found.add(int(folder.name))
    return found


@contextmanager
def nothing_left(folder: Path | None = None, seconds: float = 10.0) -> Iterator[None]:
    """Fail when the block leaves a process that it started, or a file in ``folder``."""
    mark = f"TRANSFERSEG_TEST_{uuid.uuid4().hex}"
    os.environ[mark] = "1"
    try:
        yield
    finally:
        del os.environ[mark]
    end = time.monotonic() + seconds
    while started_under(mark) and time.monotonic() < end:
        time.sleep(0.02)
    assert not started_under(mark), "a process was left"
    if folder is not None:
        assert list(folder.rglob("*")) == [], "a temporary file was left"


class GapProbe:
    """How long the main thread kept its event loop waiting; time in which the system ran other programs not counted.

    ``tick()`` is called each time round the loop; ``longest`` and ``gaps`` (seconds) are since the last ``reset()``.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.gaps: list[float] = []
        self.skip()

    @property
    def longest(self) -> float:
        """The longest gap, seconds."""
        return max(self.gaps, default=0.0)

    def skip(self) -> None:
        """What passed since the last tick does not count."""
        self._last, self._waited = time.perf_counter(), _seconds_not_run()

    def tick(self) -> None:
        """Note the gap since the last tick."""
        now, waited = time.perf_counter(), _seconds_not_run()
        self.gaps.append(now - self._last - (waited - self._waited))
        self._last, self._waited = now, waited


def _seconds_not_run() -> float:
    """How long this thread has been ready to run while the processor was given to others."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def is_running(pid: int) -> bool:
    """Whether a process runs; a zombie whose new parent has not looked yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
