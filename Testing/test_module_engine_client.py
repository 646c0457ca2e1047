"""The worker's client and process, with a worker that can be made to misbehave."""

from __future__ import annotations

import os
import signal
import time

import pytest
from helpers_engine import fake_worker, is_running, nothing_left, pump_until
from TransferSegGUI.client import WorkerClient

from TransferSegLib.errors import DependencyError, InputError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake worker uses POSIX signals")


@pytest.fixture
def client():
    with nothing_left():
        client = WorkerClient(fake_worker())
        yield client
        client.close()


@pytest.mark.alone
def test_a_request_starts_the_worker_and_is_answered(client):
    states, events, done = [], [], []
    client.stateChanged.connect(states.append)
    start = time.perf_counter()
    job = client.request("echo", {"x": [1, None]}, onEvent=lambda j, e: events.append(e["event"]), onDone=done.append)
    assert time.perf_counter() - start < 0.5 and job.state == "queued"
    assert client.wait(job) is job and job.state == "done" and job.result["args"] == {"x": [1, None]}
    assert done == [job] and events == ["started"] and states == ["starting", "busy", "ready"]
    assert client.wait(client.request("echo")).result["pid"] == job.result["pid"], "the worker stays warm"


def test_requests_made_before_it_is_ready_are_done_in_order():
    client, order = WorkerClient(fake_worker("slow=0.5")), []
    jobs = [client.request("sleep", {"seconds": 0.06}, onDone=lambda j: order.append(j.id)) for _ in range(4)]
    assert client.wait(jobs[-1]).state == "done"
    client.close()
    assert order == [job.id for job in jobs]


@pytest.mark.alone
def test_progress_memory_and_messages_are_kept_and_old_progress_is_skipped(client):
    seen = []
    job = client.request("flood", {"count": 3000}, onEvent=lambda j, e: seen.append(e))
    longest = 0.0
    while not job.finished:
        start = time.perf_counter()
        client.pump()
        longest = max(longest, time.perf_counter() - start)
        time.sleep(0.01)
    assert job.state == "done" and job.progress["done"] == 2999
    assert [e["epoch"] for e in seen if e["event"] == "metric"] == list(range(3000)), "no metric may be lost"
    assert longest < 0.5


def test_errors_come_as_the_kind_they_were(client):
    job = client.wait(client.request("fail", {"code": "bad-input"}))
    assert job.state == "failed" and isinstance(job.error, InputError) and job.error.message == "wrong; do it right"
    assert job.error.hint == "h" and job.error.details == "Traceback"
    assert client.wait(client.request("fail", {"code": "unheard-of"})).error.code == "unheard-of"
    assert client.wait(client.request("noise")).state == "done", "noise on the channel does no harm"


@pytest.mark.alone
def test_cancel_of_running_queued_and_unstarted_jobs(client):
    first = client.request("sleep", {"seconds": 30})
    first.cancel()
    assert first.state == "cancelled", "not sent yet: it ends at once"
    running, queued = client.request("sleep", {"seconds": 30}), client.request("echo")
    pump_until(client, lambda: running.progress)
    queued.cancel()
    assert queued.state == "cancelled" and running.state == "running"
    start = time.monotonic()
    running.cancel()
    running.cancel()
    assert client.wait(running).error.code == "cancelled" and time.monotonic() - start < 0.5
    pid = client.wait(client.request("echo")).result["pid"]
    stopped = client.request("sleep", {"seconds": 30})
    pump_until(client, lambda: stopped.progress)
    stopped.stop()
    assert "stopped" in client.wait(stopped).result
    assert client.wait(client.request("echo")).result["pid"] == pid, "a cooperative cancel keeps the worker warm"


@pytest.mark.alone
def test_a_worker_deaf_to_cancel_is_killed_with_its_children_within_a_second(client):
    job, after = client.request("child"), client.request("echo")
    pump_until(client, lambda: job.messages)
    child = int(job.messages[0])
    start = time.monotonic()
    job.cancel()
    client.wait(job)
    assert job.state == "cancelled" and time.monotonic() - start < 1.0
    assert client.wait(after).state == "done", "what waited goes to a fresh worker"
    pump_until(client, lambda: not is_running(child), 1)


