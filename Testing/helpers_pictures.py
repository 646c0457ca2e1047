"""Small pictures and their masks, in case folders and in class folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def tissue(seed: int, side: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """A rose picture (j, i, 3) with a dark violet disc, and its anti-aliased mask (j, i) from 0 to 255."""
    rng = np.random.default_rng(seed)
    j, i = np.mgrid[:side, :side]
    centre, radius = rng.uniform(0.3, 0.7, 2) * side, rng.uniform(0.15, 0.3) * side
    inside = np.clip(radius - np.hypot(j - centre[0], i - centre[1]) + 0.5, 0, 1)
    colours = np.array([230.0, 190, 215]) + inside[..., None] * np.array([-120.0, -130, -60])
    picture = np.clip(colours + rng.normal(0, 8, (side, side, 3)), 0, 255).astype(np.uint8)
    return picture, np.rint(255 * inside).astype(np.uint8)


def picture_case(folder: Path, seed: int, *, side: int = 48) -> Path:
    """A case folder of ``picture.png`` and ``mask.png``."""
    picture, mask = tissue(seed, side)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / "picture.png")
    Image.fromarray(mask).save(folder / "mask.png")
    return folder


def picture_set(folder: Path, count: int = 3, *, side: int = 48) -> Path:
    """Case folders p1, p2, ..."""
    for number in range(1, count + 1):
        picture_case(folder / f"p{number}", number, side=side)
    return folder


def class_set(folder: Path, names: dict[str, list[str]], *, side: int = 48) -> Path:
    """Class folders as EBHI-Seg's: ``names`` are the pictures' stems by class."""
    for number, (name, stems) in enumerate(names.items()):
        for part in ("image", "label"):
            (folder / name / part).mkdir(parents=True, exist_ok=True)
        for place, stem in enumerate(stems):
            picture, mask = tissue(100 * number + place, side)
            Image.fromarray(picture).save(folder / name / "image" / f"{stem}.png")
            Image.fromarray(mask).save(folder / name / "label" / f"{stem}.png")
    return folder
