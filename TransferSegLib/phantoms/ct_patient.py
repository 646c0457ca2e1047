"""One patient put together: plan, spine, every part in the scanner's frame, and where the levels lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .ct_plan import Plan, draw_plan
from .ct_shapes import Part
from .ct_things import implant_parts, outside_parts
from .spine_bones import between_parts, spine_parts
from .spine_curve import Vertebra, build_spine
from .torso_bones import pelvis_parts
from .torso_limbs import head_parts, shoulder_parts
from .torso_organs import organ_hu, organ_parts
from .torso_outline import Outline, build_outline
from .torso_ribs import chest_parts
from .torso_vessels import vessel_parts


@dataclass(frozen=True)
class Patient:
    """A patient on the table.

    Attributes
    ----------
    plan, spine, outline : in the patient's own frame
    soft, hard, outside : parts in scanner coordinates: organs, arms and vessels; bones and metal; table, cables
    organs : how many of ``soft`` are organs, which lie inside the body wall
    turn, shift : scanner = turn @ own + shift
    implants : names of what is metal
    """

    plan: Plan
    spine: dict[str, Vertebra]
    outline: Outline
    soft: tuple[Part, ...]
    organs: int
    hard: tuple[Part, ...]
    outside: tuple[Part, ...]
    turn: np.ndarray
    shift: np.ndarray
    implants: tuple[str, ...]

    def place(self, point: np.ndarray) -> np.ndarray:
        """Scanner position of a point given in the patient's own frame, mm."""
        return self.turn @ np.asarray(point, dtype=float) + self.shift

    def levels(self) -> dict[str, float]:
        """Scanner z (mm) of the middle of each vertebral body, by name."""
        return {name: float(self.place(bone.centre)[2]) for name, bone in self.spine.items()}


def _drawn_in(parts: list[Part], plan: Plan, outline: Outline, spine: dict[str, Vertebra]) -> list[Part]:
    """Organs nearer to the middle line in patients whose trunk is narrower than organs are laid out for."""
    half = outline.at(np.array([spine["L1"].centre[2]]))["half"][0]
    narrow = float(np.clip((half - 18 - 20 * plan.fat) / (138 * plan.scale), 0.75, 1.0))
    return [replace(part, origin=part.origin * (narrow, 1, 1)) for part in parts]


@lru_cache(maxsize=4)
def build_patient(seed: int, kind: str = "adult") -> Patient:
    """The patient of a seed: the same for the volume and for the quick projection."""
    plan = draw_plan(seed, kind)
    spine = build_spine(plan)
    outline = build_outline(plan, spine)
    pelvis, marks = pelvis_parts(plan, spine)
    chest = chest_parts(plan, spine)
    shoulders, flesh = shoulder_parts(plan, spine)
    metal, implants = implant_parts(plan, spine, marks["hips"])
    hard = [*pelvis, *chest, *spine_parts(plan, spine), *shoulders]
    hard += [*head_parts(plan, spine), *metal]
    organs = _drawn_in(organ_parts(plan, spine), plan, outline, spine)
    vessels = [replace(part, organ="blood") for part in vessel_parts(plan, spine, organ_hu(plan))]
    soft = organs + flesh + vessels + between_parts(plan, spine)
    rng = plan.rng(12)
    pivot = spine["L2"].centre
    shift = np.array([rng.normal(0, 12), rng.normal(-20, 25), rng.uniform(-1500, 800)]) - plan.turn @ pivot
    soft, hard = (tuple(part.moved(plan.turn, shift) for part in group) for group in (soft, hard))
    marks = {"low": shift[2] - 520, "high": shift[2] + 900}
    marks |= {"back": float(outline.back.max() + shift[1]), "front": float(np.median(outline.front) + shift[1])}
    outside = tuple(outside_parts(plan, rng, marks))
    return Patient(plan, spine, outline, soft, len(organs), hard, outside, plan.turn, shift, tuple(implants))
