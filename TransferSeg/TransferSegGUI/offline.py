"""Offline packs in Slicer: made on a computer with internet, checked and installed on one without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer

from .console import ConsoleRun, runConsole
from .dependencies import protectedVersions, requirements, state
from .executable import pythonExecutable
from .install_plan import changedSince
from .installing import installOthers, replaceable
from .pytorch_extension import removeRemains
from .sizes import inWords
from .translating import _
from .versions import canonical, parseRequirement

if TYPE_CHECKING:
    from TransferSegLib.packages.offline_pack import Pack

Say = Callable[[str], None]


def installPack(folder: str | Path, logic: Any = None, *, ask: bool = True, say: Say | None = None) -> list[str]:
    """Check an offline pack whole, install its packages into this Slicer and bring in its models.

    Parameters
    ----------
    folder : what ``transferseg pack`` made
    logic : the module's logic, which brings in the models; without it they are left
    ask : show what the pack holds and ask first
    say : called with what is being done, one sentence at a time

    Returns
    -------
    list of str
        What was done, in sentences; empty when the user declined.

    Raises
    ------
    TransferSegError
        The pack was changed, is damaged, was made for another computer, or would replace what must stay.
    """
    from TransferSegLib.packages.offline_pack import check_machine, read_pack

    say = say or (lambda text: None)
    pack = read_pack(folder)
    check_machine(pack)
    if ask and not slicer.util.confirmOkCancelDisplay(_question(pack), _("Install from an offline pack")):
        return []
    say(_("Checking every file of the pack."))
    _verify(folder)
    done = [_("{count} files of the pack are as they were made.").format(count=len(pack.files))]
    done += _installWheels(pack, say)
    return done + _importModels(pack, logic, say)


def makePack(
    folder: str | Path,
    models: Sequence[str] = (),
    *,
    platform: str | None = None,
    callback: Callable[[dict | None, Exception | None], None] | None = None,
    onLine: Callable[[str], None] | None = None,
) -> ConsoleRun:
    """Make an offline pack beside Slicer, which needs the internet; returns at once.

    Parameters
    ----------
    folder : where to; an unfinished pack in it is gone on with
    models : names of models to take along, or ``("all",)``
    platform : ``windows`` or ``linux``; this computer's when left out
    callback : called with (what the pack holds, None) or (None, error)
    onLine : called with each line of progress
    """
    from TransferSegLib.packages.offline_pack import this_python

    command = [pythonExecutable(), "-m", "TransferSegLib", "pack", "--out", str(folder), "--python", this_python()]
    command += ["--platform", platform] if platform else []
    command += ["--models", *models] if models else []
    run = ConsoleRun(command, lambda line: onLine(line.removeprefix("note: ")) if onLine is not None else None)
    run.follow(lambda ended: callback(*_packAnswer(ended, folder)) if callback is not None else None)
    return run


def _packAnswer(run: ConsoleRun, folder: str | Path) -> tuple[dict | None, Exception | None]:
    from TransferSegLib.errors import Cancelled, TransferSegError
    from TransferSegLib.packages.offline_pack import read_pack, summary

    if run.code == 0:
        return summary(read_pack(folder)), None
    if run.cancelled:
        return None, Cancelled()
    error = TransferSegError(_answer(run.text) or _("The pack could not be made."))
    error.details = run.text
    return None, error


def _question(pack: Pack) -> str:
    from TransferSegLib.packages.offline_pack import fingerprint

    models = ", ".join(file.name for file in pack.models) or _("none")
    return _(
        "This folder holds {count} packages and these models: {models}. Together they are {size} large.\n\n"
        "Its fingerprint is {fingerprint}. Compare it with the one that was shown when the pack was made: "
        "if it differs, the pack was changed on its way, and should not be installed.\n\nInstall it into this Slicer?"
    ).format(count=len(pack.wheels), models=models, size=inWords(int(pack.bytes / 1e6)), fingerprint=fingerprint(pack))


def _verify(folder: str | Path) -> None:
    """All hashes, beside Slicer: the files are large."""
    from TransferSegLib.errors import PackageError

    code, text = runConsole([pythonExecutable(), "-m", "TransferSegLib", "pack", "--check", "--out", str(folder)])
    if code:
        error = PackageError(_answer(text) or _("The pack could not be checked; copy it again."))
        error.details = text
        raise error


def _answer(text: str) -> str:
    """The last line of a verb's output without the command's name."""
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    return last.removeprefix("transferseg pack: ").removeprefix("pack: ")


def _installWheels(pack: Pack, say: Say) -> list[str]:
    """Install what this Slicer lacks, from the pack's folder only."""
    now = state()
    replaced = replaceable(now)
    before = {name: version for name, version in protectedVersions().items() if name not in replaced}
    lacking = {canonical(parseRequirement(text).name) for text in now.missing}
    # A PyTorch that is there stays, and an old one is not for this door to replace.
    known = {canonical(needed.name) for needed in requirements()} | {"torch", "torchvision"}
    wanted = [text for text in pack.requirements if canonical(parseRequirement(text).name) in lacking & known]
    if not wanted:
        return [_("The packages are installed already.")]
    if now.torch == "half":
        removeRemains()
    options = ["--no-index", "--find-links", str(pack.folder / "wheels")]
    installOthers(wanted, options=options, say=say, without=replaced)
    changed = changedSince(before)
    if changed:
        return [_("Please copy the diagnostics and ask for help: {changes}").format(changes="; ".join(changed))]
    return [_("Installed: {names}.").format(names=", ".join(parseRequirement(text).name for text in wanted))]


def _importModels(pack: Pack, logic: Any, say: Say) -> list[str]:
    from TransferSegLib.errors import TransferSegError

    if logic is None:
        return []
    done = []
    there = {info.name for info in logic.models()}
    for file in pack.models:
        if file.name in there:
            done.append(_("The model {name} is there already.").format(name=file.name))
            continue
        say(_("Bringing in the model {name}.").format(name=file.name))
        try:
            logic.importModel(pack.folder / file.path, file.name)
            done.append(_("The model {name} was brought in.").format(name=file.name))
        except TransferSegError as error:
            done.append(_("The model {name} was left out: {error}").format(name=file.name, error=error.message))
    return done
