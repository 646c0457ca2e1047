"""Setting TransferSeg up: what will be installed is told, planned, held against what must stay, done and checked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CalledProcessError

import slicer

from .dependencies import DependencyState, missingRequirements, protectedVersions, state
from .install_plan import changedSince, constraintsFile, planned, refuseChanges
from .packaging_fallback import pipEnsure
from .pip_errors import captured, pipError
from .pytorch_extension import installTorch
from .sizes import inWords, otherSize, pytorchSizes
from .translating import _
from .versions import canonical, parseRequirement

Say = Callable[[str], None]


def install(askConfirmation: bool = True, say: Say | None = None) -> bool:
    """Install what is missing and say whether TransferSeg can work now.

    Parameters
    ----------
    askConfirmation : first show what will be installed and how big it is, and ask
    say : called with what is being done, one sentence at a time

    Raises
    ------
    DependencyError
        In plain words; nothing that must stay was changed then, or the message says what was.
    """
    from TransferSegLib.errors import DependencyError

    now, say = state(), say or (lambda text: None)
    if now.ready or slicer.app.testingEnabled():
        return now.ready
    if now.torch in ("unsupported", "old"):
        raise DependencyError(now.reason)
    if askConfirmation and not slicer.util.confirmOkCancelDisplay(whatIsInstalled(now), _("Set up TransferSeg")):
        return False
    replaced = replaceable(now)
    before = {name: version for name, version in protectedVersions().items() if name not in replaced}
    if now.torch != "ok" or "torchvision" in now.missing:
        say(_("Installing PyTorch. This takes some minutes, in which Slicer may not react."))
        if not installTorch():
            return False
    others = [str(needed) for needed in missingRequirements()]
    if others:
        installOthers(others, say=say)
    return _checked(before)


def replaceable(now: DependencyState) -> tuple[str, ...]:
    """The protected packages that do not work as they are: what an installation may replace."""
    if now.torch == "half":
        return "torch", "torchvision"
    names = {canonical(parseRequirement(text).name) for text in now.missing}
    return ("torchvision",) if "torchvision" in names else ()


def installOthers(
    requirements: Sequence[str], *, options: Sequence[str] = (), say: Say, without: Sequence[str] = ()
) -> None:
    """Plan, refuse what would change Slicer's own packages, then install.

    ``options`` are pip's; ``without`` names protected packages that may be replaced.
    """
    with constraintsFile(without=without) as constraints:
        say(_("Checking that nothing of Slicer would be changed."))
        kept = {name: version for name, version in protectedVersions().items() if name not in without}
        refuseChanges(planned(requirements, constraints, options=options), kept)
        say(_("Installing the other packages."))
        lines: list[str] = []
        try:
            with captured(lines):
                pipEnsure(requirements, constraints, options)
        except (CalledProcessError, RuntimeError) as error:
            raise pipError("\n".join(lines) or str(error)) from error


def whatIsInstalled(now: DependencyState) -> str:
    """What will be installed, in which size, and what stays: the text of the question."""
    system = _system()
    lines = [_("TransferSeg needs some free packages. They are installed into this Slicer only:"), ""]
    if now.torch != "ok":
        for kind, size in pytorchSizes(system).items():
            lines.append(
                _("- PyTorch, {kind}: {download} to download, {disk} on the disk").format(
                    kind=kindName(kind), download=inWords(size.download), disk=inWords(size.disk)
                )
            )
    elif "torchvision" in now.missing:
        lines.append(_("- torchvision, made for the PyTorch that is there"))
    others = [needed.name for needed in missingRequirements()]
    if others:
        size = otherSize(system)
        lines.append(
            _("- {names}: at most {download} to download, {disk} on the disk").format(
                names=", ".join(others), download=inWords(size.download), disk=inWords(size.disk)
            )
        )
    lines += ["", _("Free on this disk: {free}.").format(free=inWords(_freeMegabytes()))]
    lines += [
        _("Slicer's own SimpleITK, NumPy and an existing PyTorch are not touched. No image leaves this computer.")
    ]
    return "\n".join(lines)


def inShort(now: DependencyState) -> str:
    """What will be installed, in one or two lines: the banner's text."""
    system, parts = _system(), []
    if now.torch != "ok":
        sizes = [f"{inWords(size.download)} {kindName(kind)}" for kind, size in pytorchSizes(system).items()]
        parts.append(_("PyTorch ({sizes})").format(sizes=", ".join(sizes)))
    elif "torchvision" in now.missing:
        parts.append("torchvision")
    others = missingRequirements()
    if others:
        size = inWords(otherSize(system).download)
        parts.append(_("other packages ({count}, at most {size})").format(count=len(others), size=size))
    return _("To download: {parts}. Everything is told before it is done.").format(parts=_(" and ").join(parts))


def kindName(kind: str) -> str:
    """A kind of computer as ``sizes`` names it, translated."""
    names = {
        "without a graphics card": _("without an NVIDIA graphics card"),
        "with an NVIDIA graphics card": _("with an NVIDIA graphics card"),
    }
    return names[kind]


def _checked(before: dict[str, str]) -> bool:
    from TransferSegLib.errors import DependencyError

    changed = changedSince(before)
    if changed:
        raise DependencyError(
            _(
                "The installation changed what it should not have: {changes}. Copy the diagnostics and ask for help."
            ).format(changes="; ".join(changed))
        )
    after = state()
    if not after.ready:
        raise DependencyError(
            _("Something is still missing ({names}): restart Slicer and press Install again.").format(
                names=", ".join(after.missing)
            )
        )
    return True


def _system() -> str:
    return "windows" if os.name == "nt" else "linux"


def _freeMegabytes() -> int:
    return int(shutil.disk_usage(Path(__file__).parent).free / 1e6)
