"""A small PET and CT in the scene, and a worker in this process that really does what the PET/CT panel asks."""

from __future__ import annotations

from typing import Any

import numpy as np
from helpers_logic import StepClient, addVolume
from helpers_tmtv import SPACING, spots

ORIGIN = (30.0, 40.0, -20.0)
VOLUMES = (1.6, 0.96, 0.02)
"""ml of the three spots of SUV 9, 6 and 5."""
CT_SPACING = (4.0, 4.0, 3.0)


class InProcessClient(StepClient):
    """Does each request as the worker would: its arguments through the same parser, the job itself in this process."""

    def pump(self) -> None:
        super().pump()
        for job in [job for job in self.jobs if not job.finished]:
            self.do(job)

    def do(self, job: Any) -> None:
        """Do a request now."""
        from TransferSegLib.cli.main import build_parser
        from TransferSegLib.errors import TransferSegError
        from TransferSegLib.events import quiet
        from TransferSegLib.worker import to_arguments

        parser = build_parser(serving=True)
        try:
            args = parser.parse_args(to_arguments(parser, job.verb, job.args))
            value = args.run(args, quiet(None))
        except TransferSegError as error:
            job.end("failed", error=error)
        else:
            job.end(result=value)


def addPet(scene: Any, name: str = "PET", *, suv: bool = True, factor: float = 1.0, **geometry: Any) -> Any:
    """Three spots on SUV 0.6; ``suv`` notes the unit on the node, ``factor`` multiplies the values."""
    node = addVolume(
        scene, name, (spots()[0] * np.float32(factor)), **{"spacing": SPACING, "origin": ORIGIN, **geometry}
    )
    if suv:
        from TransferSegGUI.pet_units import stateSuv

        stateSuv(node)
    return node


def addCt(scene: Any, name: str = "CT", **geometry: Any) -> Any:
    """Soft tissue in air, on a grid of its own around that of the PET."""
    array = np.full((22, 20, 22), -1000, np.int16)
    array[2:-2, 2:-2, 2:-2] = 40
    return addVolume(scene, name, array, **{"spacing": CT_SPACING, "origin": (40.0, 45.0, -28.0), **geometry})


def centres() -> list[tuple[float, float, float]]:
    """Voxel i, j, k in the middle of each spot."""
    return [tuple((axis.start + axis.stop - 1) / 2 for axis in box[::-1]) for box in spots()[1]]


def viewsAt(point: Any, tolerance: float = 0.6) -> bool:
    """Whether all slice views stand on a point (RAS)."""
    import slicer

    for view in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        matrix = view.GetSliceToRAS()
        normal = np.array([matrix.GetElement(row, 2) for row in range(3)])
        centre = np.array([matrix.GetElement(row, 3) for row in range(3)])
        if abs((np.array(point) - centre) @ normal) > tolerance:
            return False
    return True
