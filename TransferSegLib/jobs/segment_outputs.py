"""What a segmentation leaves on disk: label map, and on request uncertainty, brain mask, picture, aligned images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from ..cases import Case, looks_like_truth
from ..errors import UsageError
from ..events import Events
from ..imaging import check_writable, image_stem, write_image, write_label_picture
from ..packages import Card
from ..preparing import aligned_image, restore_labels
from ..reporting import save_overlay
from .predict import Segmented

PICTURES = (".png", ".pdf", ".svg", ".jpg")


@dataclass(frozen=True)
class Outputs:
    """Files to write; None is not wanted. ``prepared`` is a folder, ``compress`` holds for .nrrd and .mha."""

    labels: Path
    uncertainty: Path | None
    brain_mask: Path | None
    picture: Path | None
    prepared: Path | None
    compress: bool

    @staticmethod
    def of(labels: str | Path, *, compress: bool, **others: str | Path | None) -> Outputs:
        """From paths as the user gives them."""
        paths = {name: None if path is None else Path(path) for name, path in others.items()}
        return Outputs(Path(labels), compress=compress, **paths)

    def named(self) -> dict[str, str | None]:
        """The files by what they are, as the result lists them."""
        found = {"output": self.labels, "uncertainty": self.uncertainty}
        found |= {"brain_mask": self.brain_mask, "picture": self.picture}
        return {name: None if path is None else str(path) for name, path in found.items()}

    def check_writable(self, *, of_picture: bool = False) -> None:
        """Refuse outputs that cannot be written, or two of the same name, before any work.

        Labels ``of_picture`` may be a PNG.
        """
        images = [path for path in (self.labels, self.uncertainty, self.brain_mask) if path is not None]
        given = [path.absolute() for path in (*images, self.picture, self.prepared) if path is not None]
        if len(set(given)) < len(given):
            raise UsageError(f"{given[-1]}: named for two outputs; give each a name of its own")
        for path in images:
            if of_picture and path == self.labels and path.suffix.lower() == ".png":
                storage.check_writable(path)
            else:
                check_writable(path)
        if self.picture is not None:
            check_picture(self.picture)
        if self.prepared is not None:
            storage.check_writable(self.prepared / "x")

    def check_inputs(self, subject: Case, folder: str | Path | None) -> None:
        """Refuse an output that is one of the case's images, or would be taken for an image or its truth later."""
        inputs = {path.resolve() for path in subject.images.values()}
        case = None if folder is None else Path(folder).resolve()
        for path in (self.labels, self.uncertainty, self.brain_mask, self.picture):
            if path is None:
                continue
            if path.resolve() in inputs:
                raise UsageError(f"{path}: is one of the case's images; name another output")
            if case is not None and path.resolve().parent == case and looks_like_truth(image_stem(path)):
                raise UsageError(
                    f"{path}: would be taken for the case's truth there; write it elsewhere, "
                    "or name it without seg, label, mask, truth and gt"
                )
        if self.prepared is not None:
            place = self.prepared.resolve()
            among = case is not None and (case == place or case in place.parents)
            if among or any(file.parent == place for file in inputs):
                raise UsageError(f"--write-prepared {self.prepared}: lies among the case's images; name another folder")

    def write(self, result: Segmented, subject: Case, card: Card, events: Events) -> dict[str, str] | None:
        """Write all that is wanted; the aligned images by role, None where they are not."""
        if self.labels.suffix.lower() == ".png":
            write_label_picture(result.labels, self.labels)
        else:
            write_image(result.labels, self.labels, compress=self.compress)
        if self.brain_mask is not None:
            mask = restore_labels(result.prepared.mask.astype(np.uint8), result.prepared)
            write_image(mask, self.brain_mask, compress=self.compress)
        if self.uncertainty is not None and result.entropy is not None:
            write_image(result.entropy, self.uncertainty, compress=self.compress)
        if self.picture is not None:
            events.check()
            image = result.loaded.images[card.reference]
            save_overlay(self.picture, image, result.labels, **picture_options(subject, card))
        return None if self.prepared is None else self._write_aligned(result, card, events)

    def _write_aligned(self, result: Segmented, card: Card, events: Events) -> dict[str, str]:
        files = {}
        for role in card.roles:
            events.check()
            path = self.prepared / f"{role}.nrrd"
            image = aligned_image(result.loaded.images[role], role, result.prepared)
            write_image(image, path, compress=False)
            files[role] = str(path)
        return files


def check_picture(path: str | Path) -> None:
    """Refuse a picture of an unknown kind or in a folder that cannot be written."""
    if Path(path).suffix.lower() not in PICTURES:
        raise UsageError(f"--picture {path}: end it in one of {', '.join(PICTURES)}")
    storage.check_writable(path)


def picture_options(case: Case, card: Card, *, note: str = "") -> dict[str, Any]:
    """Names, colours and title of a case's picture."""
    return {
        "names": card.label_names(),
        "colours": {label.value: label.colour for label in card.labels},
        "title": f"{case.id}: {card.name}{note}",
    }
