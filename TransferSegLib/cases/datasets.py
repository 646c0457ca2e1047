"""Data sets: a folder of case folders, a list file, nnU-Net, Decathlon, BraTS or EBHI-Seg layouts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import InputError
from ..imaging import image_stem, image_suffix, picture_suffix
from .case import ROLES, Case, check_role
from .class_folders import LABEL_NAMES, class_folder_cases, is_class_folders
from .descriptions import Description, read_description
from .finding import has_images, holds_images, visible
from .guessing import channel_number, guess_role
from .imagestr import decathlon_cases, nnunet_cases
from .listfile import read_list
from .opening import open_case, wants_pictures
from .truths import is_brain_mask

_BRATS = re.compile(r"[-_](t1n|t1c|t2w|t2f)$")


@dataclass(frozen=True)
class DataSet:
    """Cases that belong together.

    ``layout`` is ``folders``, ``brats``, ``case`` (a single case folder), ``list``, ``nnunet``, ``decathlon`` or
    ``classes`` (EBHI-Seg); ``label_names`` comes from dataset.json, value to name without the background.
    """

    folder: Path
    layout: str
    cases: tuple[Case, ...]
    label_names: dict[int, str] | None
    ignored: tuple[str, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that its cases have, in the standard order."""
        return tuple(role for role in ROLES if all(role in case.images for case in self.cases))


def open_data_set(
    path: str | Path,
    *,
    roles: Sequence[str] | None = None,
    truth_name: str | None = None,
    need_truth: bool | None = True,
    allow_doubtful: bool = False,
    reference_role: str | None = None,
    without_truth: str = "",
) -> DataSet:
    """Open a data set; no voxel is read.

    Parameters
    ----------
    path : path
        A folder, or a list file (.csv, .tsv, .txt). Pictures are cases where a picture's role is wanted, or where
        there is nothing else.
    roles : sequence of role, optional
        The roles that every case must have; None: whatever all cases have alike.
    truth_name : str, optional
        Which file of each case folder is the truth.
    need_truth : bool or None
        Leave out cases without a truth (named in ``ignored``); refuse when none has one. False looks for no truth,
        None takes it where there is one.
    allow_doubtful, reference_role
        As in ``open_case``.
    without_truth : str
        What the caller can do with cases that have none, in a few words, for the message that refuses them.

    Raises
    ------
    InputError
        Not there, no case, a case that lacks a role, two cases of one id, no truth at all.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such folder or list; check the path")
    roles = None if roles is None else [check_role(role) for role in roles]
    opener = partial(
        open_case,
        roles=roles,
        truth_name=truth_name,
        allow_doubtful=allow_doubtful,
        reference_role=reference_role,
        with_truth=need_truth is not False or truth_name is not None,
    )
    if path.is_file():
        cases, ignored = read_list(path, roles=roles, need_truth=bool(need_truth), open_folder=opener)
        description, layout = read_description(path.parent), "list"
    else:
        description = read_description(path)
        layout, cases, ignored = _open_folder(path, description or Description(), opener, roles, allow_doubtful)
    cases, without = _with_truth(path, cases, bool(need_truth), truth_name, without_truth)
    _check(path, cases, roles)
    names = description.label_names if description else None
    names = LABEL_NAMES if names is None and layout == "classes" else names
    return DataSet(path, layout, tuple(cases), names, tuple([*ignored, *without]))


def _open_folder(
    path: Path,
    description: Description,
    opener: partial[Case],
    roles: Sequence[str] | None,
    allow_doubtful: bool,
) -> tuple[str, list[Case], list[str]]:
    """(layout, cases, ignored) of a folder."""
    options = {"roles": roles, "allow_doubtful": allow_doubtful}
    if (path / "imagesTr").is_dir():
        stems = [image_stem(item) for item in visible(path / "imagesTr") if image_suffix(item)]
        # The nnU-Net's old dataset.json lists its cases as the Decathlon's does, but under names without the channel.
        listed = any((path / image).exists() for image, _ in description.training)
        if any(channel_number(stem) is not None for stem in stems) and not listed:
            return "nnunet", *nnunet_cases(path, description, **options)
        return "decathlon", *decathlon_cases(path, description, **options)
    if is_class_folders(path):
        with_truth = opener.keywords["with_truth"]
        return "classes", *class_folder_cases(path, roles=roles, with_truth=with_truth)
    pictures = wants_pictures(path, roles)
    if has_images(path, pictures=pictures):
        return "case", [opener(path)], []
    cases, ignored = [], []
    for item in visible(path):
        if item.is_dir() and holds_images(item, pictures=pictures):
            cases.append(opener(item))
        elif item.name != "dataset.json":
            ignored.append(item.name)
    if not cases and roles is not None and holds_images(path, pictures=not pictures):
        there, needed = ("volumes", "a picture") if pictures else ("pictures", "a volume")
        raise InputError(f"{path}: holds {there}, the role {roles[0]} needs {needed}; give other data, or other roles")
    if not cases:
        raise InputError(
            f"{path}: no case in it; give a folder of case folders, a list, or an nnU-Net, Decathlon, BraTS or EBHI-Seg"
            " folder"
        )
    brats = all(any(_BRATS.search(image_stem(image)) for image in case.images.values()) for case in cases)
    return "brats" if brats else "folders", cases, ignored


def _with_truth(
    path: Path, cases: list[Case], need_truth: bool, truth_name: str | None, without_truth: str
) -> tuple[list[Case], list[str]]:
    if not need_truth:
        return cases, []
    kept = [case for case in cases if case.truth is not None]
    if cases and not kept:
        wanted = f"called {truth_name}" if truth_name else "(a file with seg, label, mask, truth, gt or gold_standard)"
        spare = _spare_files(cases)
        advice = "give cases with truths" + (f" ({without_truth})" if without_truth else "")
        if spare:
            advice = f"say --truth-name NAME where one of these is ({', '.join(spare[:4])}), or {advice}"
        of = f"none of its {len(cases)} cases has" if len(cases) > 1 else "its case does not have"
        raise InputError(f"{path}: {of} a truth {wanted}; {advice}")
    return kept, [f"{case.id} (no truth)" for case in cases if case.truth is None]


def _spare_files(cases: Sequence[Case]) -> list[str]:
    """Names of the cases' unused files that could be a truth: images that are no brain mask and have no role's name."""
    names = dict.fromkeys(name for case in cases for name in case.ignored)
    stems = {name: image_stem(name) for name in names if image_suffix(name) or picture_suffix(name)}
    return [name for name, stem in stems.items() if not is_brain_mask(stem) and guess_role(stem) is None]


def _check(path: Path, cases: list[Case], roles: Sequence[str] | None) -> None:
    if not cases:
        raise InputError(f"{path}: no case in it; check the folder")
    name, count = Counter(case.id for case in cases).most_common(1)[0]
    if count > 1:
        raise InputError(f"{path}: {count} cases are called {name}; give each its own id")
    if roles is None:
        for case in cases:
            lacking = [role for role in cases[0].images if role not in case.images]
            extra = [role for role in case.images if role not in cases[0].images]
            if lacking or extra:
                poor, rich = (case, cases[0]) if lacking else (cases[0], case)
                role = (lacking or extra)[0]
                raise InputError(
                    f"{path}: case {poor.id} has no image for role {role}, {rich.id} has; add it or name the roles"
                )
