"""One seeded multimodal brain phantom: anatomy, pathology, contrast and scanner put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..imaging import Grid
from .anatomy import Anatomy
from .artefacts import add_lookalikes, scan
from .atlas import atlas_anatomy
from .brain import procedural_anatomy
from .contrast import ROLES, draw_contrast, signals
from .fields import Frame
from .lesions import Pathology, choose_mass, glioma, postoperative
from .sclerosis import sclerosis
from .skull import add_skull
from .warp import Mass

FLAVOURS = ("glioma", "postoperative", "ms")
ANATOMIES = ("procedural", "atlas")
SOURCE_LABELS = {1: "tumour", 2: "necrosis", 3: "oedema", 4: "scar"}
_LABELS = {
    "glioma": {1: "tumour", 2: "necrosis", 3: "oedema"},
    "postoperative": {1: "tumour", 2: "cavity", 3: "oedema", 4: "scar"},
    "ms": {1: "lesion"},
}


@dataclass(frozen=True)
class Phantom:
    """A phantom and its truth.

    Attributes
    ----------
    images : role (``flair t1 t1gd t2``) -> float32 (k, j, i)
    labels : uint8 (k, j, i)
    brain : bool (k, j, i), what skull stripping leaves
    grid : Grid, LPS, centred on the world's origin
    label_names : label value -> name
    """

    images: dict[str, np.ndarray]
    labels: np.ndarray
    brain: np.ndarray
    grid: Grid
    label_names: dict[int, str]


def label_names(flavour: str, *, source_labels: bool = False) -> dict[int, str]:
    """Label value -> name of a flavour, or the four that all flavours share as a source task."""
    _check(flavour, FLAVOURS, "flavour")
    return dict(SOURCE_LABELS if source_labels else _LABELS[flavour])


def brain_phantom(
    seed: int,
    *,
    flavour: str = "glioma",
    shape: tuple[int, int, int] = (144, 176, 144),
    spacing: float | tuple[float, float, float] = 1.0,
    anatomy: str = "procedural",
    source_labels: bool = False,
    noise: float | None = None,
    skull: bool = False,
) -> Phantom:
    """Make a phantom of the brain in four MRI sequences.

    Parameters
    ----------
    seed : int
        Not negative. The same seed and options give the same phantom; at another resolution the seed shows
        the same healthy brain.
    flavour : {"glioma", "postoperative", "ms"}
    shape : (k, j, i)
        Voxels; a field of view too small for an adult head gets a smaller brain.
    spacing : float or (k, j, i), mm
    anatomy : {"procedural", "atlas"}
        Shapes folded by noise, or the MNI152 tissue maps that nilearn brings, deformed.
    source_labels : bool
        Number labels as the source task does: tumour 1, necrosis or cavity 2, oedema or lesion 3, scar 4.
    noise : float, optional
        Standard deviation of the noise relative to white matter; drawn between 0.01 and 0.05 when left out.
    skull : bool
        Keep scalp, skull and neck; otherwise everything outside the brain is exactly 0.

    Raises
    ------
    UsageError
        Unknown flavour or anatomy, a negative seed, or a grid that cannot hold a brain.
    DependencyError
        ``anatomy="atlas"`` without nilearn.
    """
    if seed < 0:
        raise UsageError(f"seed {seed}: a seed cannot be negative; give 0 or more")
    names = label_names(flavour, source_labels=source_labels)
    _check(anatomy, ANATOMIES, "anatomy")
    frame = _frame(shape, spacing)
    # One stream a stage, so that a change in one stage leaves the others as they were.
    body, illness, optics, scanner = (np.random.default_rng([int(seed), stage]) for stage in range(4))
    mass = choose_mass(illness) if flavour == "glioma" else None
    build = procedural_anatomy if anatomy == "procedural" else atlas_anatomy
    tissue = build(body, frame, mass)
    pathology = _pathology(illness, tissue, flavour, mass, value=3 if source_labels else 1)
    contrast = draw_contrast(optics)
    images = signals(optics, tissue, pathology, contrast)
    add_lookalikes(optics, tissue, images)
    seen = tissue.brain
    if skull:
        seen = add_skull(optics, tissue, images)
    level = float(scanner.uniform(0.01, 0.05)) if noise is None else float(noise)
    for role in ROLES:
        unit = np.float32(scanner.uniform(120, 900))
        own = level * float(scanner.uniform(0.7, 1.3))
        images[role] = unit * scan(scanner, frame, images[role], noise=own, brain=seen)
    return Phantom(images, pathology.labels, tissue.brain, _grid(frame), names)


def _frame(shape: tuple[int, int, int], spacing: float | tuple[float, float, float]) -> Frame:
    edges = (float(spacing),) * 3 if np.isscalar(spacing) else tuple(float(edge) for edge in spacing)
    sizes = tuple(int(n) for n in shape)
    if len(sizes) != 3 or len(edges) != 3 or min(sizes) < 16 or not min(edges) > 0:
        raise UsageError(
            f"shape {shape} with spacing {spacing}: a brain phantom needs three axes of at least 16 voxels and "
            "a positive spacing; give shape (k, j, i) and spacing in mm"
        )
    return Frame.fit(sizes, edges)


def _pathology(rng: np.random.Generator, anatomy: Anatomy, flavour: str, mass: Mass | None, *, value: int) -> Pathology:
    if mass is not None:
        return glioma(rng, anatomy, mass)
    return postoperative(rng, anatomy) if flavour == "postoperative" else sclerosis(rng, anatomy, value=value)


def _grid(frame: Frame) -> Grid:
    size, spacing = frame.shape[::-1], frame.spacing[::-1]
    origin = tuple(-(n - 1) / 2 * edge for n, edge in zip(size, spacing))
    return Grid(size=size, spacing=spacing, origin=origin, direction=(1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def _check(value: str, allowed: tuple[str, ...], what: str) -> None:
    if value not in allowed:
        raise UsageError(f"{what} {value!r} is not known; use one of {', '.join(allowed)}")
