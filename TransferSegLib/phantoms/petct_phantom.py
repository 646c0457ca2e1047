"""Whole-body FDG-PET/CT phantoms: both images on their own grids, the lesions' truth, and the organs' places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..errors import UsageError
from .ct_patient import Patient, build_patient
from .petct_anatomy import Drawn, draw
from .petct_images import anatomy, body_box, ct_axes, ct_volume
from .petct_lesions import Shaped, shape_lesions
from .petct_plan import Scanner, draw_scanner, draw_uptake, noise_level
from .petct_signal import Axes, Hot, nearest, noisy, sampled, with_lesions
from .petct_sites import draw_wishes

_COARSE = 6.0  # mm, of the drawing that says where lesions find room


@dataclass(frozen=True)
class PetCtPhantom:
    """A PET/CT and the truth about it.

    Attributes
    ----------
    pet : float32 SUVbw (g/ml); ct : int16 HU; LPS, each on its own grid
    truth : uint8 on the PET's grid, 1 in every lesion (necrotic cores included)
    numbers : uint8 on the PET's grid, which lesion: the ``number`` in ``attributes["lesions"]``
    organs : uint8 on the PET's grid, values of ``petct_plan.ORGANS``, lesions left out
    attributes : what was drawn, plain JSON types
    """

    pet: sitk.Image
    ct: sitk.Image
    truth: sitk.Image
    numbers: sitk.Image
    organs: sitk.Image
    attributes: dict


def petct_phantom(
    seed: int,
    *,
    kind: str = "adult",
    light: bool = True,
    lesions: int | None = None,
    pattern: str | None = None,
    dose: float | None = None,
    crop: tuple[float, float] | None = None,
) -> PetCtPhantom:
    """A seeded PET/CT phantom from the head to the thighs.

    Parameters
    ----------
    seed : the same number gives the same patient, lesions and scan
    kind : "adult", or "other": another population, scanner, point spread, noise and pose
    light : a CT of about 4 mm in the plane, cropped to the body, instead of about 1 mm in 512 x 512
    lesions : 0 to 25, an upper bound where not all find room; None draws it
    pattern : one of ``petct_sites.PATTERNS``; None draws one
    dose : MBq per kg; None draws it
    crop : (least, most) mm: only the region of the largest lesion, with margins drawn between them on every side

    Raises
    ------
    UsageError
        An unknown kind or pattern; lesions, dose or margins out of range; a crop of a phantom without lesions.
    """
    patient = build_patient(seed, kind)
    scanner = draw_scanner(patient.plan, dose)
    if crop is not None:
        crop = _margins(crop, lesions, pattern)
        pattern = pattern or _crop_pattern(patient)
    wishes = draw_wishes(patient, pattern, lesions)
    axes = _pet_axes(patient, scanner, wishes.pattern)
    heights = axes.z + _breath(patient, scanner, axes.z)
    shaped = shape_lesions(patient, wishes, _coarse(patient, axes), (heights[0], heights[-1]))
    where = tuple(slice(0, n) for n in axes.shape)
    if crop is not None:
        where = _crop(patient, shaped, axes, heights, crop)
    return _imaged(patient, scanner, wishes.pattern, shaped, axes, heights, where, light, crop is not None)


def _margins(crop: tuple, lesions: int | None, pattern: str | None) -> tuple[float, float]:
    low, high = (float(v) for v in crop)
    if not 0 <= low <= high:
        raise UsageError(f"crop {crop}: (least, most) margin in mm, both at least 0; say for example (5, 50)")
    if lesions == 0 or pattern == "none":
        raise UsageError("crop: a crop needs a lesion to lie around; ask for lesions, or for no crop")
    return low, high


def _crop_pattern(patient: Patient) -> str:
    """Crops show one soft-tissue mass in most."""
    return str(patient.plan.rng(45).choice(["mass", "bulky", "nodal"], p=[0.66, 0.17, 0.17]))


def _pet_axes(patient: Patient, scanner: Scanner, pattern: str) -> Axes:
    """The PET's whole grid, from the thighs to the crown or, in some, the base of the skull."""
    rng, plan = patient.plan.rng(46), patient.plan
    legs = (230, 350) if pattern == "mass" else (130, 300)  # tumours of the limbs are scanned further down
    low = patient.shift[2] - 105 * plan.scale - rng.uniform(*legs)
    skull = patient.place(patient.spine["C1"].centre)[2]
    cut = rng.random() < (0.35 if plan.kind == "other" else 0.2)
    high = skull + (rng.uniform(20, 70) if cut else 8 + 150 * (0.5 + 0.5 * plan.scale) + rng.uniform(5, 30))
    at = patient.outline.at(np.array([0.0, 120.0, 300.0]))
    middle = patient.place(np.array([0, float(np.mean(at["middle"])), 150.0]))
    centre = (middle[0] + rng.normal(0, 6), middle[1] + rng.normal(0, 6))
    spans = []
    for step, centre_mm, extent in zip(
        scanner.pet_spacing, (*centre, (low + high) / 2), (scanner.pet_diameter, scanner.pet_diameter, high - low)
    ):
        count = round(extent / step)
        spans.append(centre_mm + (np.arange(count) - (count - 1) / 2) * step)
    return Axes(spans[2], spans[1], spans[0])


def _breath(patient: Patient, scanner: Scanner, z: np.ndarray) -> np.ndarray:
    """By how much (mm) what the PET shows at ``z`` lies higher in the CT: breathing around the diaphragm."""
    depth, reach = scanner.shift
    diaphragm = patient.place(patient.spine["T10"].centre)[2]
    return depth * np.exp(-(((z - diaphragm) / reach) ** 2))


