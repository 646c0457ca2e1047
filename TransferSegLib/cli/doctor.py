"""transferseg doctor."""

from __future__ import annotations

import argparse
from typing import Any

from ..events import Events
from . import options


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(verbs, "doctor", "what this machine has, and what is wrong", "transferseg doctor")
    parser.set_defaults(run=run, show=show, code=lambda value: 1 if value["problems"] else 0)


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.doctor import doctor

    return doctor()


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    lines = [
        f"transferseg {value['transferseg']}, Python {value['python']}",
        f"{value['platform']}, {value['cores']} cores, {value['memory_gb']} GB memory",
        f"device: {value['device']} ({value['precision']}): {value['device_reason']}",
        f"home: {value['home']} ({value['free_gb']} GB free; its cache of {value['cache_gb']} GB may be deleted)",
        "packages: " + ", ".join(f"{name} {version or 'MISSING'}" for name, version in value["packages"].items()),
    ]
    for extra, parts in value["extras"].items():
        state = ", ".join(f"{name} {version or 'not installed'}" for name, version in parts.items())
        lines.append(f"extra {extra}: {state}")
    lines.append(f"hd-bet: {value['hd_bet'] or 'not on the PATH'}")
    lines += [f"model {row['name']}: {'ok' if row['ok'] else row['problem']}" for row in value["models"]]
    lines += [f"PROBLEM: {text}" for text in value["problems"]] or ["no problems found"]
    return "\n".join(lines)
