"""transferseg doctor."""

from __future__ import annotations

import argparse
from pathlib import Path
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
    shipped = [row for row in value["models"] if row["source"] == "shipped"]
    lines += [f"model {row['name']}: {'ok' if row['ok'] else 'damaged'}" for row in shipped]
    own = [row for row in value["models"] if row not in shipped]
    lines.append(f"models of one's own: {len(own)}, of which {sum(row['ok'] for row in own)} can be used")
    lines += [f"PROBLEM: {text}" for text in value["problems"]] or ["no problems found"]
    return _without_names("\n".join(lines), [row["path"] for row in own])


def _without_names(text: str, folders: list[str]) -> str:
    """The text as it may be sent to a stranger: no account's name, no name of one's own models or their folders."""
    for number, folder in enumerate(sorted(folders, key=len, reverse=True), start=1):
        text = text.replace(folder, f"MODEL-{number}")
    return text.replace(str(Path.home()), "~")
