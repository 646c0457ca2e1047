"""transferseg models list|show|groups|verify|import|export."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..events import Events
from . import options

STRATEGIES = ("fine-tune-all", "freeze-encoder", "freeze-decoder", "freeze-both")


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb and its actions."""
    parser = verbs.add_parser(
        "models",
        help="list, show, check, import and export models",
        description="List, show, check, import and export models.",
        epilog="Example:\n  transferseg models groups unet",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=type(parser))
    for name, text, example, run, show in (
        ("list", "the models there are", "transferseg models list", _list, _show_list),
        ("show", "a model's card", "transferseg models show brain-unet-phantom", _show, _show_json),
        (
            "groups",
            "parameters that each strategy trains and freezes",
            "transferseg models groups unet",
            _groups,
            _show_groups,
        ),
        (
            "verify",
            "check hash and every tensor",
            "transferseg models verify brain-unet-phantom",
            _verify,
            _show_verify,
        ),
        (
            "import",
            "bring in a MONAI bundle or a package",
            "transferseg models import bundle.zip --name brats",
            _import,
            _show_path,
        ),
        ("export", "zip a package", "transferseg models export my-model --out my-model.zip", _export, _show_path),
    ):
        action = options.verb(actions, name, text, example)
        if name in ("show", "groups", "export"):
            action.add_argument("name", metavar="NAME")
        if name == "verify":
            action.add_argument("name", nargs="?", metavar="NAME", help="default: all models")
            action.set_defaults(code=lambda rows: 0 if all(row["ok"] for row in rows) else 2)
        if name == "import":
            action.add_argument("path", metavar="PATH", help="a bundle's folder or zip")
            action.add_argument("--name", metavar="NAME", help="name in the catalogue")
        if name == "export":
            action.add_argument("--out", required=True, metavar="ZIP")
        action.set_defaults(run=run, show=show)


def _list(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_list

    return models_list()


def _show(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_show

    return models_show(args.name)


def _groups(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_groups

    return models_groups(args.name)


def _verify(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_verify

    return models_verify(args.name)


def _import(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_import

    return models_import(args.path, name=args.name)


def _export(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_export

    return models_export(args.name, args.out)


def _show_list(rows: Any, args: argparse.Namespace) -> str:
    from ..reporting import text_table

    if not rows:
        return "no models"
    shown = [
        [row["name"], " ".join(row["roles"]), ", ".join(row["labels"]), row["source"], _state(row)] for row in rows
    ]
    return text_table(shown, ["name", "needs", "gives", "from", "state"])


def _state(row: dict[str, Any]) -> str:
    if not row["available"]:
        return row["problem"]
    return "ready" if row["offered"] else "worse than its source, not offered"


def _show_json(value: Any, args: argparse.Namespace) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _show_groups(value: dict[str, Any], args: argparse.Namespace) -> str:
    from ..reporting import text_table

    registered = "" if value["registered"] == value["total"] else f" ({value['registered']:,} registered)"
    blocks = [f"{value['network']}: {value['total']:,} parameters{registered}"]
    for grouping, table in value["groupings"].items():
        if table is None:
            blocks.append(f"\n{grouping}: no such grouping was published for this network")
            continue
        rows = []
        for strategy in STRATEGIES:
            entry = table[strategy]
            share = 100 * entry["trainable"] / value["total"]
            rows.append(
                [
                    strategy,
                    f"{entry['trainable']:,}",
                    f"{share:.2f} %",
                    f"{entry['frozen']:,}",
                    f"{entry['frozen_percent']:.2f} %",
                ]
            )
        blocks.append(f"\n{grouping}\n" + text_table(rows, ["strategy", "trainable", "", "frozen", ""]))
    return "\n".join(blocks)


def _show_verify(rows: Any, args: argparse.Namespace) -> str:
    return "\n".join(f"{row['name']}: {'ok' if row['ok'] else row['problem']}" for row in rows) or "no models"


def _show_path(value: dict[str, Any], args: argparse.Namespace) -> str:
    return f"{value['name']}: {value['path']}"
