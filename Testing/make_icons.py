"""Draws the extension's icon and the thumbnails of the samples: ``python Testing/make_icons.py``."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

PROJECT = Path(__file__).resolve().parent.parent
ICONS = PROJECT / "TransferSeg" / "Resources" / "Icons"
FINE = 8
TISSUE, FOLD, LESION, ARROW = (205, 212, 220), (138, 150, 164), (243, 146, 55), (27, 133, 142)
THUMBNAIL = (192, 144)


def draw_icon(size: int = 128) -> Image.Image:
    """An axial brain with a lesion that is taken over by the arrow around it."""
    side = size * FINE
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    centre = side / 2
    _brain(draw, centre, centre, 0.335 * side)
    _arrow(draw, centre, 0.445 * side, 0.075 * side, start=-60, end=205)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _brain(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    """Outline with gyri, the fissure between the hemispheres, some sulci, and a lesion."""
    points = []
    for step in range(720):
        angle = math.radians(step / 2)
        wave = 1 + 0.035 * math.cos(14 * angle) - 0.05 * abs(math.cos(angle)) ** 12
        points.append((x + 0.84 * radius * wave * math.cos(angle), y + radius * wave * math.sin(angle)))
    width = round(0.055 * radius)
    draw.polygon(points, fill=TISSUE)
    draw.line([*points, points[0], points[1]], fill=FOLD, width=width, joint="curve")
    draw.line([(x, y - 0.98 * radius), (x, y - 0.36 * radius)], fill=FOLD, width=width)
    draw.line([(x, y + 0.36 * radius), (x, y + 0.98 * radius)], fill=FOLD, width=width)
    for side in (-1, 1):
        ventricle = [(x + side * a * radius, y + b * radius) for a, b in _HORN]
        draw.polygon(ventricle, fill=FOLD)
        for offset in (-0.42, 0.45):
            box = _box(x + side * 0.62 * radius, y + offset * radius, 0.2 * radius)
            draw.arc(box, *((100, 250) if side > 0 else (-70, 80)), fill=FOLD, width=width)
    spot = [(x + (0.36 + 0.21 * math.cos(a) * (1 + 0.16 * math.sin(3 * a))) * radius,
             y + (-0.28 + 0.23 * math.sin(a) * (1 + 0.12 * math.cos(2 * a))) * radius)
            for a in np.linspace(0, 2 * math.pi, 180)]  # fmt: skip
    draw.polygon(spot, fill=LESION)
    draw.line([*spot, spot[0]], fill=(196, 98, 16), width=width, joint="curve")


_HORN = ((0.05, -0.3), (0.14, -0.34), (0.12, -0.1), (0.1, 0.12), (0.2, 0.36), (0.12, 0.38), (0.04, 0.14), (0.04, -0.1))


def _arrow(draw: ImageDraw.ImageDraw, centre: float, radius: float, width: float, *, start: float, end: float) -> None:
    draw.arc(_box(centre, centre, radius), start, end - 6, fill=ARROW, width=round(width))
    angle, middle = math.radians(end), radius - width / 2
    tip = math.radians(end + 20)
    head = [(centre + (middle + d) * math.cos(angle - 0.1), centre + (middle + d) * math.sin(angle - 0.1))
            for d in (-1.35 * width, 1.35 * width)]  # fmt: skip
    draw.polygon([*head, (centre + middle * math.cos(tip), centre + middle * math.sin(tip))], fill=ARROW)


def _box(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return (x - radius, y - radius, x + radius, y + radius)


def draw_phantom(flavour: str, seed: int) -> Image.Image:
    """The FLAIR slice with most of the pathology, its truth as coloured lines."""
    sys.path.insert(0, str(PROJECT))
    from TransferSegLib.phantoms import brain_phantom

    phantom = brain_phantom(seed, flavour=flavour)
    k = int(np.count_nonzero(phantom.labels, axis=(1, 2)).argmax())
    flair, labels = phantom.images["flair"][k], phantom.labels[k]
    grey = np.clip(flair / np.percentile(flair[flair > 0], 99.5), 0, 1) * 255
    picture = Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    for value, colour in ((3, (245, 208, 66)), (2, (66, 170, 245)), (1, LESION)):
        mask = Image.fromarray(((labels == value) * 255).astype(np.uint8))
        edge = np.asarray(mask.filter(ImageFilter.MaxFilter(3))).astype(int) - np.asarray(mask)
        picture.paste(Image.new("RGB", picture.size, colour), mask=Image.fromarray((edge > 0).astype(np.uint8) * 255))
    return _thumbnail(picture)


def draw_ct(seed: int) -> Image.Image:
    """A trunk from the front as the L3 model sees it, with a line at L3."""
    sys.path.insert(0, str(PROJECT))
    from TransferSegLib.phantoms.ct_projection import ct_projection

    projection = ct_projection(seed, row_mm=2.0, width=256, field="trunk")
    picture = Image.fromarray((255 * np.clip(projection.pixels[0], 0, 1)).astype(np.uint8)).convert("RGB")
    row = round(projection.rows["L3"])
    ImageDraw.Draw(picture).line([(0, row), (picture.width, row)], fill=LESION, width=3)
    return _thumbnail(picture)


def draw_petct(seed: int) -> Image.Image:
    """The PET/CT phantom from the front, as all its slices laid on each other: the lesions are the small dark spots."""
    sys.path.insert(0, str(PROJECT))
    import SimpleITK as sitk

    from TransferSegLib.phantoms.petct_phantom import petct_phantom

    pet = petct_phantom(seed, pattern="nodal").pet
    front = sitk.GetArrayFromImage(pet).max(axis=1)[::-1]
    columns = np.flatnonzero((front > 0.3).any(axis=0))
    grey = (255 * (1 - np.clip(front[:, columns[0] : columns[-1] + 1] / 7, 0, 1))).astype(np.uint8)
    step = pet.GetSpacing()
    high = THUMBNAIL[1]
    wide = round(high * grey.shape[1] * step[0] / (grey.shape[0] * step[2]))
    picture = Image.new("RGB", THUMBNAIL, (255, 255, 255))
    picture.paste(Image.fromarray(grey).convert("RGB").resize((wide, high)), ((THUMBNAIL[0] - wide) // 2, 0))
    return picture


def draw_patient() -> Image.Image:
    """Four tiles, one a sequence: a drawing, no patient's image."""
    side = 64
    picture = Image.new("RGB", (2 * side, 2 * side), (18, 22, 28))
    for number, brightness in enumerate((1.0, 0.8, 0.62, 0.9)):
        tile = draw_icon(side)
        shade = Image.eval(tile.convert("RGB"), lambda value, b=brightness: int(value * b))
        picture.paste(shade, (side * (number % 2), side * (number // 2)), tile.getchannel("A"))
    return _thumbnail(picture)


def _thumbnail(picture: Image.Image) -> Image.Image:
    picture.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", THUMBNAIL, (0, 0, 0))
    canvas.paste(picture, tuple((a - b) // 2 for a, b in zip(THUMBNAIL, picture.size)))
    return canvas


def main() -> None:
    """Write all pictures."""
    ICONS.mkdir(parents=True, exist_ok=True)
    draw_icon().save(ICONS / "TransferSeg.png", optimize=True)
    draw_icon().save(PROJECT / "Resources" / "TransferSeg.png", optimize=True)
    draw_phantom("ms", 700_022).save(ICONS / "SamplePhantomMS.png", optimize=True)
    draw_phantom("glioma", 700_022).save(ICONS / "SamplePhantomGlioma.png", optimize=True)
    draw_ct(700_008).save(ICONS / "SamplePhantomCT.png", optimize=True)
    draw_petct(700_022).save(ICONS / "SamplePhantomPETCT.png", optimize=True)
    draw_patient().save(ICONS / "SamplePatient.png", optimize=True)


if __name__ == "__main__":
    main()
