"""Which part of the patient a scan shows, and with what slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from .ct_patient import Patient

# Field name -> share of the scans.
FIELDS = {
    "abdomen-pelvis": 0.27,
    "trunk": 0.22,
    "abdomen": 0.11,
    "chest": 0.13,
    "pelvis": 0.07,
    "head-neck": 0.03,
    "lumbar": 0.07,
    "whole": 0.04,
    "slab": 0.06,
}
_THICK = (0.6, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0, 10.0)
_THICK_SHARE = (0.02, 0.04, 0.14, 0.12, 0.1, 0.1, 0.08, 0.12, 0.04, 0.17, 0.01, 0.02, 0.02, 0.02)


@dataclass(frozen=True)
class Field:
    """What is scanned, in scanner coordinates, mm.

    Attributes
    ----------
    name : one of ``FIELDS``
    low, high : z of the lowest and the highest edge
    thickness : of a slice
    diameter : of the display field of view
    centre : (x, y) of the display field of view
    round_edge : outside of the circle is empty
    noise : standard deviation in soft tissue at the centre, HU
    blur : in-plane blur, mm (sigma)
    """

    name: str
    low: float
    high: float
    thickness: float
    diameter: float
    centre: tuple[float, float]
    round_edge: bool
    noise: float
    blur: float

    def outside(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Which pixels (rows y, columns x, mm) lie beyond the circle of the display field, bool."""
        y, x = y[:, None] - self.centre[1], x[None, :] - self.centre[0]
        return (y * y + x * x) >= (self.diameter / 2) ** 2

    def side(self, z: float) -> str:
        """ "" when height ``z`` is inside, else "above" or "below": where it lies as seen from the field."""
        return "above" if z > self.high else "below" if z < self.low else ""


def draw_field(patient: Patient, name: str | None = None) -> Field:
    """The scan of a patient; ``name`` fixes which part is shown. Raises ``UsageError`` for an unknown name."""
    if name is not None and name not in FIELDS:
        raise UsageError(f"field {name!r}: unknown; choose one of {', '.join(FIELDS)}")
    rng = patient.plan.rng(13)
    drawn = str(rng.choice(list(FIELDS), p=list(FIELDS.values())))
    name = name or drawn
    low, high = _range(patient, name, rng)
    other = patient.plan.kind == "other"
    thickness = float(rng.choice(_THICK, p=_THICK_SHARE))
    if other:
        thickness = float(rng.choice([2.0, 3.0, 5.0, 7.0, 8.0]))
    at = patient.outline.at(np.array([0.0, 120.0, 300.0]))
    body_y = float(np.mean(at["middle"]))
    spot = patient.place(np.array([0.0, body_y, 150.0]))
    wide = 2 * float(at["half"].max())
    diameter = float(np.clip(wide * rng.uniform(1.0, 1.25), 300, 500))
    if other:
        diameter = float(rng.uniform(380, 500))
    centre = (spot[0] + rng.normal(0, 8), spot[1] + rng.normal(0, 8))
    if name == "lumbar" or rng.random() < 0.04:
        diameter = float(rng.uniform(130, 260))
        back = patient.place(patient.spine["L3"].centre)
        centre = (back[0] + rng.normal(0, 5), back[1] + rng.normal(8, 8))
    noise = float(np.clip(rng.lognormal(np.log(15), 0.5) * (3.0 / (thickness + 0.5)) ** 0.35, 4, 75))
    return Field(
        name=name,
        low=low,
        high=high,
        thickness=thickness,
        diameter=diameter,
        centre=(float(centre[0]), float(centre[1])),
        round_edge=bool(rng.random() < 0.5),
        noise=noise * (1.3 if other else 1.0) * (1 + 0.8 * patient.plan.fat**2),
        blur=float(rng.uniform(0.9, 1.5) if other else rng.uniform(0.3, 1.0)),
    )


def _range(patient: Patient, name: str, rng: np.random.Generator) -> tuple[float, float]:
    """Lowest and highest z of a field, from the landmarks that technicians go by."""
    z, s = patient.levels(), patient.plan.scale
    dome = z["T10"] + rng.uniform(-25, 35)
    hip = z["S1"] - 95 * s
    below = {"ischium": hip - rng.uniform(55, 110), "thigh": hip - rng.uniform(110, 260)}
    if name == "slab":
        length = rng.uniform(60, 260)
        middle = rng.uniform(hip - 60, z["C4"])
        return float(middle - length / 2), float(middle + length / 2)
    ranges = {
        "abdomen-pelvis": (below["ischium"] + 30 * rng.random(), dome),
        "trunk": (below["ischium"], z["C7"] + rng.uniform(-25, 50)),
        "abdomen": (z["S1"] + rng.uniform(-55, 50), dome + rng.uniform(-10, 20)),
        "chest": (z["L1"] + rng.normal(0, 28), z["C7"] + rng.uniform(-20, 40)),
        "pelvis": (below["ischium"] - rng.uniform(0, 120), z["L5" if "L5" in z else "L4"] + rng.uniform(-45, 48)),
        "head-neck": (z["T4"] + rng.uniform(-50, 50), z["C1"] + rng.uniform(20, 160)),
        "lumbar": (z["S1"] - rng.uniform(0, 60), z["T12"] + rng.uniform(-25, 60)),
        "whole": (below["thigh"], z["C1"] + rng.uniform(-10, 175)),
    }
    low, high = ranges[name]
    return float(low), float(high)
