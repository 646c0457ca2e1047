"""The skin: half width, front and back of the body at every height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .ct_plan import Plan
from .spine_curve import Vertebra


@dataclass(frozen=True)
class Outline:
    """Knots of the outline over height, in the patient's own frame, mm.

    Attributes
    ----------
    z : ascending heights
    half, front, back : half width, most anterior and most posterior y
    spine_y, spine_x : the vertebral bodies' middle line
    """

    z: np.ndarray
    half: np.ndarray
    front: np.ndarray
    back: np.ndarray
    spine_y: np.ndarray
    spine_x: np.ndarray

    def at(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """half, front, back, y and x of the spine at heights ``z``; middle and depth of the body."""
        names = ("half", "front", "back", "spine_y", "spine_x")
        found = {name: np.interp(z, self.z, getattr(self, name)) for name in names}
        found["middle"] = (found["front"] + found["back"]) / 2
        return found


def build_outline(plan: Plan, spine: dict[str, Vertebra]) -> Outline:
    """The outline of one patient from the crown to the knees."""
    rng = plan.rng(11)
    s, f = plan.scale, plan.fat
    breast = (14 + 22 * f) * (plan.sex == "f")
    belly = 0.6 * f + 0.4 * plan.visceral
    last, third = f"L{plan.lumbar}", "L3" if plan.lumbar > 4 else "L2"
    rows = [  # height, half width, in front of and behind the vertebral body
        (spine["C1"].centre[2] + 160 * s, 40, 60, 60),
        (spine["C1"].centre[2] + 90 * s, 80, 105, 88),
        (spine["C1"].centre[2], 74, 95, 70),
        (spine["C5"].centre[2], 60 + 14 * f, 62 + 10 * f, 66 + 10 * f),
        (spine["T1"].centre[2], 150, 70 + 12 * f, 74 + 18 * f),
        (spine["T3"].centre[2], 178 + 20 * f, 118 + 18 * f, 78 + 18 * f),
        (spine["T6"].centre[2], 160 + 42 * f, 196 + 16 * f + breast, 76 + 18 * f),
        (spine["T9"].centre[2], 146 + 55 * f, 206 + 25 * f + breast / 2, 76 + 18 * f),
        (spine["T12"].centre[2], 141 + 68 * f, 165 + 70 * belly, 80 + 22 * f),
        (spine[third].centre[2], 126 + 92 * f, 88 + 128 * belly, 84 + 30 * f),
        (spine[last].centre[2], 142 + 80 * f, 78 + 120 * belly, 92 + 32 * f),
        (-60 * s, 160 + 62 * f, 98 + 95 * belly, 96 + 36 * f),
        (-115 * s, 174 + 52 * f, 110 + 60 * f, 100 + 40 * f),
        (-190 * s, 172 + 48 * f, 105 + 36 * f, 92 + 36 * f),
        (-480 * s, 128 + 30 * f, 75 + 15 * f, 70 + 15 * f),
    ]
    table = np.asarray(rows[::-1])
    wobble = rng.normal(1, 0.03, (3, len(table)))
    order = sorted(spine.values(), key=lambda bone: bone.centre[2])
    z = np.array([-480, -115 * s, *(bone.centre[2] for bone in order)])
    y = np.array([10.0, 15.0 * s, *(bone.centre[1] for bone in order)])
    x = np.array([0.0, 0.0, *(bone.centre[0] for bone in order)])
    heights = np.unique(np.concatenate([table[:, 0], z]))
    spine_y, spine_x = np.interp(heights, z, y), np.interp(heights, z, x)
    half, front, back = (np.interp(heights, table[:, 0], table[:, n + 1] * wobble[n] * s) for n in range(3))
    return Outline(heights, half, spine_y - front, spine_y + back, spine_y, spine_x * 0.5)
