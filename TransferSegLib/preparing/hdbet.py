"""A brain mask from the hd-bet program, where one is on the PATH."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..events import Events
from ..imaging import Grid, read_image, write_image
from ..processes import kill_tree
from ..storage import scratch_folder

TIMEOUT_SECONDS = 1800


def hd_bet_program() -> str | None:
    """The path of ``hd-bet``, or None."""
    return shutil.which("hd-bet")


def hd_bet_mask(program: str, image: sitk.Image, *, events: Events) -> np.ndarray:
    """Run hd-bet on one image, in a temporary folder.

    Both published command lines are tried: version 2 (``--save_bet_mask``) and version 1 (``-mode fast``).

    Returns
    -------
    np.ndarray
        bool (k, j, i) on the image's grid.

    Raises
    ------
    InputError
        When the program fails, takes more than half an hour, or leaves no usable mask.
    """
    with scratch_folder("hdbet") as folder:
        source, target = folder / "image.nii.gz", folder / "brain.nii.gz"
        write_image(sitk.Cast(image, sitk.sitkFloat32), source)
        command = [program, "-i", str(source), "-o", str(target), "-device", _device()]
        run = _run([*command, "--disable_tta", "--save_bet_mask", "--no_bet_image"], events)
        if run.returncode == 2 and "unrecognized arguments" in run.stderr:
            first = [*command[:-1], "0" if command[-1] == "cuda" else "cpu", "-mode", "fast", "-tta", "0"]
            run = _run(first, events)
        found = [path for path in (folder / "brain_bet.nii.gz", folder / "brain_mask.nii.gz") if path.is_file()]
        if run.returncode != 0 or not found:
            last = next((line for line in reversed(run.stderr.splitlines()) if line.strip()), "no message")
            raise InputError(
                f"hd-bet: it ended with code {run.returncode} and {'a' if found else 'no'} mask "
                f"({last.strip()[:200]}); repair it, take it off the PATH, or switch the mask off"
            )
        mask = read_image(found[0], what="truth")
        if not Grid.of(mask).same_as(Grid.of(image)):
            raise InputError("hd-bet: its mask lies on another grid than the image; take it off the PATH")
        array = sitk.GetArrayFromImage(mask) > 0
    if not array.any():
        raise InputError("hd-bet: its mask is empty; check the image, or take hd-bet off the PATH")
    return array


def _run(command: list[str], events: Events) -> subprocess.CompletedProcess:
    """Run to the end, looking for a cancel four times a second."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
    except OSError as error:
        raise InputError(f"hd-bet: {command[0]} cannot be started ({error.strerror}); take it off the PATH") from error
    waited = 0.0
    try:
        while True:
            try:
                _, stderr = process.communicate(timeout=0.25)
                return subprocess.CompletedProcess(command, process.returncode, "", stderr or "")
            except subprocess.TimeoutExpired:
                waited += 0.25
                events.check()
                if waited > TIMEOUT_SECONDS:
                    raise InputError(
                        "hd-bet: no answer after half an hour; take it off the PATH, or switch the mask off"
                    ) from None
    finally:
        if process.poll() is None:
            kill_tree(process.pid)
            process.communicate()


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
