"""What is exported of a package of each task: the graph, the axes that stay open, windows to hold it against PyTorch.

A task that joins (classification) is one more `Form` in `FORMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UsageError
from .checking import Agreement, compare_labels, compare_rows
from .looks import level_windows, segmentation_windows

if TYPE_CHECKING:
    from torch import nn

    from ..packages import Card


@dataclass(frozen=True)
class Form:
    """How packages of one task are exported.

    Attributes
    ----------
    graph : (card, module) -> module
        The module whose call is exported: from one tensor to one tensor.
    shapes : (card, module) -> (shape, {axis: (least, multiple)})
        An example's shape, and the axes that stay open: each is a multiple of that number, and at least the other.
    windows : card -> iterator of float32 arrays
        Seeded inputs on which the exported file is held against PyTorch.
    compare : (card, PyTorch's output, the runtime's) -> Agreement
    extra : (card, module) -> dict
        What whoever runs the file must know beside the card (JSON types).
    """

    graph: Callable[[Card, nn.Module], nn.Module]
    shapes: Callable[[Card, nn.Module], tuple[tuple[int, ...], dict[int, tuple[int, int]]]]
    windows: Callable[[Card], Iterator[np.ndarray]]
    compare: Callable[[Card, np.ndarray, np.ndarray], Agreement]
    extra: Callable[[Card, nn.Module], dict[str, Any]]


def form_of(card: Card) -> Form:
    """The form of a package's task; ``UsageError`` where it has none."""
    if card.refiner:
        raise UsageError(
            f"{card.name}: works in two stages, which one ONNX file does not hold; export its first stage alone, or "
            "the whole as a .zip"
        )
    if card.task not in FORMS:
        raise UsageError(f"{card.name}: a model for {card.task} cannot be exported to ONNX; export it as a .zip")
    return FORMS[card.task]


def _segmentation_shapes(card: Card, module: nn.Module) -> tuple[tuple[int, ...], dict[int, tuple[int, int]]]:
    from ..networks import network_divisor

    divisor = network_divisor(card.network, card.arguments)
    side = max(2 * divisor, -(-16 // divisor) * divisor)
    shape = (2, card.in_channels, *(side,) * card.dims)
    return shape, {0: (1, 1), **{axis: (divisor, divisor) for axis in range(2, len(shape))}}


def _level_graph(card: Card, module: nn.Module) -> nn.Module:
    return _dense(module) if _is_dense(card) else module


def _level_shapes(card: Card, module: nn.Module) -> tuple[tuple[int, ...], dict[int, tuple[int, int]]]:
    rows, width = card.window
    if card.output == "confidence-map":
        return (1, card.in_channels, rows + 1, width), {2: (module.factor, 1)}
    if _is_dense(card):
        return (1, card.in_channels, 3 * rows + 1, width), {2: (rows + module.stride, 1)}
    return (2, card.in_channels, rows, width), {0: (1, 1)}


def _level_extra(card: Card, module: nn.Module) -> dict[str, Any]:
    import dataclasses

    return {"dense": dataclasses.asdict(module.dense_plan)} if _is_dense(card) else {}


def _is_dense(card: Card) -> bool:
    return card.output == "offset" and card.projection["evaluation"] == "dense"


def _dense(module: nn.Module) -> nn.Module:
    """A regressor's dense evaluation at its finest step as a module."""
    from torch import Tensor, nn

    from ..networks.level_dense import grid_offsets

    class Dense(nn.Module):
        """(B, views, R, width) to the offsets (B, n) of the windows at every finest step."""

        def __init__(self) -> None:
            super().__init__()
            self.regressor = module

        def forward(self, x: Tensor) -> Tensor:
            return grid_offsets(self.regressor, self.regressor.dense_plan, x)

    return Dense()


FORMS = {
    "segmentation": Form(
        graph=lambda card, module: module,
        shapes=_segmentation_shapes,
        windows=segmentation_windows,
        compare=compare_labels,
        extra=lambda card, module: {},
    ),
    "level": Form(
        graph=_level_graph, shapes=_level_shapes, windows=level_windows, compare=compare_rows, extra=_level_extra
    ),
}
