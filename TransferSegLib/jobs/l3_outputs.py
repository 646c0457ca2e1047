"""What l3 leaves on disk on request: the picture, the plain projection, and the slice's label map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from .. import storage
from ..errors import UsageError
from ..imaging import check_writable, write_image
from .segment_outputs import check_picture

if TYPE_CHECKING:
    from ..preparing.projection import Projection


@dataclass(frozen=True)
class L3Outputs:
    """Files to write; None is not wanted. ``compress`` holds for .nrrd and .mha."""

    picture: Path | None
    projection: Path | None
    composition: Path | None
    compress: bool

    @staticmethod
    def of(*, compress: bool, **paths: str | Path | None) -> L3Outputs:
        """From paths as the user gives them."""
        return L3Outputs(
            compress=compress, **{name: None if path is None else Path(path) for name, path in paths.items()}
        )

    def check(self, scan: str | Path, truth: str | Path | float | None = None) -> None:
        """Refuse, before any work, what cannot be written, is named twice, or is the scan or the truth itself."""
        given = [path for path in (self.picture, self.projection, self.composition) if path is not None]
        if len({path.absolute() for path in given}) < len(given):
            raise UsageError(f"{given[-1]}: named for two outputs; give each a name of its own")
        source = Path(scan).resolve()
        for path in given:
            if path.resolve() == source or source in path.resolve().parents:
                raise UsageError(f"{path}: is the CT, or lies in its folder; name another output")
            if truth is not None and path.resolve() == Path(str(truth).strip()).resolve():
                raise UsageError(f"{path}: is the truth; name another output")
        if self.picture is not None:
            check_picture(self.picture)
        if self.projection is not None:
            if self.projection.suffix.lower() != ".png":
                raise UsageError(f"--projection {self.projection}: end it in .png")
            storage.check_writable(self.projection)
        if self.composition is not None:
            check_writable(self.composition)

    def write_projection(self, projection: Projection) -> dict[str, Any] | None:
        """The first view as a grey PNG, a pixel a row and column; what places it, or None where it is not wanted."""
        if self.projection is None:
            return None
        from PIL import Image

        grey = np.round(255 * np.clip(projection.pixels[0], 0, 1)).astype(np.uint8)
        with storage.writing(self.projection) as temporary:
            Image.fromarray(grey).save(temporary, format="PNG")
        spec = projection.spec
        first = projection.centres[0] - (spec.width - 1) / 2 * spec.row_mm if projection.centres else None
        return {
            "file": str(self.projection),
            "view": spec.views[0],
            "rows": grey.shape[0],
            "width": grey.shape[1],
            "row_mm": spec.row_mm,
            "first_mm": round(projection.mm_of_row(0), 3),
            "left_mm": None if first is None else round(first, 3),
        }

    def write_composition(self, image: sitk.Image) -> str | None:
        """The label map on the scan's grid; None where it is not wanted."""
        if self.composition is None:
            return None
        write_image(image, self.composition, compress=self.compress)
        return str(self.composition)
