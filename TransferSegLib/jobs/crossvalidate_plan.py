"""What a cross-validation is asked to do: the models by name, and two plans, small for two cores and full for a GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..errors import UsageError
from ..level.forest import FORESTS
from ..preparing.projection import ProjectionSpec
from ..training.level_plan import MAPS, LevelPlan, default_level_plan

VIEWS = {"frontal": ("frontal",), "lateral": ("lateral",), "both": ("frontal", "lateral")}
BACKBONES = ("cnn4", "alexnet", "vgg16", "vgg19", "googlenet")
"""The published networks."""
CONSTANT = "constant height"
WITHOUT_IMAGENET = ("cnn4", MAPS)


@dataclass(frozen=True)
class Variant:
    """One model of the table.

    Attributes
    ----------
    name : str
        As on the command line: ``cnn4``, ``vgg16:windows``, ``map``, ``rf500``.
    backbone : str
        ``cnn4`` ..., ``map``, or the forest's name.
    evaluation : {"dense", "windows", "map", "forest"}
        How it is trained and read.
    """

    name: str
    backbone: str
    evaluation: str

    @property
    def network(self) -> str:
        """The registry's name."""
        return f"l3-{self.backbone}"

    @property
    def takes_imagenet(self) -> bool:
        """Whether ImageNet weights exist for it."""
        return self.evaluation not in ("forest", MAPS) and self.backbone not in WITHOUT_IMAGENET


@dataclass(frozen=True)
class Protocol:
    """The numbers of a plan.

    Attributes
    ----------
    row_mm, rows, width : float, int, int
        Side of a pixel of the projections; the window.
    steps : mapping
        Optimiser steps by model or network; ``other`` for those not named.
    folds_of : mapping
        Network to the number of folds that are run for it (the first ones); all where it is not named.
    random_rate : float
        Adam's rate of a backbone without ImageNet weights (with them: the published 1e-5).
    stride_scans : mapping
        Network to the held-out scans a fold on which strides are compared; None for all, ``other`` for those not named.
    windows_step : int
        Rows between plain windows where a model is scored by them.
    """

    name: str
    row_mm: float
    rows: int
    width: int
    steps: Mapping[str, int] = field(default_factory=dict)
    folds_of: Mapping[str, int] = field(default_factory=dict)
    random_rate: float = 2e-4
    stride_scans: Mapping[str, int | None] = field(default_factory=dict)
    windows_step: int = 1
    forest_windows: int = 20
    batch: int | None = None
    on_gpu: bool = False

    def spec(self, view: str) -> ProjectionSpec:
        """How the projections are made; ``view`` is frontal, lateral or both."""
        if view not in VIEWS:
            raise UsageError(f"--view {view}: choose one of {', '.join(VIEWS)}")
        return ProjectionSpec(views=VIEWS[view], row_mm=self.row_mm, width=self.width)

    def training_plan(self, variant: Variant, *, stride: int, seed: int, imagenet: bool) -> LevelPlan:
        """The training of a network of a ``stride``: TRAIN's defaults, with this plan's steps."""
        plan = default_level_plan(
            variant.network, variant.evaluation, rows=self.rows, stride=stride, on_gpu=self.on_gpu
        )
        steps = next(
            (self.steps[name] for name in (variant.name, variant.backbone, "other") if name in self.steps), None
        )
        changes: dict[str, Any] = {"seed": seed}
        if steps is not None:
            each = min(plan.steps_per_epoch, steps)
            changes |= {"steps_per_epoch": each, "epochs": max(1, round(steps / each))}
        if self.batch is not None:
            changes["batch"] = self.batch
        if variant.takes_imagenet and not imagenet:
            changes["rate"] = self.random_rate
        return replace(plan, **changes)

    def folds_to_run(self, variant: Variant, folds: int) -> int:
        """How many of the folds are run for a model."""
        return min(self.folds_of.get(variant.backbone, folds), folds)

    def scans_for_strides(self, variant: Variant) -> int | None:
        """On how many held-out scans of a fold strides are compared; None for all."""
        return self.stride_scans.get(variant.backbone, self.stride_scans.get("other"))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


# CNN4's two trainings take about the same time: 8 crops of 130 rows a step against 32 windows of 50.
SMALL = Protocol(
    name="small",
    row_mm=2.0,
    rows=50,
    width=256,
    steps={"cnn4": 3000, "cnn4:windows": 1200, "googlenet": 1000, MAPS: 2000, "other": 600},
    folds_of={"vgg16": 1, "vgg19": 1, "alexnet": 1, "googlenet": 1},
    stride_scans={"cnn4": None, "other": 3},
)
FULL = Protocol(name="full", row_mm=1.0, rows=100, width=512, on_gpu=True)
PLANS = {plan.name: plan for plan in (SMALL, FULL)}


def plan_by_name(name: str) -> Protocol:
    """The plan of that name; ``UsageError`` lists the names."""
    if name not in PLANS:
        raise UsageError(f"--plan {name}: choose one of {', '.join(PLANS)}")
    return PLANS[name]


def variants(names: Sequence[str]) -> list[Variant]:
    """The models that are named, each once, in the order given.

    Raises
    ------
    UsageError
        A name twice, an unknown way of training, or a network that does not exist.
    """
    found = [_variant(name) for name in names]
    twice = [v.name for n, v in enumerate(found) if v in found[:n]]
    if not found or twice:
        raise UsageError(f"--networks: {twice[0] + ' is named twice' if twice else 'none is named'}; name each once")
    return found


def _variant(name: str) -> Variant:
    from ..networks import network_spec

    if name in FORESTS:
        return Variant(name, name, "forest")
    backbone, colon, evaluation = name.partition(":")
    backbone = backbone.removeprefix("l3-")
    if backbone == MAPS and not colon:
        return Variant(MAPS, MAPS, MAPS)
    if (colon and evaluation not in ("dense", "windows")) or backbone == MAPS:
        raise UsageError(f"--networks {name}: write NETWORK, or NETWORK:windows for the published training")
    network_spec(f"l3-{backbone}")
    evaluation = evaluation or "dense"
    return Variant(backbone if evaluation == "dense" else f"{backbone}:{evaluation}", backbone, evaluation)
