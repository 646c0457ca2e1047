"""Where each vertebra stands: heights, widths, discs and the curve from the sacrum to the skull base."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .ct_plan import Plan
from .ct_shapes import frame

CERVICAL = tuple(f"C{n}" for n in range(1, 8))
THORACIC = tuple(f"T{n}" for n in range(1, 13))
# TotalSegmentator v2: S1 is 26, L5..L1 27..31, T12..T1 32..43, C7..C1 44..50; the sacrum is 25. A sixth
# lumbar vertebra has no number there and is written as the sacrum's.
NUMBERS = {"S1": 26, "L6": 25} | {f"L{n}": 32 - n for n in range(1, 6)}
NUMBERS |= {f"T{n}": 44 - n for n in range(1, 13)} | {f"C{n}": 51 - n for n in range(1, 8)}

# Body height, disc below, width, depth (mm) of a man of 1.72 m and the sagittal lean (degrees, lying).
# After Panjabi et al. 1991-1992 (Spine 16-17), Masharawi et al. 2008 and Zhou et al. 2000, rounded.
_SIZES = {
    "C1": (12, 0, 30, 12, 2),
    "C2": (20, 4, 19, 15, -2),
    "C3": (13.5, 5, 19, 15, -4),
    "C4": (13.5, 5, 20, 16, -1),
    "C5": (13.5, 5, 21, 16, 4),
    "C6": (13.5, 5.5, 22, 17, 10),
    "C7": (14.5, 5.5, 24, 17, 17),
    "T1": (16.5, 4.5, 29, 17, 21),
    "T2": (17.5, 4, 29, 18, 20),
    "T3": (18, 4, 27.5, 19, 17),
    "T4": (18.5, 4, 26.5, 21, 13),
    "T5": (19, 4, 27, 22.5, 9),
    "T6": (19.5, 4.5, 28, 24, 5),
    "T7": (20, 5, 29, 26, 0),
    "T8": (20.5, 5, 30, 27.5, -4),
    "T9": (21.5, 5.5, 31, 29, -8),
    "T10": (22.5, 5.5, 33, 30, -11),
    "T11": (23.5, 6, 36, 31, -13),
    "T12": (25, 7, 39, 31, -14),
    "L1": (26.5, 8, 41, 32, -13),
    "L2": (27.5, 9, 43, 33.5, -10),
    "L3": (28, 10, 45.5, 34.5, -3),
    "L4": (27.5, 11, 48.5, 35, 7),
    "L5": (27, 10, 52, 35, 18),
    "S1": (28, 0, 50, 33, 38),
}


@dataclass(frozen=True)
class Vertebra:
    """One vertebra: place and size in the patient's own frame (before lying), mm.

    Attributes
    ----------
    name : C1 .. S1
    centre : (3,) middle of the body
    axes : rows u (left), v (posterior), w (up)
    height, disc, width, depth : body height, gap below, body width and depth
    kind : "C", "T", "L", "S"; rank : 0 for the first of its kind
    """

    name: str
    centre: np.ndarray
    axes: np.ndarray
    height: float
    disc: float
    width: float
    depth: float
    kind: str
    rank: int

    def at(self, left: float, back: float, up: float) -> np.ndarray:
        """Patient position of a point given in the vertebra's own axes, mm from the body's middle."""
        return self.centre + np.array([left, back, up]) @ self.axes


def names(lumbar: int) -> list[str]:
    """Vertebrae from the skull base to the sacrum."""
    return [*CERVICAL, *THORACIC, *(f"L{n}" for n in range(1, lumbar + 1)), "S1"]


def build_spine(plan: Plan) -> dict[str, Vertebra]:
    """All vertebrae by name; the top of the sacrum is at the origin."""
    rng = plan.rng(1)
    own = {"height": rng.normal(1, 0.035), "width": rng.normal(1, 0.045), "disc": rng.normal(1, 0.12)}
    thin = 1 - 0.45 * plan.wear * rng.random()
    lean_base = rng.normal(0, 3.0)
    spot = np.zeros(3)
    spine: dict[str, Vertebra] = {}
    order = names(plan.lumbar)[::-1]
    for place, name in enumerate(order):
        height, disc, width, depth, lean = _size(name, plan)
        jitter = rng.normal(1, (0.015, 0.1, 0.02, 0.02))
        height *= own["height"] * jitter[0] * plan.scale * plan.cracked.get(name, 1.0)
        disc *= own["disc"] * jitter[1] * plan.scale * (thin if name[0] == "L" else 1.0)
        if plan.wear > 0.4 and rng.random() < 0.15:
            disc *= rng.uniform(0.25, 0.6)
        width, depth = (v * own["width"] * j * plan.scale for v, j in zip((width, depth), jitter[2:]))
        axes = _axes(plan, name, place, lean + lean_base * (name[0] in "LS"), rng)
        if place:
            spot = spot + axes[2] * (disc + height / 2)
            centre = spot
            spot = spot + axes[2] * (height / 2)
        else:
            centre = -axes[2] * height / 2
        rank = int(name[1:]) - 1
        spine[name] = Vertebra(name, centre.copy(), axes, height, disc, width, depth, name[0], rank)
    return spine


def _size(name: str, plan: Plan) -> tuple[float, ...]:
    """Sizes by the place in the column: with four or six lumbar vertebrae the last one still looks like L5."""
    if name[0] != "L" or plan.lumbar == 5:
        return _SIZES[name]
    place = (int(name[1:]) - 1) / (plan.lumbar - 1) * 4 + 1
    low = _SIZES[f"L{int(place)}"]
    high = _SIZES[f"L{min(5, int(place) + 1)}"]
    share = place - int(place)
    return tuple(a * (1 - share) + b * share for a, b in zip(low, high))


def _axes(plan: Plan, name: str, place: int, lean: float, rng: np.random.Generator) -> np.ndarray:
    """Local axes from the sagittal lean, the scoliotic side bend and the twist that goes with it."""
    strength = plan.lordosis if name[0] in "LS" else plan.kyphosis if name[0] == "T" else 1.0
    pitch = np.radians(lean * (0.6 + 0.4 * strength if name == "S1" else strength) + rng.normal(0, 0.8))
    amplitude, phase = plan.scoliosis
    side = 0.0 if place == 0 else amplitude * np.sin(2 * np.pi * place / 12.5 + phase) + rng.normal(0, 0.006)
    up = np.array([np.sin(side), -np.sin(pitch) * np.cos(side), np.cos(pitch) * np.cos(side)])
    twist = 0.0 if place == 0 else 0.8 * amplitude * np.sin(2 * np.pi * place / 12.5 + phase + 0.5)
    return frame(up, np.array([np.sin(twist), np.cos(twist), 0.0]))
