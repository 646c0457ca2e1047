"""The convolutional part of an L3 network: CNN4 or a torchvision backbone, cut before its pooling and classifier."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import nn

from ..errors import UsageError
from .narrowing import narrow

CNN4_WIDTHS = (8, 16, 32, 32)
# What ends the convolutional part of torchvision's classifiers.
_ENDS = ("avgpool", "classifier", "fc", "head", "heads", "AuxLogits", "aux1", "aux2")
_WITHOUT_AUXILIARY = ("googlenet", "inception_v3")


class Unit(NamedTuple):
    """One step of a trunk: its name there, the module, and its name in torchvision's state dict."""

    name: str
    module: nn.Module
    source: str


def backbone_names() -> tuple[str, ...]:
    """CNN4 and the names of torchvision's classification networks."""
    from torchvision import models

    return ("cnn4", *models.list_models(module=models))


def trunk_units(backbone: str) -> list[Unit]:
    """The units of a backbone with new weights, in the order in which they run.

    CNN4 is four times 5x5 convolution, ReLU and 2x2 pooling, of 8, 16, 32 and 32 maps (after Belharbi et al. 2017,
    who do not print its layers). UsageError for a name that torchvision does not have.
    """
    if backbone == "cnn4":
        return _cnn4()
    from torchvision import models

    if backbone not in backbone_names():
        raise UsageError(f"backbone {backbone!r} does not exist; use cnn4 or a classifier of torchvision such as vgg16")
    extra = {"aux_logits": False, "init_weights": True} if backbone in _WITHOUT_AUXILIARY else {}
    model = models.get_model(backbone, weights=None, **extra)
    units: list[Unit] = []
    for name, child in model.named_children():
        if name in _ENDS or isinstance(child, (nn.Linear, nn.AdaptiveAvgPool2d)):
            break
        if name in ("features", "layers", "trunk_output") and isinstance(child, nn.Sequential):
            units += [Unit(inner, part, f"{name}.{inner}") for inner, part in child.named_children()]
        else:
            units.append(Unit(name, child, name))
    if backbone.startswith("densenet"):  # its last ReLU is a function of its forward
        units.append(Unit("relu_last", nn.ReLU(), ""))
    return units


def _cnn4() -> list[Unit]:
    units, before = [], 3
    for number, width in enumerate(CNN4_WIDTHS, 1):
        conv = nn.Conv2d(before, width, 5, padding=2)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        nn.init.zeros_(conv.bias)
        parts = {"conv": conv, "relu": nn.ReLU(inplace=True), "pool": nn.MaxPool2d(2)}
        units += [Unit(f"{kind}{number}", part, "") for kind, part in parts.items()]
        before = width
    return units


def build_trunk(backbone: str, kept: Mapping[str, Sequence[int]] | None = None) -> tuple[nn.Sequential, dict[str, str]]:
    """The trunk of a backbone, narrowed to ``kept``, and the name of each of its units in torchvision's state dict."""
    for device in ("meta", "cpu") if kept else ("cpu",):  # what is replaced anyway needs no weights first
        try:
            with torch.device(device) if device == "meta" else nullcontext():
                units = trunk_units(backbone)
        except NotImplementedError:  # it computes its first weights from one another, which meta has none of
            continue
        trunk = nn.Sequential(OrderedDict((unit.name, unit.module) for unit in units))
        narrow(trunk, kept or {})
        if not any(value.is_meta for value in trunk.state_dict().values()):
            break
    return trunk, {unit.name: unit.source for unit in units}


class Shapes(NamedTuple):
    """What a dry run found: size (maps, rows, columns) after each unit, from a window of the size asked for."""

    sizes: list[tuple[int, int, int]]
    stride: int


def dry_run(units: Sequence[nn.Module], rows: int, width: int, what: str) -> Shapes:
    """Shapes after each unit and the rows of the window that one row of features advances.

    Raises
    ------
    UsageError
        When the window is too small, or the backbone gives no map of features (transformers with a fixed size).
    """
    probe = 64 * max(rows // 64, 4)
    try:
        sizes = _sizes(units, rows, width)
        lengths = [_sizes(units, probe + extra, width)[-1][1] for extra in (0, 1024)]
    except (RuntimeError, ValueError, AssertionError, IndexError, TypeError, AttributeError) as error:
        text = " ".join(str(error).split())[:120]
        raise UsageError(
            f"{what}: cannot run on {rows} x {width} pixels ({text}); use a larger window or a convolutional backbone"
        ) from error
    if lengths[1] <= lengths[0] or 1024 % (lengths[1] - lengths[0]):
        raise UsageError(f"{what}: its rows of features do not follow the rows of the image; use another backbone")
    return Shapes(sizes, 1024 // (lengths[1] - lengths[0]))


def _sizes(units: Sequence[nn.Module], rows: int, width: int) -> list[tuple[int, int, int]]:
    """Shapes on torch's meta device: no memory, no arithmetic."""
    from torch.func import functional_call

    found = []
    x = torch.empty(1, 3, rows, width, device="meta")
    for unit in units:
        training = unit.training
        unit.eval()
        state = {
            name: torch.empty_like(value, device="meta")
            for name, value in [*unit.named_parameters(), *unit.named_buffers()]
        }
        with torch.no_grad():
            x = functional_call(unit, state, (x,))
        unit.train(training)
        if x.ndim != 4 or min(x.shape) < 1:
            raise ValueError(f"no map of features but a shape of {tuple(x.shape)}")
        found.append(tuple(x.shape[1:]))
    return found


def stage_starts(units: Sequence[nn.Module], sizes: Sequence[tuple[int, int, int]], rows: int) -> list[int]:
    """Index of the first unit of each stage: a stage ends where the rows become fewer.

    A pooling belongs to the stage before it; a unit with parameters that itself makes the rows fewer begins one.
    """
    starts, before, filled, pooled = [0], rows, False, False
    for number, (unit, size) in enumerate(zip(units, sizes)):
        learns = any(True for _ in unit.parameters())
        fewer = size[1] < before
        if learns and filled and (pooled or fewer):
            starts.append(number)
            pooled = False
        filled = filled or learns
        pooled = pooled or (fewer and not learns)
        before = size[1]
    return starts
