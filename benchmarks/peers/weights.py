"""Weights for the comparison: a short training on phantoms, enough for label maps that mean something."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import common
import numpy as np
import torch
from monai.losses import DiceCELoss

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from TransferSegLib.phantoms import brain_phantom

PATCH = 64
PLAN = {"unet": {"steps": 400, "batch": 2, "rate": 5e-3}, "dynunet": {"steps": 160, "batch": 1, "rate": 2e-3}}


def phantoms(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(image float32 (c, k, j, i) z-scored in the brain, labels (k, j, i)) of post-operative and glioma brains."""
    cases = []
    for seed in range(count):
        flavour = ("glioma", "postoperative")[seed % 2]
        made = brain_phantom(seed, flavour=flavour, shape=(144, 176, 144), source_labels=True)
        image = np.stack([made.images[role] for role in common.ROLES]).astype(np.float32)
        inside = image[:, made.brain]
        image = (image - inside.mean(1)[:, None, None, None]) / inside.std(1)[:, None, None, None] * made.brain
        cases.append((image, made.labels.astype(np.int64)))
    return cases


def crop(case, rng: np.random.Generator):
    """A patch, in two of three cases about a foreground voxel."""
    image, labels = case
    shape = np.array(labels.shape)
    centre = shape // 2
    if rng.random() < 2 / 3:
        value = rng.choice([v for v in np.unique(labels) if v])
        places = np.argwhere(labels == value)
        centre = places[rng.integers(len(places))]
    else:
        centre = rng.integers(shape)
    start = np.clip(centre - PATCH // 2, 0, shape - PATCH)
    box = tuple(slice(s, s + PATCH) for s in start)
    return image[(slice(None), *box)], labels[box]


def train(network: str, out: Path) -> None:
    """Train and write a plain state dict."""
    plan, rng = PLAN[network], np.random.default_rng(0)
    torch.manual_seed(0)
    cases = phantoms(4)
    module = common.build(network).train()
    optimiser = torch.optim.Adam(module.parameters(), lr=plan["rate"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan["rate"], total_steps=plan["steps"], pct_start=0.1)
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True)
    for step in range(plan["steps"]):
        pairs = [crop(cases[rng.integers(len(cases))], rng) for _ in range(plan["batch"])]
        x = torch.from_numpy(np.stack([image for image, _ in pairs]))
        y = torch.from_numpy(np.stack([labels for _, labels in pairs]))[:, None]
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=network == "dynunet"):
            logits = module(x)
        loss = loss_of(logits.float(), y)
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 20 == 19:
            sys.stderr.write(f"{network}: step {step + 1} of {plan['steps']}, loss {loss.item():.3f}\n")
    torch.save(module.state_dict(), out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("network", choices=list(PLAN))
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    train(options.network, options.out)
