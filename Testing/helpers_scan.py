"""What the tests of scans and projections share: written CT series with any fault, and a simple trunk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pydicom.uid import generate_uid
from test_imaging_dicom import header


def write_ct(
    folder: Path,
    voxels: np.ndarray,
    positions: np.ndarray,
    *,
    orientation: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
    pixel: float = 4.0,
    prefix: str = "ct",
    uid: str | None = None,
    rescale: tuple[float, float] | None = (1, -1024),
    **fields,
) -> list[Path]:
    """One file a slice of int16 HU ``voxels`` (k, j, i); ``positions`` (k, 3) of their corners, LPS mm.

    With ``rescale`` None the stored values have no slope and intercept. ``fields`` go into every header.
    """
    folder.mkdir(parents=True, exist_ok=True)
    uid, paths = uid or generate_uid(), []
    for k, (plane, place) in enumerate(zip(voxels, positions)):
        item = header("CT", "abdomen")
        item.SeriesInstanceUID = uid
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        item.InstanceNumber, item.Rows, item.Columns = k + 1, *plane.shape
        item.PixelSpacing, item.ImageOrientationPatient = [pixel, pixel], list(orientation)
        item.ImagePositionPatient = [round(float(v), 6) for v in place]
        if rescale is not None:
            item.RescaleSlope, item.RescaleIntercept = rescale
        stored = (plane - rescale[1]) / rescale[0] if rescale else plane + 1024
        item.PixelData = stored.astype(np.int16).tobytes()
        for name, value in fields.items():
            setattr(item, name, value)
        path = folder / f"{prefix}{(k * 7) % 101:03d}.dcm"
        item.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def places(heights: np.ndarray, tilt: float = 0.0) -> np.ndarray:
    """Corners, (n, 3), of slices at ``heights`` mm, sliding to the front by ``tilt`` degrees."""
    heights = np.asarray(heights, float)
    slide = -np.tan(np.radians(tilt)) * (heights - heights[0])
    return np.stack([np.full(len(heights), -100.0), -80 + slide, heights], axis=1)


def trunk(
    tall: float = 300.0,
    step: float = 3.0,
    pixel: float = 4.0,
    *,
    period: float = 34.0,
    lungs: bool = True,
    seed: int = 0,
) -> np.ndarray:
    """HU (k, j, i) int16 of a simple trunk, slice 0 at the foot end, row 0 in front, 340 x 232 mm.

    A fat ellipse with muscle inside, a spine of vertebrae and discs ``period`` mm apart behind, each with a
    spinous process, lungs in the upper third and a table under the back.
    """
    z, y, x = np.meshgrid(
        np.arange(0, tall, step), np.arange(-130, 130, pixel), np.arange(-190, 190, pixel), indexing="ij"
    )
    r = (x / 170) ** 2 + (y / 116) ** 2
    hu = np.full(z.shape, -1000.0)
    hu[(y > 120) & (y < 124)] = -300
    hu[r < 1] = -100
    hu[r < 0.8] = 45
    phase = (z / period) % 1.0
    body = (x / 24) ** 2 + ((y - 50) / 18) ** 2 < 1
    hu[body] = np.where(phase[body] < 0.74, 220, 80)
    hu[body & (np.abs(phase - 0.74) < 0.05)] = 420
    hu[(np.abs(x) < 8) & (y > 78) & (y < 100) & (phase < 0.5)] = 380
    if lungs:
        hu[(z > 0.68 * tall) & (((np.abs(x) - 75) / 55) ** 2 + (y / 75) ** 2 < 1)] = -820
    noise = np.random.default_rng(seed).normal(0, 12, hu.shape)
    return np.clip(hu + noise, -1024, 3071).astype(np.int16)


def trunk_image(
    hu: np.ndarray, step: float = 3.0, pixel: float = 4.0, origin: tuple[float, ...] = (-190, -130, 50)
) -> sitk.Image:
    """The trunk as an image, axes along LPS."""
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing((pixel, pixel, step))
    image.SetOrigin((-190, -130, 50))
    return image
