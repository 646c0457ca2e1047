"""Images from Slicer's nodes to files and back: exact geometry, all number types, refusals by name."""

from __future__ import annotations

import time

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.errors import InputError
from TransferSegLib.imaging import read_image

pytest.importorskip("vtk")
import vtk
from TransferSegGUI import exchange
from TransferSegGUI.geometry import ijkToLps, lpsToRas, worldIjkToRas

SHAPE = (4, 5, 6)
DTYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]


def rotation(seed=0):
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * np.sign(np.linalg.det(matrix))


GEOMETRIES = {
    "upright": np.diag([1.0, 1.0, 1.0]),
    "anisotropic": np.diag([0.9375, 0.9375, 3.3000000000000003]),
    "as most scanners": np.diag([-0.7, -0.7, 1.2]),
    "left-handed": np.diag([0.8, -0.9, -1.1]) @ np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]]),
    "mirrored": np.diag([-1.0, 1.0, 1.0]),
    "oblique": rotation(1) * [0.5, 0.75, 4 / 3],
    "oblique left-handed": rotation(2) * [0.5, 0.75, -4 / 3],
}


def ras(steps, origin=(-12.3456789012345, 98.7, -1 / 3)):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = steps, origin
    return matrix


def volume(scene, array, matrix=None, kind="vtkMRMLScalarVolumeNode", name="patient MRI"):
    import slicer

    node = scene.AddNewNodeByClass(kind, name)
    if array.dtype == np.int64:  # updateVolumeFromArray cannot make these; readers can
        from vtk.util.numpy_support import numpy_to_vtk

        image = vtk.vtkImageData()
        image.SetDimensions(array.shape[::-1])
        image.GetPointData().SetScalars(numpy_to_vtk(array.ravel(), deep=True, array_type=vtk.VTK_LONG_LONG))
        node.SetAndObserveImageData(image)
    else:
        slicer.util.updateVolumeFromArray(node, array)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(np.eye(4) if matrix is None else matrix))
    return node


def noise(dtype=np.float32, shape=SHAPE):
    return (np.random.default_rng(3).normal(size=shape) * 40).astype(dtype)


@pytest.mark.parametrize("steps", GEOMETRIES.values(), ids=GEOMETRIES.keys())
def test_geometry_survives_to_simpleitk_and_back(scene, tmp_path, steps):
    node = volume(scene, noise(), ras(steps))
    taken = exchange.snapshot(node)
    exchange.writeImage(taken, tmp_path / "flair.nrrd")
    image = read_image(tmp_path / "flair.nrrd")  # as the worker reads it
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), noise())
    # Where Slicer shows a voxel is where the library has it, whatever the handedness.
    for i, j, k in ((0, 0, 0), (5, 0, 0), (1, 2, 3), (5, 4, 3)):
        slicer_ras = (ras(steps) @ [i, j, k, 1])[:3]
        lps = image.TransformIndexToPhysicalPoint((i, j, k))
        np.testing.assert_allclose(np.multiply(lps, (-1, -1, 1)), slicer_ras, rtol=1e-14, atol=1e-13)
    assert np.sign(np.linalg.det(np.reshape(image.GetDirection(), (3, 3)))) == np.sign(np.linalg.det(steps))
    # And back: our own writing is exact, SimpleITK's to the rounding of its normalised directions.
    again = exchange.readImage(tmp_path / "flair.nrrd")
    np.testing.assert_array_equal(again.ijkToLps, taken.ijkToLps)
    np.testing.assert_array_equal(again.array, noise())
    sitk.WriteImage(image > 0, str(tmp_path / "labels.nrrd"), useCompression=True)
    labels = exchange.readImage(tmp_path / "labels.nrrd")
    np.testing.assert_allclose(lpsToRas(labels.ijkToLps), ras(steps), rtol=1e-14, atol=1e-13)
    np.testing.assert_array_equal(labels.array, (noise() > 0).astype(np.uint8))
    assert labels.array.flags.writeable and labels.name == "labels"


