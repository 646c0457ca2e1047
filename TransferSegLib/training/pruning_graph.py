"""Which layers lose what when a map goes: a network traced by torch-pruning's dependency graph (Fang et al. 2023).

The graph is read, never run: what is removed of each layer is cut out of the state dict by `TracedNetwork.cut`.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import DependencyError
from ..networks import network_divisor, network_spec, state_to_save
from ..networks.narrowing import is_depthwise, norm_maps

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Part:
    """What one layer loses in a group.

    ``places`` are in the order of the maps that go; ``outputs`` is False where a convolution loses inputs. ``name`` is
    empty for what is no layer. ``is_output``: what is lost is an output of the network.
    """

    name: str
    layer: nn.Module
    places: tuple[int, ...]
    outputs: bool
    is_output: bool


class TracedNetwork:
    """A network's dependency graph.

    Parameters
    ----------
    module : nn.Module
        A level regressor, whose head is traced as the convolution that it is, or a registered network. It stays as
        it is.
    network : str
        Its name in the registry.
    arguments : mapping
        What it was built with.

    Attributes
    ----------
    layers : dict of str to nn.Module
        Every layer of ``module`` by the name that goes into ``kept``.
    """

    def __init__(self, module: nn.Module, network: str = "", arguments: Mapping[str, Any] | None = None) -> None:
        level = hasattr(module, "kept_maps")
        self._module, self._network, self._prefix = module, network, "trunk." if level else ""
        self._graph, traced = _level_graph(module) if level else _graph(module, network, arguments or {})
        self.layers = dict((module.trunk if level else module).named_modules())
        self._names = {part: name.removeprefix(self._prefix) for name, part in traced.named_modules()}
        self._traced = {name: part for part, name in self._names.items()}
        axes = () if level else network_spec(network).channel_axes(module)
        self._heads = {axis.tensor.rpartition(".")[0] for axis in axes if axis.kind == "output"}

    def __contains__(self, name: str) -> bool:
        """Whether the layer of that name took part in the trace."""
        return self._traced.get(name) in self._graph.module2node

    def parts(self, conv: str, places: Sequence[int]) -> Iterator[Part]:
        """Everything that loses something when these maps of a convolution go."""
        pruning, graph = torch_pruning(), self._graph
        group = graph.get_pruning_group(self._traced[conv], pruning.prune_conv_out_channels, list(places))
        for item in group:
            target = item.dep.target.module
            roots = item.root_idxs if item.root_idxs is not None else range(len(item.idxs))
            ordered = tuple(place for _, place in sorted(zip(roots, item.idxs)))
            outputs = graph.is_out_channel_pruning_fn(item.dep.handler)
            name = self._names.get(target, "")
            is_output = type(target).__name__ == "_OutputOp" or (outputs and name in self._heads)
            yield Part(name, target, ordered, outputs, is_output)

    def cut(self, chosen: Mapping[str, Sequence[int]]) -> tuple[dict[str, Tensor], dict[str, list[int]]]:
        """The state dict without the chosen maps, and the (input, output) maps left in each layer.

        Parameters
        ----------
        chosen : mapping of str to sequence of int
            Maps to remove by convolution.
        """
        from ..networks.narrowing import widths

        lost: dict[tuple[str, bool], set[int]] = {}
        for name, places in chosen.items():
            for part in self.parts(name, places):
                sides = (True, False) if is_depthwise_like(part.layer) else (part.outputs,)
                for side in sides if part.name else ():
                    lost.setdefault((part.name, side), set()).update(part.places)
        kept = {}
        for name, sizes in widths(self._module.trunk if self._prefix else self._module).items():
            outputs = len(lost.get((name, True), ()))
            inputs = outputs if norm_maps(self.layers[name]) else len(lost.get((name, False), ()))
            kept[name] = [sizes[0] - inputs, sizes[1] - outputs]
        state = state_to_save(self._network, self._module)
        for (name, outputs), places in lost.items():
            self._shorten(state, name, outputs, places)
        return state, kept

    def _shorten(self, state: dict[str, Tensor], name: str, outputs: bool, places: set[int]) -> None:
        """Take maps out of the tensors of one layer."""
        if self._prefix and name == "head":  # a linear layer that was traced as a convolution
            weight = state["head.weight"].view(1, *self._module.feature_size)
            state["head.weight"] = _without(weight, 1, places).flatten(1)
            return
        layer = self.layers[name]
        for key, value in layer.state_dict().items():
            place = f"{self._prefix}{name}.{key}"
            for axis, gone in _axes(layer, key, value, outputs, places):
                state[place] = _without(state[place], axis, gone)


def is_depthwise_like(layer: Any) -> bool:
    """Whether a layer is a convolution with one filter a map."""
    from torch.nn.modules.conv import _ConvNd

    return isinstance(layer, _ConvNd) and is_depthwise(layer)


def torch_pruning() -> Any:
    """The library; ``DependencyError`` that says how to install it."""
    try:
        import torch_pruning as library
    except ImportError as error:
        raise DependencyError(
            "pruning needs torch-pruning; install it with pip install 'transferseg[pruning]'"
        ) from error
    return library


def _axes(layer: nn.Module, key: str, value: Tensor, outputs: bool, places: set[int]) -> list[tuple[int, set[int]]]:
    """The axes of a layer's tensor that lose something, and what."""
    if value.ndim == 1:
        return [(0, places)] if outputs else []
    if value.ndim == 0:
        return []
    first = outputs != layer.transposed  # a transposed convolution's weight has its inputs first
    if outputs:
        return [(0 if first else 1, places)]
    if is_depthwise(layer):
        return []
    if layer.groups > 1:  # every group of filters loses the same of its inputs
        places = {place % (layer.in_channels // layer.groups) for place in places}
    return [(0 if first else 1, places)]


def _without(value: Tensor, axis: int, places: set[int]) -> Tensor:
    import torch

    left = [place for place in range(value.shape[axis]) if place not in places]
    return value.index_select(axis, torch.tensor(left, device=value.device))


def _level_graph(module: nn.Module) -> tuple[Any, nn.Module]:
    """The graph of a regressor's trunk and head, and the module that it was made of."""
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
    graph = torch_pruning().DependencyGraph().build_dependency(traced.to(device), example_inputs=(pictures,))
    module.train(training)
    return graph, traced


def _graph(module: nn.Module, network: str, arguments: Mapping[str, Any]) -> tuple[Any, nn.Module]:
    """The graph of a registered network, of all heads that it is trained by, and the copy that it was made of."""
    import torch

    spec, window = network_spec(network), _window(module, network, arguments)
    twin = _plain(copy.deepcopy(module).cpu())

    def forward(twin: nn.Module, given: tuple[Tensor]) -> Any:
        if spec.supervise is None:
            return twin(*given)
        return spec.supervise(twin, list(spec.encode(twin, *given)))

    owners = {id(value) for part in twin.modules() if _is_layer(part) for value in part.parameters(recurse=False)}
    loose = [value for value in twin.parameters() if id(value) not in owners]
    with torch.enable_grad():
        graph = (
            torch_pruning()
            .DependencyGraph()
            .build_dependency(twin, example_inputs=(window,), forward_fn=forward, ignored_params=loose, verbose=False)
        )
    return graph, twin


def _window(module: nn.Module, network: str, arguments: Mapping[str, Any]) -> Tensor:
    """A window as small as the network takes it, of zeros."""
    import torch

    spec, side = network_spec(network), max(network_divisor(network, arguments), 4)
    return torch.zeros(1, channels_of(module, network)[0], *([side] * (spec.dims - 1)), 2 * side)


def run_once(module: nn.Module, network: str, arguments: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of what a network gives for a small window, run on the CPU in eval mode."""
    import torch

    training = module.training
    with torch.inference_mode():
        shape = tuple(module.eval()(_window(module, network, arguments)).shape)
    module.train(training)
    return shape


def channels_of(module: nn.Module, network: str) -> tuple[int, int]:
    """Input and output channels of a network."""
    if hasattr(module, "kept_maps"):
        return module.in_channels, 1
    sizes = module.state_dict()
    found = {axis.kind: sizes[axis.tensor].shape[axis.axis] for axis in network_spec(network).channel_axes(module)}
    return found["input"], found["output"]


def _is_layer(part: nn.Module) -> bool:
    from torch import nn
    from torch.nn.modules.conv import _ConvNd

    return isinstance(part, (_ConvNd, nn.Linear, nn.PReLU)) or norm_maps(part) is not None


def _plain(twin: nn.Module) -> nn.Module:
    """The network with what torch-pruning cannot follow through a concatenation put in plainer words.

    Instance norms reshape what they are given and a PReLU of one weight has no number of maps: batch norms and leaky
    ReLUs stand in for them, which the maps go through alike.
    """
    from torch import nn
    from torch.nn.modules.instancenorm import _InstanceNorm

    for parameter in twin.parameters():
        parameter.requires_grad_(True)
    for name, part in list(twin.named_modules()):
        if isinstance(part, _InstanceNorm):
            dims = type(part).__name__.removeprefix("InstanceNorm")
            fresh = getattr(nn, f"BatchNorm{dims}")(part.num_features)
        elif isinstance(part, nn.PReLU) and part.num_parameters == 1:
            fresh = nn.LeakyReLU()
        else:
            continue
        owner, _, last = name.rpartition(".")
        setattr(twin.get_submodule(owner), last, fresh)
    return twin
