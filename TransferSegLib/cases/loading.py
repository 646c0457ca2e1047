"""Reading a case: its images on their own grids, checked against its reference."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError
from ..events import Events, quiet
from ..imaging import (
    FRAME_KEY,
    Grid,
    PetInfo,
    overlap_fraction,
    picture_suffix,
    read_image,
    read_pet,
    read_picture,
    resample,
    told_by_file,
)
from .case import PICTURE_ROLES, Case, check_role, default_reference
from .patients import patient_of_dicom
from .truths import truth_values

# Sequences of one visit that share less than this of the smaller field of view are not of one place.
_LEAST_OVERLAP = 0.05
# Headers written by different programs round; a tenth of a voxel moves no label.
_SAME_GRID = 0.1


@dataclass(frozen=True)
class LoadedCase:
    """A case in memory. Images keep their own grids; ``truth`` (uint8) lies on ``reference``.

    A PET is in SUVbw (g/ml); ``pet`` says what its unit was and who stated it. A picture has one slice; in the role
    ``rgb`` it has three components.
    """

    case: Case
    images: dict[str, sitk.Image]
    reference: Grid
    reference_role: str
    truth: sitk.Image | None = None
    pet: PetInfo | None = None


def load_case(
    case: Case,
    *,
    reference_role: str | None = None,
    roles: Sequence[str] | None = None,
    events: Events | None = None,
    with_truth: bool = False,
    allow_different_frames: bool = False,
    pet_unit: str | None = None,
) -> LoadedCase:
    """Read the images of a case, two at a time.

    Parameters
    ----------
    case : Case
    reference_role : role, optional
        Whose grid leads; default pet for PET/CT, else the first role.
    roles : sequence of role, optional
        The roles needed; default all that the case has.
    with_truth : bool
        Read the truth too (when the case has one).
    allow_different_frames : bool
        Accept DICOM series of different frames of reference: they will be registered.
    pet_unit : {"suv", "bqml"}, optional
        The unit of the PET as the user states it, where the file does not (``--pet-unit``).

    Raises
    ------
    InputError
        A missing role, whatever ``read_image`` and ``read_pet`` refuse (a PET of unknown unit), no overlap in
        space, different frames of reference, two patients, a truth on another grid.
    """
    roles = [check_role(role) for role in roles] if roles else list(case.roles)
    reference_role = check_role(reference_role or default_reference(roles))
    for role in dict.fromkeys([*roles, reference_role]):
        if role not in case.images:
            raise InputError(f"{case.id}: no image for role {role}; say --image {role}=FILE")
    if reference_role not in roles:
        roles = [*roles, reference_role]
    for role in roles:
        _check_kind(role, case.images[role])
    jobs = [(case.images[role], role, case.channels.get(role)) for role in roles]
    if with_truth and case.truth is not None:
        jobs.append((case.truth, "truth", None))
    infos: list[PetInfo] = []
    _check_patients(case, roles)
    read = _read_all(jobs, quiet(events), pet_unit, infos)
    images = dict(zip(roles, read))
    reference = Grid.of(images[reference_role])
    check_together(case, images, reference_role, allow_different_frames=allow_different_frames, events=events)
    truth = None
    if with_truth and case.truth is not None:
        truth = labels_on(read[-1], reference, case.truth, case.images[reference_role])
    return LoadedCase(case, images, reference, reference_role, truth, infos[0] if infos else None)


def _read_all(
    jobs: list[tuple[Path, str, int | None]],
    events: Events,
    pet_unit: str | None,
    infos: list[PetInfo],
) -> list[sitk.Image]:
    """The images and the truth, in the order of the jobs (path, role or ``truth``, volume of a 4-D file).

    What is known of the PET is added to ``infos``.
    """

    def read(job: tuple[Path, str, int | None]) -> sitk.Image:
        events.check()
        path, what, channel = job
        if what in PICTURE_ROLES:
            return read_picture(path, grey=what == "grey")
        if what != "pet":
            return read_image(path, what="truth" if what == "truth" else "image", channel=channel)
        if channel is not None:
            raise InputError(f"{path}: a PET in a 4-D file; give it as a file of its own, with its unit")
        try:
            found = read_pet(path, unit=pet_unit)
        except InputError as error:
            raise told_by_file(error, path) from error
        infos.append(found.info)
        return found.image

    images = []
    with ThreadPoolExecutor(2) as pool:
        events.progress("reading the images", 0, len(jobs))
        for image in pool.map(read, jobs):
            images.append(image)
            events.progress("reading the images", len(images), len(jobs))
    return images


def _check_kind(role: str, path: Path) -> None:
    """Refuse a picture for a volume's role, and the other way round."""
    picture = picture_suffix(path) is not None
    if picture and role not in PICTURE_ROLES:
        raise InputError(f"{path}: is a picture, {role} needs a volume; give .nii.gz, .nrrd, .mha or a DICOM series")
    if not picture and role in PICTURE_ROLES:
        raise InputError(f"{path}: the role {role} needs a picture; give PNG, JPEG, TIFF or BMP of 8 bits a channel")


