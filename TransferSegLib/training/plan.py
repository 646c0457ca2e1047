"""What a training is asked to do, with defaults that end in minutes on two cores."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

STEPS_PER_EPOCH = 50
MAX_EPOCHS = 300
PATIENCE = 30

# Measured on two cores (see benchmarks/README.md): epochs that keep a default adaptation of two
# 182x218x182 four-channel cases, with its scoring, well within eight minutes.
CPU_EPOCHS = {"unet": 8, "dynunet": 2, "segresnet": 3}
# The published window where the network is small enough for it. On phantoms (adapted to one heavy lesion load,
# scored on three light ones) 80-voxel windows, two thirds of them about lesions, doubled the predicted volume.
CPU_PATCH = {"unet": 128, "dynunet": 64, "segresnet": 64}
CPU_BATCH = {"unet": 1}


# The recipe of PET/CT (methods.md, section 1): AdamW 2e-4, weight decay 1e-5, cosine, positive to negative crops 2:1.
# (patch, batch, epochs, rate) on a GPU and on two cores; the light network is small enough for a larger rate.
PETCT_FOREGROUND = 2 / 3
PETCT_RECIPES = {
    "petct": (((128, 96, 96), 2, 300, 2e-4), ((64, 48, 48), 1, 2, 2e-4)),
    "petct-light": (((64, 64, 64), 4, 100, 2e-3), ((48, 48, 48), 2, 20, 2e-3)),
    "petct-refiner": (((96, 96, 96), 2, 100, 2e-4), ((32, 32, 32), 1, 2, 2e-4)),
    "petct-refiner-light": (((64, 64, 64), 4, 50, 2e-3), ((48, 48, 48), 1, 8, 2e-3)),
}

# The recipe of DMFNet and MFNet (methods.md, section 3), beside 128-voxel windows on a GPU.
FIBER_NETWORKS = ("dmfnet", "mfnet", "dmfnet2d", "mfnet2d")
FIBER_RECIPE: dict[str, Any] = {
    "loss": "generalised-dice",
    "optimiser": "adam-amsgrad",
    "rate": 1e-3,
    "weight_decay": 1e-5,
    "schedule": "poly",
}


# 2-D networks on slices (methods.md, section 3): Adam, cosine, batch 16, 20 epochs [S]; rate 1e-3 [R].
# (side of the window, batch) on a GPU and on two cores, where the epochs are those that end within minutes.
SLICE_RECIPE = ((256, 16), (128, 8))
SLICE_EPOCHS, SLICE_RATE = 20, 1e-3
# Optimiser steps of 8 windows of 128 x 128 pixels of four channels, without drawing them, took 3.95, 0.90, 0.68, 0.46
# (means of five), 0.73 and 0.59 s (of three) on ONE core in bfloat16, networks in this order. By 50 steps an epoch
# these epochs take 5.4 to 6.6 minutes there, extrapolated; two cores need less. The same steps with all around them:
# OMP_NUM_THREADS=1 transferseg finetune --from none --network N --data ms_open_ms_data --roles flair t1 t1gd t2
#     --strategy scratch --steps 5 --epochs 1 --out OUT
SLICE_CPU_EPOCHS = {
    "unet2d-64-128-256-512": 2,
    "unet2d-32-64-128-256": 8,
    "unet2d-32-64-128": 10,
    "unet2d-32-64": 14,
    "dmfnet2d": 9,
    "mfnet2d": 12,
}
OTHER_SLICE_CPU_EPOCHS = 2


@dataclass(frozen=True)
class TrainingPlan:
    """The numbers of one training.

    Parameters
    ----------
    epochs : int
        An epoch is 50 optimiser steps, whatever the number of cases.
    patch : tuple of int
        Window in voxels, in the order of the card's axes; a multiple of the network's divisor. One slice deep for a
        network that works on slices.
    rate : float
        Adam's learning rate before the strategy's factor (methods: 5e-4).
    decay : bool
        Let the rate fall to zero over the budget; only sensible with a fixed budget.
    early_stopping : bool
        Keep the best of an inner split and stop after ``patience`` epochs without a better one.
    foreground : float
        Share of patches centred on a foreground voxel, classes drawn evenly.
    feature_bank : int
        Augmented windows whose frozen features are computed once and reused (0 = off).
    optimiser : str
        ``adam``, ``adam-amsgrad`` or ``adamw``.
    weight_decay : float
        Of the optimiser.
    schedule : str
        How the rate falls: ``cosine``, or ``poly``, (1 - step / steps) to the power of 0.9.
    flips_only : bool
        Of the augmentation only the flips.
    """

    epochs: int
    patch: tuple[int, int, int]
    seed: int = 0
    steps_per_epoch: int = STEPS_PER_EPOCH
    batch: int = 2
    rate: float = 5e-4
    decay: bool = True
    early_stopping: bool = False
    patience: int = PATIENCE
    foreground: float = 0.33
    augment: bool = True
    flips_only: bool = False
    loss: str = "dice-ce"
    feature_bank: int = 0
    optimiser: str = "adam"
    weight_decay: float = 0.0
    schedule: str = "cosine"

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.epochs * self.steps_per_epoch

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; schedule and flips only where they are not the usual, as runs that did not know them."""
        values = asdict(self) | {"patch": list(self.patch)}
        if self.schedule == "cosine":
            del values["schedule"]
        if not self.flips_only:
            del values["flips_only"]
        return values


def default_plan(network: str, *, on_gpu: bool, early_stopping: bool, divisor: int = 16, dims: int = 3) -> TrainingPlan:
    """The plan for a network on this kind of device; 128-voxel patches and up to 300 epochs need a GPU."""
    if dims == 2:
        return _slice_plan(network, on_gpu=on_gpu, early_stopping=early_stopping, divisor=divisor)
    if network in PETCT_RECIPES:
        return _petct_plan(network, on_gpu=on_gpu, early_stopping=early_stopping)
    epochs = MAX_EPOCHS if on_gpu and early_stopping else 100 if on_gpu else CPU_EPOCHS.get(network, 3)
    side = 128 if on_gpu else CPU_PATCH.get(network, 64)
    side = max(divisor, side // divisor * divisor)
    return TrainingPlan(
        epochs=epochs,
        patch=(side, side, side),
        batch=2 if on_gpu else CPU_BATCH.get(network, 2),
        early_stopping=early_stopping,
        decay=not (on_gpu and early_stopping),
        **(FIBER_RECIPE if network in FIBER_NETWORKS else {}),
    )


def _slice_plan(network: str, *, on_gpu: bool, early_stopping: bool, divisor: int) -> TrainingPlan:
    side, batch = SLICE_RECIPE[0 if on_gpu else 1]
    side = max(divisor, side // divisor * divisor)
    recipe = {"rate": SLICE_RATE} | (FIBER_RECIPE if network in FIBER_NETWORKS else {})
    return TrainingPlan(
        epochs=SLICE_EPOCHS if on_gpu else SLICE_CPU_EPOCHS.get(network, OTHER_SLICE_CPU_EPOCHS),
        patch=(1, side, side),
        batch=batch,
        early_stopping=early_stopping,
        **recipe,
    )


def _petct_plan(network: str, *, on_gpu: bool, early_stopping: bool) -> TrainingPlan:
    patch, batch, epochs, rate = PETCT_RECIPES[network][0 if on_gpu else 1]
    return TrainingPlan(
        epochs=epochs,
        patch=patch,
        batch=batch,
        rate=rate,
        early_stopping=early_stopping,
        decay=True,
        foreground=PETCT_FOREGROUND,
        optimiser="adamw",
        weight_decay=1e-5,
    )
