"""models groups --strategy: what one strategy trains of a network, as numbers and as a drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..networks import build_network, groups_of, is_network, network_names, network_spec, parameter_groups
from ..packages import Package, find_package
from ..strategies import strategy
from .segment_outputs import check_picture


def strategy_blocks(
    name: str, strategy_name: str, *, grouping: str = "anatomical", picture: str | Path | None = None
) -> dict[str, Any]:
    """What ``strategy_name`` trains and freezes of a network or a model's network.

    Parameters
    ----------
    picture : path, optional
        Where to draw the blocks, in a size for a narrow panel (about 400 pixels).

    Returns
    -------
    dict
        ``strategy, sentence, grouping, trainable, frozen, frozen_percent, blocks [{name, parameters, frozen}],
        picture``.

    Raises
    ------
    UsageError
        No such model, network or strategy, or one that means nothing for this network.
    """
    if picture is not None:
        check_picture(picture)
    chosen = strategy(strategy_name)
    network, module = _module(name)
    still = chosen.frozen_groups(groups_of(network, module, grouping), network=network)
    blocks = [
        {"name": group, "parameters": sum(p.numel() for _, p in tensors), "frozen": group in still}
        for group, tensors in parameter_groups(network, module, grouping).items()
        if tensors
    ]
    total = sum(block["parameters"] for block in blocks)
    frozen = sum(block["parameters"] for block in blocks if block["frozen"])
    if picture is not None:
        from ..reporting import save_blocks

        save_blocks(picture, [(b["name"], b["parameters"], b["frozen"]) for b in blocks], narrow=True)
    return {
        "strategy": chosen.name,
        "sentence": chosen.sentence,
        "grouping": grouping,
        "trainable": total - frozen,
        "frozen": frozen,
        "frozen_percent": round(100 * frozen / max(total, 1), 2),
        "blocks": blocks,
        "picture": None if picture is None else str(picture),
    }


def package_of_network(name: str) -> Package:
    """The model of that name, where a network's would do too (`is_network`)."""
    return find_package(name, "NAME", others=network_names())


def _module(name: str) -> tuple[str, Any]:
    """The network's name and a module without memory for its weights."""
    import torch

    if is_network(name):
        spec = network_spec(name)
        with torch.device("meta"):
            return name, spec.build(*spec.default_channels)
    card = package_of_network(name).card
    with torch.device("meta"):
        return card.network, build_network(card.network, card.in_channels, card.out_channels, card.arguments)
