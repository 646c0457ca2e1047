"""A copy of a network that runs fast on one device: precision, memory order, norms; the original stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from .devices import Device

_PROBE = 32  # voxels a side: divisible by what any registered network asks for
_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


def fit_network(
    network: Callable, device: Device, *, check: Callable[[], object] | None = None, dims: int = 3
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function from windows (n, c, k, j, i) float32 on the CPU to logits on the device.

    On a CPU a module is copied in the precision asked for, with channels last (oneDNN then neither reorders
    activations before and after each convolution nor after each norm), norms and pointwise convolutions (the head)
    in float32. On a GPU it runs under autocast. What is no module is called as it is, under autocast for half
    precision.

    Parameters
    ----------
    network : torch.nn.Module or callable
        Not changed.
    device : Device
    check : callable, optional
        Called before each layer of a module; what it raises ends the window (one of a large network takes seconds).
    dims : {3, 2}
        2 for a network that works on slices: it is handed (n, c, j, i) of windows one slice deep.
    """
    precision = getattr(torch, device.precision)
    if isinstance(network, nn.Module) and not device.is_gpu:
        return _CpuNetwork(network, precision, check, dims)
    if isinstance(network, nn.Module):
        network = _checked(copy.deepcopy(network).to(device.name).eval(), check)
    kind = "cuda" if device.is_gpu else "cpu"

    def run_autocast(windows: torch.Tensor) -> torch.Tensor:
        with torch.autocast(kind, precision, enabled=precision in (torch.float16, torch.bfloat16)):
            return _volume(_first(network(_native(windows.to(device.name), dims))), dims)

    return run_autocast


class Fitted:
    """A network that was fitted once and is run many times: `segment_array` takes it in place of the network.

    Attributes
    ----------
    device : Device
    """

    def __init__(self, network: nn.Module, device: Device, *, dims: int = 3) -> None:
        self.device = device
        self._run = fit_network(network, device, dims=dims)

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        """Logits of windows, as the function that `fit_network` gives."""
        return self._run(windows)


class _CpuNetwork:
    """A network's copy on the CPU; its head is found at the first call, from a corner of the first window."""

    def __init__(
        self, network: nn.Module, precision: torch.dtype, check: Callable[[], object] | None = None, dims: int = 3
    ) -> None:
        self._dims = dims
        self._module, self._precision = _cpu_copy(network, precision), precision
        self._check = check
        self._head_known = precision == torch.float32
        if self._head_known:
            _checked(self._module, check)

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        windows = windows.to(self._precision, memory_format=torch.channels_last_3d)
        if not self._head_known:
            corner = windows[:1, :, :_PROBE, :_PROBE, :_PROBE].contiguous(memory_format=torch.channels_last_3d)
            _widen_head(self._module, _native(corner, self._dims))
            self._head_known = True
            _checked(self._module, self._check)
        return _volume(_first(self._module(_native(windows, self._dims))), self._dims)


class ChannelsLastInstanceNorm(nn.Module):
    """Instance norm (without running statistics) that keeps channels last, which torch's own does not.

    In half precision torch's group norm with one channel a group, whose sums are float32. In float32 its plain
    sums over millions of voxels cost four digits, so the mean is taken first, in two stages.
    """

    def __init__(self, norm: nn.InstanceNorm2d | nn.InstanceNorm3d) -> None:
        super().__init__()
        self.channels, self.eps, self.weight, self.bias = norm.num_features, norm.eps, norm.weight, norm.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise x (n, c, [k,] j, i) over its voxels, per case and channel."""
        if x.ndim == 4:
            return self.forward(x[:, :, None])[:, :, 0]
        if x.dtype != torch.float32:
            return functional.group_norm(x, x.shape[1], self.weight, self.bias, self.eps)
        cases, channels, *size = x.shape
        last = x.permute(0, 2, 3, 4, 1).reshape(cases, size[0], -1, channels)
        centred = x - last.mean(dim=2).mean(dim=1)[:, :, None, None, None]
        last = centred.permute(0, 2, 3, 4, 1).reshape(cases, size[0], -1, channels)
        variance = torch.linalg.vector_norm(last, dim=2).square().mean(dim=1) / last.shape[2]
        scale = torch.rsqrt(variance + self.eps)
        scale = scale if self.weight is None else scale * self.weight
        centred.mul_(scale[:, :, None, None, None])
        return centred if self.bias is None else centred.add_(self.bias[:, None, None, None])


class Float32Pointwise(nn.Module):
    """A 1x1(x1) convolution in float32, slice by slice: the logits are not rounded and no second map is held."""

    def __init__(self, conv: nn.Conv2d | nn.Conv3d) -> None:
        super().__init__()
        self.weight = conv.weight.detach().float().flatten(1)
        self.bias = None if conv.bias is None else conv.bias.detach().float()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (n, c, [k,] j, i) to (n, out, [k,] j, i) float32."""
        if x.ndim == 4:
            return self.forward(x[:, :, None])[:, :, 0]
        cases, _, *size = x.shape
        out = torch.empty((cases, self.weight.shape[0], *size))
        for case in range(cases):
            for k in range(size[0]):
                voxels = x[case, :, k].permute(1, 2, 0).reshape(-1, x.shape[1]).float()
                out[case, :, k] = functional.linear(voxels, self.weight, self.bias).T.reshape(-1, *size[1:])
        return out


