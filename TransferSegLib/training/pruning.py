"""Structural pruning: which maps of a network depend on each other, which go, and the smaller network.

Maps that are added or multiplied together can only go together (`pruning_graph`). Where a convolution has several
groups of filters, or a group norm several groups of maps, each of them loses the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING, Any

from ..errors import TransferSegError, UsageError
from .pruning_graph import Part, TracedNetwork, channels_of, is_depthwise_like, run_once, torch_pruning
from .pruning_scores import Scores

if TYPE_CHECKING:
    from torch import nn

# A convolution keeps at least so many maps, each of its groups of filters too.
LEAST = 2


@dataclass(frozen=True)
class MapGroup:
    """Maps of convolutions that go together.

    Attributes
    ----------
    name : str
        The first convolution.
    count : int
        Its maps.
    members : tuple of (str, tuple of int)
        Convolutions, and which of their maps belongs to each of ``name``'s.
    fibres : int
        Runs of equal length that lose the same: place p of each goes at once.
    least : int
        Maps that each run keeps.
    """

    name: str
    count: int
    members: tuple[tuple[str, tuple[int, ...]], ...]
    fibres: int = 1
    least: int = LEAST

    @property
    def maps(self) -> int:
        """Maps in all of its convolutions."""
        return self.count * len(self.members)

    @property
    def cost(self) -> int:
        """Maps that go at once, in all of its convolutions."""
        return self.fibres * len(self.members)

    @property
    def choices(self) -> int:
        """How many places there are to choose from."""
        return self.count // self.fibres

    def at(self, place: int) -> list[int]:
        """The maps of ``name`` that go with a place."""
        return [fibre * self.choices + place for fibre in range(self.fibres)]


def check_prunable(module: nn.Module) -> None:
    """Refuse what has no trunk of plain convolutions (``UsageError``) and a missing library (``DependencyError``)."""
    from torch import nn

    torch_pruning()
    if not hasattr(module, "kept_maps"):
        raise UsageError("prune: only regressors on a convolutional backbone can be pruned; choose such a model")
    for name, part in module.trunk.named_modules():
        if isinstance(part, nn.Conv2d) and 1 < part.groups < part.in_channels:
            raise UsageError(f"prune: {module.backbone} has grouped convolutions ({name}); choose another backbone")
        if isinstance(part, (nn.LayerNorm, nn.MultiheadAttention)):
            raise UsageError(f"prune: {module.backbone} is no network of convolutions and batch norms; choose another")


def check_network(module: nn.Module, network: str, arguments: Mapping[str, Any]) -> tuple[MapGroup, ...]:
    """The groups of a registered network; ``UsageError`` where no map of it can go."""
    groups = map_groups(module, network, arguments)
    if not any(half_of(group) for group in groups):
        raise UsageError(f"prune: no map of this {network} can go without its output; choose another model")
    return groups


def pruned_part(module: nn.Module) -> nn.Module:
    """The part of a network whose convolutions lose maps: the trunk of a regressor, else all of it."""
    return module.trunk if hasattr(module, "kept_maps") else module


def map_groups(
    module: nn.Module, network: str = "", arguments: Mapping[str, Any] | None = None
) -> tuple[MapGroup, ...]:
    """The groups of a regressor's trunk or of a registered network, in the order of its layers.

    Without the groups that give the network's output; those whose maps cannot go evenly are left out too.
    """
    from torch.nn.modules.conv import _ConvNd

    traced = TracedNetwork(module, network, arguments)
    groups, taken = [], set()
    for name, conv in traced.layers.items():
        # one filter a map: it goes with the map that it filters
        if name in taken or not isinstance(conv, _ConvNd) or is_depthwise_like(conv) or name not in traced:
            continue
        parts = [
            part
            for part in traced.parts(name, range(conv.out_channels))
            if part.is_output or len(part.places) == conv.out_channels
        ]
        members: dict[str, tuple[int, ...]] = {}
        for part in parts:
            if part.outputs and isinstance(part.layer, _ConvNd) and not is_depthwise_like(part.layer) and part.name:
                members.setdefault(part.name, part.places)
        taken |= set(members)
        fibres, least = _fibres(parts, conv.out_channels)
        if fibres and not any(part.is_output for part in parts):
            groups.append(MapGroup(name, conv.out_channels, tuple(members.items()), fibres, least))
    return tuple(groups)


def _fibres(parts: Sequence[Part], count: int) -> tuple[int, int]:
    """In how many runs the maps of a group must go evenly (0 where they cannot), and what each of them keeps."""
    from torch import nn
    from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

    fibres, least = 1, 0
    for part in parts:
        layer, runs = part.layer, 1
        if isinstance(layer, nn.GroupNorm) and layer.num_groups < layer.num_channels:
            runs = layer.num_groups
        elif isinstance(layer, _ConvNd) and layer.groups > 1 and not is_depthwise_like(layer):
            runs, least = layer.groups, LEAST
            if isinstance(layer, _ConvTransposeNd) or layer.groups == layer.out_channels:
                return 0, 0
        if runs > 1 and part.places != tuple(range(count)):  # runs that lie across other maps
            return 0, 0
        fibres = lcm(fibres, runs)
    if count % fibres:
        return 0, 0
    return fibres, LEAST if fibres == 1 else max(least, 1)


def choose_maps(
    groups: Sequence[MapGroup], scores: Scores, count: int, *, by_layer: bool, frozen: Collection[str] = ()
) -> dict[str, list[int]]:
    """Which maps go next.

    Parameters
    ----------
    scores : dict of str to tensor
        By convolution; of maps that go together the mean counts.
    count : int
        How many maps are to go, counted in every convolution that they go from.
    by_layer : bool
        The same share of every group (Li et al. 2017) instead of the lowest of all.
    frozen : collection of str
        Groups that are left alone.

    Returns
    -------
    dict of str to list of int
        Maps to remove by group; every group keeps `LEAST`. Fewer than ``count`` where no more can go.
    """
    ranked = []
    for group in groups:
        if group.name in frozen:
            continue
        parts = [scores[name].double().cpu()[list(places)] for name, places in group.members]
        total = (sum(parts) / len(parts)).view(group.fibres, -1).mean(0)
        order = total.argsort(stable=True).tolist()
        for rank, place in enumerate(order[: max(group.choices - group.least, 0)]):
            value = (rank + 1) / group.choices if by_layer else float(total[place])
            ranked.append((value, len(ranked), group, place))
    chosen: dict[str, list[int]] = {}
    for _, _, group, place in sorted(ranked, key=lambda entry: entry[:2]):
        if count < group.cost:
            break
        chosen.setdefault(group.name, []).extend(group.at(place))
        count -= group.cost
    return {name: sorted(places) for name, places in chosen.items()}


def half_of(group: MapGroup) -> list[int]:
    """Half of a group's maps, as many as may go: what is timed and tried."""
    places = range(min(group.choices // 2, max(group.choices - group.least, 0)))
    return sorted(which for place in places for which in group.at(place))


def without_maps(
    module: nn.Module, network: str, arguments: Mapping[str, Any], chosen: Mapping[str, Sequence[int]]
) -> tuple[nn.Module, dict[str, Any]]:
    """The network without the chosen maps, built anew, and the arguments that build it.

    Parameters
    ----------
    module : nn.Module
        Left as it is.
    network : str
        Its name in the registry.
    arguments : mapping
        What it was built with; empty means the network's defaults.
    chosen : mapping of str to sequence of int
        Maps by group, as `choose_maps` returns them.
    """
    from ..networks import build_network, load_state, network_spec

    state, kept = TracedNetwork(module, network, arguments).cut(chosen)
    gone = next((name for name, sizes in kept.items() if min(sizes) < 1), None)
    if gone is not None:
        raise UsageError(f"prune: {gone} would lose all of its maps; keep more")
    arguments = {**(arguments or network_spec(network).default_arguments), "kept": kept}
    smaller = build_network(network, *channels_of(module, network), arguments)
    load_state(network, smaller, state, what="the pruned network")
    return smaller.train(module.training), arguments


def groups_that_stay(
    module: nn.Module, network: str, arguments: Mapping[str, Any], groups: Sequence[MapGroup]
) -> tuple[str, ...]:
    """Groups without half of whose maps the network would not run: the trace does not know all that they are tied to.

    Maps that are added to the image itself are such. All are tried at once, one by one only where that fails.
    """

    def runs(tried: Sequence[MapGroup]) -> bool:
        chosen = {group.name: half_of(group) for group in tried if half_of(group)}
        try:
            smaller, _ = without_maps(module, network, arguments, chosen)
            return run_once(smaller, network, arguments) == run_once(module, network, arguments)
        except (RuntimeError, ValueError, TransferSegError):
            return False

    return () if runs(groups) else tuple(group.name for group in groups if not runs([group]))
