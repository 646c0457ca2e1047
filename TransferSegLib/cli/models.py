"""transferseg models list|show|groups|students|measure|verify|import|merge|export|delete|folder."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..events import Events
from . import models_export, options

STRATEGIES = ("fine-tune-all", "freeze-encoder", "freeze-decoder", "freeze-both")


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb and its actions."""
    parser = verbs.add_parser(
        "models",
        help="list, show, measure, check, import, export and delete models",
        description="List, show, measure, check, import, export and delete models, and choose where they are kept.",
        epilog="Example:\n  transferseg models groups unet",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=type(parser))
    for name, text, example, run, show in _ACTIONS:
        action = options.verb(actions, name, text, example)
        _arguments(action, name)
        action.set_defaults(run=run, show=show)


def _arguments(action: argparse.ArgumentParser, name: str) -> None:
    """What an action takes."""
    if name in ("show", "groups", "students", "export", "delete"):
        action.add_argument("name", metavar="NAME")
    if name == "measure":
        action.add_argument("name", metavar="NAME", help="a model's name, folder or zip")
        action.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
        action.add_argument("--repeats", type=int, default=3, metavar="N", help="timed runs (default: 3, the median)")
    if name == "verify":
        action.add_argument("name", nargs="?", metavar="NAME", help="default: all models")
        action.set_defaults(code=lambda rows: 0 if all(row["ok"] for row in rows) else 2)
    if name == "import":
        action.add_argument("path", metavar="PATH", help="a bundle's folder or zip, or a checkpoint of TMTV-Net")
        action.add_argument("--name", metavar="NAME", help="name in the catalogue")
        action.add_argument("--refiner", metavar="FILE", help="TMTV-Net's second checkpoint, its refiner")
    if name == "merge":
        action.add_argument("names", nargs="+", metavar="MODEL", help="models of one kind, for example four folds")
        action.add_argument("--name", required=True, metavar="NAME", help="name in the catalogue")
    if name == "export":
        models_export.arguments(action)
    if name == "groups":
        action.add_argument("--strategy", metavar="S", help="also list the blocks that this strategy freezes")
        action.add_argument("--picture", metavar="PNG", help="draw them, with --strategy")
        action.add_argument("--grouping", default="anatomical", choices=["anatomical", "poster"], help="what a half is")
    if name == "folder":
        action.add_argument("path", nargs="?", metavar="NEW", help="the folder to use from now on")
        action.add_argument("--default", action="store_true", help="go back to the platform's own folder")
        action.add_argument("--move", action="store_true", help="take models along; without it they stay behind")


