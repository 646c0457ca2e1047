"""Opening a case folder: roles, truth, and what is left over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import InputError
from ..imaging import find_series, image_stem, is_coloured, is_dicom_path
from .case import PICTURE_ROLES, ROLES, Case, case_from_files, check_role, default_reference, of_pictures
from .finding import Found, find_images, holds_images
from .guessing import Guess, channel_number, guess_role
from .patients import dicom_ids, patient_of
from .truths import choose_truth, is_brain_mask, looks_like_truth, named


def guess_roles(
    paths: Sequence[str | Path], *, wanted: Sequence[str] | None = None
) -> tuple[dict[str, Path], dict[str, str], tuple[str, ...]]:
    """Guess the role of each file.

    Parameters
    ----------
    paths : sequence of path
        Image files.
    wanted : sequence of role, optional
        Only these roles are filled; files numbered ``_0000`` fill them in this order, doubtfully.

    Returns
    -------
    images : dict of role to path
    doubtful : dict of role to reason
    ignored : tuple of file names

    Raises
    ------
    InputError
        Two files for one role, naming both.
    """
    found = [Found(Path(path), Path(path).name, image_stem(path)) for path in paths]
    chosen, doubtful, ignored = _assign(found, wanted, Path(paths[0]).parent if paths else Path())
    return {role: item.path for role, item in chosen.items()}, doubtful, ignored


def open_case(
    folder: str | Path,
    *,
    roles: Sequence[str] | None = None,
    truth_name: str | None = None,
    assigned: Mapping[str, str | Path] | None = None,
    allow_doubtful: bool = False,
    reference_role: str | None = None,
    with_truth: bool = True,
    id: str | None = None,
) -> Case:
    """Open a folder that holds the images of one case.

    Parameters
    ----------
    folder : path
        NIfTI, NRRD or MHA files, DICOM series in it or in its subfolders; or a picture and its mask, where a picture's
        role is needed or there is nothing else.
    roles : sequence of role, optional
        The roles needed; None takes whatever is recognised.
    truth_name : str, optional
        Which file is the truth, where several or none are named as one.
    assigned : dict of role to path, optional
        Files that the user named for a role; they win over every guess.
    allow_doubtful : bool
        Return doubtful guesses (in ``Case.doubtful``) instead of refusing them.
    reference_role : role, optional
        Whose ``ROLE_mask`` is the truth; default pet for PET/CT, else the first role.
    with_truth : bool
        False (``segment``): no truth is looked for, so that several candidates are no error.

    Raises
    ------
    InputError
        No such folder, a missing role, two files for one role, a doubtful guess, several truths.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "a file, not a folder; say --image ROLE=FILE" if folder.exists() else "no such folder; check the path"
        raise InputError(f"{folder}: {what}")
    roles = None if roles is None else [check_role(role) for role in roles]
    given = case_from_files(assigned).images if assigned else {}
    pictures = wants_pictures(folder, roles if roles is not None else list(given) or None)
    found, others = find_images(folder, pictures=pictures)
    taken = _places(given.values())
    found = [item for item in found if item.path.resolve() not in taken]
    images, truths, masks = _sort_out(found, truth_name, folder)
    open_roles = None if roles is None else [role for role in roles if role not in given]
    free = [item for item in images if pictures or _free(item, given)]
    chosen, doubtful, unused = (_the_picture if pictures else _assign)(free, open_roles, folder)
    unused += tuple(item.label for item in images if item not in free)
    _check_roles(folder, chosen, doubtful, given, roles, found, allow_doubtful)
    paths = {role: given[role] if role in given else chosen[role].path for role in ROLES if role in {*given, *chosen}}
    reference = reference_role or (default_reference(roles or list(paths)) if roles or paths else None)
    truth = choose_truth(truths, reference_role=reference, folder=folder) if with_truth else None
    unused += tuple(item.label for item in (*truths, *masks) if item is not truth)
    name = id or folder.resolve().name
    identities = [item.patient_id for item in chosen.values()] + dicom_ids(given.values())
    return Case(
        id=name,
        patient=patient_of(name, identities),
        images=paths,
        truth=None if truth is None else truth.path,
        ignored=tuple(sorted((*unused, *others))),
        doubtful=doubtful,
    )


def wants_pictures(folder: Path, roles: Sequence[str] | None) -> bool:
    """Whether pictures are meant: by the roles; without roles where nothing but pictures is there."""
    if roles is not None:
        return of_pictures(roles)
    return not holds_images(folder) and holds_images(folder, pictures=True)


