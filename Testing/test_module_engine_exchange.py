"""The files and the private folders by which images travel; claims on folders."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import numpy as np
import pytest
from helpers_engine import PROJECT
from TransferSegGUI import exchange
from TransferSegGUI.claims import Claim, isClaimed
from TransferSegGUI.nrrd import writeNrrd

from TransferSegLib.errors import StorageError

SHAPE = (4, 5, 6)


def ras(steps, origin=(-12.3456789012345, 98.7, -1 / 3)):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = steps, origin
    return matrix


def noise(dtype=np.float32, shape=SHAPE):
    return (np.random.default_rng(3).normal(size=shape) * 40).astype(dtype)


def test_damaged_and_missing_files_are_told_plainly(tmp_path):
    path = tmp_path / "x.nrrd"
    writeNrrd(path, noise(), np.eye(4))
    whole = path.read_bytes()
    for cut in (0, 3, 40, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(StorageError, match=r"x\.nrrd: the file is not whole"):
            exchange.readImage(path)
    with pytest.raises(StorageError, match="gone"):
        exchange.readImage(tmp_path / "y.nrrd")
    with pytest.raises(StorageError):
        exchange.readImage(tmp_path)
    with pytest.raises(StorageError, match="folder is gone"):
        exchange.writeImage(exchange.Snapshot(noise()), tmp_path / "gone" / "x.nrrd")
    assert not (tmp_path / "gone").exists()


def test_other_axes_and_byte_orders_are_read(tmp_path):
    head = (
        "NRRD0004\n# a comment\ntype: short\ndimension: 3\nspace: {space}\nsizes: 6 5 4\nspace directions: (2,0,0)"
        " (0,3,0) (0,0,4)\nendian: big\nencoding: raw\nspace origin: (1,2,3)\n\n"
    )
    data = noise(np.int16)
    for space, signs in (("right-anterior-superior", (-1, -1, 1)), ("LPS", (1, 1, 1))):
        (tmp_path / "x.nrrd").write_bytes(head.format(space=space).encode() + data.astype(">i2").tobytes())
        found = exchange.readImage(tmp_path / "x.nrrd")
        np.testing.assert_array_equal(found.array, data)
        np.testing.assert_array_equal(found.ijkToLps, np.diag([*signs, 1]) @ ras(np.diag([2, 3, 4]), (1, 2, 3)))


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "temporaryFolder", lambda: tmp_path)
    return tmp_path


def test_an_exchange_folder_is_private_and_goes(temporary):
    folder = exchange.ExchangeFolder()
    assert folder.path.parent == temporary and stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    exchange.writeImage(exchange.Snapshot(noise()), folder.file("a.nrrd"))
    assert exchange.removeAbandoned() == 0 and folder.file("a.nrrd").exists(), "its owner lives"
    folder.remove()
    folder.remove()
    assert list(temporary.iterdir()) == []
    other = exchange.ExchangeFolder()
    path = other.path
    del other
    assert not path.exists(), "a forgotten folder goes too"


def test_folders_of_dead_processes_are_removed_and_no_others(temporary):
    code = (
        "import os, sys, pathlib; sys.path[:0] = sys.argv[2:]\n"
        "from TransferSegGUI import exchange\n"
        "exchange.temporaryFolder = lambda: pathlib.Path(sys.argv[1])\n"
        "folder = exchange.ExchangeFolder(); folder.file('a').write_bytes(b'x'); print(folder.path, flush=True)\n"
        "sys.stdin.readline() or os._exit(0)\n"
    )
    words = [sys.executable, "-c", code, str(temporary), str(PROJECT), str(PROJECT / "TransferSeg")]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    left = process.stdout.readline().strip()
    assert exchange.removeAbandoned() == 0 and isClaimed(left), "its process lives"
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    new = temporary / "TransferSeg-exchange-new"
    new.mkdir()
    (temporary / "other").mkdir()
    assert exchange.removeAbandoned() == 1 and sorted(p.name for p in temporary.iterdir()) == [new.name, "other"]
    os.utime(new, (0, 0))
    assert exchange.removeAbandoned() == 1, "never claimed, and old"


def test_a_claim_is_one_process_at_a_time(tmp_path):
    claim = Claim(tmp_path)
    assert isClaimed(tmp_path)
    with pytest.raises(BlockingIOError):
        Claim(tmp_path)
    claim.release()
    assert not isClaimed(tmp_path) and list(tmp_path.iterdir()) == []
    Claim(tmp_path).release()


def test_no_temporary_folder_is_a_plain_error(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(exchange, "temporaryFolder", lambda: tmp_path / "file" / "x")
    with pytest.raises(StorageError, match="choose another folder"):
        exchange.ExchangeFolder()