def _coarse(patient: Patient, axes: Axes) -> Drawn:
    low, high = body_box(patient, np.array([axes.z[0] - 20, axes.z[-1] + 20]))
    z, y, x = (np.arange(a, b, _COARSE) for a, b in zip(low, high))
    return draw(patient, z, y, x, width=_COARSE, uptake=draw_uptake(patient.plan), bones=False, couch=False)


def _crop(patient: Patient, shaped: list[Shaped], axes: Axes, heights: np.ndarray, margins: tuple) -> tuple:
    """The block of the PET's voxels around the largest lesion."""
    rng = patient.plan.rng(47)
    if not shaped:
        raise UsageError(f"seed {patient.plan.seed}: no lesion found room in this patient; take another seed")
    lesion = max(shaped, key=lambda one: one.wish.volume)
    inside = np.argwhere(lesion.level > 0)
    spans = []
    for axis, (own, n) in enumerate(((heights, 0), (axes.y, 1), (axes.x, 2))):
        edges = lesion.low[n] + np.array([inside[:, axis].min(), inside[:, axis].max()]) * lesion.step
        low, high = np.searchsorted(own, edges + rng.uniform(*margins, 2) * (-1, 1))
        low, high = max(0, int(low)), min(len(own), int(high))
        spans.append(slice(low, max(high, low + 2)))
    return tuple(spans)


def _imaged(
    patient: Patient,
    scanner: Scanner,
    pattern: str,
    shaped: list[Shaped],
    axes: Axes,
    heights: np.ndarray,
    where: tuple,
    light: bool,
    cropped: bool,
) -> PetCtPhantom:
    """Both images of the block ``where`` of the PET's grid, and all that is known."""
    uptake, final = draw_uptake(patient.plan), axes.part(where)
    pad = np.ceil(3.2 * scanner.fwhm / 2.3548 / axes.step).astype(int) + 1
    wide = tuple(slice(max(0, s.start - p), min(n, s.stop + p)) for s, p, n in zip(where, pad, axes.shape))
    grown, own_heights = axes.part(wide), heights[wide[0]]
    ct = ct_axes(patient, scanner, final, light=light, cropped=cropped)
    shared = light and not cropped
    drawn = anatomy(patient, uptake, grown, own_heights, ct if shared else None)
    source = Axes(drawn.z, drawn.y, drawn.x)
    activity = sampled(drawn.suv, source, grown, own_heights)
    hot = with_lesions(activity, shaped, grown, own_heights, scanner, 0.85 * float(source.step[1:].mean()))
    inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(where, wide))
    level = noise_level(patient.plan, scanner)
    pet = noisy(hot.suv, level, _filling(patient, own_heights), scanner, patient.plan.rng(48), uptake["liver"])[inner]
    numbers = hot.truth[inner]
    organs = np.where(numbers > 0, 0, nearest(drawn.organs, source, grown, own_heights)[inner]).astype(np.uint8)
    volume = ct_volume(patient, scanner, ct, shaped, drawn.hu if shared else None)
    about = _about(patient, scanner, pattern, uptake) | {"lesions": _lesions(shaped, hot, numbers, final)}
    about |= {"noise": level, "crop": cropped, "light": light}
    arrays = ((pet, final), (volume, ct), ((numbers > 0).astype(np.uint8), final), (numbers, final), (organs, final))
    return PetCtPhantom(*(_image(array, own) for array, own in arrays), about)


def _filling(patient: Patient, heights: np.ndarray) -> np.ndarray:
    """How thick the body is at each slice over that of a usual trunk: what attenuation makes of noise, (k,)."""
    at = patient.outline.at(heights - patient.shift[2])
    thick = np.sqrt(2 * at["half"] * (at["back"] - at["front"]))
    return np.exp((thick - 270) / 260)


def _lesions(shaped: list[Shaped], hot: Hot, numbers: np.ndarray, axes: Axes) -> list[dict]:
    """What is known of every lesion that the images show."""
    found, voxel = [], float(np.prod(axes.step)) / 1000
    for number, (lesion, peak) in enumerate(zip(shaped, hot.peaks), 1):
        inside = np.argwhere(numbers == number)
        if not len(inside):
            continue
        k, j, i = (inside.mean(0) * axes.step + [axes.z[0], axes.y[0], axes.x[0]]).tolist()
        wish = lesion.wish
        found.append(
            {
                "number": number,
                "site": wish.site,
                "beside": wish.beside,
                "volume_ml": round(wish.volume, 3),
                "shown_ml": round(len(inside) * voxel, 3),
                "suv": round(wish.suv, 3),
                "suv_max": round(peak, 3),
                "necrosis": round(wish.necrosis, 3),
                "centre_mm": [i, j, k],
            }
        )
    return found


def _about(patient: Patient, scanner: Scanner, pattern: str, uptake: dict[str, float]) -> dict:
    """Who was scanned and how, as plain JSON types."""
    plan = patient.plan
    about = {key: getattr(plan, key) for key in ("seed", "kind", "sex", "age", "bmi", "phase", "arms")}
    metres = plan.stature / 1000
    about |= {"height_m": metres, "weight_kg": plan.bmi * metres**2, "pattern": pattern, "unit": "SUVbw"}
    about |= {key: getattr(scanner, key) for key in ("fwhm", "dose", "minutes", "sensitivity")}
    return about | {"breath_mm": scanner.shift[0], "uptake": {name: float(value) for name, value in uptake.items()}}


def _image(array: np.ndarray, axes: Axes) -> sitk.Image:
    """(k, j, i) array on ascending LPS axes -> image."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing([float(v) for v in axes.step[::-1]])
    image.SetOrigin([float(axis[0]) for axis in (axes.x, axes.y, axes.z)])
    return image
