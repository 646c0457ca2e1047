"""The worker's verb ``live`` over real pipes, and the rule that only the newest waiting frame is done."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import small_model
from helpers_live import ct_file, live_model
from helpers_worker import Worker

from TransferSegLib.jobs.segment import segment
from TransferSegLib.preparing import PreparationOptions
from TransferSegLib.worker import Newest, Server


class _Noted:
    """A channel that keeps what was sent."""

    def __init__(self):
        self.sent = []
        self.broken = threading.Event()

    def send(self, event, *, unless=lambda: False):
        if not unless():
            self.sent.append(event)


def test_only_the_newest_waiting_frame_is_done_and_every_frame_is_answered():
    channel, done = _Noted(), []

    def understand(verb, args):
        number, key = args["n"], args.get("key", "live 1")
        work = lambda events: done.append(number)  # noqa: E731
        return Newest(key, work) if verb == "live" else work

    server = Server(channel, understand)
    for number, (verb, key) in enumerate(
        [("live", "live 1"), ("doctor", ""), ("live", "live 1"), ("live", "live 2"), ("live", "live 1")]
    ):
        server._queue(number, verb, {"n": number, "key": key})
    assert [(e["id"], e["value"]) for e in channel.sent] == [(0, {"dropped": True}), (2, {"dropped": True})]
    while (job := server._next(wait=False)) is not None:
        server._do(job)
    assert done == [1, 3, 4], "other work and other sessions stay in their order"
    assert sorted(e["id"] for e in channel.sent if e["event"] == "result") == [0, 1, 2, 3, 4]


def test_what_can_wait_does_so_while_frames_are_expected(monkeypatch):
    """Importing ahead takes seconds, for which a frame would wait."""
    from TransferSegLib.worker import serving

    for name in ("kill_tree", "_end_soon"):  # they end processes
        monkeypatch.setattr(serving, name, lambda *args, **how: None)
    done, session = [], [True]

    def understand(verb, args):
        if verb == "live" and args.get("last"):
            return lambda events: (done.append("close"), session.clear())
        return lambda events: done.append(verb)

    server = Server(_Noted(), understand)
    server._queue(1, "live", {})
    idle = threading.Event()

    def ahead():
        done.append("ahead")
        idle.set()

    thread = threading.Thread(target=lambda: server.work(when_idle=ahead, expecting=lambda: bool(session)))
    thread.start()
    assert not idle.wait(0.3)
    server._queue(2, "live", {"last": True})
    assert idle.wait(10)
    server.close()
    thread.join(10)
    assert done == ["live", "close", "ahead"] and not thread.is_alive()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    ct = ct_file(folder)
    made = {"folder": folder, "ct": ct, "model": live_model(folder / "m"), "labels": folder / "labels.nrrd"}
    options = PreparationOptions(resample="off", register="off")
    segment(model=made["model"], images={"ct": ct}, out=made["labels"], options=options)
    return made


@pytest.fixture(scope="module")
def worker():
    started = Worker()
    yield started
    started.close()


def opened(worker, made):
    return worker.do("live", action="open", model=made["model"], image={"ct": str(made["ct"])}, resample="off")


def test_a_session_over_the_pipes_gives_the_labels_of_segment(worker, made):
    told = opened(worker, made)
    assert (told["slices"], told["count"], told["size"]) == ("axial", 20, [40, 40]) and told["labels"] == {
        "1": "lesion"
    }
    wanted = sitk.GetArrayFromImage(sitk.ReadImage(str(made["labels"])))
    out = made["folder"] / "frame.npy"
    for index in (0, 9, 10):
        found = worker.do("live", action="frame", session=told["session"], index=index, out=out)
        assert np.array_equal(np.load(out), wanted[index]) and found["pixels"] == {"lesion": int(wanted[index].sum())}
        parts = found["seconds"]
        assert found["index"] == index and found["dropped"] is False
        assert set(parts) == {"read", "prepare", "network", "restore", "write", "total"}
        assert 0 < parts["network"] <= parts["total"] < 10
    pixels = made["folder"] / "pixels.npy"
    np.save(pixels, sitk.GetArrayFromImage(sitk.ReadImage(str(made["ct"])))[9])
    worker.do("live", action="frame", session=told["session"], index=9, image={"ct": str(pixels)}, out=out)
    assert np.array_equal(np.load(out), wanted[9])
    assert worker.do("live", action="close", session=told["session"]) == {"closed": True}
    assert worker.do("live", action="close", session=told["session"]) == {"closed": False}


def test_frames_sent_faster_than_they_are_done_are_dropped_never_queued(worker, made):
    told = opened(worker, made)
    busy = worker.ask("models", action="list")
    asked = [
        worker.ask("live", action="frame", session=told["session"], index=n % 20, out=made["folder"] / f"{n}.npy")
        for n in range(40)
    ]
    answers = [worker.result(name) for name in asked]
    done = [answer for answer in answers if not answer["dropped"]]
    assert worker.of(busy)[-1]["event"] == "result"
    assert 1 <= len(done) < 40 and not answers[-1]["dropped"], "the newest is always done"
    assert {a["index"] for a in done} <= set(range(20)) and len(list(made["folder"].glob("[0-9]*.npy"))) == len(done)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({}, "action None is unknown; use one of open, frame, close"),
        ({"action": "open"}, "live open: required: model"),
        ({"action": "frame", "session": 1, "out": "o.npy"}, "live frame: required: index"),
        ({"action": "frame", "session": 1, "out": "o.npy", "index": "3"}, "it is the number of a slice"),
        ({"action": "frame", "session": 1, "out": "o.npy", "index": 3, "colour": 1}, "unknown argument 'colour'"),
        ({"action": "open", "model": "m", "image": ["a"]}, "image is {role: file}"),
        ({"action": "frame", "session": 99, "out": "o.npy", "index": 3}, "there is no session 99; open one"),
        ({"action": "open", "model": "no-such"}, "no-such"),
    ],
)
def test_wrong_requests_are_answered_and_the_worker_lives_on(worker, args, says):
    event = worker.wait(worker.ask("live", **args))
    assert event["event"] == "error" and says in event["message"], event


def test_bad_frames_and_models_leave_the_session_usable(worker, made):
    told = opened(worker, made)
    how = {"action": "frame", "session": told["session"], "index": 3, "out": str(made["folder"] / "o.npy")}
    (made["folder"] / "broken.npy").write_bytes(b"no array")
    np.save(made["folder"] / "small.npy", np.zeros((3, 3), np.float32))
    for name, says in (
        ("broken.npy", "cannot be read"),
        ("absent.npy", "cannot be read"),
        ("small.npy", "3 x 3 values"),
    ):
        event = worker.wait(worker.ask("live", **how, image={"ct": str(made["folder"] / name)}))
        assert event["event"] == "error" and event["code"] == "bad-input" and says in event["message"], event
    event = worker.wait(worker.ask("live", **(how | {"out": str(made["folder"] / "no" / "o.npy")})))
    assert event["event"] == "error" and event["code"] == "storage"
    assert worker.do("live", **how)["dropped"] is False
    three = small_model(made["folder"] / "three")
    event = worker.wait(worker.ask("live", action="open", model=three, image={"ct": str(made["ct"])}))
    assert event["event"] == "error" and "works on whole volumes" in event["message"]
