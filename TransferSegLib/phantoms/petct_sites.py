"""Where a PET/CT phantom's lesions lie, how large and how hot they are: drawn before they are shaped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from .ct_patient import Patient
from .ct_plan import KINDS

# Pattern -> share of the patients; "mass" is one soft-tissue tumour as sarcomas are, "nodal" and "bulky" lymphoma.
PATTERNS = {"none": 0.06, "mass": 0.34, "nodal": 0.34, "bulky": 0.13, "disseminated": 0.13}
MOST = 25
VOLUMES = (0.5, 500.0)
SUVS = (2.5, 30.0)


@dataclass(frozen=True)
class Wish:
    """One lesion as drawn from the seed.

    Attributes
    ----------
    site : station or organ
    centre : scanner position where it is tried first, mm
    tissue : "soft", "lung", "bone" or "organ", which sets its HU
    volume : ml; suv : of its hottest voxel in the noise-free PET
    necrosis : share of the volume that takes up little, 0 to 0.65
    uneven : strength of the heterogeneity, 0 to 0.45
    beside : "bladder" or "heart" when it lies against that organ, else ""
    main : one of several tries at the same large lesion, of which the first that fits is taken
    """

    site: str
    centre: np.ndarray
    tissue: str
    volume: float
    suv: float
    necrosis: float
    uneven: float
    beside: str = ""
    main: bool = False


@dataclass(frozen=True)
class Wishes:
    """The pattern of a patient, how many lesions there shall be, and more wishes, for some will find no room."""

    pattern: str
    number: int
    lesions: tuple[Wish, ...]


def draw_wishes(patient: Patient, pattern: str | None, count: int | None) -> Wishes:
    """What lesions a patient has.

    Raises
    ------
    UsageError
        An unknown pattern, or a count outside 0..25.
    """
    if pattern is not None and pattern not in PATTERNS:
        raise UsageError(f"pattern {pattern!r}: unknown; choose one of {', '.join(PATTERNS)}")
    if count is not None and not 0 <= count <= MOST:
        raise UsageError(f"lesions {count}: a phantom holds 0 to {MOST}")
    rng = patient.plan.rng(44)
    drawn = str(rng.choice(list(PATTERNS), p=list(PATTERNS.values())))
    if pattern is None:
        pattern = drawn if count is None or (count == 0) == (drawn == "none") else "none" if count == 0 else "nodal"
    number = {
        "none": 0,
        "mass": 1 + int(rng.random() < 0.2) + int(rng.poisson(0.15)),
        "nodal": int(np.clip(rng.geometric(0.16), 1, MOST)),
        "bulky": 1 + int(np.clip(rng.geometric(0.25), 0, 12)),
        "disseminated": int(rng.integers(6, MOST + 1)),
    }[pattern]
    number = number if count is None else count
    level = float(np.clip(rng.lognormal(np.log(8), 0.5), 3, 26))
    wishes = _beside(patient, pattern, level, rng) if number else []
    if number and pattern in ("mass", "bulky"):
        wishes = [*_main(patient, pattern, level, rng), *wishes]
    for _ in range(2 * number + 4 if number else 0):
        wishes += _group(patient, pattern, level, rng)
    return Wishes(pattern, number, tuple(wishes))


def _suv(level: float, rng: np.random.Generator) -> float:
    return float(np.clip(level * rng.lognormal(0, 0.3), *SUVS))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _main(patient: Patient, pattern: str, level: float, rng: np.random.Generator) -> list[Wish]:
    """Tries at the large one: a soft-tissue mass, or a bulky conglomerate of nodes; each smaller than the last."""
    if pattern == "bulky":
        site = str(rng.choice(["mediastinum", "mesentery", "para-aortic", "iliac"], p=[0.45, 0.25, 0.2, 0.1]))
        volume, dead = _log_uniform(rng, 60, VOLUMES[1]), 0.25
    else:
        sites = ["thigh", "buttock", "arm", "wall", "retroperitoneum", "shoulder"]
        site = str(rng.choice(sites, p=[0.5, 0.14, 0.06, 0.12, 0.12, 0.06]))
        volume, dead = _log_uniform(rng, 12, VOLUMES[1]), 0.5
        volume = min(volume, {"arm": 90.0, "wall": 160.0}.get(site, volume))
    necrosis = float(rng.uniform(0.08, 0.65)) if rng.random() < dead else 0.0
    suv, uneven, side = _suv(level, rng), float(rng.uniform(0.1, 0.45)), int(rng.choice([-1, 1]))
    tries = []
    for n in range(12):
        size = volume * 0.9 ** max(0, n - 2)
        spot = _spot(patient, site, rng, side)
        tries.append(Wish(site, spot, "soft", size, suv, necrosis if size > 25 else 0.0, uneven, main=True))
    return tries


def _beside(patient: Patient, pattern: str, level: float, rng: np.random.Generator) -> list[Wish]:
    """Lesions that touch the bladder or lie against the heart, in some patients."""
    found = []
    for organ, share in (("bladder", 0.18), ("heart", 0.14)):
        if rng.random() < share and (pattern != "mass" or organ == "bladder"):
            volume = _log_uniform(rng, 1.0, 60 if pattern == "mass" else 25)
            dead = float(rng.uniform(0.1, 0.4)) if volume > 30 and rng.random() < 0.3 else 0.0
            parts = [part for part in patient.soft if part.organ == organ]
            centre = parts[0].origin
            found.append(Wish(f"beside the {organ}", centre, "soft", volume, _suv(level, rng), dead, 0.2, organ))
    return found


# Stations: name -> (vertebra or "" for the pelvis' frame, mean offset mm, spread mm); x is mirrored at random.
_NODES = {
    "neck": ("C5", (36, -18, 0), (6, 8, 24)),
    "supraclavicular": ("T1", (52, -42, 12), (10, 8, 8)),
    "axilla": ("T4", (138, -22, 0), (10, 16, 20)),
    "mediastinum": ("T5", (14, -62, 0), (12, 12, 24)),
    "hilum": ("T6", (42, -38, 0), (8, 10, 12)),
    "para-aortic": ("L2", (22, -36, 0), (7, 6, 40)),
    "mesentery": ("L3", (22, -88, 5), (30, 14, 25)),
    "iliac": ("", (70, -22, -80), (7, 14, 28)),
    "groin": ("", (80, -62, -150), (9, 8, 14)),
}
_OTHERS = {
    "thigh": ("", (86, 0, -262), (14, 18, 60)),
    "buttock": ("", (75, 66, -95), (16, 8, 28)),
    "arm": ("arm", (0, 0, 0), (4, 4, 30)),
    "shoulder": ("T3", (118, 35, 10), (12, 8, 15)),
    "wall": ("T9", (118, 20, -30), (10, 35, 60)),
    "retroperitoneum": ("L3", (52, -22, 0), (12, 8, 30)),
    "spleen": ("T12", (98, 6, 18), (10, 18, 20)),
    "liver": ("T11", (-82, -52, -8), (24, 24, 26)),
    "lung": ("T6", (75, -20, 0), (22, 30, 40)),
    "bone": ("bone", (0, 0, 0), (6, 4, 4)),
}


def _spot(patient: Patient, site: str, rng: np.random.Generator, side: int = 0) -> np.ndarray:
    """A scanner position in a station or organ."""
    anchor, offset, spread = (_NODES | _OTHERS)[site]
    s, spine = patient.plan.scale, patient.spine
    side = side or int(rng.choice([-1, 1]))
    move = (np.asarray(offset) + rng.normal(0, 1, 3) * spread) * s
    if site in ("spleen", "liver"):
        side = 1
    if anchor == "arm":
        bones = [part for part in patient.soft[patient.organs :] if part.hu == 48.0 and part.organ == ""]
        part = bones[int(rng.integers(len(bones)))] if bones else patient.soft[0]
        return part.origin + part.axes[2] * rng.uniform(40, 180) + rng.normal(0, 6, 3)
    if anchor == "bone":
        return patient.place(_bone(patient, side, rng) + rng.normal(0, 1, 3) * spread)
    start = spine[anchor].centre if anchor else np.array([0.0, spine["S1"].centre[1], 0.0])
    if site in ("axilla", "wall"):
        move[0] = (
            patient.outline.at(np.array([start[2] + move[2]]))["half"][0]
            - abs(rng.normal(34, 8))
            - 14 * patient.plan.fat
        )
    return patient.place(start + move * (side, 1, 1))


def _bone(patient: Patient, side: int, rng: np.random.Generator) -> np.ndarray:
    """A place in the red marrow."""
    s, spine = patient.plan.scale, patient.spine
    choice = rng.random()
    if choice < 0.6:
        return spine[str(rng.choice([name for name in spine if name[0] in "TL"]))].centre
    if choice < 0.8:
        return np.array([side * 78, 30, -10 + rng.normal(0, 15)]) * s
    return np.array([side * 92, 8, -108]) * s


def _group(patient: Patient, pattern: str, level: float, rng: np.random.Generator) -> list[Wish]:
    """Some more lesions: a chain of nodes, or scattered ones."""
    if pattern == "mass" or (pattern == "disseminated" and rng.random() < 0.65):
        names, shares = ["bone", "lung", "liver", "spleen", "retroperitoneum"], [0.42, 0.22, 0.2, 0.1, 0.06]
        if pattern == "mass":
            names, shares = ["lung", "bone", "groin", "wall"], [0.5, 0.2, 0.2, 0.1]
        site = str(rng.choice(names, p=shares))
        tissue = {"bone": "bone", "lung": "lung", "liver": "organ", "spleen": "organ"}.get(site, "soft")
        uneven = float(rng.uniform(0.0, 0.2))
        return [Wish(site, _spot(patient, site, rng), tissue, _node(rng, 2.5), _suv(level, rng), 0.0, uneven)]
    shares = np.array([0.16, 0.1, 0.12, 0.2, 0.06, 0.12, 0.08, 0.1, 0.06])
    if patient.plan.kind == KINDS[1]:
        shares = np.array([0.12, 0.06, 0.08, 0.14, 0.06, 0.2, 0.12, 0.14, 0.08])
    site = str(rng.choice(list(_NODES), p=shares / shares.sum()))
    side = int(rng.choice([-1, 1]))
    return [
        Wish(
            site, _spot(patient, site, rng, side), "soft", _node(rng, 3.0), _suv(level, rng), 0.0, rng.uniform(0, 0.25)
        )
        for _ in range(int(rng.integers(1, 6)))
    ]


def _node(rng: np.random.Generator, middle: float) -> float:
    """Volume of one node or metastasis, ml."""
    volume = float(min(rng.lognormal(np.log(middle), 1.1), 45))
    return volume if volume > 1.1 * VOLUMES[0] else float(rng.uniform(1.1, 2.5)) * VOLUMES[0]
