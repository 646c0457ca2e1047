"""Structural pruning of an L3 regressor: which maps depend on each other, which go, and the smaller network.

Maps that are added or multiplied together can only go together: torch-pruning's dependency graph (Fang et al. 2023)
says which. The head is traced as the convolution that it is, so that its weights of a map go with the map.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import DependencyError, UsageError
from .pruning_scores import Scores

if TYPE_CHECKING:
    from torch import nn

# A convolution keeps at least so many maps.
LEAST = 2


@dataclass(frozen=True)
class MapGroup:
    """Maps of convolutions that go together.

    Attributes
    ----------
    name : str
        The first convolution, in the trunk.
    count : int
        Its maps.
    members : tuple of (str, tuple of int)
        Convolutions, and which of their maps belongs to each of ``name``'s.
    """

    name: str
    count: int
    members: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def maps(self) -> int:
        """Maps in all of its convolutions."""
        return self.count * len(self.members)


def check_prunable(module: nn.Module) -> None:
    """Refuse what has no trunk of plain convolutions (``UsageError``) and a missing library (``DependencyError``)."""
    from torch import nn

    _torch_pruning()
    if not hasattr(module, "kept_maps"):
        raise UsageError("prune: only regressors on a convolutional backbone can be pruned; choose such a model")
    for name, part in module.trunk.named_modules():
        if isinstance(part, nn.Conv2d) and 1 < part.groups < part.in_channels:
            raise UsageError(f"prune: {module.backbone} has grouped convolutions ({name}); choose another backbone")
        if isinstance(part, (nn.LayerNorm, nn.MultiheadAttention)):
            raise UsageError(f"prune: {module.backbone} is no network of convolutions and batch norms; choose another")


def map_groups(module: nn.Module) -> tuple[MapGroup, ...]:
    """The groups of a regressor's trunk, in the order in which they run."""
    from torch import nn

    pruning = _torch_pruning()
    graph, traced = _traced(module)
    names = {part: name for name, part in traced.trunk.named_modules() if isinstance(part, nn.Conv2d)}
    groups, taken = [], set()
    for conv, name in names.items():
        if name in taken or conv.groups > 1:  # one filter a map: it goes with the map that it filters
            continue
        whole = list(range(conv.out_channels))
        members = {}
        for dependency, places in _entries(graph.get_pruning_group(conv, pruning.prune_conv_out_channels, whole)):
            part = dependency.target.module
            if part in names and graph.is_out_channel_pruning_fn(dependency.handler) and part.groups == 1:
                members.setdefault(names[part], tuple(places))
        taken |= set(members)
        groups.append(MapGroup(name, conv.out_channels, tuple(members.items())))
    return tuple(groups)


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
        total = sum(parts) / len(parts)
        order = total.argsort(stable=True).tolist()
        for rank, place in enumerate(order[: max(group.count - LEAST, 0)]):
            value = (rank + 1) / group.count if by_layer else float(total[place])
            ranked.append((value, len(ranked), group, place))
    chosen: dict[str, list[int]] = {}
    for _, _, group, place in sorted(ranked, key=lambda entry: entry[:2]):
        if count < len(group.members):
            break
        chosen.setdefault(group.name, []).append(place)
        count -= len(group.members)
    return {name: sorted(places) for name, places in chosen.items()}


def without_maps(
    module: nn.Module, network: str, arguments: Mapping[str, Any], chosen: Mapping[str, Sequence[int]]
) -> tuple[nn.Module, dict[str, Any]]:
    """The network without the chosen maps, built anew, and the arguments that build it.

    Parameters
    ----------
    module : LevelRegressor
        Left as it is.
    network : str
        Its name in the registry.
    arguments : mapping
        What it was built with.
    chosen : mapping of str to sequence of int
        Maps by group, as `choose_maps` returns them.
    """
    import copy

    from ..networks import build_network, load_state

    pruning = _torch_pruning()
    twin = copy.deepcopy(module).cpu()
    graph, traced = _traced(twin)
    for name, places in chosen.items():
        conv = twin.trunk.get_submodule(name)
        group = graph.get_pruning_group(conv, pruning.prune_conv_out_channels, idxs=list(places))
        if not graph.check_pruning_group(group):
            raise UsageError(f"prune: {name} would lose all of its maps; keep more")
        group.prune()
    state = {f"trunk.{name}": value for name, value in twin.trunk.state_dict().items()}
    state |= {"head.weight": traced.head.weight.detach().flatten()[None], "head.bias": traced.head.bias.detach()}
    arguments = {**arguments, "kept": twin.kept_maps}
    smaller = build_network(network, module.in_channels, 1, arguments)
    load_state(network, smaller, state, what="the pruned network")
    return smaller.train(module.training), arguments


def _traced(module: nn.Module) -> tuple[Any, nn.Module]:
    """The dependency graph of a regressor's trunk and head, and the module that it was made of."""
    import torch
    from torch import nn

    head = nn.Conv2d(module.feature_size[0], 1, module.feature_size[1:])
    with torch.no_grad():
        head.weight.copy_(module.head.weight.view(1, *module.feature_size))
        head.bias.copy_(module.head.bias)
    training = module.training
    traced = nn.Sequential(OrderedDict(trunk=module.trunk, head=head))
    device = module.head.weight.device
    pictures = torch.rand(1, 3, module.rows, module.width, device=device)
    # a tuple: torch-pruning would unpack a tensor and trace it without its batch
    graph = _torch_pruning().DependencyGraph().build_dependency(traced.to(device), example_inputs=(pictures,))
    module.train(training)
    return graph, traced


def _entries(group: Any) -> list[tuple[Any, list[int]]]:
    """(dependency, places in the order of the root's maps) of each part of a pruning group."""
    found = []
    for item in group:
        roots = item.root_idxs if item.root_idxs is not None else range(len(item.idxs))
        if len(set(roots)) == len(item.idxs):
            found.append((item.dep, [place for _, place in sorted(zip(roots, item.idxs))]))
    return found


def _torch_pruning() -> Any:
    try:
        import torch_pruning
    except ImportError as error:
        raise DependencyError(
            "pruning needs torch-pruning; install it with pip install 'transferseg[pruning]'"
        ) from error
    return torch_pruning
