"""The one place where Slicer's RAS and the library's LPS meet. All matrices are 4x4, float64, mm."""

from __future__ import annotations

from typing import Any

import numpy as np

from .translating import _

# Columns this far off a right angle are rounding: what TransferSegLib.imaging accepts too (ITK's own limit).
_SHEAR_LIMIT = 2e-4


def worldIjkToRas(volumeNode: Any) -> np.ndarray:
    """From voxel indices (i, j, k) to where Slicer shows them: the volume's own geometry and all transforms above it.

    Raises
    ------
    InputError
        A transform that is not linear, or a grid that is sheared or singular; the node is named.
    """
    import vtk

    own = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(own)
    matrix = _array(own)
    parent = volumeNode.GetParentTransformNode()
    if parent is not None:
        if not parent.IsTransformToWorldLinear():
            text = _("{name}: it is bent by the transform {transform}; harden the transform of {name} first")
            raise _inputError(text.format(name=volumeNode.GetName(), transform=parent.GetName()))
        toWorld = vtk.vtkMatrix4x4()
        parent.GetMatrixTransformToWorld(toWorld)
        matrix = _array(toWorld) @ matrix
    matrix = matrix @ _firstVoxel(volumeNode.GetImageData())
    _check(matrix, volumeNode.GetName())
    return matrix


def ijkToLps(ijkToRas: np.ndarray) -> np.ndarray:
    """The same mapping into LPS."""
    # Adding 0 turns -0.0 into 0.0: the numbers are written as text.
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(ijkToRas, float) + 0.0


def lpsToRas(ijkToLpsMatrix: np.ndarray) -> np.ndarray:
    """The same mapping back into RAS."""
    return ijkToLps(ijkToLpsMatrix)


def _array(matrix: Any) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def _firstVoxel(image: Any) -> np.ndarray:
    """Where the array's first voxel lies among the indices: VTK lets an extent start anywhere."""
    shift = np.eye(4)
    if image is not None:
        shift[:3, 3] = image.GetExtent()[::2]
    return shift


def _check(matrix: np.ndarray, name: str) -> None:
    steps = matrix[:3, :3]
    lengths = np.linalg.norm(steps, axis=0)
    if not np.isfinite(matrix).all() or (lengths <= 0).any():
        text = _("{name}: its voxel size or position is not usable; load the volume again")
        raise _inputError(text.format(name=name))
    unit = steps / lengths
    if np.abs(unit.T @ unit - np.eye(3)).max() > _SHEAR_LIMIT:
        text = _("{name}: its voxel axes are not at right angles (sheared); resample it with Crop Volume first")
        raise _inputError(text.format(name=name))


def _inputError(text: str) -> Exception:
    from TransferSegLib.errors import InputError

    return InputError(text)