def _the_picture(
    found: Sequence[Found], wanted: Sequence[str] | None, folder: Path
) -> tuple[dict[str, Found], dict[str, str], tuple[str, ...]]:
    """The one picture of a case, as the role that is wanted; as what it is where none is said."""
    roles = PICTURE_ROLES if wanted is None else [role for role in wanted if role in PICTURE_ROLES]
    if not found or not roles:
        return {}, {}, tuple(item.label for item in found)
    if len(found) > 1:
        names = " and ".join(item.label for item in found[:3])
        raise InputError(f"{folder}: several pictures, {names}; say --image {roles[0]}=FILE, or call the mask so")
    role = roles[0] if wanted is not None else PICTURE_ROLES[not is_coloured(found[0].path)]
    return {role: found[0]}, {}, ()


def _places(paths: Iterable[Path]) -> set[Path]:
    """Every path that stands for the files the user named: a series goes by its folder or its first file."""
    places = set()
    for path in paths:
        places.add(path.resolve())
        if path.is_file() and is_dicom_path(path):
            places |= {path.resolve().parent, find_series(path).files[0].resolve()}
    return places


def _free(item: Found, given: Mapping[str, Path]) -> bool:
    """Whether an image is not a rival of a file that the user named."""
    guess = _guess(item)
    return guess is None or guess.role not in given


def _sort_out(found: list[Found], truth_name: str | None, folder: Path) -> tuple[list[Found], ...]:
    """Images, truth candidates, and masks that are neither."""
    if truth_name is not None:
        truths = named(found, truth_name)
        if len(truths) > 1:
            names = ", ".join(item.label for item in truths)
            raise InputError(f"{folder}: --truth-name {truth_name} means several files ({names}); give the whole name")
    else:
        truths = [item for item in found if not item.is_dicom and looks_like_truth(item.stem)]
    masks = [item for item in found if item not in truths and not item.is_dicom]
    masks = [item for item in masks if looks_like_truth(item.stem) or is_brain_mask(item.stem)]
    return [item for item in found if item not in truths and item not in masks], truths, masks


def _guess(item: Found) -> Guess | None:
    return guess_role(item.stem, description=item.description, modality=item.modality, contrast=item.contrast)


def _assign(
    found: Sequence[Found], wanted: Sequence[str] | None, folder: Path
) -> tuple[dict[str, Found], dict[str, str], tuple[str, ...]]:
    """One image a role: a sure guess wins over doubtful ones, two of a kind are refused."""
    offers: dict[str, list[tuple[Found, Guess]]] = {}
    for item in found:
        guess = _guess(item) or _by_number(item, wanted)
        if guess is not None and (wanted is None or guess.role in wanted):
            offers.setdefault(guess.role, []).append((item, guess))
    if wanted is not None and len(wanted) == 1 and not offers and len(found) == 1 and not found[0].description:
        guess = Guess(wanted[0], True, "only because it is the one image there")
        offers[wanted[0]] = [(found[0], guess)]
    chosen: dict[str, Found] = {}
    doubtful: dict[str, str] = {}
    for role, rivals in offers.items():
        best = [offer for offer in rivals if not offer[1].doubtful] or rivals
        if len(best) > 1:
            names = " and ".join(item.label for item, _ in best)
            raise InputError(f"{folder}: two files for role {role}, {names}; say --image {role}=FILE")
        chosen[role], guess = best[0]
        if guess.doubtful:
            doubtful[role] = guess.reason
    used = [item for item in chosen.values()]
    return chosen, doubtful, tuple(item.label for item in found if item not in used)


def _by_number(item: Found, wanted: Sequence[str] | None) -> Guess | None:
    number = channel_number(item.stem)
    if number is None or wanted is None or number >= len(wanted):
        return None
    return Guess(wanted[number], True, f"only by its number _{number:04d} in the order of the model's roles")


def _check_roles(
    folder: Path,
    chosen: Mapping[str, Found],
    doubtful: Mapping[str, str],
    given: Mapping[str, Path],
    roles: Sequence[str] | None,
    found: Sequence[Found],
    allow_doubtful: bool,
) -> None:
    there = ", ".join(item.label for item in found[:12]) or "no image"
    for role in roles or ():
        if role not in chosen and role not in given:
            raise InputError(f"{folder}: no image for role {role} (there: {there}); say --image {role}=FILE")
    if roles is None and not chosen and not given:
        raise InputError(f"{folder}: no image with a known role (there: {there}); say --image ROLE=FILE")
    for role, reason in {} if allow_doubtful else doubtful.items():
        label = chosen[role].label
        raise InputError(f"{folder}: {label} may be {role} ({reason}), which is not sure; say --image {role}=FILE")
