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
    is taken behind the norm where one follows at once; norms are in eval mode meanwhile.

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
        # what came last out of a convolution: (that tensor, its name, the hook on its gradient)
        self._last: tuple[Any, str, Any] | None = None
        convolutions = _convolutions(module)
        self._handles = [part.register_forward_hook(self._conv(name)) for name, part in convolutions.items()]
        for part in module.modules():
            if norm_maps(part) is not None:
                self._handles.append(part.register_forward_hook(self._norm))

    def release(self) -> None:
        """Watch no longer."""
        for handle in self._handles:
            handle.remove()

    def _conv(self, name: str) -> Callable:
        def hook(part: nn.Module, inputs: tuple, output: Tensor) -> None:
            self._last = (output, name, self._score(name, output))

        return hook

    def _norm(self, part: nn.Module, inputs: tuple, output: Tensor) -> None:
        if self._last is None or inputs[0] is not self._last[0]:
            return
        _, name, handle = self._last
        handle.remove()
        self._score(name, output)
        self._last = None

    def _score(self, name: str, output: Tensor) -> Any:
        seen = output.detach().clone()  # an activation that follows in place changes it

        def score(gradient: Tensor) -> None:
            each = (seen * gradient).flatten(2).mean(2).abs().sum(0)
            self.sums[name] = self.sums.get(name, 0) + each

        return output.register_hook(score)
