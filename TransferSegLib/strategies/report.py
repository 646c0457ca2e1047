"""The report of a network's groups: what each strategy would train and freeze, in both groupings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UsageError
from ..networks import count_parameters, groups_of, network_spec, parameter_groups
from .strategy import strategy

if TYPE_CHECKING:
    from torch import nn

# row of the report -> strategy that it stands for; no strategy freezes nothing under that name
REPORTED = {
    "fine-tune-all": "half-lr",
    "freeze-encoder": "freeze-encoder",
    "freeze-decoder": "freeze-decoder",
    "freeze-both": "freeze-both",
}
GROUPINGS = ("poster", "anatomical")


def groups_report(network_name: str, module: nn.Module | None = None) -> dict:
    """Counts and percentages, as ``transferseg models groups NAME --json`` prints them.

    Parameters
    ----------
    network_name : str
    module : nn.Module, optional
        Another than the network as published (default arguments and channels).

    Returns
    -------
    dict
        ``network, total, registered, groupings``. A grouping has one entry a row of `REPORTED` (``trainable``,
        ``frozen``, ``trainable_percent``, ``frozen_percent``; or null where it means nothing, with the reason under
        ``refused``) and ``groups`` (``name``, ``half``, ``parameters``). A grouping that the network does not have
        is null, with the reason under ``notes``.
    """
    spec = network_spec(network_name)
    if module is None:
        module = _as_published(network_name)
    total, registered = count_parameters(module)
    names = [*GROUPINGS, *(name for name in spec.groupings if name not in GROUPINGS)]
    groupings = {
        name: _grouping_report(network_name, module, name, total) if name in spec.groupings else None for name in names
    }
    notes = {name: spec.absent.get(name, "no such grouping") for name in names if name not in spec.groupings}
    report = {"network": network_name, "total": total, "registered": registered, "groupings": groupings}
    return report | ({"notes": notes} if notes else {})


def _as_published(network_name: str) -> nn.Module:
    """The network with its default arguments, without memory for its weights."""
    import torch

    spec = network_spec(network_name)
    with torch.device("meta"):
        return spec.build(*spec.default_channels)


def _grouping_report(network_name: str, module: nn.Module, grouping: str, total: int) -> dict:
    """One grouping's entry; see `groups_report`."""
    groups = groups_of(network_name, module, grouping)
    counts = {
        name: sum(parameter.numel() for _, parameter in members)
        for name, members in parameter_groups(network_name, module, grouping).items()
    }
    entry: dict = {}
    refused: dict[str, str] = {}
    for row, strategy_name in REPORTED.items():
        try:
            frozen_groups = strategy(strategy_name).frozen_groups(groups, network=network_name)
        except UsageError as reason:
            entry[row], refused[row] = None, reason.message
            continue
        frozen = sum(counts[name] for name in frozen_groups)
        entry[row] = {
            "trainable": total - frozen,
            "frozen": frozen,
            "trainable_percent": round(100 * (total - frozen) / total, 2),
            "frozen_percent": round(100 * frozen / total, 2),
        }
    entry["groups"] = [{"name": g.name, "half": g.half, "parameters": counts[g.name]} for g in groups]
    return entry | ({"refused": refused} if refused else {})