def _list(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_list

    return models_list()


def _show(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_show

    return models_show(args.name)


def _groups(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_groups

    return models_groups(args.name, strategy_name=args.strategy, grouping=args.grouping, picture=args.picture)


def _students(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models_students import models_students

    return models_students(args.name)


def _measure(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models_measure import models_measure

    return models_measure(args.name, device=args.device, repeats=args.repeats, events=events)


def _verify(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_verify

    return models_verify(args.name)


def _import(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_import

    return models_import(args.path, name=args.name, refiner=args.refiner)


def _merge(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_merge

    return models_merge(args.names, name=args.name)


def _delete(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.models import models_delete

    return models_delete(args.name)


def _folder(args: argparse.Namespace, events: Events) -> Any:
    from ..jobs.storage_folder import storage_folder

    return storage_folder(args.path, default=args.default, move=args.move, events=events)


def _show_list(rows: Any, args: argparse.Namespace) -> str:
    from ..reporting import text_table

    if not rows:
        return "no models"
    shown = [
        [row["name"], " ".join(row["roles"]), ", ".join(row["labels"]), _size(row), row["source"], _state(row)]
        for row in rows
    ]
    text = text_table(shown, ["name", "needs", "gives", "size", "from", "state"])
    timed = any(row["seconds"] is not None for row in rows)
    return text + ("\n(s: one case of its kind on this machine, `models show NAME` says which)" if timed else "")


def _size(row: dict[str, Any]) -> str:
    """``0.13 M, 1.4 s in float32``: parameters, and what this machine needs for the standard case."""
    parts = [] if row["parameters"] is None else [f"{row['parameters'] / 1e6:.2f} M"]
    return ", ".join(parts + ([] if row["seconds"] is None else [f"{row['seconds']:.1f} s in {row['precision']}"]))


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
            if entry is None:  # a regressor has no decoder to freeze
                rows.append([strategy, "–", "", "–", ""])
                continue
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
    if "strategy" in value:
        blocks.append(f"\n{value['strategy']} ({value['grouping']}): {value['sentence']}")
        rows = [[b["name"], f"{b['parameters']:,}", "frozen" if b["frozen"] else "learns"] for b in value["blocks"]]
        blocks.append(text_table(rows, ["block", "parameters", ""]))
    return "\n".join(blocks)


def _show_students(value: dict[str, Any], args: argparse.Namespace) -> str:
    from ..reporting import text_table

    rows = [
        [row["network"], f"{row['parameters']:,}", _times(row), f"{row['dims']}-D", "usual" if row["usual"] else ""]
        for row in value["students"]
    ]
    head = f"{value['name']}: {value['parameters']:,} parameters; networks that it can teach (`distill --student`):"
    return (
        head
        + "\n"
        + (text_table(rows, ["network", "parameters", "operations", "", ""]) if rows else "none, it gives no labels")
    )


def _times(row: dict[str, Any]) -> str:
    return "" if row["times"] is None else f"x {row['times']:.3g}"


def _show_size(value: dict[str, Any], args: argparse.Namespace) -> str:
    size = value["size"]
    macs, window = (f"{size[name] / 1e9:,.2f}" for name in ("macs", "macs_window"))
    peak = "unknown" if size["peak_mb"] is None else f"{size['peak_mb']:,.0f} MB above the loaded model"
    return "\n".join(
        [
            f"{value['name']}: {size['case']}",
            f"  parameters  {size['parameters']:,}",
            f"  operations  {macs} GMAC, one window {window} (1 MAC = 2 FLOP)",
            f"  time        {size['seconds']:.2f} s, median, warm ({size['precision']})",
            f"  memory      {peak}",
            f"  machine     {size['machine']}, {size['device']}",
            f"  kept in     {value['path']}",
        ]
    )


def _show_message(value: dict[str, Any], args: argparse.Namespace) -> str:
    return value["message"]


def _show_verify(rows: Any, args: argparse.Namespace) -> str:
    return "\n".join(f"{row['name']}: {'ok' if row['ok'] else row['problem']}" for row in rows) or "no models"


def _show_path(value: dict[str, Any], args: argparse.Namespace) -> str:
    return f"{value['name']}: {value['path']}"


# name, what it does, an example, the call, its text
_ACTIONS = (
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
        "students",
        "networks that a model can teach, with their parameters",
        "transferseg models students brain-unet-phantom",
        _students,
        _show_students,
    ),
    (
        "measure",
        "parameters, operations, time and memory on this machine",
        "transferseg models measure brain-unet-phantom",
        _measure,
        _show_size,
    ),
    ("verify", "check hash and every tensor", "transferseg models verify brain-unet-phantom", _verify, _show_verify),
    (
        "import",
        "bring in a MONAI bundle or a package",
        "transferseg models import bundle.zip --name brats",
        _import,
        _show_path,
    ),
    (
        "merge",
        "put models of one kind into one that averages them",
        "transferseg models merge fold1 fold2 fold3 fold4 --name petct-folds",
        _merge,
        _show_path,
    ),
    (
        "export",
        "zip a package, or write its network as ONNX",
        "transferseg models export my-model --out my-model.zip\n"
        "  transferseg models export my-model --out my-model.onnx --int8 --data cases/",
        models_export.run,
        models_export.show,
    ),
    ("delete", "delete one of your models", "transferseg models delete my-model", _delete, _show_message),
    (
        "folder",
        "show or change where models are kept",
        "transferseg models folder /data/transferseg --move",
        _folder,
        _show_message,
    ),
)
