"""A headless Chromium, where the machine has one, to open pages in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def browser() -> str:
    """The path of a Chromium that starts; the test skips without one."""
    for name in NAMES:
        found = shutil.which(name)
        if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
            return found
    pytest.skip(f"no headless browser ({', '.join(NAMES)}); on Debian: apt-get install chromium")


def screenshot(page: Path, picture: Path, *, size: tuple[int, int] = (1000, 3000)) -> np.ndarray:
    """The page as Chromium draws it without any network, RGB (rows, columns, 3); also saved as ``picture``."""
    from PIL import Image

    _run(page, picture.parent, f"--window-size={size[0]},{size[1]}", f"--screenshot={picture}", "--hide-scrollbars")
    return np.asarray(Image.open(picture).convert("RGB"))


def dom(page: Path, folder: Path) -> str:
    """The page's elements after Chromium has read it."""
    return _run(page, folder, "--dump-dom")


def _run(page: Path, folder: Path, *words: str) -> str:
    # Every name resolves to nothing, so that a page that needs the network would show it.
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND")
    command = [browser(), *quiet, f"--user-data-dir={folder / 'profile'}", *words, page.resolve().as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout
