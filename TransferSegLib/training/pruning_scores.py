"""How much each map of a convolution matters: Taylor's first order, the size of its filter, or chance as control."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    import torch
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
    is taken behind the batch norm where one follows at once; norms are in eval mode meanwhile.

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

    places = _places(module)
    sums: Scores = {}
    training, parameters = module.training, [p for p in module.parameters() if p.requires_grad]
    seen: dict[str, Tensor] = {}
    handles = [part.register_forward_hook(_watch(name, seen, sums)) for name, part in places.items()]
    module.eval()
    try:
        for inputs, truth in batches:
            seen.clear()
            with torch.enable_grad():
                value = loss(forward(inputs), truth)
                torch.autograd.grad(value, parameters, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
        module.train(training)
    if not sums:
        raise UsageError("pruning: nothing to score the maps on; give scans to train on")
    return {name: score / score.norm().clamp_min(1e-12) for name, score in sums.items()}


def l1_scores(module: nn.Module) -> Scores:
    """Size of each filter, the sum of its absolute weights (Li et al. 2017)."""
    return {name: conv.weight.detach().abs().sum((1, 2, 3)) for name, conv in _convolutions(module).items()}


def random_scores(module: nn.Module, seed: int) -> Scores:
    """Scores drawn by a seed: the control."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(conv.out_channels, generator=generator).to(conv.weight.device)
        for name, conv in _convolutions(module).items()
    }


def _convolutions(module: nn.Module) -> dict[str, nn.Conv2d]:
    from torch import nn

    return {name: part for name, part in module.named_modules() if isinstance(part, nn.Conv2d)}


def _places(module: nn.Module) -> dict[str, nn.Module]:
    """Where each convolution's maps are taken: at itself, or at the batch norm registered next to it."""
    from torch import nn

    places: dict[str, nn.Module] = {}
    last = ""
    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d):
            places[name] = part
            last = name
        elif isinstance(part, nn.BatchNorm2d) and last and part.num_features == places[last].out_channels:
            places[last], last = part, ""
        elif not list(part.children()):
            last = ""
    return places


def _watch(name: str, seen: dict[str, Tensor], sums: Scores) -> Callable:
    """A hook that adds up the scores of one convolution when its gradient comes by."""

    def hook(part: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        seen[name] = output  # a ReLU that follows in place leaves activation x gradient as it is

        def score(gradient: torch.Tensor) -> None:
            each = (seen[name].detach() * gradient).mean((2, 3)).abs().sum(0)
            sums[name] = sums.get(name, 0) + each

        output.register_hook(score)

    return hook
