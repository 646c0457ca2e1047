"""The nnU-Net and Decathlon layouts: imagesTr, labelsTr and a dataset.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from ..imaging import image_stem, image_suffix
from .case import Case
from .descriptions import Description
from .finding import visible
from .guessing import channel_number, guess_role
from .patients import fold_session


def channel_roles(
    description: Description, count: int, *, roles: Sequence[str] | None, where: Path, allow_doubtful: bool
) -> tuple[list[str], dict[str, str]]:
    """The role of each of ``count`` channels, and why some are doubtful.

    Raises
    ------
    InputError
        Channels without a known role, or two of one role.
    """
    result: list[str] = []
    doubtful: dict[str, str] = {}
    for number in range(count):
        name = description.channels.get(number, "")
        guess = guess_role(name)
        role, reason = (guess.role, guess.reason if guess.doubtful else "") if guess else (None, "")
        if role is None and roles is not None and len(roles) == count:
            role, reason = roles[number], f"only by its number _{number:04d} in the order of the model's roles"
        if role is None or (reason and not allow_doubtful):
            said = f"called {name!r}" if name else "without a name"
            raise InputError(
                f"{where / 'dataset.json'}: channel {number} is {said}, so its role is not sure; "
                f'write its role, for example "channel_names": {{"{number}": "t1gd"}}'
            )
        if role in result:
            raise InputError(f"{where / 'dataset.json'}: two channels for role {role}; correct channel_names")
        result.append(role)
        if reason:
            doubtful[role] = reason
    return result, doubtful


def nnunet_cases(
    folder: Path, description: Description, *, roles: Sequence[str] | None, allow_doubtful: bool
) -> tuple[list[Case], list[str]]:
    """Cases of imagesTr/ID_0000.ext with labelsTr/ID.ext, and what was ignored."""
    groups: dict[str, dict[int, Path]] = {}
    ignored = _other_folders(folder)
    for path in visible(folder / "imagesTr"):
        number = channel_number(image_stem(path)) if image_suffix(path) else None
        if number is None:
            ignored.append(f"imagesTr/{path.name}")
        else:
            groups.setdefault(image_stem(path)[:-5], {})[number] = path
    count = max(len(description.channels), 1 + max((max(group) for group in groups.values()), default=-1))
    names, doubtful = channel_roles(description, count, roles=roles, where=folder, allow_doubtful=allow_doubtful)
    cases = []
    for name, group in groups.items():
        images = {role: group[number] for number, role in enumerate(names) if number in group}
        missing = next((r for r in roles or names if r not in images), None)
        if missing is not None:
            raise InputError(
                f"{folder / 'imagesTr' / name}: no image for role {missing} (there: "
                f"{', '.join(path.name for path in group.values())}); add the missing channel"
            )
        wanted = {role: images[role] for role in roles or names}
        said = {role: reason for role, reason in doubtful.items() if role in wanted}
        cases.append(Case(name, fold_session(name), wanted, _label(folder, name), doubtful=said))
    return cases, ignored


def decathlon_cases(
    folder: Path, description: Description, *, roles: Sequence[str] | None, allow_doubtful: bool
) -> tuple[list[Case], list[str]]:
    """Cases of the "training" list; a 4-D image holds one role a volume."""
    count = max(len(description.channels), 1)
    names, doubtful = channel_roles(description, count, roles=roles, where=folder, allow_doubtful=allow_doubtful)
    for role in roles or ():
        if role not in names:
            raise InputError(
                f"{folder / 'dataset.json'}: no channel for role {role}; correct channel_names or modality"
            )
    pairs = description.training or [(f"imagesTr/{p.name}", None) for p in visible(folder / "imagesTr")]
    cases = []
    for image, label in pairs:
        path = folder / image
        if not path.exists():
            raise InputError(f"{path}: listed in dataset.json but not there; correct the list or add the file")
        name = image_stem(path)
        wanted = {role: path for role in roles or names}
        channels = {role: names.index(role) for role in wanted} if len(names) > 1 else {}
        truth = folder / label if label and (folder / label).exists() else _label(folder, name)
        said = {role: reason for role, reason in doubtful.items() if role in wanted}
        cases.append(Case(name, fold_session(name), wanted, truth, doubtful=said, channels=channels))
    return cases, _other_folders(folder)


def _label(folder: Path, name: str) -> Path | None:
    labels = folder / "labelsTr"
    if not labels.is_dir():
        return None
    return next((path for path in visible(labels) if image_suffix(path) and image_stem(path) == name), None)


def _other_folders(folder: Path) -> list[str]:
    return [path.name for path in visible(folder) if path.name not in ("imagesTr", "labelsTr", "dataset.json")]
