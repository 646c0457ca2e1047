"""Parameters and modules by group: every unique parameter in exactly one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import TransferSegError
from .registry import network_spec
from .spec import Group, Groups

if TYPE_CHECKING:
    from torch import nn


def group_of(name: str, groups: Groups) -> Group | None:
    """The group whose longest prefix covers a module's or parameter's dotted name, None if there is none."""
    best, length = None, -1
    for group in groups:
        for prefix in group.prefixes:
            if (name == prefix or name.startswith(prefix + ".")) and len(prefix) > length:
                best, length = group, len(prefix)
    return best


def groups_of(name: str, module: nn.Module, grouping: str = "anatomical") -> Groups:
    """The ordered groups of a network's module; UsageError for a grouping that it does not have."""
    return network_spec(name).groups(module, grouping)


def parameter_groups(
    name: str, module: nn.Module, grouping: str = "anatomical"
) -> dict[str, list[tuple[str, nn.Parameter]]]:
    """Parameters by group, in the groups' order (shallow to deep to head).

    Returns
    -------
    dict of str to list of (str, Parameter)
        Each unique parameter exactly once, under its first registered name; a group without parameters has an
        empty list.

    Raises
    ------
    UsageError
        For an unknown network or grouping.
    TransferSegError
        When the network has a parameter that no group covers.
    """
    groups = groups_of(name, module, grouping)
    found: dict[str, list[tuple[str, nn.Parameter]]] = {group.name: [] for group in groups}
    for parameter_name, parameter in module.named_parameters():
        group = group_of(parameter_name, groups)
        if group is None:
            raise TransferSegError(
                f"network {name}: no {grouping} group has the parameter {parameter_name}; add it to the grouping"
            )
        found[group.name].append((parameter_name, parameter))
    return found


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """Unique and registered parameters; they differ where a module holds a block under two names (DynUNet)."""
    unique = sum(parameter.numel() for parameter in module.parameters())
    registered = sum(parameter.numel() for _, parameter in module.named_parameters(remove_duplicate=False))
    return unique, registered
