"""The input volumes of a segmentation: what is wrong with them, and their snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from . import wording
from .grids import NodeGrid


@dataclass
class Inputs:
    """Volumes as they were when the run was asked for; ``snapshots`` are let go once they are written."""

    reference: str
    grid: NodeGrid
    nodeIds: dict[str, str]
    snapshots: dict[str, Any]

    def write(self, folder: Path) -> dict[str, str]:
        """Write all images (any thread): {role: file}."""
        from . import exchange

        files = {}
        for role in list(self.snapshots):
            file = Path(folder) / f"{role}.nrrd"
            exchange.writeImage(self.snapshots.pop(role), file)
            files[role] = str(file)
        return files


def takeInputs(volumes: Mapping[str, Any], roles: Sequence[str], reference: str) -> Inputs:
    """Copy the voxels and grids of the volumes (main thread, quick)."""
    from . import exchange

    return Inputs(
        reference,
        NodeGrid.of(volumes[reference]),
        {role: volumes[role].GetID() for role in roles},
        {role: exchange.snapshot(volumes[role]) for role in roles},
    )


def whyNotUsable(volumes: Mapping[str, Any], roles: Sequence[str], unconfirmed: Sequence[str] = ()) -> str | None:
    """A plain sentence about the first volume that is lacking or cannot be used, else None."""
    lacking = [wording.roleName(role) for role in roles if volumes.get(role) is None]
    if lacking:
        return _("Choose the image for {roles}.").format(roles=", ".join(lacking))
    owners: dict[str, str] = {}
    for role in roles:
        node = volumes[role]
        other = owners.setdefault(node.GetID(), role)
        if other != role:
            return _("{volume} is chosen for both {one} and {other}; choose another volume for one of them.").format(
                volume=node.GetName(), one=wording.roleName(other), other=wording.roleName(role)
            )
        problem = _whyNot(node)
        if problem is not None:
            return problem
    for role in roles:
        if role in unconfirmed:
            return _("Confirm that {volume} is the {role} image, or choose another.").format(
                volume=volumes[role].GetName(), role=wording.roleName(role)
            )
    return None


def _whyNot(node: Any) -> str | None:
    from TransferSegLib.errors import TransferSegError

    from . import geometry

    name = node.GetName()
    image = node.GetImageData()
    if image is None or 0 in image.GetDimensions():
        return _("{volume} holds no image; load it again or choose another.").format(volume=name)
    if min(image.GetDimensions()) < 2:
        return _("{volume} is a single slice; choose a volume of several slices.").format(volume=name)
    if image.GetNumberOfScalarComponents() != 1:
        return _("{volume} is a colour image; choose a grey-level volume.").format(volume=name)
    try:
        geometry.worldIjkToRas(node)
    except TransferSegError as error:
        return error.message
    return None
