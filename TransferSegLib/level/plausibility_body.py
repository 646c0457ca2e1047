"""Whether a scan shows a trunk, the right way round and up, at a body's size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..imaging.scan import Scan
from .coarse import Coarse
from .findings import Finding
from .spine_period import Period, spine_period
from .trunk import Trunk, trunk_of

# Least bone of a slice through a trunk; lungs that count, lungs of a chest, and a pair of legs, cm2.
_LEAST_BONE_CM2 = 0.5
_LUNG_CM2, _CHEST_CM2, _LEGS_CM2 = 50.0, 100.0, 220.0
# A body is about ten times as wide as its vertebrae are apart, child or adult; beyond these a spacing is wrong.
_SLIMMEST, _STOUTEST = 6.0, 18.0
# The middle step of an adult's vertebrae is no longer than this, mm (21 to 42 in 15 phantoms, 33 in a real CT).
_FURTHEST_MM = 46.0
# With the spine in front in this share of the slices, and twice as often as behind, front and back are swapped: of
# bodies the right way round it is so in at most 0.21, and behind at least 2.9 times as often (14 phantoms, a real CT).
_AHEAD = 0.4
# The spine is followed where it is seen over three vertebrae, or in this share of a scan.
_FOLLOWED_MM, _FOLLOWED = 100.0, 0.5


def check_body(scan: Scan, small: Coarse) -> Iterator[Finding]:
    """Findings from the body itself, on a coarse copy (5 mm)."""
    trunk = trunk_of(small)
    ruled_out = list(_size(trunk)) or list(_no_trunk(trunk, small))
    yield from ruled_out
    if ruled_out:
        return
    yield from _unseen(trunk, small)
    yield from _front_back(trunk)
    yield from _upside_down(trunk, small)
    yield from _period(scan, small, trunk)


def _no_trunk(trunk: Trunk, small: Coarse) -> Iterator[Finding]:
    if not trunk.area.any() or (np.median(trunk.bone) < _LEAST_BONE_CM2 and np.quantile(trunk.bone, 0.8) < 3.0):
        yield Finding(
            "no-bone", "No spine is seen: hardly a slice holds bone (a phantom?); give a CT of the trunk.", True
        )
        return
    share = trunk.bone / np.maximum(trunk.area, 1e-3)
    slim = (trunk.width < 230) & trunk.open_sides
    head = slim & (trunk.ring > 0.5) & (share > 0.1) & (trunk.lung < 0.05 * trunk.area)
    limb = (trunk.cortex > 0.4 * trunk.bone) & (trunk.bone > 1.0)
    joint = slim & (share > 0.2) & ~head
    step = small.steps[0]
    if head.mean() > 0.6 and (~head).sum() * step < 150:
        yield Finding("head", "The scan shows a head, not a trunk; give a CT that shows the lumbar spine.", True)
    elif (limb | joint).mean() > 0.85 and (~(limb | joint)).sum() * step < 100:
        yield Finding("no-spine", "The scan shows a limb, not a spine; give a CT that shows the lumbar spine.", True)


def _unseen(trunk: Trunk, small: Coarse) -> Iterator[Finding]:
    """No spine off the middle of a body whose front and back are seen: a limb, or a picture of a part of the body."""
    place = np.abs(trunk.spine)
    seen = (place > 0.1) & (place < 0.9) & (trunk.cortex < 0.4 * trunk.bone)  # NaN compares false
    if seen.mean() < _FOLLOWED and seen.sum() * small.steps[0] < _FOLLOWED_MM:
        yield Finding(
            "spine-unseen",
            "No spine is seen within a whole trunk (a limb, or a picture that cuts the body off?); give a CT of the "
            "whole trunk, or check the level by eye.",
            False,
        )


def _front_back(trunk: Trunk) -> Iterator[Finding]:
    """Contrast in bowel and vessels lies in front of the spine: it hides a spine in many slices, but not in most."""
    judged = trunk.spine[np.isfinite(trunk.spine) & (trunk.cortex < 0.4 * trunk.bone) & (trunk.width > 120)]
    if judged.size < 8:
        return
    front, back = float(np.mean(judged < -0.1)), float(np.mean(judged > 0.1))
    if front > _AHEAD and front > 2.0 * back:
        yield Finding(
            "front-back",
            "The spine lies at the front of the body: front and back are swapped in the header (supine and prone "
            "mixed up?), so sides and positions in the room may be wrong; correct the orientation.",
            False,
        )


def _upside_down(trunk: Trunk, small: Coarse) -> Iterator[Finding]:
    n, step = len(trunk.lung), small.steps[0]
    what = ""
    if n * step > 250 and _chest_below(trunk, step):
        what = "the lungs lie at its foot end"
    elif n * step > 200 and _pelvis_above(trunk):
        what = "the pelvis lies at its head end"
    elif n * step > 250 and _legs_above(trunk, step):
        what = "the legs lie at its head end"
    if what:
        yield Finding(
            "upside-down", f"The scan looks upside down: {what}; correct the orientation in the header.", True
        )


def _chest_below(trunk: Trunk, step: float) -> bool:
    """Above the lungs a long part as stout as the chest (no head, no raised arms), below them less."""
    lung = np.flatnonzero(trunk.lung > _LUNG_CM2)
    if len(lung) * step < 60 or trunk.lung.max() < _CHEST_CM2:
        return False
    above, below = lung[0] * step, (len(trunk.lung) - 1 - lung[-1]) * step
    if above < 150 or above < 1.5 * below:
        return False
    top, chest = slice(0, lung[0]), slice(lung[0], lung[-1] + 1)
    skull = np.median(trunk.cortex[top] / np.maximum(trunk.bone[top], 1e-3)) > 0.3
    seen = trunk.spine[top][np.isfinite(trunk.spine[top])]
    spine = seen.size > 0 and abs(np.median(seen)) > 0.1
    return bool(np.median(trunk.area[top]) > 0.75 * np.median(trunk.area[chest]) and spine and not skull)


def _pelvis_above(trunk: Trunk) -> bool:
    """Much bone and no lung at the head end, as wide as a trunk, and little but a spine at the foot end."""
    n = len(trunk.lung)
    top, low = slice(0, n // 3), slice(-(n // 3), None)
    bony = trunk.bone[top].mean() > max(30.0, 3.0 * trunk.bone[low].mean())
    wide = np.median(trunk.width[top]) > max(250.0, 0.85 * np.median(trunk.width[low]))
    legs = trunk.cortex[low].sum() > 0.3 * trunk.bone[low].sum() or trunk.parted[low].mean() > 0.2
    spine = (np.abs(trunk.spine[low]) > 0.1).mean() > 0.7  # NaN compares false
    return bool(bony and wide and spine and not legs and not (trunk.lung[: int(0.6 * n)] > _LUNG_CM2).any())


def _legs_above(trunk: Trunk, step: float) -> bool:
    """A parted body, thicker than two arms, for long at the head end and not at the foot end."""
    legs, third = trunk.parted & (trunk.area > _LEGS_CM2), len(trunk.area) // 3
    return bool(legs[:third].sum() * step > 100 and not legs[-third:].any())


def _size(trunk: Trunk) -> Iterator[Finding]:
    width, depth = float(np.median(trunk.width)), float(np.median(trunk.depth))
    if width > 750 or depth > 600:
        yield Finding(
            "size",
            f"The body measures {width:.0f} x {depth:.0f} mm by its header, more than a person; correct the pixel "
            "spacing.",
            True,
        )
    elif trunk.open_sides.mean() > 0.8 and width < 60:
        yield Finding(
            "size",
            f"The body is only {width:.0f} mm wide by its header; correct the pixel spacing (or this is no person).",
            True,
        )


def _period(scan: Scan, small: Coarse, trunk: Trunk) -> Iterator[Finding]:
    """Vertebrae of an adult-sized body are 20 to 45 mm apart; half or double that is a wrong slice spacing."""
    judged = np.isfinite(trunk.spine) & (np.abs(trunk.spine) > 0.1) & (np.abs(trunk.spine) < 0.85)
    if judged.mean() <= 0.4:
        return
    step = float(np.median(np.abs(np.diff(scan.heights))))
    grown = np.median(trunk.width) > 280 and np.median(trunk.depth) > 170
    found = spine_period(scan, small)
    if found is None:
        yield from _squeezed(scan, small, step, grown)
        return
    sure = found.share >= 0.4 and found.agreement >= 0.7
    short = grown and 3.5 * step < found.mm < 17.5 and found.share > 0.25 and found.agreement > 0.6
    long = found.mm > 57 and found.share >= 0.4 and found.agreement >= 0.5
    long |= grown and found.mm > _FURTHEST_MM and found.share >= 0.5
    yield from _stoutness(trunk, found)
    if short or long:
        yield Finding(
            "spacing",
            f"By the header vertebrae are {found.mm:.0f} mm apart (20 to 45 mm is usual): the slice spacing of "
            f"{step:.2f} mm looks wrong, and heights in mm with it; correct it in the header.",
            bool(sure and (found.mm < 13 or found.mm > 60)),
        )


def _squeezed(scan: Scan, small: Coarse, step: float, grown: bool) -> Iterator[Finding]:
    """Nothing repeats along the spine by the header; with twice its slice spacing, vertebrae of an adult do."""
    if not grown:
        return
    drawn = replace(scan, positions=scan.positions * (1.0, 1.0, 2.0))
    found = spine_period(drawn, replace(small, steps=(2 * small.steps[0], *small.steps[1:]), heights=2 * small.heights))
    if found is not None and 22.0 < found.mm < 45.0 and found.share >= 0.2 and found.agreement >= 0.65:
        yield Finding(
            "spacing",
            f"The slice spacing of {step:.2f} mm looks wrong: nothing repeats along the spine as vertebrae do, and "
            f"with twice that spacing they would be {found.mm:.0f} mm apart; check it in the header.",
            False,
        )


def _stoutness(trunk: Trunk, period: Period) -> Iterator[Finding]:
    """The body's width by the step of its vertebrae: another than any person's is a wrong pixel or slice spacing.

    Where few pieces of the spine have a step, it must be further off. A width that the picture cuts is too small.
    """
    width = float(np.median(trunk.width))
    ratio, whole = width / period.mm, trunk.open_sides.mean() > 0.5
    seen = 15.0 < period.mm < 50.0 and period.share >= 0.4 and period.agreement >= 0.5
    hardly = 12.0 < period.mm < 60.0 and period.share >= 0.1 and period.agreement >= 0.7
    slim = whole and ((seen and ratio < _SLIMMEST) or (hardly and ratio < _SLIMMEST - 0.5))
    if slim or (seen and ratio > _STOUTEST) or (hardly and ratio > _STOUTEST + 1.0):
        yield Finding(
            "size",
            f"The body is {width:.0f} mm wide and its vertebrae are {period.mm:.0f} mm apart by the header, as in no "
            "person; correct the pixel spacing or the slice spacing.",
            False,
        )
