"""Weights of a source into a target of other labels or channels: what fits is taken, the rest is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..networks import network_spec, without_duplicates

if TYPE_CHECKING:
    from torch import Tensor, nn

ChannelMap = Mapping[int, "int | str | None"]


@dataclass(frozen=True)
class Skipped:
    """A tensor that was not transferred; a shape is None where that side does not have the tensor."""

    name: str
    source_shape: tuple[int, ...] | None
    target_shape: tuple[int, ...] | None

    def __str__(self) -> str:
        if self.target_shape is None:
            return f"{self.name}: source {self.source_shape}, none in the target"
        if self.source_shape is None:
            return f"{self.name}: none in the source, target {self.target_shape}"
        return f"{self.name}: source {self.source_shape}, target {self.target_shape}"


@dataclass(frozen=True)
class TransferReport:
    """What `transfer_weights` did, by tensor name.

    Attributes
    ----------
    loaded : tuple of str
        Taken as they are.
    adapted : tuple of Skipped
        Taken channel by channel (name, source shape, target shape).
    skipped : tuple of Skipped
        Not transferred: another shape, or one side lacks the tensor.
    new_tensors : frozenset of str
        Target tensors that are wholly or partly new (a class from scratch, a channel from scratch or from the mean
        of the old ones, a skipped tensor): never frozen. A tensor whose channels all come from the source, in
        whatever order, is not new.
    """

    loaded: tuple[str, ...]
    adapted: tuple[Skipped, ...]
    skipped: tuple[Skipped, ...]
    new_tensors: frozenset[str]

    def lines(self) -> list[str]:
        """One line a tensor that did not transfer as it is, after a line of totals."""
        first = f"{len(self.loaded)} tensors loaded, {len(self.adapted)} adapted, {len(self.skipped)} not transferred"
        return [first, *(f"adapted {t}" for t in self.adapted), *(f"not transferred {t}" for t in self.skipped)]

    def as_dict(self) -> dict:
        """For ``run.json``: counts and, by name, both shapes."""

        def listed(tensors: tuple[Skipped, ...]) -> list[dict]:
            return [{"name": t.name, "source": t.source_shape, "target": t.target_shape} for t in tensors]

        return {
            "loaded": len(self.loaded),
            "adapted": listed(self.adapted),
            "skipped": listed(self.skipped),
            "new_tensors": sorted(self.new_tensors),
        }


def transfer_weights(
    source_state: Mapping[str, Tensor],
    module: nn.Module,
    network_name: str,
    *,
    label_map: Mapping[int, int | None] | None = None,
    channel_map: ChannelMap | None = None,
) -> TransferReport:
    """Fill a target module from a source's state dict, tensor by tensor.

    Parameters
    ----------
    source_state : mapping of str to tensor
        Of the same network with whatever channels; repeated entries are ignored.
    module : nn.Module
        The target, with new weights; changed in place.
    label_map : mapping of int to (int or None), optional
        Output channel of the target to that of the source; None or absent = from scratch. Without a map the
        output layer is taken as it is where its shape is equal, else not at all. Name the background (0: 0) too.
    channel_map : mapping of int to (int, "mean" or None), optional
        Input channel of the target to that of the source; ``"mean"`` = the mean over the source's input channels.

    Raises
    ------
    UsageError
        For a map that names a channel which the target or the source does not have.
    """
    import torch

    spec = network_spec(network_name)
    own = without_duplicates(network_name, module.state_dict())
    given = without_duplicates(network_name, source_state)
    maps = {"output": label_map, "input": channel_map}
    plans: dict[str, list[tuple[int, ChannelMap]]] = {}
    for entry in spec.channel_axes(module):
        if maps[entry.kind] is not None:
            plans.setdefault(entry.tensor, []).append((entry.axis, maps[entry.kind]))
    loaded, adapted, skipped, new, values = [], [], [], set(), {}
    for name, fresh in own.items():
        source = given.get(name)
        shapes = Skipped(name, None if source is None else tuple(source.shape), tuple(fresh.shape))
        plan = [] if source is None else _effective(name, plans.get(name, []), source, fresh)
        if source is not None and not plan and source.shape == fresh.shape:
            values[name] = source
            loaded.append(name)
        elif plan and _fits(plan, source, fresh):
            values[name], whole = _remap(source, fresh, plan)
            adapted.append(shapes)
            new |= set() if whole else {name}
        else:
            skipped.append(shapes)
            new.add(name)
    skipped += [Skipped(name, tuple(value.shape), None) for name, value in given.items() if name not in own]
    with torch.no_grad():
        module.load_state_dict(values, strict=False)
    return TransferReport(tuple(loaded), tuple(adapted), tuple(skipped), frozenset(new))


def _effective(
    name: str, plan: list[tuple[int, ChannelMap]], source: Tensor, fresh: Tensor
) -> list[tuple[int, ChannelMap]]:
    """The axes that change, after a check of the channels named; a map of each channel to itself changes nothing."""
    effective = []
    for axis, mapping in plan:
        if source.ndim != fresh.ndim:
            continue
        old, size = source.shape[axis], fresh.shape[axis]
        for target, origin in mapping.items():
            if not 0 <= target < size:
                raise UsageError(f"channel map: {name} has no target channel {target}; use 0 to {size - 1}")
            if isinstance(origin, int) and not 0 <= origin < old:
                raise UsageError(f"channel map: {name} has no source channel {origin}; use 0 to {old - 1}")
            if isinstance(origin, str) and origin != "mean":
                raise UsageError(f"channel map: {origin!r} is not a channel; use a number, 'mean' or None")
        if old != size or any(mapping.get(target) != target for target in range(size)):
            effective.append((axis, mapping))
    return effective


def _fits(plan: list[tuple[int, ChannelMap]], source: Tensor, fresh: Tensor) -> bool:
    """Whether all other axes agree and at least one channel comes from the source."""
    mapped = {axis for axis, _ in plan}
    others = all(source.shape[axis] == fresh.shape[axis] for axis in range(fresh.ndim) if axis not in mapped)
    return others and all(any(origin is not None for origin in mapping.values()) for _, mapping in plan)


def _remap(source: Tensor, fresh: Tensor, plan: list[tuple[int, ChannelMap]]) -> tuple[Tensor, bool]:
    """The fresh tensor with mapped channels filled in, and whether every value is a source value."""
    import torch

    values, chosen, whole = source.to(fresh.device, fresh.dtype), [], True
    for axis, mapping in plan:
        pieces, targets = [], []
        for target in range(fresh.shape[axis]):
            origin = mapping.get(target)
            whole = whole and isinstance(origin, int)
            if origin is not None:
                piece = values.mean(axis, keepdim=True) if origin == "mean" else values.narrow(axis, int(origin), 1)
                pieces.append(piece)
                targets.append(target)
        values = torch.cat(pieces, axis)
        chosen.append((axis, torch.tensor(targets, device=fresh.device)))
    return _filled(fresh, values, chosen), whole


def _filled(fresh: Tensor, values: Tensor, chosen: list[tuple[int, Tensor]]) -> Tensor:
    """A copy of ``fresh`` with ``values`` at the chosen indices of each axis named."""
    (axis, index), rest = chosen[0], chosen[1:]
    inner = _filled(fresh.index_select(axis, index), values, rest) if rest else values
    return fresh.clone().index_copy_(axis, index, inner)
