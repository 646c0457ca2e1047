"""Faults of the real worker: killed at any moment, two runs at once, Slicer closing or dying under it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from helpers_cli import FILES, small_case, small_data_set, small_model
from helpers_engine import PROJECT, GapProbe, is_running, nothing_left, pump_until
from TransferSegGUI.client import WorkerClient
from TransferSegGUI.exchange import ExchangeFolder, readImage

from TransferSegLib.storage import sha256

pytestmark = pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals")
KILLS = 20


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A little model, a case, a data set, and one thread a process: many workers share few cores here."""
    folder = tmp_path_factory.mktemp("faults")
    small_model(folder / "little")
    small_case(folder / "case")
    small_data_set(folder / "set", 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(folder / "pycache"))
        yield folder


def segmentation(world, out):
    images = {role: str(world / "case" / f"{name}.nii.gz") for role, name in FILES.items()}
    off = {"resample": "off", "register": "off", "mask": "off"}
    return "segment", {"model": str(world / "little"), "image": images, "out": str(out), "uncompressed": True, **off}


def training(world, out, epochs=40):
    how = {"epochs": epochs, "steps": 2, "patch": 32, "seed": 5, "device": "cpu"}
    return "finetune", {
        "from": str(world / "little"), "data": str(world / "set"), "strategy": "half-lr", "out": str(out), **how,
    }  # fmt: skip


def weights(job):
    assert job.state == "done", job.error and (job.error, job.error.details)
    return sha256(f"{job.result['package']}/models/model.pt")


def kill(client):
    """Kill the worker as the system would when memory runs out: without a word."""
    os.kill(client.workerPid, signal.SIGKILL)


def killed_at_random(client, request, count, most_events, seed, ended):
    """A generator that yields while it waits: ``count`` times the request, killed a moment after one of its events."""
    moments, kills = random.Random(seed), 0
    while kills < count:
        seen = []
        job = client.request(*request(), onEvent=lambda j, e, seen=seen: e["event"] != "memory" and seen.append(e))
        wanted, pause = moments.randint(1, most_events), moments.uniform(0, 0.05)
        while not job.finished and len(seen) < wanted:
            yield
        since = time.monotonic()
        while not job.finished and time.monotonic() - since < pause:
            yield
        if not job.finished:
            kill(client)
            kills += 1
        killed = time.monotonic()
        while not job.finished:
            yield
        assert time.monotonic() - killed < 1.0, "a crash is noticed at once"
        ended(job)


def all_killed(clients, world, tmp_path, count):
    """Both kinds in turn on two workers; what was finished, and what is resumed, is as if nothing had happened."""
    folder = ExchangeFolder()
    out, runs, stages = folder.file("labels.nrrd"), [0], []
    requests = segmentation(world, out), training(world, tmp_path / "whole")
    whole = [client.request(*request) for client, request in zip(clients, requests)]
    for client, job in zip(clients, whole):
        assert client.wait(job).state == "done", (job.error, job.error.details)
    labels, digest = readImage(out).array, weights(whole[1])
    out.unlink()

    def segmented(job):
        assert job.state == "done" or job.error.code == "worker-crashed"
        if out.exists():  # whole or not at all
            assert (readImage(out).array == labels).all()
            out.unlink()

    def trained(job):
        if job.state == "done":
            assert weights(job) == digest
            runs[0] += 1
        else:
            assert job.error.code == "worker-crashed" and "\n" not in job.error.message
            stages.append(job.progress.get("stage", "opening"))

    def next_training():
        return training(world, tmp_path / f"cut{runs[0]}")

    drivers = [
        killed_at_random(clients[0], lambda: segmentation(world, out), count, 9, 1, segmented),
        killed_at_random(clients[1], next_training, count, 12, 2, trained),
    ]
    while drivers:
        drivers = [driver for driver in drivers if next(driver, driver) is not driver]
        for client in clients:
            client.pump()
        time.sleep(0.005)
    last = [clients[0].request(*segmentation(world, out)), clients[1].request(*next_training())]
    for client, job in zip(clients, last):
        client.wait(job)
    assert (readImage(out).array == labels).all() and weights(last[1]) == digest
    for client in clients:
        client.close()
    folder.remove()
    assert not folder.path.exists()
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".") or p.suffix in (".part", ".tmp")]
    counts = {stage: stages.count(stage) for stage in sorted(set(stages))}
    print(f"\n{2 * count} kills, of training while {counts}; {runs[0] + 1} trainings ended as the uninterrupted one")