def _cpu_copy(network: nn.Module, precision: torch.dtype) -> nn.Module:
    """Copy a module in ``precision``, channels last, with the norm above in place."""
    norms = [m for m in network.modules() if isinstance(m, _NORMS)]
    keep = {id(t) for norm in norms for t in [*norm.parameters(recurse=False), *norm.buffers(recurse=False)]}
    memo = {}
    for tensor in [*network.parameters(), *network.buffers()]:
        # Cast while copying: a float32 copy of everything never exists.
        target = precision if tensor.is_floating_point() and id(tensor) not in keep else tensor.dtype
        cast = tensor.detach().to("cpu", target, copy=True)
        order = {4: torch.channels_last, 5: torch.channels_last_3d}.get(cast.ndim)
        cast = cast if order is None else cast.to(memory_format=order)
        memo[id(tensor)] = nn.Parameter(cast, requires_grad=False) if isinstance(tensor, nn.Parameter) else cast
    fitted = copy.deepcopy(network, memo).eval()
    instance = (nn.InstanceNorm2d, nn.InstanceNorm3d)
    _replace(fitted, lambda m: type(m) in instance and not m.track_running_stats, ChannelsLastInstanceNorm)
    return fitted


def _widen_head(module: nn.Module, probe: torch.Tensor) -> None:
    """Put the layer that gives the logits into float32 where it is a plain 1x1(x1) convolution."""
    outputs: dict[nn.Module, torch.Tensor] = {}
    plain = {nn.Conv2d: (1, 1), nn.Conv3d: (1, 1, 1)}
    convs = [m for m in module.modules() if type(m) in plain and m.kernel_size == m.stride == plain[type(m)]]
    hooks = [conv.register_forward_hook(lambda m, _, out: outputs.__setitem__(m, out)) for conv in convs]
    logits = _first(module(probe))
    for hook in hooks:
        hook.remove()
    _replace(module, lambda m: outputs.get(m) is logits and m.groups == 1, Float32Pointwise)


def _checked(module: nn.Module, check: Callable[[], object] | None) -> nn.Module:
    """The module, with ``check`` called before each of its layers."""

    def before(layer: nn.Module, inputs: tuple) -> None:
        check()

    layers = [layer for layer in module.modules() if not any(True for _ in layer.children())]
    for layer in layers if check is not None else ():
        layer.register_forward_pre_hook(before)
    return module


def _replace(module: nn.Module, wanted: Callable[[nn.Module], bool], make: Callable[[nn.Module], nn.Module]) -> None:
    """Replace every wanted layer, once for a layer that is registered in several places."""
    made: dict[nn.Module, nn.Module] = {}
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if child in made or wanted(child):
                made[child] = made.get(child) or make(child)
                setattr(parent, name, made[child])


def _native(windows: torch.Tensor, dims: int) -> torch.Tensor:
    """Windows (n, c, 1, j, i) as a network of two dimensions takes them; others as they are."""
    return windows[:, :, 0] if dims == 2 else windows


def _volume(logits: torch.Tensor, dims: int) -> torch.Tensor:
    """What such a network gives as windows again."""
    return logits[:, :, None] if dims == 2 else logits


def _first(output: object) -> torch.Tensor:
    """The full-resolution logits of a network that may give deep-supervision heads too."""
    if isinstance(output, (list, tuple)):
        output = output[0]
    return output
