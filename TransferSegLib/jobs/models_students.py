"""models students: the networks that a model can teach, their size for its images and labels, what they compute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..exporting.sizes_counting import macs_of, parameters_of, parameters_of_card
from ..networks import build_network, network_divisor, network_spec
from ..packages import Card, find_package, student_networks, usual_student
from .new_model import one_channel

# Side of the window that operations are counted on, at least.
SIDE = 32


def models_students(name: str | Path) -> dict[str, Any]:
    """The networks that `distill` takes as students of a model.

    Returns
    -------
    dict
        ``name, parameters`` (the model's own) and ``students``: ``[{network, title, dims, parameters, times, usual}]``,
        2-D ones first, each group by size; empty for a model that gives no labels. ``times`` are the operations for a
        voxel of a window, as a multiple of the model's (None where that is several networks); ``usual`` is the one to
        propose, where one computes less than the model.
    """
    card = find_package(name).card
    labels, rows = len(card.labels), []
    alone = card.task == "segmentation" and not card.composed
    own = _counted(card, card.network, card.out_channels, card.arguments)[1] if alone else None
    for spec in student_networks(card):
        parameters, macs = _counted(card, spec.name, labels if one_channel(spec, labels) else labels + 1)
        told = {"network": spec.name, "title": spec.title, "dims": spec.dims, "parameters": parameters}
        rows.append({**told, "times": round(macs / own, 3) if own else None})
    rows.sort(key=lambda row: (row["dims"], row["parameters"]))
    proposed = _proposed(rows, usual_student(card))
    students = [row | {"usual": row["network"] == proposed} for row in rows]
    return {"name": card.name, "parameters": parameters_of_card(card), "students": students}


def _proposed(rows: list[dict[str, Any]], usual: str) -> str:
    """The usual student where it computes less than the model, else what computes least; empty where none does."""
    lighter = {row["network"]: row["times"] or 0.0 for row in rows if row["times"] is None or row["times"] < 1}
    return usual if usual in lighter else min(lighter, key=lighter.__getitem__, default="")


def _counted(card: Card, network: str, out: int, arguments: Mapping[str, Any] | None = None) -> tuple[int, float]:
    """Parameters, and multiply-accumulates for a voxel, with as many images in as the model has."""
    import torch

    dims, divisor = network_spec(network).dims, network_divisor(network, arguments)
    side = -(-SIDE // divisor) * divisor
    with torch.device("meta"):  # sizes alone, no numbers
        module = build_network(network, card.in_channels, out, arguments)
    return parameters_of(module), macs_of(module, (1, card.in_channels, *(side,) * dims)) / side**dims
