"""models folder: where models are kept, and changing it without losing one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ..errors import StorageError, UsageError
from ..events import Events, quiet
from ..places import default_home, home, home_is_fixed, set_home, wanted_home
from ..storage import remove_folder, sha256, writing_folder

# What lies in the folder and is worth moving; the cache is made again.
KEPT = ("models", "adaptations", "light", "levels", "petct")


def storage_folder(
    new: str | Path | None = None, *, default: bool = False, move: bool = False, events: Events | None = None
) -> dict[str, Any]:
    """Show or change the folder that holds the user's models, adaptations and caches.

    Parameters
    ----------
    new : path, optional
        The folder to use from now on; inside one that holds other things a folder ``TransferSeg`` is made.
    default : bool
        Go back to the platform's own folder.
    move : bool
        Take models and adaptations along: all are copied and compared before the old ones are removed. Without it
        they stay where they are, and are listed again when the folder is changed back.

    Returns
    -------
    dict
        ``folder, models_folder, default, fixed (the environment variable decides), previous, moved [str],
        left [str], free_gb, message``.
    """
    events = quiet(events)
    if new is None and not default:
        if move:
            raise UsageError("--move: name the folder to move to")
        return _report(home(), [], [], f"models are kept in {home() / 'models'}")
    old, target = home(), wanted_home(None if default else new)
    if home_is_fixed() or target.resolve() == old.resolve():
        set_home(None if default else new)  # refuses where the environment variable decides
        return _report(old, [], [], f"models are kept in {target / 'models'} already")
    there = _things(old)
    moved = _copy_all(there, old, target, events) if move else []
    set_home(None if default else new)
    for folder in moved:
        remove_folder(folder)
    names = [folder.name for folder in there]
    left = [] if move else names
    message = f"models are now kept in {target / 'models'}"
    if moved:
        message += f"; {len(moved)} moved"
    if left:
        message += f"; {', '.join(left)} stay in {old} and are not listed any more: move them too, or change back"
    return _report(old, [folder.name for folder in moved], left, message)


def _report(previous: Path, moved: list[str], left: list[str], message: str) -> dict[str, Any]:
    folder = existing = home()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return {
        "folder": str(folder),
        "models_folder": str(folder / "models"),
        "default": str(default_home()),
        "fixed": home_is_fixed(),
        "previous": str(previous),
        "moved": moved,
        "left": left,
        "free_gb": round(shutil.disk_usage(existing).free / 1e9, 1),
        "message": message,
    }


def _things(folder: Path) -> list[Path]:
    """The models and adaptations in a storage folder."""
    roots = [folder / kind for kind in KEPT if (folder / kind).is_dir()]
    return [path for root in roots for path in sorted(root.iterdir()) if path.is_dir() and path.name[0] != "."]


def _copy_all(things: list[Path], old: Path, target: Path, events: Events) -> list[Path]:
    """Copy all of them to ``target``, or none; the folders that were copied."""
    if old.resolve() in target.resolve().parents and (target.relative_to(old).parts[0] in KEPT):
        raise UsageError(f"{target}: lies among the models that are to be moved; name another folder")
    pairs = [(path, target / path.relative_to(old)) for path in things]
    for path, goal in pairs:
        if goal.exists():
            raise StorageError(f"{goal}: exists already, {path.name} cannot be moved there; rename or delete one")
        if _in_use(path):
            raise StorageError(f"{path}: an adaptation is running in it; wait for its end, then move")
    done: list[Path] = []
    try:
        for number, (path, goal) in enumerate(pairs):
            events.progress("moving models", number, len(pairs))
            with writing_folder(goal) as temporary:
                shutil.copytree(path, temporary, dirs_exist_ok=True, symlinks=True)
                if sha256(temporary) != sha256(path):
                    raise StorageError(f"{goal}: the copy differs from {path}; nothing was moved, try another disk")
            done.append(goal)
        events.progress("moving models", len(pairs), len(pairs))
    except BaseException:
        for goal in done:
            remove_folder(goal)
        raise
    return things


def _in_use(folder: Path) -> bool:
    """Whether a living process holds the folder (Slicer locks ``.owner`` in it while an adaptation runs)."""
    owner = folder / ".owner"
    if not owner.is_file():
        return False
    try:
        with owner.open("r+b") as file:
            try:
                import fcntl
            except ImportError:
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
