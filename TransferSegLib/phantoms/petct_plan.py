"""How a PET/CT phantom is acquired and how much FDG every organ takes up, drawn once from the seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from .ct_plan import KINDS, Plan

# Values of the organ map; "kidney" includes what is in its pelvis, "heart" its chambers.
ORGANS = {
    "brain": 1,
    "bladder": 2,
    "kidney": 3,
    "heart": 4,
    "liver": 5,
    "spleen": 6,
    "bowel": 7,
    "ureter": 8,
    "lung": 9,
    "marrow": 10,
    "blood": 11,
    "other": 12,
}
# Name of a part's organ -> name in the map, where they differ.
GROUPS = {"urine": "kidney", "wall": "heart", "grey": "brain", "white": "brain", "colon": "bowel", "lumen": "bowel"}
GROUPS |= {"stomach": "bowel"}
# Noise goes with the root of dose x minutes x sensitivity over this usual product.
USUAL_COUNTS = 7.5


@dataclass(frozen=True)
class Scanner:
    """The acquisition.

    Attributes
    ----------
    pet_spacing, ct_spacing : (i, j, k) mm
    pet_diameter, ct_diameter : fields of view, mm
    fwhm : of the PET's point spread, mm
    dose : MBq per kg; minutes : per bed position; sensitivity : over that of a usual scanner
    grain : correlation of the noise, voxels (sigma)
    shift : (depth, z range) mm: how far breathing moves the PET against the CT at the diaphragm, and its reach
    ct_noise, ct_blur : HU and mm (sigma)
    same_planes : whether CT and PET slices lie at the same heights
    """

    pet_spacing: tuple[float, float, float]
    ct_spacing: tuple[float, float, float]
    pet_diameter: float
    ct_diameter: float
    fwhm: float
    dose: float
    minutes: float
    sensitivity: float
    grain: float
    shift: tuple[float, float]
    ct_noise: float
    ct_blur: float
    same_planes: bool


def draw_scanner(plan: Plan, dose: float | None = None) -> Scanner:
    """The scanner of a patient; ``dose`` (MBq/kg) overrides the drawn one.

    Raises
    ------
    UsageError
        A dose that is not above 0.
    """
    if dose is not None and not dose > 0:
        raise UsageError(f"dose {dose}: MBq per kg above 0 are needed; usual is 2 to 7")
    rng = plan.rng(40)
    other = plan.kind == KINDS[1]
    if other:
        edge, step = ((4.06, 3.0), (5.0, 3.0), (5.47, 4.25), (4.0, 4.0), (5.31, 5.0))[rng.integers(5)]
        ct = (float(rng.choice([0.977, 1.17, 1.367])), float(rng.choice([3.0, 3.75, 5.0])))
    else:
        edge, step = float(rng.choice([3.91, 4.07, 4.69, 5.47])), 3.27
        ct = (float(rng.choice([0.977, 0.977, 1.17])), 3.27)
    drawn = float(rng.uniform(3.5, 7) if other else rng.uniform(2.5, 5))
    return Scanner(
        pet_spacing=(edge, edge, step),
        ct_spacing=(ct[0], ct[0], ct[1]),
        pet_diameter=edge * 128 if edge > 5 else edge * 144,
        ct_diameter=ct[0] * 512,
        fwhm=float(rng.uniform(6.0, 9.0) if other else rng.uniform(4.5, 7.5)),
        dose=drawn if dose is None else float(dose),
        minutes=float(rng.uniform(2, 5) if other else rng.uniform(1.5, 4)),
        sensitivity=float(rng.uniform(0.25, 0.6) if other else rng.uniform(0.7, 1.4)),
        grain=float(rng.uniform(0.5, 0.9)),
        shift=(float(np.clip(rng.normal(0, 7 if other else 4), -15, 15)), float(rng.uniform(70, 120))),
        ct_noise=float(rng.uniform(14, 40) if other else rng.uniform(8, 24)),
        ct_blur=float(rng.uniform(0.8, 1.4) if other else rng.uniform(0.5, 1.0)),
        same_planes=bool(not other or rng.random() < 0.4),
    )


def draw_uptake(plan: Plan) -> dict[str, float]:
    """SUV of every tissue of one patient.

    Rounded textbook ranges of normal uptake, widened where patients differ much; fitted to no data set.
    """
    rng = plan.rng(41)
    other = plan.kind == KINDS[1]
    blood = float(np.clip(rng.normal(1.65 - 0.2 * other, 0.25), 1.0, 2.5))
    liver = float(np.clip(rng.normal(2.35, 0.4) * (1 + 0.1 * plan.fat), 1.4, 3.8))
    sugar = rng.random() < (0.12 if other else 0.05)  # eaten, or insulin: muscle takes it, the brain less
    grey = float(rng.uniform(6, 14) * (0.6 if sugar else 1.0))
    muscle = float(rng.uniform(0.5, 0.85) * (rng.uniform(1.6, 2.8) if sugar else 1.0))
    fed = rng.random()
    heart = blood * rng.uniform(1.0, 1.4) if fed < 0.4 else rng.uniform(2.8, 6) if fed < 0.7 else rng.uniform(6, 16)
    marrow = float(rng.uniform(0.8, 1.5) * (rng.uniform(2, 3.5) if rng.random() < 0.08 else 1.0))
    gut = rng.uniform(3, 7) if rng.random() < (0.25 if other else 0.12) else rng.uniform(0.9, 2.0)  # metformin
    urine = float(np.clip(rng.lognormal(np.log(9), 0.6), 2, 40))
    bladder = float(np.clip(rng.lognormal(np.log(15), 0.75), 2.5, 80))
    return {
        "grey": grey,
        "white": grey * rng.uniform(0.32, 0.42),
        "wall": float(heart),
        "heart": blood * rng.uniform(0.95, 1.15),
        "blood": blood,
        "liver": liver,
        "spleen": liver * rng.uniform(0.7, 0.98),
        "kidney": float(rng.uniform(2.0, 4.0)),
        "urine": urine,
        "ureter": urine * rng.uniform(0.5, 1.0),
        "bladder": bladder,
        "stomach": float(rng.uniform(1.2, 3.2)),
        "bowel": float(rng.uniform(0.9, 2.0)),
        "colon": float(gut),
        "lumen": float(gut * 0.6),
        "fluid": 0.5,
        "genital": float(rng.uniform(1.0, 2.2)),
        "gland": float(rng.uniform(1.3, 3.0)),
        "tonsil": float(rng.uniform(1.8, 4.5)),
        "thyroid": float(rng.uniform(4, 9) if rng.random() < 0.04 else rng.uniform(0.9, 1.7)),
        "larynx": float(rng.uniform(1.2, 3.5)),
        "testis": float(rng.uniform(2.0, 4.0)),
        "brown": float(rng.uniform(3, 11)),
        "marrow": marrow,
        "limb": marrow * 0.3,
        "muscle": muscle,
        "fat": float(rng.uniform(0.15, 0.35)),
        "lung": float(rng.uniform(0.3, 0.55)),
        "skin": 0.5,
    }


def noise_level(plan: Plan, scanner: Scanner) -> float:
    """Standard deviation of the noise over the mean, in the liver of this patient: about 0.1 at a usual dose."""
    counts = scanner.dose * scanner.minutes * scanner.sensitivity
    thick = float(np.exp(0.45 * (plan.bmi - 26) / 10))
    voxel = float(np.prod(scanner.pet_spacing)) / (4.69 * 4.69 * 3.27)
    return 0.1 * (USUAL_COUNTS / counts) ** 0.5 * thick**0.5 * voxel**-0.25
