"""What a network declares about itself: how to build it, its groups, its channel axes, its two halves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Group:
    """A named part of a network.

    Parameters
    ----------
    name : str
        ``stem``, ``enc1..N``, ``bottleneck``, ``decN..1`` or ``head``.
    prefixes : tuple of str
        Module or parameter names; a name belongs to the group with the longest prefix that covers it.
        Empty where the network has no such part.
    half : {"encoder", "decoder"} or None
        What ``freeze-encoder`` and ``freeze-decoder`` mean in this grouping; None is frozen by neither.
    level : int, optional
        Depth in the encoder: 0 for the stem, i for ``enc<i>``; None elsewhere.
    """

    name: str
    prefixes: tuple[str, ...]
    half: str | None = None
    level: int | None = None


@dataclass(frozen=True)
class ChannelAxis:
    """An axis of a tensor that counts the image's channels (``input``) or the label channels (``output``)."""

    tensor: str
    axis: int
    kind: str


Groups = tuple[Group, ...]
Stage = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True)
class NetworkSpec:
    """One entry of the registry.

    Parameters
    ----------
    name : str
        As on the command line and in a card.
    title : str
        For people.
    factory : callable
        Returns what makes the module, its class or a partial of it (imported when called).
    default_arguments : mapping
        Constructor arguments beside the channels; used where none are given.
    groupings : mapping of str to (Groups or callable)
        ``anatomical`` always, ``poster`` where a published table defines it; a callable takes the module,
        so that other depths than the default have their groups too.
    channel_axes : callable
        Module to its `ChannelAxis` entries.
    stages : callable, optional
        Module to the callables of stem, enc1, ..., encN: each takes what the one before returned.
    finish : callable, optional
        ``(module, features) -> logits``: bottleneck, decoder and head. ``features`` is a list which it empties
        as it goes, so that skips are freed early.
    supervise : callable, optional
        ``(module, features) -> [logits, ...]`` of every head at full size, coarse to fine, `finish`'s last: what a
        training with deep supervision judges.
    divisor_of : callable
        Arguments to the number that each spatial size must be a multiple of.
    default_channels : (int, int)
        Input and output channels for reports about the network as published.
    dims : int
        Spatial dimensions.
    has_decoder : bool
        False for regressors and classifiers.
    stem_is_skip : bool
        Whether `finish` needs the stem's output; where not, it is not kept.
    monai_target, targets : str, tuple of str
        Import path written to a bundle, and other last names under which a bundle may call the class.
    duplicates : tuple of str
        Prefixes of state-dict entries that repeat others or serve training only: neither saved nor loaded.
    dropped_arguments : tuple of str
        Constructor arguments of a bundle that serve training only and are left out.
    absent : mapping
        Grouping to the reason why this network has none by that name.
    """

    name: str
    title: str
    factory: Callable[[], Callable[..., nn.Module]]
    default_arguments: Mapping[str, Any]
    groupings: Mapping[str, Groups | Callable[[nn.Module], Groups]]
    channel_axes: Callable[[nn.Module], tuple[ChannelAxis, ...]]
    stages: Callable[[nn.Module], Sequence[Stage]] | None = None
    finish: Callable[[nn.Module, list[Tensor]], Tensor] | None = None
    supervise: Callable[[nn.Module, list[Tensor]], list[Tensor]] | None = None
    divisor_of: Callable[[Mapping[str, Any]], int] = lambda arguments: 1
    default_channels: tuple[int, int] = (4, 5)
    dims: int = 3
    has_decoder: bool = True
    stem_is_skip: bool = True
    monai_target: str = ""
    targets: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    dropped_arguments: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def divisor(self) -> int:
        """What each spatial size must be a multiple of, with the default arguments."""
        return self.divisor_of(self.default_arguments)

    def build(self, in_channels: int, out_channels: int, **arguments: Any) -> nn.Module:
        """The module, as `build_network` makes it."""
        from .registry import construct

        return construct(self, in_channels, out_channels, arguments)

    def groups(self, module: nn.Module, grouping: str = "anatomical") -> Groups:
        """The ordered groups of a grouping; UsageError for one that the network does not have."""
        found = self.groupings.get(grouping)
        if found is None:
            reason = self.absent.get(grouping, "no such grouping")
            raise UsageError(f"{self.name}: {grouping}: {reason}; use one of {', '.join(self.groupings)}")
        return found(module) if callable(found) else found

    def encode_stages(self, module: nn.Module) -> tuple[Stage, ...]:
        """Callables of stem, enc1, ..., encN; empty where the network declares none."""
        return tuple(self.stages(module)) if self.stages is not None else ()

    def encode(self, module: nn.Module, x: Tensor, *, frozen_stages: int = 0) -> tuple[Tensor, ...]:
        """Run stem and encoder.

        Parameters
        ----------
        x : tensor (n, channel, k, j, i)
        frozen_stages : int
            That many stages from the first on run without a graph.

        Returns
        -------
        tuple of tensors
            One an encoder level, shallow to deep, as `decode` needs them (skips and the deepest output).
        """
        import torch

        features: list[Tensor] = []
        for number, stage in enumerate(self.encode_stages(module)):
            if number < frozen_stages:
                with torch.no_grad():
                    x = stage(x)
            else:
                x = stage(x)
            if number > 0 or self.stem_is_skip:
                features.append(x)
        return tuple(features)

    def decode(self, module: nn.Module, features: Sequence[Tensor]) -> Tensor:
        """Bottleneck, decoder and head: logits (n, channel, k, j, i), the same bits as ``module(x)``.

        ``features`` is what `encode` returned; a list is emptied on the way, which frees each skip once used.
        """
        if self.finish is None:
            raise UsageError(f"{self.name}: declares no encoder and decoder; call the module itself")
        return self.finish(module, features if isinstance(features, list) else list(features))
