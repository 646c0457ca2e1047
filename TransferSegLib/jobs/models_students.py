"""models students: which networks a model can teach, and how large they are for its images and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..exporting.sizes_counting import parameters_of, parameters_of_card
from ..networks import NetworkSpec, build_network
from ..packages import Card, find_package, student_networks, usual_student
from .new_model import one_channel


def models_students(name: str | Path) -> dict[str, Any]:
    """The networks that `distill` takes as students of a model.

    Returns
    -------
    dict
        ``name, parameters`` (the model's own) and ``students``: ``[{network, title, dims, parameters, usual}]``, 2-D
        ones first, each group by size; empty for a model that gives no labels.
    """
    card = find_package(name).card
    rows = [
        {
            "network": spec.name,
            "title": spec.title,
            "dims": spec.dims,
            "parameters": _parameters(spec, card),
            "usual": spec.name == usual_student(card),
        }
        for spec in student_networks(card)
    ]
    rows.sort(key=lambda row: (row["dims"], row["parameters"]))
    return {"name": card.name, "parameters": parameters_of_card(card), "students": rows}


def _parameters(spec: NetworkSpec, card: Card) -> int:
    """With as many images in and labels out as the model has."""
    import torch

    labels = len(card.labels)
    with torch.device("meta"):  # sizes alone, no numbers
        module = build_network(spec.name, card.in_channels, labels if one_channel(spec, labels) else labels + 1)
    return parameters_of(module)
