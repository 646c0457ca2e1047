"""The worker's protocol over real pipes: order, garbage, noise, cancelling, the end of stdin."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers_cli import small_case, small_model
from helpers_worker import Worker

from TransferSegLib import __version__
from TransferSegLib.processes import is_alive

# A stand-in for a slow program that starts one of its own, as hd-bet does.
SLOW = """#!{python}
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({note!r}, "w").write(f"{{__import__('os').getpid()}} {{child.pid}}")
time.sleep(60)
"""
NOISY = """
import os, TransferSegLib.jobs.doctor as room
real = room.doctor
def doctor():
    os.write(1, b"native noise\\n"); print("python noise", flush=True); os.system("echo child noise; cat")
    return {**real(), "bad": float("nan")}
room.doctor = doctor
"""


@pytest.fixture(scope="module")
def worker():
    started = Worker(code=NOISY)
    started.write(b"nonsense")
    yield started
    started.close()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("models") / "little")


def test_the_first_event_is_ready_whatever_was_asked_before(worker):
    assert worker.do("models", action="list")[0]["name"] == "brain-unet-phantom"
    first = dict(worker.events[0])
    device, reason = first.pop("device"), first.pop("device_reason")
    assert first == {"id": None, "event": "ready", "version": __version__, "pid": worker.process.pid}
    assert (device, reason.split()[0]) in (("cpu", "CPU"), ("cuda:0", "GPU"))
    assert worker.events[1]["code"] == "wrong-use"


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"null",
        b"{}",
        b'{"id": true, "verb": "doctor"}',
        b'{"id": [], "verb": 3}',
    ]
    + [b'{"id": 7}', b'{"id": 7, "verb": "doctor", "args": [1]}', b"[" * 100_000, b"x" * (9 << 20), b'{"id": NaN'],
    ids=lambda line: repr(line[:20]),
)
def test_garbage_is_answered_and_the_worker_lives_on(worker, line):
    count = len(worker.events)
    worker.write(line)
    assert worker.do("models", action="show", name="brain-unet-phantom")["name"] == "brain-unet-phantom"
    answers = [e for e in worker.events[count:] if e["event"] == "error"]
    assert len(answers) == 1 and answers[0]["code"] == "wrong-use" and answers[0]["message"]


@pytest.mark.parametrize(
    ("verb", "args", "says"),
    [
        ("sing", {}, "unknown verb 'sing'; use one of segment, l3"),
        ("worker", {}, "unknown verb"),
        ("segment", {"model": "m"}, "required: --out"),
        ("segment", {"model": "m", "out": "x.nrrd", "colour": 1}, "unknown argument 'colour'; it takes"),
        ("segment", {"model": "m", "out": "x.nrrd", "register": "maybe"}, "invalid choice"),
        ("segment", {"model": "m", "out": "x.nrrd", "flips": "yes"}, "true or false"),
        ("segment", {"model": "m", "out": "x.nrrd", "case": "--debug"}, "dash"),
        ("finetune", {"from": "none", "data": "d", "strategy": "s", "out": "o", "epochs": 1.5}, "invalid int"),
        ("models", {"action": "eat"}, "unknown; use one of list, show"),
        ("models", {}, "unknown; use one of"),
        ("warm", {}, '"model"'),
    ],
)
def test_wrong_use_is_answered_at_once_in_one_line(worker, verb, args, says):
    answer = worker.wait(worker.ask(verb, **args))
    assert answer["event"] == "error" and answer["code"] == "wrong-use"
    assert says in answer["message"] and "\n" not in answer["message"]


def test_an_error_has_code_message_hint_and_details(worker, tmp_path):
    answer = worker.wait(worker.ask("segment", model="no-such-model", case=tmp_path, out=tmp_path / "o.nrrd"))
    assert answer["code"] == "wrong-use" and "no such model" in answer["message"] and answer["hint"] == ""
    broken = worker.wait(worker.ask("segment", model="brain-unet-phantom", case=tmp_path, out=tmp_path / "o.nrrd"))
    assert broken["code"] == "bad-input" and "Traceback" in broken["details"]


def test_requests_wait_their_turn_and_a_waiting_one_is_cancelled_at_once(worker, model, tmp_path):
    case = small_case(tmp_path / "p")
    first = worker.ask("segment", model=model, case=case, out=tmp_path / "a.nrrd", flips=True)
    second = worker.ask("segment", model=model, case=case, out=tmp_path / "b.nrrd", flips=True)
    third = worker.ask("segment", model=model, case=case, out=tmp_path / "c.nrrd")
    worker.write(json.dumps({"id": third, "verb": "doctor"}).encode())
    worker.control(second, "cancel")
    worker.control(987, "cancel")  # nothing to cancel is no error
    assert worker.wait(None, "error")["message"].startswith(f"request {third}")
    assert worker.wait(second)["code"] == "cancelled"
    assert worker.result(third)["output"].endswith("c.nrrd")
    kinds = [(e["id"], e["event"]) for e in worker.events if e["event"] in ("started", "result", "error")]
    order = [(first, "started"), (first, "result"), (third, "started"), (third, "result")]
    assert [kind for kind in kinds if kind in order] == order
    assert (second, "started") not in kinds and not (tmp_path / "b.nrrd").exists()
    assert [e["event"] for e in worker.of(first)].count("result") == 1


def test_ctrl_c_is_not_for_the_worker(worker):
    worker.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert worker.do("models", action="list") and b"Traceback" not in worker.errors


def test_noise_on_stdout_does_not_reach_the_channel_and_nan_becomes_null(worker):
    assert worker.do("doctor")["bad"] is None
    assert all(json.loads(line) for line in worker.raw)
    for noise in (b"native noise", b"python noise", b"child noise"):
        assert noise in worker.errors


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for hd-bet is a script with a shebang")
@pytest.mark.parametrize("how", ["end", "terminate"])
@pytest.mark.alone
def test_programs_that_a_job_started_end_with_it(tmp_path, model, how):
    note, program = tmp_path / "pids", tmp_path / "bin" / "hd-bet"
    program.parent.mkdir()
    program.write_text(SLOW.format(python=sys.executable, note=str(note)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "tmp").mkdir()
    worker = Worker(env={"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(tmp_path / "tmp")})
    given = {"model": model, "case": small_case(tmp_path / "p"), "out": tmp_path / "o.nrrd", "mask": "on"}
    for ending in ("cancel", how) if how == "end" else (how,):
        name = worker.ask("segment", **given)
        pids = _pids(note)
        assert all(is_alive(pid) for pid in pids)
        start = time.monotonic()
        if ending == "cancel":
            worker.control(name, "cancel")
            assert worker.wait(name)["code"] == "cancelled"
        elif ending == "terminate":
            worker.process.send_signal(signal.SIGTERM)
            worker.process.wait(5)
        else:
            worker.close()
        took = time.monotonic() - start
        print(f"\n{ending}: everything had ended after {took:.2f} s")
        assert took < 2 and not any(is_alive(pid) for pid in pids)
        assert not list((tmp_path / "tmp").iterdir()) and not (tmp_path / "o.nrrd").exists()
        note.unlink()
    assert worker.process.returncode == 0


def _pids(note: Path) -> list[int]:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        if note.is_file() and len(note.read_text().split()) == 2:
            return [int(pid) for pid in note.read_text().split()]
        time.sleep(0.05)
    raise AssertionError("hd-bet was not started")


def test_requests_that_the_end_of_the_input_cuts_off_are_said():
    request = '{"id": 7, "verb": "doctor", "args": {}}\n'
    ended = subprocess.run(
        [sys.executable, "-m", "TransferSegLib", "worker"], input=request, capture_output=True, text=True, timeout=300
    )
    assert "the input ended before request 7 was done" in ended.stderr
