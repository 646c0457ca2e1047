"""The MNI152 template that nilearn carries, and a brain mask drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..errors import DependencyError
from ..imaging import Grid, from_array
from .stripping import fill_holes


@dataclass(frozen=True)
class Template:
    """ICBM 152 (2009a, symmetric, 1 mm) T1 without skull: ``brain`` and ``around`` (its wider surroundings) are
    bool (k, j, i) on ``grid``, LPS axes."""

    image: sitk.Image
    brain: np.ndarray
    around: np.ndarray
    grid: Grid


@lru_cache(maxsize=1)
def load_template() -> Template:
    """The template from nilearn's own package files; nothing is downloaded.

    Raises
    ------
    DependencyError
        When nilearn is not installed.
    """
    try:
        from nilearn.datasets import load_mni152_template
    except ImportError as error:
        raise DependencyError(
            "atlas: the MNI152 template comes with nilearn, which is not installed; pip install 'transferseg[atlas]'"
        ) from error
    nifti = load_mni152_template(resolution=1)
    values = np.asarray(nifti.dataobj, dtype=np.float32)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ nifti.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    native = Grid(values.shape, tuple(spacing), tuple(affine[:3, 3]), tuple((affine[:3, :3] / spacing).ravel()))
    image = sitk.DICOMOrient(from_array(np.ascontiguousarray(values.T), native), "LPS")
    array = sitk.GetArrayViewFromImage(image)
    brain = fill_holes(array > 0)
    # The surroundings let dark bone and fluid outside the brain count, but not the scalp.
    around = ndimage.distance_transform_edt(~brain) <= 6.0
    return Template(image, brain, around, Grid.of(image))
