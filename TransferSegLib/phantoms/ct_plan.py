"""Who the phantom patient is: build, age, bone, spine, contrast and posture, drawn once from the seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError

KINDS = ("adult", "other")
PHASES = ("native", "arterial", "venous", "late")
# Share of patients with four or six lumbar vertebrae: transitional anatomy is found in 4-8 % of adults.
FOUR_LUMBAR, SIX_LUMBAR = 0.05, 0.05


@dataclass(frozen=True)
class Plan:
    """One patient; lengths in mm, angles in radians, HU for densities.

    Attributes
    ----------
    seed, kind, sex, age, stature : "f" or "m", years, mm
    scale : size of the skeleton over that of a man of 1720 mm
    bmi : kg/m2; fat, visceral : 0 lean .. 1 obese
    lumbar, twelfth : number of lumbar vertebrae; length of the last rib over the usual (0 = absent)
    lumbar_ribs : length of ribs on L1 over that of a usual last rib, 0 in nearly all
    lordosis, kyphosis : curvature over the average; scoliosis : amplitude and phase
    marrow, cortex : HU of cancellous and compact bone
    wear : 0 no degeneration .. 1 much; cracked : vertebrae that are crushed, name -> share of height kept
    phase, oral : vessel contrast, HU of oral contrast (0 = none)
    arms : "up", "down", "across"; turn : (3, 3) of the lying patient
    """

    seed: int
    kind: str
    sex: str
    age: float
    stature: float
    scale: float
    bmi: float
    fat: float
    visceral: float
    lumbar: int
    twelfth: float
    lumbar_ribs: float
    lordosis: float
    kyphosis: float
    scoliosis: tuple[float, float]
    marrow: float
    cortex: float
    wear: float
    cracked: dict[str, float]
    phase: str
    oral: float
    arms: str
    turn: np.ndarray

    def rng(self, topic: int) -> np.random.Generator:
        """The generator of one topic, so that one part of the anatomy never shifts another."""
        return np.random.default_rng([self.seed, KINDS.index(self.kind), topic])


def draw_plan(seed: int, kind: str = "adult") -> Plan:
    """The patient of a seed; raises ``UsageError`` for an unknown kind."""
    if kind not in KINDS:
        raise UsageError(f"phantom kind {kind!r}: unknown; choose one of {', '.join(KINDS)}")
    seed = int(seed)
    rng = np.random.default_rng([seed, KINDS.index(kind), 0])
    other = kind == "other"
    sex = str(rng.choice(["f", "m"]))
    age = float(np.clip(rng.normal(70 if other else 60, 8 if other else 16), 20, 92))
    stature = rng.normal(1750 if sex == "m" else 1620, 70) - (60 if other else 0)
    scale = float(stature / 1720 * (1.0 if sex == "m" else 0.965))
    bmi = float(np.clip(rng.lognormal(np.log(24 if other else 26.5), 0.18), 16, 48))
    fat = float(np.clip((bmi - 17) / 22, 0.02, 1.3))
    old = max(0.0, (age - 45) / 45)
    marrow = max(10.0, (235 - 2.1 * (age - 25)) * rng.uniform(0.6, 1.4) * (0.85 if other else 1.0))
    curve = abs(rng.normal(0, 0.05)) * (2.2 if rng.random() < 0.12 else 0.7)
    return Plan(
        seed=seed,
        kind=kind,
        sex=sex,
        age=age,
        stature=float(stature),
        scale=scale,
        bmi=bmi,
        fat=fat,
        visceral=float(np.clip(fat * rng.uniform(0.5, 1.4) * (1.0 if sex == "m" else 0.7), 0.02, 1.3)),
        lumbar=int(rng.choice([4, 5, 6], p=[FOUR_LUMBAR, 1 - FOUR_LUMBAR - SIX_LUMBAR, SIX_LUMBAR])),
        twelfth=0.0 if rng.random() < 0.04 else float(np.clip(rng.normal(1.0, 0.3), 0.25, 1.6)),
        lumbar_ribs=float(rng.uniform(0.15, 0.6)) if rng.random() < 0.03 else 0.0,
        lordosis=float(rng.uniform(0.4, 1.35)),
        kyphosis=float(rng.uniform(0.6, 1.5) + 0.4 * old * rng.random()),
        scoliosis=(float(curve), float(rng.uniform(0, 2 * np.pi))),
        marrow=float(marrow),
        cortex=float(rng.uniform(540, 1350) * (1 - 0.2 * old)),
        wear=float(np.clip(old * rng.uniform(0.2, 1.5), 0, 1.2)),
        cracked=_cracked(rng, old),
        phase=str(rng.choice(PHASES, p=[0.2, 0.1, 0.5, 0.2] if other else [0.45, 0.12, 0.36, 0.07])),
        oral=float(rng.uniform(90, 550)) if rng.random() < (0.45 if other else 0.25) else 0.0,
        arms=str(rng.choice(["up", "down", "across"], p=[0.5, 0.4, 0.1] if other else [0.8, 0.14, 0.06])),
        turn=_pose(rng, other),
    )


def _cracked(rng: np.random.Generator, old: float) -> dict[str, float]:
    """Compression fractures: none in most, one to three in the old."""
    if rng.random() > 0.04 + 0.14 * old:
        return {}
    names = rng.choice(["T7", "T8", "T11", "T12", "L1", "L2", "L3", "L4"], rng.integers(1, 4), replace=False)
    return {str(name): float(rng.uniform(0.5, 0.85)) for name in names}


def _pose(rng: np.random.Generator, other: bool) -> np.ndarray:
    """How the patient lies: rolled about z, tilted in the coronal and sagittal planes; a few degrees in most."""
    strong = 3.0 if rng.random() < 0.1 else 1.0
    roll, tilt, pitch = rng.normal(0, (3.0, 1.4, 1.5)) * strong * (1.4 if other else 1.0) * np.pi / 180
    return turned(2, roll) @ turned(1, tilt) @ turned(0, pitch)


def turned(axis: int, angle: float) -> np.ndarray:
    """(3, 3) right-handed rotation by ``angle`` radians about one axis (0 x, 1 y, 2 z)."""
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[a, a] = matrix[b, b] = np.cos(angle)
    matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
    return matrix
