"""State dicts of networks: without repeated entries out, checked name by name in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import PackageError
from .registry import network_spec

if TYPE_CHECKING:
    from torch import Tensor, nn


def without_duplicates(name: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict less the entries that repeat others (DynUNet's ``skip_layers``) or serve training only."""
    prefixes = tuple(prefix + "." for prefix in network_spec(name).duplicates)
    return {key: value for key, value in state.items() if not (prefixes and key.startswith(prefixes))}


def state_to_save(name: str, module: nn.Module) -> dict[str, Tensor]:
    """A snapshot on the CPU of every parameter and buffer, each once, under MONAI's own names."""
    return {
        key: value.detach().cpu().clone().contiguous()
        for key, value in without_duplicates(name, module.state_dict()).items()
    }


def load_state(name: str, module: nn.Module, state: Mapping[str, Tensor], *, what: str = "the weights") -> None:
    """Load a complete state dict, saved by us or by MONAI, into a module of the same shape.

    Raises
    ------
    PackageError
        Naming ``what`` and the tensors that are missing, too many, or of another shape. The module is then unchanged.
    """
    own = without_duplicates(name, module.state_dict())
    given = without_duplicates(name, state)
    missing = sorted(set(own) - set(given))
    surplus = sorted(set(given) - set(own))
    wrong = [
        f"{key} {tuple(given[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own
        if key in given and given[key].shape != own[key].shape
    ]
    faults = [
        f"{label} {_some(names)}"
        for label, names in (("lacks", missing), ("has in excess", surplus), ("has in another shape", wrong))
        if names
    ]
    if faults:
        raise PackageError(f"{what}: not weights of this {name}: {', '.join(faults)}; use those that belong to it")
    module.load_state_dict(given, strict=False)


def _some(names: list[str], *, shown: int = 3) -> str:
    """A few of the names, and how many more there are."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