@pytest.mark.alone
def test_killed_at_20_moments_of_segmentation_and_20_of_training(world, ready_made, tmp_path):
    with nothing_left():
        all_killed([WorkerClient(ready_made), WorkerClient(ready_made)], world, tmp_path, KILLS)


@pytest.mark.alone
def test_killed_and_started_as_slicer_does_it(world, tmp_path):
    with nothing_left():
        all_killed([WorkerClient(), WorkerClient()], world, tmp_path, 1)


@pytest.mark.alone
def test_cancel_at_20_moments_is_answered_within_a_second_and_never_blocks(world, ready_made, tmp_path, app):
    """The timer of Qt does the work here, as in Slicer; each time round its loop is measured."""
    moments, answers, probe = random.Random(3), [], GapProbe()

    def loop(condition):
        while not condition():
            app.processEvents()
            probe.tick()
            time.sleep(0.002)

    with nothing_left():
        client, folder = WorkerClient(ready_made), ExchangeFolder()
        out = folder.file("labels.nrrd")
        first = client.request(*segmentation(world, out))
        loop(lambda: first.finished)
        labels = readImage(out).array
        for number in range(20):
            out.unlink(missing_ok=True)
            seen = []
            request = segmentation(world, out) if number % 2 else training(world, tmp_path / f"m{number}")
            job = client.request(*request, onEvent=lambda j, e, seen=seen: seen.append(e))
            wanted, until = moments.randint(0, 8), time.monotonic() + moments.uniform(0, 0.05)
            loop(lambda: job.finished or (len(seen) >= wanted and time.monotonic() > until))  # noqa: B023
            asked = time.monotonic()
            job.cancel()
            loop(lambda: job.finished)  # noqa: B023
            answers.append(time.monotonic() - asked)
            assert job.state == "cancelled" or (job.state == "done" and number % 2)
            assert job.state == "done" or not (tmp_path / f"m{number}").exists()
        again = client.request(*segmentation(world, out))
        loop(lambda: again.finished)
        assert (readImage(out).array == labels).all()
        client.close()
        folder.remove()
    print(f"\n20 cancels: slowest answer {max(answers):.2f} s, longest block {1000 * probe.longest:.0f} ms")
    assert max(answers) < 2.0 and probe.longest < 0.5


def test_two_runs_at_once_are_done_one_after_the_other(world, ready_made, tmp_path):
    with nothing_left():
        client, order = WorkerClient(ready_made), []
        jobs = [
            client.request(*segmentation(world, tmp_path / f"{n}.nrrd"), onDone=lambda job: order.append(job.id))
            for n in range(2)
        ]
        client.wait(jobs[1])
        client.close()
    assert [job.state for job in jobs] == ["done", "done"] and order == [job.id for job in jobs]
    assert (tmp_path / "0.nrrd").read_bytes() == (tmp_path / "1.nrrd").read_bytes()


@pytest.mark.alone
def test_slicer_closing_in_the_middle_of_a_training_loses_nothing(world, ready_made, tmp_path):
    with nothing_left():
        client = WorkerClient(ready_made)
        whole, cut = training(world, tmp_path / "whole", 6), training(world, tmp_path / "cut", 6)
        digest = weights(client.wait(client.request(*whole)))
        rows, said = [], []
        job = client.request(*cut, onEvent=lambda j, e: e["event"] == "metric" and rows.append(e))
        pump_until(client, lambda: len(rows) > 2 or job.finished, 300)
        start = time.monotonic()
        client.close()
        assert time.monotonic() - start < 4 and job.error.code == "worker-closed"
        client = WorkerClient(ready_made)
        job = client.request(*cut, onEvent=lambda j, e: said.append(e.get("text", "")))
        assert weights(client.wait(job)) == digest and any("going on" in text for text in said)
        client.close()


def test_the_worker_ends_when_slicer_is_killed(world, tmp_path):
    code = (
        "import sys, time; sys.path[:0] = sys.argv[3:]\n"
        "from TransferSegGUI.client import WorkerClient\n"
        "client = WorkerClient(); job = client.request('finetune', eval(sys.argv[1]))\n"
        "while not job.progress: client.pump(); time.sleep(0.01)\n"
        "print(client._session._process.pid, flush=True); time.sleep(60)\n"
    )
    _verb, args = training(world, tmp_path / "m", 4000)
    words = [sys.executable, "-c", code, repr(args), "", str(PROJECT), str(PROJECT / "TransferSeg")]
    with nothing_left(), subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as slicer:
        worker = int(slicer.stdout.readline())
        assert is_running(worker)
        slicer.kill()
        end = time.monotonic() + 30
        while is_running(worker) and time.monotonic() < end:
            time.sleep(0.05)
        assert not is_running(worker)
