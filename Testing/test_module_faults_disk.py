"""A full disk under the exchange folder: a plain sentence, no half file, and the worker lives on."""

from __future__ import annotations

import contextlib
import os
import subprocess

import numpy as np
import pytest
from helpers_cli import FILES, small_case, small_model
from helpers_engine import nothing_left
from TransferSegGUI import exchange
from TransferSegGUI.client import WorkerClient

from TransferSegLib.errors import StorageError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a small file system or a limit on file sizes")
SMALL = 200 * 1024


@contextlib.contextmanager
def small_disk(folder):
    """A disk of 200 KiB where we may mount one, else no file may be larger than that; yields what it is."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(words, capture_output=True).returncode == 0:
        try:
            yield "disk is full"
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, before[1]))
    try:
        yield "larger than allowed"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_writing_for_the_worker(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "temporaryFolder", lambda: tmp_path / "disk")
    with small_disk(tmp_path / "disk") as reason:
        folder = exchange.ExchangeFolder()
        exchange.writeImage(exchange.Snapshot(np.zeros((8, 8, 8), np.uint8)), folder.file("fits.nrrd"))
        with pytest.raises(StorageError, match=rf"flair\.nrrd: the .*{reason}.*; .*choose another"):
            exchange.writeImage(exchange.Snapshot(np.zeros((64, 64, 64), np.float32)), folder.file("flair.nrrd"))
        assert sorted(p.name for p in folder.path.iterdir()) == [".owner", "fits.nrrd"]
        folder.remove()
        assert list((tmp_path / "disk").iterdir()) == []


def test_what_the_worker_writes(tmp_path, monkeypatch):
    small_model(tmp_path / "little")
    small_case(tmp_path / "case")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(exchange, "temporaryFolder", lambda: tmp_path / "disk")
    images = {role: str(tmp_path / "case" / f"{name}.nii.gz") for role, name in FILES.items()}
    off = {"resample": "off", "register": "off", "mask": "off", "uncompressed": True}
    args = {"model": str(tmp_path / "little"), "image": images, **off}
    with nothing_left(), small_disk(tmp_path / "disk") as reason:
        folder, client = exchange.ExchangeFolder(), WorkerClient()
        # 40x40x40: the labels fit, the uncertainty (float32) does not.
        files = {"out": str(folder.file("labels.nrrd")), "uncertainty": str(folder.file("uncertainty.nrrd"))}
        if reason == "disk is full":
            folder.file("other.bin").write_bytes(b"x" * (SMALL * 3 // 4))
        job = client.wait(client.request("segment", {**args, **files}))
        assert job.state == "failed" and isinstance(job.error, StorageError)
        assert reason in job.error.message and "\n" not in job.error.message
        assert not [p for p in folder.path.iterdir() if p.name not in (".owner", "other.bin", "labels.nrrd")]
        process = client._session._process.pid
        job = client.wait(client.request("segment", {**args, "out": str(tmp_path / "elsewhere.nrrd")}))
        assert job.state == "done" and client._session._process.pid == process, "the worker lives on"
        client.close()
        folder.remove()
        assert list((tmp_path / "disk").iterdir()) == []
