"""One network, or several that lie in one package: their names in the state dict, building and loading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import PackageError
from ..networks import build_network, load_state
from .card import Card


def loaded_module(card: Card, state: dict[str, Any], *, where: Any) -> Any:
    """The module that a card describes, with its weights; `Ensemble` where there are several networks.

    Raises
    ------
    PackageError
        Tensors that are missing, too many, of another shape, or not finite.
    """
    if not card.composed:
        module = build_network(card.network, card.in_channels, card.out_channels, card.arguments)
        load_checked(module, state, card.network, where=where)
        return module
    import torch

    from ..networks.ensemble import Ensemble

    parts = state_parts(state)
    wanted = {*(f"members.{n}" for n in range(card.members))}
    wanted |= ({"refiner"} if card.refiner else set()) | ({"combine"} if card.combination == "linear" else set())
    if set(parts) != wanted:
        odd = sorted(set(parts) ^ wanted)
        raise PackageError(f"{where}: its parts are not those of its card ({', '.join(odd[:4])}); get it again")
    members = []
    for number in range(card.members):
        member = build_network(card.network, card.in_channels, card.out_channels, card.arguments)
        load_checked(member, parts[f"members.{number}"], card.network, where=where)
        members.append(member)
    refiner = None
    if card.refiner:
        refiner = refiner_of(card)
        load_checked(refiner, parts["refiner"], card.refiner["network"], where=where)
    module = Ensemble(members, output=card.output, combination=card.combination, refiner=refiner)
    if module.combine is not None:
        shapes = {name: tuple(value.shape) for name, value in module.combine.state_dict().items()}
        if {name: tuple(value.shape) for name, value in parts["combine"].items()} != shapes:
            raise PackageError(f"{where}: the weights that combine its members have another shape; get it again")
        with torch.no_grad():
            module.combine.load_state_dict(parts["combine"])
    return module


def refiner_of(card: Card) -> Any:
    """A refiner with new weights: the card's channels and the first stage's probability in, two out."""
    return build_network(card.refiner["network"], card.in_channels + 1, 2, card.refiner.get("arguments") or {})


def state_parts(state: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """``members.0.stem.weight`` and so on, by part (``members.0``, ``combine``, ``refiner``)."""
    parts: dict[str, dict[str, Any]] = {}
    for name, value in state.items():
        words = name.split(".")
        depth = 2 if words[0] == "members" else 1
        parts.setdefault(".".join(words[:depth]), {})[".".join(words[depth:])] = value
    return parts


def network_parts(card: Card, state: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The networks of a package by part, one alone as ``members.0``."""
    return state_parts(state) if card.composed else {"members.0": dict(state)}


def composed_state(
    members: Sequence[Mapping[str, Any]],
    *,
    combine: Mapping[str, Any] | None = None,
    refiner: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The state dict of several networks in one package."""
    parts = {f"members.{n}": member for n, member in enumerate(members)}
    parts |= {} if combine is None else {"combine": combine}
    parts |= {} if refiner is None else {"refiner": refiner}
    return {f"{part}.{name}": value for part, state in parts.items() for name, value in state.items()}


def first_member(card: Card, state: dict[str, Any]) -> dict[str, Any]:
    """The weights of the card's network; of the first where there are several."""
    return state_parts(state).get("members.0", {}) if card.composed else state


def load_checked(module: Any, state: dict[str, Any], network: str, *, where: Path | str) -> None:
    """Load weights into a network; every tensor must be there and fit, and be finite (``PackageError``)."""
    import torch

    for name, tensor in state.items():
        if not torch.isfinite(tensor.float()).all():
            raise PackageError(f"{where}: tensor {name} holds NaN or infinite values; get the package again")
    load_state(network, module, state, what=str(where))
