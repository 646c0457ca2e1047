"""Rigid and affine registration with SimpleITK: mutual information from coarse to fine, the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..events import Events, quiet
from .pair import Pair

LARGEST_ROTATION_DEGREES = 45.0
LEAST_OVERLAP = 0.5


# Within one examination nothing moves farther than this; beyond it the images are hardly of one patient.
FARTHEST_MM = 150.0


@dataclass(frozen=True)
class Registered:
    """A transform (points of fixed to points of moving), mutual information with it and before, and a verdict."""

    transform: sitk.Transform
    information: float
    information_before: float
    trusted: bool
    reason: str


def register_rigid(
    pair: Pair, *, starts: Sequence[sitk.Euler3DTransform] = (), events: Events | None = None
) -> Registered:
    """Rigid registration of the pair's moving image to its fixed one, two images of one head.

    Parameters
    ----------
    pair : Pair
        Their headers give the first start.
    starts : sequence of sitk.Euler3DTransform
        Further starts, tried on the coarse levels beside the headers.

    Returns
    -------
    Registered
        ``trusted`` is False where the result turns by more than 45 degrees, loses half of the overlap or has
        less mutual information than the headers; then the headers are the better answer.
    """
    best = _best_start(pair, starts, events, shrink=(4, 2), smooth=(4.0, 2.0))
    return judge(pair, pair.optimise(best, shrink=(1,), smooth=(0.0,), step_mm=0.5, events=events))


def register_rigid_by_affine(
    pair: Pair, *, starts: Sequence[sitk.Euler3DTransform] = (), events: Events | None = None
) -> Registered:
    """Rigid registration of a head to a template of another size: the rigid part of the affine one.

    A rigid fit to a larger brain can slide by millimetres without losing information (2 to 4 mm between two
    tries on the shared cases); the affine fit cannot, and its rigid part came back within 0.6 mm.
    """
    best = _best_start(pair, starts, events, shrink=(4,), smooth=(4.0,))
    affine = register_affine(pair, best, shrink=(2, 1), smooth=(2.0, 0.0), events=events)
    return judge(pair, rigid_part(affine, pair.centre()), fitted=affine)


def _best_start(pair, starts, events, *, shrink, smooth) -> sitk.Euler3DTransform:
    coarse = []
    for start in (sitk.Euler3DTransform(), *starts):
        start = about(start, pair.centre())
        coarse.append(pair.optimise(start, shrink=shrink, smooth=smooth, step_mm=4.0, events=events))
    return max(coarse, key=pair.information)


def rigid_part(linear: sitk.Transform, centre: np.ndarray) -> sitk.Euler3DTransform:
    """The rotation nearest to a linear transform, and what it does to ``centre`` (mm)."""
    left, _, right = np.linalg.svd(np.array(linear.GetMatrix()).reshape(3, 3))
    rigid = sitk.Euler3DTransform()
    rigid.SetCenter(centre.tolist())
    rigid.SetMatrix((left @ right).ravel().tolist(), 1e-6)
    rigid.SetTranslation((np.array(linear.TransformPoint(centre.tolist())) - centre).tolist())
    return rigid


def about(rigid: sitk.Euler3DTransform, centre: np.ndarray) -> sitk.Euler3DTransform:
    """The same rigid transform with its rotation about ``centre``, so that turning does not shift the head."""
    turned = sitk.Euler3DTransform()
    turned.SetCenter(centre.tolist())
    turned.SetMatrix(rigid.GetMatrix())
    turned.SetTranslation((np.array(rigid.TransformPoint(centre.tolist())) - centre).tolist())
    return turned


def register_affine(
    pair: Pair,
    start: sitk.Transform,
    *,
    shrink: Sequence[int],
    smooth: Sequence[float],
    events: Events | None = None,
) -> sitk.AffineTransform:
    """Affine registration from a rigid or affine start."""
    affine = sitk.AffineTransform(3)
    affine.SetCenter(start.GetCenter())
    affine.SetMatrix(start.GetMatrix())
    affine.SetTranslation(start.GetTranslation())
    return pair.optimise(affine, shrink=shrink, smooth=smooth, step_mm=0.5, events=events)


def judge(pair: Pair, found: sitk.Transform, *, fitted: sitk.Transform | None = None) -> Registered:
    """The result with the reason to trust it or not, against the headers alone.

    ``fitted`` is what was optimised, where ``found`` is only its rigid part.
    """
    identity = sitk.Transform(3, sitk.sitkIdentity)
    before, after = pair.information(identity), pair.information(fitted or found)
    turn, shift = rigid_size(found, pair.centre())
    share, share_before = pair.overlap(found), pair.overlap(identity)
    if turn > LARGEST_ROTATION_DEGREES:
        return Registered(found, after, before, False, f"it would turn by {turn:.0f} degrees")
    if share < LEAST_OVERLAP * max(share_before, LEAST_OVERLAP):
        return Registered(found, after, before, False, f"only {share:.0%} of the images would overlap")
    if after < before:
        return Registered(found, after, before, False, "the images match better by their headers")
    if shift > FARTHEST_MM:
        return Registered(found, after, before, False, f"it would move by {shift:.0f} mm: another patient or position?")
    return Registered(found, after, before, True, f"moved by {shift:.1f} mm and {turn:.1f} degrees")


def rigid_size(transform: sitk.Transform, centre: np.ndarray) -> tuple[float, float]:
    """Rotation (degrees) and movement of ``centre`` (mm) of a rigid transform."""
    matrix = np.array(transform.GetMatrix()).reshape(3, 3)
    turn = np.degrees(np.arccos(np.clip((np.trace(matrix) - 1) / 2, -1, 1)))
    return float(turn), float(np.linalg.norm(np.array(transform.TransformPoint(list(centre))) - centre))


def nearly_aligned(
    pair: Pair, *, step_mm: float = 2.0, step_degrees: float = 2.0, events: Events | None = None
) -> bool:
    """Whether no small shift or turn from the headers gives more mutual information than the headers."""
    here = pair.information(sitk.Euler3DTransform())
    centre = pair.centre()
    for axis in range(6):
        quiet(events).check()
        for sign in (-1.0, 1.0):
            values = [0.0] * 6
            values[axis] = sign * (np.radians(step_degrees) if axis < 3 else step_mm)
            moved = sitk.Euler3DTransform()
            moved.SetCenter(centre.tolist())
            moved.SetParameters(values)
            if pair.information(moved) > here:
                return False
    return bool(np.isfinite(here))
