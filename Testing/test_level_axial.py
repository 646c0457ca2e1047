"""A slice for the doctor's eye and back to the scan's grid, whatever the orientation."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.errors import InputError
from TransferSegLib.imaging import Grid
from TransferSegLib.level.axial import axial_slice

ORIENTATIONS = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]  # fmt: skip


def scan_with(order, signs, tilt=0.0):
    """A scan whose image axis ``a`` runs along patient axis ``order[a]``; each voxel holds its LPS y * 1000 + x."""
    matrix = np.zeros((3, 3))
    for axis, (along, sign) in enumerate(zip(order, signs)):
        matrix[along, axis] = sign
    if tilt:
        c, s = np.cos(tilt), np.sin(tilt)
        matrix = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ matrix
    size = [(7, 6, 5)[along] for along in order]
    spacing = [(0.7, 0.9, 3.0)[along] for along in order]
    image = sitk.Image(size, sitk.sitkFloat32)
    image.SetSpacing(spacing)
    image.SetDirection(matrix.ravel().tolist())
    image.SetOrigin((11.0, -40.0, 300.0))
    values = np.zeros(size[::-1], np.float32)
    for index in np.ndindex(*size):
        x, y, _ = image.TransformIndexToPhysicalPoint(tuple(int(i) for i in index))
        values[index[::-1]] = y * 1000 + x
    filled = sitk.GetImageFromArray(values)
    filled.CopyInformation(image)
    return SimpleNamespace(image=filled, axis=list(order).index(2))


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_every_orientation_is_shown_alike_and_comes_back(order, signs):
    scan = scan_with(order, signs)
    shown = axial_slice(scan, 3)
    assert shown.hu.shape == (6, 7) and shown.spacing == (0.9, 0.7) and shown.hu.dtype == np.float32
    y, x = np.round(shown.hu / 1000), shown.hu - 1000 * np.round(shown.hu / 1000)
    rows = shown.hu[:, 0]
    assert (np.diff(rows) > 0).all(), "row 0 is anterior"
    assert (np.diff(shown.hu[0]) > 0).all(), "column 0 is the patient's right"
    assert y.shape == x.shape
    labels = np.random.default_rng(0).integers(0, 5, (6, 7)).astype(np.uint8)
    image = shown.put_back(labels)
    assert Grid.of(image).same_as(Grid.of(scan.image)) and image.GetPixelID() == sitk.sitkUInt8
    assert np.count_nonzero(sitk.GetArrayFromImage(image)) == np.count_nonzero(labels)
    again = axial_slice(SimpleNamespace(image=image, axis=scan.axis), 3)
    assert np.array_equal(again.hu, labels)


def test_an_oblique_scan_is_shown_along_its_nearest_axes():
    shown = axial_slice(scan_with((1, 0, 2), (1.0, -1.0, 1.0), tilt=0.3), 0)
    assert shown.hu.shape == (6, 7) and shown.hu[-1, 3] > shown.hu[0, 3]


def test_what_cannot_be_shown_or_put_back_is_refused():
    scan = scan_with((0, 1, 2), (1.0, 1.0, 1.0))
    with pytest.raises(InputError, match="slices 0 to 4"):
        axial_slice(scan, 5)
    shown = axial_slice(scan, 0)
    with pytest.raises(InputError, match="the slice has"):
        shown.put_back(np.zeros((7, 6), np.uint8))
    with pytest.raises(InputError, match="0 to 255"):
        shown.put_back(np.full((6, 7), -1))
