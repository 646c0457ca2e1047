"""Case: one patient visit, its image of each role and, where known, its truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError, UsageError
from ..imaging import image_stem, picture_suffix
from .patients import dicom_ids, patient_of

ROLES = ("flair", "t1", "t1gd", "t2", "ct", "pet", "rgb", "grey")
# What a picture (PNG, JPEG, TIFF, BMP) is for a model: its colours, or its luminance.
PICTURE_ROLES = ("rgb", "grey")


@dataclass(frozen=True)
class Case:
    """What belongs together and is segmented as one.

    Parameters
    ----------
    id : str
        Name of the case, unique in its data set.
    patient : str
        Whose case it is: cases of one patient are never split. Not shown in messages or logs.
    images : dict of role to path
        A file, a DICOM series folder, or one DICOM file that stands for its series.
    truth : path, optional
        The label map.
    class_name : str, optional
        What the whole image shows, where the data set says so (EBHI-Seg).
    ignored : tuple of str
        Names of the files that were not used.
    doubtful : dict of role to str
        Roles whose file was guessed on weak evidence, with the reason.
    channels : dict of role to int
        For a role kept in a 4-D file (Decathlon): which volume of it.
    """

    id: str
    patient: str = field(repr=False)
    images: dict[str, Path]
    truth: Path | None = None
    ignored: tuple[str, ...] = ()
    doubtful: dict[str, str] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)
    class_name: str | None = None

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that have an image, in the standard order."""
        return tuple(role for role in ROLES if role in self.images)


def case_from_files(
    images: Mapping[str, str | Path],
    *,
    truth: str | Path | None = None,
    id: str | None = None,
    patient: str | None = None,
) -> Case:
    """A case of files that the user named one by one (``--image ROLE=FILE``).

    Raises
    ------
    InputError
        No image, a missing file, or one file for two roles.
    UsageError
        An unknown role.
    """
    paths = {check_role(role): Path(path) for role, path in images.items()}
    if not paths:
        raise InputError("no image given; say --image ROLE=FILE")
    owners: dict[Path, str] = {}
    for role, path in paths.items():
        if not path.exists():
            raise InputError(f"{path}: no such file for role {role}; check the path")
        other = owners.setdefault(path.resolve(), role)
        if other != role:
            raise InputError(f"{path}: given for both {other} and {role}; give each role its own file")
    if truth is not None and not Path(truth).exists():
        raise InputError(f"{truth}: no such file for the truth; check the path")
    first = next(iter(paths.values()))
    near = image_stem(first) if picture_suffix(first) else first.absolute().parent.name
    name = id or (first.name if first.is_dir() else near) or image_stem(first)
    return Case(
        id=name,
        patient=patient or patient_of(name, dicom_ids(paths.values())),
        images=paths,
        truth=None if truth is None else Path(truth),
    )


def check_role(role: str) -> str:
    """The role in lower case; ``UsageError`` that lists the roles when it is none."""
    if role.lower() not in ROLES:
        raise UsageError(f"role {role!r}: unknown; choose one of {', '.join(ROLES)}")
    return role.lower()


def of_pictures(roles: Sequence[str]) -> bool:
    """Whether any of the roles is a picture's."""
    return any(role in PICTURE_ROLES for role in roles)


def default_reference(roles: Sequence[str]) -> str:
    """The role whose grid leads when the card does not say: pet beside ct, else the first."""
    return "pet" if "pet" in roles else roles[0]
