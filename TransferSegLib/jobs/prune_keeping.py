"""What a pruning keeps in its run folder as it goes, so that a killed one goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import Cancelled
from ..networks import build_network, load_state, state_to_save
from ..packages import Card, Package, read_state
from ..storage import write_json, writing
from .prune_options import PruneOptions
from .prune_steps import Plan, Pruned

STEP, WEIGHTS = "step.json", "weights.pt"


def kept(file: Path, make: Callable[[], Any]) -> Any:
    """What ``make`` gives, plain JSON; read where an earlier process of the same run has kept it.

    Times are measured once a run: a guide timed again could leave other layers alone.
    """
    if not file.is_file():
        write_json(file, make())
    return json.loads(file.read_text(encoding="utf-8"))


def keep_step(folder: Path, pruned: Pruned, row: dict[str, Any]) -> None:
    """Keep a finished step: its weights, then its row and what builds its network."""
    import torch

    with writing(folder / WEIGHTS) as temporary:
        torch.save(state_to_save(pruned.card.network, pruned.module), temporary)
    write_json(folder / STEP, {"row": row, "arguments": pruned.card.arguments})


def kept_step(folder: Path, card: Card) -> tuple[Pruned, dict[str, Any]] | None:
    """The network and the row of a finished step, or None where it did not finish."""
    if not (folder / STEP).is_file():
        return None
    told = json.loads((folder / STEP).read_text(encoding="utf-8"))
    card = replace(card, arguments=told["arguments"])
    module = build_network(card.network, card.in_channels, card.out_channels, card.arguments)
    load_state(card.network, module, read_state(folder / WEIGHTS), what=str(folder / WEIGHTS))
    return Pruned(card, module.eval()), told["row"]


def earlier_words(folder: Path, steps: int) -> str | None:
    """What an earlier process of the same run left in its folder, of ``steps`` in all; None where there was none."""
    file = folder / "run.json"
    if not file.is_file():
        return None
    done = f"{len(list(folder.glob(f'*/{STEP}')))} of {steps} steps are done"
    if json.loads(file.read_text(encoding="utf-8")).get("finished"):
        return f"the run in {folder} had finished: what it kept is used again ({done})"
    return f"going on with the interrupted run in {folder} ({done})"


@contextmanager
def resumable() -> Iterator[None]:
    """Say to whoever cancels that nothing is lost."""
    try:
        yield
    except Cancelled:
        raise Cancelled("cancelled; the steps that are done are kept, the same command goes on from there") from None


def prune_request(
    package: Package, options: PruneOptions, plan: Plan, training: dict[str, str], held_out: dict[str, str]
) -> dict[str, Any]:
    """All that decides the result; cases and truths by their content."""
    source = {"name": package.card.name, "sha256": package.card.weights_sha256}
    return {
        "verb": "prune",
        "source": source,
        "options": options.to_json(),
        "plan": plan.to_json(),
        "training": training,
        "held_out": held_out,
    }
