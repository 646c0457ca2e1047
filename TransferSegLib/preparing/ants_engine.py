"""Rigid registration with ANTsPy, for the shell, when it is installed and asked for."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..errors import DependencyError, InputError
from ..storage import scratch_folder
from .pair import SEED, coarse_image

ANTS_MM = 1.5


def register_with_ants(fixed: sitk.Image, moving: sitk.Image, *, kind: str = "Rigid") -> sitk.AffineTransform:
    """The transform (``kind`` Rigid or Affine) from points of ``fixed`` to points of ``moving``.

    Raises
    ------
    DependencyError
        When ANTsPy is not installed.
    InputError
        When ANTs gives no transform.
    """
    try:
        import ants
    except ImportError as error:
        raise DependencyError(
            "engine ants: ANTsPy is not installed; pip install 'transferseg[ants]', or use the engine simpleitk"
        ) from error
    with scratch_folder("ants") as folder:
        found = ants.registration(
            fixed=_to_ants(ants, fixed),
            moving=_to_ants(ants, moving),
            type_of_transform=kind,
            outprefix=str(folder / "fit"),
            random_seed=SEED,
        )
        files = [name for name in found["fwdtransforms"] if str(name).endswith(".mat")]
        if len(files) != 1:
            raise InputError("engine ants: no transform came back; use the engine simpleitk")
        return sitk.AffineTransform(sitk.ReadTransform(str(files[0])))


def _to_ants(ants, image: sitk.Image):
    image = coarse_image(image, ANTS_MM)
    array = np.ascontiguousarray(sitk.GetArrayFromImage(image).T)
    return ants.from_numpy(
        array,
        origin=image.GetOrigin(),
        spacing=image.GetSpacing(),
        direction=np.array(image.GetDirection()).reshape(3, 3),
    )
