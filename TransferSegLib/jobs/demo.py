"""demo: the whole story on phantoms, offline: source, target clinic, two strategies against scratch."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from ..errors import StorageError
from ..events import Events, quiet
from ..phantoms import write_phantoms
from ..reporting import Table, evaluations_table
from ..storage import check_writable
from .evaluate import evaluate
from .finetune import TrainingOptions, finetune
from .pretrain import NAME
from .segment import segment

STRATEGIES = ("half-lr", "freeze-encoder")
SOURCE = {"shape": (72, 88, 72), "spacing": 2.0}
# Another clinic: slices three times as thick as in the source set.
TARGET = {"shape": (24, 88, 72), "spacing": (6.0, 2.0, 2.0)}
CASES, HELD_OUT = 3, "phantom-ms-0004"
# One epoch is 50 steps; what two cores do in the time a demonstration may take.
OPTIONS = TrainingOptions(epochs=2, patch=64, batch=2, seed=1)
MADE_BY = "made-by-transferseg-demo.txt"


def demo(out: str | Path = "transferseg-demo", *, model: str = NAME, events: Events | None = None) -> dict[str, Any]:
    """Adapt the shipped model to three phantoms of another disease and score it on a fourth.

    Parameters
    ----------
    out : path
        Folder for data, models, label map and pictures. One that an earlier demo made is replaced; any other
        folder that is not empty is refused.
    model : str
        The model to adapt.

    Returns
    -------
    dict
        ``{"folder", "before", "scratch", STRATEGY..., "forgotten", "pictures", "seconds", "text"}``; the Dice
        tables are as ``evaluate``'s.
    """
    events, started, out = quiet(events), time.monotonic(), Path(out)
    _fresh_folder(out)
    source = write_phantoms(
        out / "source", count=1, flavour="glioma", seed=901, source_labels=True, events=events, **SOURCE
    )
    target = write_phantoms(out / "target", count=CASES + 1, flavour="ms", seed=902, events=events, **TARGET)
    results = {}
    for strategy in ("scratch", *STRATEGIES):
        events.say(f"adapting with {strategy} on {CASES} cases")
        results[strategy] = finetune(
            source=model,
            data=target,
            strategy_name=strategy,
            out=out / f"model-{strategy}",
            hold_out_ids=[HELD_OUT],
            source_data=None if strategy == "scratch" else source,
            listed=False,
            options=OPTIONS,
            events=events,
        )
    pictures = _pictures(out, model, target, events)
    before = results["scratch"]["before"]
    table = evaluations_table(
        {"before (unadapted)": before} | {name: result["after"] for name, result in results.items()},
        title=f"Dice on the held-out case {HELD_OUT}, {CASES} training cases, {OPTIONS.epochs * 50} steps each",
    )
    value = {
        "folder": str(out),
        "before": before,
        **{name: result["after"] for name, result in results.items()},
        "verdicts": {name: results[name]["message"] for name in STRATEGIES},
        "forgotten": {name: results[name]["forgotten"] for name in STRATEGIES},
        "pictures": [str(path) for path in pictures],
        "seconds": round(time.monotonic() - started, 1),
    }
    return value | {"text": _text(value, table)}


def _pictures(out: Path, model: str, target: Path, events: Events) -> list[Path]:
    """The held-out case segmented before and after, each over its FLAIR with the truth as a line."""
    best = out / f"model-{STRATEGIES[0]}"
    segment(
        model=best, case=target / HELD_OUT, out=out / "segmentation.nii.gz", picture=out / "after.png", events=Events()
    )
    for name, which in (("before", model), ("after", best)):
        evaluate(model=which, data=target, cases=[HELD_OUT], pictures=out / name, events=Events())
        shutil.move(out / name / f"{HELD_OUT}.png", out / f"{name}.png")
        (out / name).rmdir()
    return [out / "before.png", out / "after.png"]


def _text(value: dict[str, Any], table: Table) -> str:
    lines = [table.text(), ""]
    for name in STRATEGIES:
        lines.append(f"{name}: {value['verdicts'][name]}")
        kept = value["forgotten"][name]
        if kept and kept["before"] is not None:
            lines.append(f"  on the source's own task: Dice {kept['before']:.3f} before, {kept['after']:.3f} after")
    lines += ["", "Phantoms, not patients: these figures say that the chain works, not how good it is in a clinic."]
    lines += [f"pictures: {', '.join(value['pictures'])}", f"all of it in {value['folder']}, {value['seconds']} s"]
    return "\n".join(lines)


def _fresh_folder(out: Path) -> None:
    check_writable(out / "x")
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        if not (out / MADE_BY).is_file():
            raise StorageError(f"{out}: is not empty and no demo made it; name another folder with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MADE_BY).write_text("This folder is replaced when the demo runs again.\n", encoding="utf-8")
