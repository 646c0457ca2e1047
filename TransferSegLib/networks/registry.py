"""The registry of networks, and building one of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .dmfnet import FIBER_NETWORKS
from .dynunet import DYNUNET
from .level import LEVEL_NETWORKS, level_spec
from .petct import PETCT_NETWORKS
from .plain_unet import PLAIN_UNETS, plain_unet_by_name
from .segresnet import SEGRESNET
from .spec import NetworkSpec
from .unet import UNET

if TYPE_CHECKING:
    from torch import nn

_BUILT_IN = (UNET, DYNUNET, SEGRESNET, *PLAIN_UNETS, *FIBER_NETWORKS, *PETCT_NETWORKS, *LEVEL_NETWORKS)
_NETWORKS: dict[str, NetworkSpec] = {spec.name: spec for spec in _BUILT_IN}
# MONAI's networks on slices, as bundles bring them; a new model takes the plain ones.
_OF_SLICES = {
    f"{spec.name}2d": replace(spec, name=f"{spec.name}2d", title=f"{spec.name} of MONAI on slices", dims=2)
    for spec in (UNET, DYNUNET, SEGRESNET)
}


def register(spec: NetworkSpec) -> NetworkSpec:
    """Add a network; UsageError when the name is taken or it has no anatomical grouping."""
    if spec.name in _NETWORKS:
        raise UsageError(f"network {spec.name}: the name is taken; choose another")
    if "anatomical" not in spec.groupings:
        raise UsageError(f"network {spec.name}: no anatomical grouping; declare one")
    _NETWORKS[spec.name] = spec
    return spec


def network_names() -> tuple[str, ...]:
    """Names of all networks, in the order of registration."""
    return tuple(_NETWORKS)


def network_spec(name: str) -> NetworkSpec:
    """The entry of that name; UsageError that lists the names otherwise.

    ``l3-`` and the name of a torchvision classifier has an entry too, ``unet2d-`` or ``unet3d-`` and any widths, and
    MONAI's networks on slices (``unet2d``, ``segresnet2d``, ``dynunet2d``), which `network_names` does not list.
    """
    if name in _NETWORKS:
        return _NETWORKS[name]
    if name in _OF_SLICES:
        return _OF_SLICES[name]
    spec = plain_unet_by_name(name) or level_spec(name)
    if spec is None:
        raise UsageError(f"network {name!r} does not exist; use one of {', '.join(_NETWORKS)}")
    return spec


def is_network(name: str) -> bool:
    """Whether `network_spec` knows the name: one of `network_names`, or one that is made when asked for."""
    try:
        network_spec(name)
    except UsageError:
        return False
    return True


def network_of_target(target: str, dims: int = 3) -> str | None:
    """The network for a bundle's ``_target_`` (``UNet``, ``monai.networks.nets.UNet`` ...), None if not allowed.

    ``dims`` 2 gives that on slices, ``segresnet2d`` for ``SegResNet``.
    """
    path, _, last = target.rpartition(".")
    if path and path != "monai.networks.nets" and not path.startswith("monai.networks.nets."):
        return None
    for name, spec in (_OF_SLICES if dims == 2 else _NETWORKS).items():
        if spec.monai_target and last in (spec.monai_target.rpartition(".")[2], *spec.targets):
            return name
    return None


def network_divisor(name: str, arguments: Mapping[str, Any] | None = None) -> int:
    """The number that each spatial size of the input must be a multiple of."""
    spec = network_spec(name)
    given = {key: value for key, value in (arguments or {}).items() if key != "kept"}
    return spec.divisor_of(given or spec.default_arguments)


def build_network(
    name: str, in_channels: int, out_channels: int, arguments: Mapping[str, Any] | None = None
) -> nn.Module:
    """A network with new weights.

    Parameters
    ----------
    name : str
        One of `network_names`.
    in_channels, out_channels : int
        Images in, logits out.
    arguments : mapping, optional
        All other constructor arguments. They replace the network's defaults as a whole (what is left out takes
        MONAI's own default, as in a bundle); none or an empty mapping means the network's defaults. ``kept`` beside
        them holds the sizes that pruning left (`narrowing.narrow`).

    Raises
    ------
    UsageError
        For an unknown network, an argument that the class does not have, or values it refuses.
    """
    return construct(network_spec(name), in_channels, out_channels, arguments or {})


def construct(spec: NetworkSpec, in_channels: int, out_channels: int, arguments: Mapping[str, Any]) -> nn.Module:
    """Build from a specification, with refusals as one line; see `build_network`."""
    if in_channels < 1 or out_channels < 1:
        raise UsageError(f"network {spec.name}: {in_channels} input and {out_channels} output channels; use 1 or more")
    network_class = spec.factory()
    known = set(inspect.signature(network_class).parameters) - {"self", "in_channels", "out_channels"}
    given = {"spatial_dims": spec.dims} if "spatial_dims" in known else {}
    chosen = dict(arguments)
    kept = None if "kept" in known else chosen.pop("kept", None)
    chosen = chosen or spec.default_arguments
    given |= {key: value for key, value in chosen.items() if key not in spec.dropped_arguments}
    unknown = sorted(set(given) - known)
    if unknown:
        raise UsageError(
            f"network {spec.name}: does not know the argument {', '.join(unknown)}; use of {', '.join(sorted(known))}"
        )
    try:
        module = network_class(in_channels=in_channels, out_channels=out_channels, **given)
        return module if kept is None else _narrowed(spec, module, kept)
    except (TypeError, ValueError, KeyError, AssertionError, AttributeError, IndexError, RuntimeError) as error:
        raise UsageError(f"network {spec.name}: cannot be built ({error}); correct its arguments {given}") from error


def _narrowed(spec: NetworkSpec, module: nn.Module, kept: Mapping[str, Any]) -> nn.Module:
    """The network with the sizes that pruning left; channels of image and labels stay those asked for."""
    from .narrowing import narrow

    narrow(module, kept, spec.channel_axes(module))
    return module