def test_a_crash_is_told_in_plain_words_and_the_next_job_gets_a_fresh_worker(client):
    jobs = [client.request("crash", {"signal": int(signal.SIGSEGV)}), client.request("echo")]
    client.wait(jobs[1])
    assert jobs[0].state == "failed" and jobs[0].error.code == "worker-crashed"
    assert "SIGSEGV" in jobs[0].error.message and "Traceback" not in jobs[0].error.message
    assert "something went wrong" in jobs[0].error.details and jobs[1].state == "done"
    memory = client.wait(client.request("memory")).error
    assert memory.message.startswith("Memory ran out (it used 15.2 of 16.0 GB)")
    killed = client.wait(client.request("crash", {"signal": int(signal.SIGKILL)})).error
    assert "ended the computation" in killed.message
    assert "exit code 7" in client.wait(client.request("exit", {"code": 7})).error.message


def test_a_result_that_arrived_before_the_crash_is_kept(client):
    assert client.wait(client.request("answer-and-die")).result == "kept"
    client.pump()
    assert client.wait(client.request("echo")).state == "done"


@pytest.mark.alone
def test_a_worker_that_died_while_idle_is_replaced_silently(client):
    pid = client.wait(client.request("echo")).result["pid"]
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert client.wait(client.request("echo")).result["pid"] != pid


@pytest.mark.parametrize("mode", ["die", "problem"])
def test_a_worker_that_cannot_start_is_not_started_forever(mode):
    with nothing_left():
        client, done = WorkerClient(fake_worker(mode)), []
        jobs = [client.request("echo", onDone=done.append) for _ in range(2)]
        assert done == [], "nothing is told before request() returned"
        client.wait(jobs[1])
        assert [job.state for job in jobs] == ["failed", "failed"] and done == jobs
        if mode == "problem":
            assert isinstance(jobs[0].error, DependencyError) and "install" in jobs[0].error.message
        else:
            assert "cannot import torch" in jobs[0].error.details and "exit code 3" in jobs[0].error.message
        client.pump()
        assert client.state == "stopped"
        client.close()


def test_a_program_that_is_not_there(tmp_path):
    client = WorkerClient([str(tmp_path / "no-python")])
    job = client.request("echo")
    assert not job.finished and client.wait(job).error.code == "worker-crashed"
    client.close()


@pytest.mark.parametrize("mode", ["", "deaf"])
@pytest.mark.alone
def test_closing_ends_the_worker_and_tells_that_it_was_no_cancel(mode):
    with nothing_left():
        client = WorkerClient(fake_worker(mode))
        jobs = [client.request("child"), client.request("echo")]
        pump_until(client, lambda: jobs[0].messages)
        told = []
        client.background(lambda: time.sleep(0.2), lambda *_: told.append("too late"))
        start = time.monotonic()
        client.close()
        assert time.monotonic() - start < 4.5
    assert [job.error.code for job in jobs] == ["worker-closed"] * 2 and jobs[0].state == "failed" and not told
    assert client.request("echo").error.code == "worker-closed"


def test_restart_takes_the_new_environment_after_the_running_job(client, monkeypatch):
    job = client.request("sleep", {"seconds": 0.2})
    pump_until(client, lambda: job.progress)
    monkeypatch.setenv("TRANSFERSEG_HOME", "elsewhere")
    client.restart()
    assert client.wait(job).state == "done"
    assert client.wait(client.request("echo")).result["env"]["TRANSFERSEG_HOME"] == "elsewhere"


def test_callbacks_may_do_anything_and_their_errors_are_their_own(client, caplog):
    ends = []

    def onDone(job):
        ends.append(job.id)
        if len(ends) < 3:
            client.wait(client.request("echo", onDone=onDone))
        raise ValueError("in the callback")

    client.wait(client.request("echo", onDone=onDone))
    pump_until(client, lambda: len(ends) == 3)
    assert "in the callback" in caplog.text


def test_background_work_gives_its_value_or_error_on_the_main_thread(client):
    got = []
    client.background(lambda: 42, lambda value, error: got.append((value, error)))
    client.background(lambda: 1 / 0, lambda value, error: got.append((value, type(error))))
    pump_until(client, lambda: len(got) == 2)
    assert sorted(got, key=str) == [(42, None), (None, ZeroDivisionError)]