def _check_patients(case: Case, roles: Sequence[str]) -> None:
    """Refuse DICOM series of different patients; no name or number of theirs is said."""
    owners: dict[str, Path] = {}
    for role in dict.fromkeys(roles):
        path = case.images[role]
        owner = patient_of_dicom(path)
        if owner is not None:
            owners.setdefault(owner, path)
    if len(owners) > 1:
        first, second = list(owners.values())[:2]
        raise InputError(f"{second}: is of another patient than {first}; give images of one examination")


def check_together(
    case: Case,
    images: dict[str, sitk.Image],
    reference_role: str,
    *,
    allow_different_frames: bool = False,
    events: Events | None = None,
) -> None:
    """Raise ``InputError`` where the images of a case share neither a frame of reference nor a place."""
    events = quiet(events)
    reference = images[reference_role]
    for role, image in images.items():
        if role == reference_role:
            continue
        path, leader = case.images[role], case.images[reference_role]
        if _different_frames(image, reference):
            if {role, reference_role} == {"ct", "pet"}:
                raise InputError(
                    f"{path}: another DICOM frame of reference than {leader}; give PET and CT of one examination"
                )
            if not allow_different_frames:
                raise InputError(
                    f"{path}: another DICOM frame of reference than {leader}; let them be registered (--register on)"
                )
            continue
        shared = overlap_fraction(Grid.of(image), Grid.of(reference))
        if shared < _LEAST_OVERLAP:
            raise InputError(
                f"{path}: does not overlap in space with {leader} ({100 * shared:.0f} % shared); "
                "give images of one visit, or register them first"
            )
        if shared < 0.5:
            events.say(f"{path.name} shares only {100 * shared:.0f} % of its field of view with {leader.name}")


def _different_frames(a: sitk.Image, b: sitk.Image) -> bool:
    frames = [image.GetMetaData(FRAME_KEY) if image.HasMetaDataKey(FRAME_KEY) else "" for image in (a, b)]
    return all(frames) and frames[0] != frames[1]


_ANOTHER_GRID = "resample the truth to the reference image, or choose its image with --reference"


def labels_on(truth: sitk.Image, reference: Grid, path: Path, leader: Path, *, hint: str = _ANOTHER_GRID) -> sitk.Image:
    """A label map as uint8 on the reference grid, when it is that grid (axes may be in another order).

    ``path`` and ``leader`` are how the ``InputError`` names the two files.
    """
    values = truth_values(truth)
    if values[0] < 0 or values[-1] > 255:
        raise InputError(f"{path}: not a label map, it holds values from {values[0]} to {values[-1]}; use 0 to 255")
    grid = Grid.of(truth)
    if picture_suffix(leader) is not None and grid.size != reference.size:
        raise InputError(
            f"{path}: a mask of {grid.size[0]} x {grid.size[1]} pixels, its picture {leader.name} has "
            f"{reference.size[0]} x {reference.size[1]}; give the mask of this picture"
        )
    if not grid.reoriented().same_as(reference.reoriented(), _SAME_GRID):
        raise InputError(f"{path}: its grid ({_words(grid)}) is not that of {leader} ({_words(reference)}); {hint}")
    truth = sitk.Cast(truth, sitk.sitkUInt8)
    if not grid.same_as(reference, _SAME_GRID):
        truth = resample(truth, reference, interpolation="nearest")
    return reference.put_on(truth)


def _words(grid: Grid) -> str:
    size = "x".join(str(n) for n in grid.size)
    return (
        f"{size} voxels of {'x'.join(f'{s:g}' for s in grid.spacing)} mm at {tuple(round(v, 1) for v in grid.origin)}"
    )
