"""Grids whose voxel indices do not start at 0: results and truths lie where Slicer shows the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from helpers_logic import OBLIQUE, addCase, addTransform, segmentAtOnce, someLabels

GEOMETRY: dict[str, Any] = {"directions": OBLIQUE, "spacing": (0.9, 1.1, 2.3), "origin": (11.5, -7.25, 3.0)}
FIRST = (3, -5, 12)


def shiftedCase(scene: Any, **more: Any) -> dict[str, Any]:
    """A small case whose voxel indices start at ``FIRST``, as a cropping filter leaves it."""
    volumes = addCase(scene, **GEOMETRY, **more)
    for node in volumes.values():
        image = node.GetImageData()
        image.SetExtent(*(bound for first in FIRST for bound in (first, first + 39)))
        assert image.GetPointData().GetScalars().GetNumberOfTuples() == 40**3
    return volumes


def firstVoxel(volumeNode: Any) -> np.ndarray:
    """Where the first voxel of the array lies, in RAS."""
    from TransferSegGUI.geometry import worldIjkToRas

    return worldIjkToRas(volumeNode)[:3, 3]


def draw(node: Any, labels: np.ndarray, volumeNode: Any) -> None:
    """A segment in the image's own indices, as the Segment Editor makes it."""
    import slicer
    from vtk.util.numpy_support import numpy_to_vtk

    image = slicer.vtkSlicerSegmentationsModuleLogic.CreateOrientedImageDataFromVolumeNode(volumeNode)
    image.UnRegister(None)
    image.GetPointData().SetScalars(numpy_to_vtk(labels.reshape(-1), deep=True))
    assert image.GetExtent()[::2] == FIRST
    node.GetSegmentation().AddEmptySegment("lesion", "lesion")
    kept = slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, node, "lesion")
    assert kept and node.GetBinaryLabelmapInternalRepresentation("lesion").GetExtent()[0] >= FIRST[0]


def test_results_lie_on_an_image_whose_indices_start_elsewhere(stepped: Any, scene: Any) -> None:
    import vtk

    volumes = shiftedCase(scene, transform=addTransform(scene))
    result = segmentAtOnce(stepped, volumes, someLabels(1), uncertainty=True, showPreparation=True)
    wanted = firstVoxel(volumes["flair"])
    made = [result.uncertaintyNode, *(n for n in result.preparationNodes if n.IsA("vtkMRMLVolumeNode"))]
    assert len(made) == 4
    for node in made:
        assert np.allclose(firstVoxel(node), wanted, atol=1e-6), node.GetName()
    segmentation = result.segmentationNode.GetSegmentation()
    image = result.segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentation.GetSegmentIDs()[0])
    matrix, toWorld = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    result.segmentationNode.GetParentTransformNode().GetMatrixTransformToWorld(toWorld)
    first = toWorld.MultiplyPoint(matrix.MultiplyPoint((*image.GetExtent()[::2], 1.0)))[:3]
    assert np.allclose(first, wanted, atol=1e-6)


def test_an_unedited_result_on_it_is_taken_back_and_an_edited_one_kept(stepped: Any, scene: Any) -> None:
    import slicer
    from TransferSegGUI.history import isEdited

    volumes = shiftedCase(scene)
    node = segmentAtOnce(stepped, volumes, someLabels(1)).segmentationNode
    assert not isEdited(node)
    drawn = someLabels(1)
    drawn[30:33, 30:33, 30:33] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, node, "tumour", volumes["flair"])
    assert isEdited(node)


def test_the_truth_of_a_case_on_it_is_exact(stepped: Any, scene: Any) -> None:
    """Drawn by the user in the image's own indices, and exported voxel for voxel in the same place."""
    from TransferSegGUI.geometry import ijkToLps, worldIjkToRas
    from TransferSegGUI.grids import NodeGrid
    from TransferSegGUI.truths import labelArray

    volumes = shiftedCase(scene)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "drawn")
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumes["flair"])
    drawn = someLabels(1)
    draw(node, drawn, volumes["flair"])
    grid = NodeGrid.of(volumes["flair"])
    assert np.array_equal(labelArray(node, {"lesion": 1}, grid), drawn)
    kept = NodeGrid.ofSegmentation(node)
    assert np.allclose(kept.origin, grid.origin, atol=1e-4) and kept.shape == grid.shape
    ours = np.array([[grid.ijkToRas().GetElement(row, column) for column in range(4)] for row in range(4)])
    assert np.allclose(ijkToLps(ours), ijkToLps(worldIjkToRas(volumes["flair"])))
