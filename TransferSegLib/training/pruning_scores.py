"""How much each map of a convolution matters: Taylor's first order, the size of its filter, or chance as control."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

CRITERIA = ("taylor", "l1", "random")
Scores = dict[str, "Tensor"]


def taylor_scores(
    module: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    forward: Callable[[Tensor], Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
) -> Scores:
    """What the loss would change by, to first order, without each map (Molchanov et al. 2017).

    ``|mean over a map of activation x gradient|``, averaged over the samples, divided by the layer's L2 norm. The map
    is taken behind the norm where that alone follows at once; norms are in eval mode meanwhile.

    Parameters
    ----------
    module : nn.Module
        Its weights, gradients and mode are as before afterwards.
    batches : iterable of (inputs, truth)
        As the training's source gives them, on the module's device.
    forward, loss : callables
        Inputs to outputs with a graph; outputs and truth to one number.

    Returns
    -------
    dict of str to float tensor (maps,)
        By the convolution's name.
    """
    import torch

    training, parameters = module.training, [p for p in module.parameters() if p.requires_grad]
    maps = _Maps(module)
    module.eval()
    try:
        for inputs, truth in batches:
            with torch.enable_grad():
                value = loss(forward(inputs), truth)
                maps.watch(value)
                torch.autograd.grad(value, parameters, allow_unused=True)
    finally:
        maps.release()
        module.train(training)
    if not maps.sums:
        raise UsageError("pruning: nothing to score the maps on; give cases to train on")
    return {name: score / score.norm().clamp_min(1e-12) for name, score in maps.sums.items()}


def l1_scores(module: nn.Module) -> Scores:
    """Size of each filter, the sum of its absolute weights (Li et al. 2017)."""
    found = {}
    for name, conv in _convolutions(module).items():
        weight = conv.weight.detach().abs()
        mine = 1 if conv.transposed else 0
        found[name] = weight.sum([axis for axis in range(weight.ndim) if axis != mine])
    return found


def random_scores(module: nn.Module, seed: int) -> Scores:
    """Scores drawn by a seed: the control."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(conv.out_channels, generator=generator).to(conv.weight.device)
        for name, conv in _convolutions(module).items()
    }


def _convolutions(module: nn.Module) -> dict[str, nn.Module]:
    from torch.nn.modules.conv import _ConvNd

    return {name: part for name, part in module.named_modules() if isinstance(part, _ConvNd)}


class _Maps:
    """Watches a network run and adds up the scores of its convolutions' maps when their gradients come by.

    Behind an instance norm, to whose result the size of a filter does not matter, activation x gradient of the
    convolution itself would add up to zero.
    """

    def __init__(self, module: nn.Module) -> None:
        from ..networks.narrowing import norm_maps

        self.sums: Scores = {}
        # what came out of convolutions: [name, that tensor, what came out of a norm of it or None]
        self._seen: list[list[Any]] = []
        # The result of an instance norm is a view: what changes it in place would leave it out of the graph.
        self._in_place = [part for part in module.modules() if getattr(part, "inplace", False) is True]
        for part in self._in_place:
            part.inplace = False
        self._handles = [part.register_forward_hook(self._conv(name)) for name, part in _convolutions(module).items()]
        for part in module.modules():
            if norm_maps(part) is not None:
                self._handles.append(part.register_forward_hook(self._norm))

    def release(self) -> None:
        """Watch no longer."""
        for handle in self._handles:
            handle.remove()
        for part in self._in_place:
            part.inplace = True

    def watch(self, value: Tensor) -> None:
        """Take the scores of what ran before ``value`` when its gradients are computed."""
        uses = _uses(value)
        for name, output, behind in self._seen:
            self._score(name, output if behind is None or uses.get(output.grad_fn, 0) > 1 else behind)
        self._seen = []

    def _conv(self, name: str) -> Callable:
        def hook(part: nn.Module, inputs: tuple, output: Tensor) -> None:
            self._seen.append([name, output, None])

        return hook

    def _norm(self, part: nn.Module, inputs: tuple, output: Tensor) -> None:
        if self._seen and inputs[0] is self._seen[-1][1]:
            self._seen[-1][2] = output

    def _score(self, name: str, output: Tensor) -> None:
        seen = output.detach()  # a ReLU that followed in place leaves activation x gradient as it is

        def score(gradient: Tensor) -> None:
            each = (seen * gradient).flatten(2).mean(2).abs().sum(0)
            self.sums[name] = self.sums.get(name, 0) + each

        output.register_hook(score)


def _uses(value: Tensor) -> dict[Any, int]:
    """How often what each step of a graph gave is used by others."""
    uses: dict[Any, int] = {}
    waiting = [value.grad_fn]
    while waiting:
        for node, _ in waiting.pop().next_functions:
            if node is not None:
                if node not in uses:
                    waiting.append(node)
                uses[node] = uses.get(node, 0) + 1
    return uses