def test_the_round_trip_is_what_the_library_calls_the_same_grid(scene, tmp_path):
    """A label map written by the library on the grid of a left-handed oblique input lands on the input's voxels."""
    from TransferSegLib.imaging import Grid, from_array, write_image

    steps = GEOMETRIES["oblique left-handed"]
    taken = exchange.snapshot(volume(scene, noise(), ras(steps)))
    exchange.writeImage(taken, tmp_path / "a.nrrd")
    grid = Grid.of(read_image(tmp_path / "a.nrrd"))
    labels = np.zeros(SHAPE, np.uint8)
    labels[3, 1, 4] = 2
    write_image(from_array(labels, grid), tmp_path / "b.nrrd", compress=False)
    result = exchange.readImage(tmp_path / "b.nrrd")
    assert result.array[3, 1, 4] == 2 and result.array.sum() == 2
    assert np.abs(result.ijkToLps - taken.ijkToLps).max() < 1e-13


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
)
def test_all_number_types(scene, tmp_path, dtype):
    array = noise(np.float64).astype(dtype) if dtype[0] != "u" else np.abs(noise(np.float64)).astype(dtype)
    if dtype[0] != "f":
        array[0, 0, :2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    taken = exchange.snapshot(volume(scene, array))
    assert taken.array.dtype == dtype
    exchange.writeImage(taken, tmp_path / "x.nrrd")
    np.testing.assert_array_equal(exchange.readImage(tmp_path / "x.nrrd").array, array)
    image = sitk.ReadImage(str(tmp_path / "x.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), array)
    assert sitk.GetArrayFromImage(image).dtype == dtype


@pytest.mark.parametrize("components", [2, 3, 4])
def test_colour_and_vector_volumes(scene, tmp_path, components):
    for dtype in (np.uint8, np.float32):
        array = np.abs(noise(np.float64, (*SHAPE, components))).astype(dtype)
        taken = exchange.snapshot(volume(scene, array, ras(GEOMETRIES["oblique"]), "vtkMRMLVectorVolumeNode"))
        exchange.writeImage(taken, tmp_path / "rgb.nrrd")
        image = sitk.ReadImage(str(tmp_path / "rgb.nrrd"))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image), array)
        again = exchange.readImage(tmp_path / "rgb.nrrd")
        np.testing.assert_array_equal(again.array, array)
        np.testing.assert_array_equal(again.ijkToLps, taken.ijkToLps)
    with pytest.raises(InputError, match="scalar"):
        read_image(tmp_path / "rgb.nrrd")


@pytest.mark.alone
def test_a_snapshot_is_a_copy_taken_quickly(scene):
    node = volume(scene, np.zeros((155, 240, 240), np.float32))
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        taken = exchange.snapshot(node)
        seconds.append(time.perf_counter() - start)
    print(f"\nsnapshot of 240x240x155 float: {1000 * sorted(seconds)[2]:.0f} ms")
    assert sorted(seconds)[2] < 0.1
    import slicer

    slicer.util.arrayFromVolume(node)[:] = 7
    assert taken.array.max() == 0, "later edits of the node do not reach it"


def linear(scene, matrix, name="Linear", parent=None):
    import slicer

    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    if parent is not None:
        node.SetAndObserveTransformNodeID(parent.GetID())
    return node


def test_linear_transforms_above_the_volume_are_in_its_geometry(scene):
    outer = linear(scene, ras(rotation(5), (1, 2, 3)))
    inner = linear(scene, ras(np.diag([2.0, 1.0, 1.0]), (5, 0, 0)), parent=outer)
    node = volume(scene, noise(), ras(np.diag([-0.7, -0.7, 1.2])))
    node.SetAndObserveTransformNodeID(inner.GetID())
    expected = ras(rotation(5), (1, 2, 3)) @ ras(np.diag([2.0, 1.0, 1.0]), (5, 0, 0)) @ ras(np.diag([-0.7, -0.7, 1.2]))
    np.testing.assert_allclose(worldIjkToRas(node), expected, atol=1e-12)
    np.testing.assert_allclose(exchange.snapshot(node).ijkToLps, ijkToLps(expected), atol=1e-12)
    node.HardenTransform()
    np.testing.assert_allclose(worldIjkToRas(node), expected, atol=1e-10)


def test_what_would_give_a_silent_wrong_result_is_refused_by_name(scene):
    bent = scene.AddNewNodeByClass("vtkMRMLTransformNode", "Warp")
    spline = vtk.vtkThinPlateSplineTransform()
    points = [vtk.vtkPoints(), vtk.vtkPoints()]
    for position in np.random.default_rng(0).normal(size=(6, 3)) * 50:
        points[0].InsertNextPoint(position)
        points[1].InsertNextPoint(position + np.random.default_rng(1).normal(size=3) * 9)
    spline.SetSourceLandmarks(points[0])
    spline.SetTargetLandmarks(points[1])
    spline.SetBasisToR()
    bent.SetAndObserveTransformToParent(spline)
    node = volume(scene, noise(), name="T1 of Mr X")
    node.SetAndObserveTransformNodeID(bent.GetID())
    with pytest.raises(InputError, match=r"T1 of Mr X: .*Warp; harden the transform of T1 of Mr X first"):
        exchange.snapshot(node)
    shear = np.eye(4)
    shear[0, 1] = 0.3
    node.SetAndObserveTransformNodeID(linear(scene, shear).GetID())
    with pytest.raises(InputError, match=r"T1 of Mr X: .*right angles"):
        exchange.snapshot(node)
    with pytest.raises(InputError, match=r"tilted gantry: .*right angles"):
        exchange.snapshot(volume(scene, noise(), shear, name="tilted gantry"))
    with pytest.raises(InputError, match=r"flat: .*voxel size"):
        exchange.snapshot(volume(scene, noise(), np.diag([1.0, 0, 1, 1]), name="flat"))
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing in it")
    with pytest.raises(InputError, match="nothing in it: the volume holds no image"):
        exchange.snapshot(empty)
    empty.SetAndObserveImageData(vtk.vtkImageData())
    with pytest.raises(InputError, match="no image"):
        exchange.snapshot(empty)
    tensors = scene.AddNewNodeByClass("vtkMRMLDiffusionTensorVolumeNode", "DTI")
    image = vtk.vtkImageData()
    image.SetDimensions(3, 3, 3)
    image.AllocateScalars(vtk.VTK_FLOAT, 1)
    tensors.SetAndObserveImageData(image)
    with pytest.raises(InputError, match="DTI: "):
        exchange.snapshot(tensors)


def test_an_extent_that_does_not_start_at_zero(scene):
    node = volume(scene, noise(), ras(np.diag([2.0, 3.0, 4.0]), (0, 0, 0)))
    node.GetImageData().SetExtent(1, 6, 0, 4, 2, 5)
    np.testing.assert_allclose(worldIjkToRas(node)[:3, 3], (2, 0, 8))
