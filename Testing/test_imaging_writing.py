"""Writing: whole files or none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.errors import InputError, StorageError
from TransferSegLib.imaging import check_writable, read_image, write_image, writing
from TransferSegLib.storage import writing as atomically

NOISE = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32))
SUFFIXES = ["nii.gz", "nii", "nrrd", "mha"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_writes_over_an_old_file_and_leaves_nothing_else(tmp_path, suffix):
    path = tmp_path / "new" / f"labels.{suffix}"
    write_image(NOISE, path)
    write_image(NOISE * 2, path)
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert np.array_equal(sitk.GetArrayFromImage(read_image(path)), sitk.GetArrayFromImage(NOISE * 2))
    with path.open("rb") as file:
        assert (file.read(2) == b"\x1f\x8b") == (suffix == "nii.gz")
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.mhd", "a.gz", ".nii.gz"])
def test_unknown_suffix(tmp_path, name):
    for write in (lambda path: write_image(NOISE, path), check_writable):
        with pytest.raises(InputError, match="can be written"):
            write(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.nii.gz").mkdir()
    for path in (tmp_path / "file" / "a.nii.gz", tmp_path / "folder.nii.gz", Path("/proc/nowhere/a.nii.gz")):
        for write in (lambda path: write_image(NOISE, path), check_writable):
            with pytest.raises(StorageError) as caught:
                write(path)
            assert str(path) in str(caught.value) and ";" in str(caught.value)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "folder.nii.gz"]


def test_check_writable_leaves_nothing(tmp_path):
    check_writable(tmp_path / "not" / "yet" / "a.nii.gz")
    assert not list(tmp_path.iterdir())


FULL = """
import resource, sys
import numpy as np, SimpleITK as sitk
from TransferSegLib.errors import StorageError
from TransferSegLib.imaging import write_image
image = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32))
resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))
for path in sys.argv[1:]:
    try:
        write_image(image, path)
    except StorageError as error:
        print(error)
"""


def test_a_disk_that_takes_only_a_part(tmp_path):
    pytest.importorskip("resource")
    paths = [str(tmp_path / f"labels.{suffix}") for suffix in SUFFIXES]
    Path(paths[0]).write_bytes(b"the old result")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    done = subprocess.run([sys.executable, "-c", FULL, *paths], capture_output=True, text=True, env=environment)
    lines = done.stdout.splitlines()
    assert len(lines) == 4 and all(path in line and ";" in line for path, line in zip(paths, lines)), done
    assert done.stderr == ""
    assert [item.name for item in tmp_path.iterdir()] == ["labels.nii.gz"]
    assert Path(paths[0]).read_bytes() == b"the old result"


def test_a_writer_that_fails_in_silence_is_noticed(tmp_path, monkeypatch):
    def half(image, name, compress):
        Path(name).write_bytes(whole[: len(whole) // 2])

    write_image(NOISE, tmp_path / "a.nii")
    whole = (tmp_path / "a.nii").read_bytes()
    monkeypatch.setattr(writing.sitk, "WriteImage", half)
    with pytest.raises(StorageError, match="disk is full"):
        write_image(NOISE, tmp_path / "b.nii")
    assert [item.name for item in tmp_path.iterdir()] == ["a.nii"]


def test_writing_keeps_the_old_file_on_any_error(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomically(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(StorageError, match="disk is full"), atomically(path) as temporary:
        raise OSError(28, "No space left on device")
    with atomically(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new" and len(list(tmp_path.iterdir())) == 1
