"""transferseg finetune."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..events import Events
from . import options

if TYPE_CHECKING:
    from ..jobs.new_model import NewModel


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "finetune",
        "adapt a model to a few cases and say whether it helped",
        "transferseg finetune --from brain-unet-phantom --data ms/ --strategy half-lr --hold-out p19 --out ms-model",
    )
    parser.add_argument(
        "--from", dest="source", metavar="M|none", help="model to start from, or none (needed but with --stage1)"
    )
    parser.add_argument(
        "--data",
        required=True,
        metavar="FOLDER|CSV",
        help=f"data set with truths; for a level model a CSV: {options.LEVEL_CSV}",
    )
    parser.add_argument(
        "--strategy",
        required=True,
        metavar="S",
        help="scratch, half-lr, freeze-encoder, freeze-decoder, freeze-both, head-only or from-level:K",
    )
    parser.add_argument("--out", required=True, metavar="PACKAGE", help="folder of the adapted model (new)")
    parser.add_argument(
        "--network",
        metavar="N",
        help="with --from none: unet, unet2d-32-64-128, l3-cnn4 ... (default by the roles: unet for brain MRI, "
        "petct-light for PET/CT; unet2d-32-64-128 for a CT, slice by slice, and for pictures)",
    )
    parser.add_argument(
        "--stage1",
        metavar="M",
        help="with --network petct-refiner or petct-refiner-light: the PET/CT model whose probability is refined at "
        "the PET's own spacing; both stages come into one package",
    )
    options.cases(parser)
    parser.add_argument("--roles", nargs="+", metavar="ROLE", help="input images, where they differ from the model's")
    parser.add_argument("--source-data", metavar="FOLDER", help="data of the source's task: what was forgotten?")
    parser.add_argument("--source-map", action="append", default=[], metavar="TRUTH=MODEL", help="--map of those data")
    parser.add_argument("--source-truth-name", metavar="NAME", help="--truth-name of those data")
    training = parser.add_argument_group("training")
    options.steps(training)
    training.add_argument("--batch", type=int, metavar="N", help="windows a step (default: by network)")
    training.add_argument("--rate", type=float, metavar="R", help="learning rate before the strategy's factor")
    training.add_argument(
        "--loss",
        default="dice-ce",
        metavar="L",
        help="dice-ce, mumford-shah-dice-ce, dice-focal-boundary or generalised-dice (default: dice-ce)",
    )
    options.augmentation(training)
    training.add_argument(
        "--curriculum",
        nargs="?",
        const="default",
        metavar="C",
        help="which cases come first: transfer-teacher, predefined, self-paced, rl-teacher, smoothing, and the "
        "controls anti and random; without a name transfer-teacher; left out: every case from the start",
    )
    training.add_argument(
        "--difficulty",
        metavar="CSV|MEASURE",
        help="how hard each case is, for the curriculum: a CSV (id and difficulty or dice, or what evaluate --out "
        "writes), or dice of the model to start from, volume, lesions, suv-max (default: dice; predefined: volume)",
    )
    training.add_argument(
        "--unlabelled",
        metavar="FOLDER",
        help="cases without a truth, of the same roles: one window of theirs in each step beside the labelled batch, "
        "for which only the Mumford-Shah term counts; with --loss mumford-shah-dice-ce (a step then takes longer by "
        "one window)",
    )
    training.add_argument(
        "--feature-bank",
        type=int,
        default=0,
        metavar="N",
        help="compute frozen features of N windows once and reuse them",
    )
    training.add_argument("--grouping", default="anatomical", choices=["anatomical", "poster"], help="what a half is")
    _new_model_options(parser)
    _level_options(parser)
    options.labels(parser)
    options.device(parser)
    options.preparation(parser)
    parser.set_defaults(run=run, show=show)


def _new_model_options(parser: argparse.ArgumentParser) -> None:
    """What stands in the card of a new model."""
    group = parser.add_argument_group("new models", "with --from none; what is chosen stands in the model's card")
    group.add_argument("--slices", metavar="S", help="of a 2-D network: axial, coronal or sagittal (default: axial)")
    group.add_argument(
        "--spacing",
        type=_numbers,
        metavar="MM[,MM,MM]",
        help="along i, j, k; two leave slices as they are (default: 1 mm, of a CT as its training set)",
    )
    group.add_argument(
        "--hu", type=_numbers, metavar="LOW,HIGH", help="window of a CT, written --hu=-160,240 (default: -160 to 240)"
    )
    group.add_argument("--denoise", metavar="D", help="of a CT: none, median or curvature (default: none)")
    group.add_argument(
        "--contrast", metavar="C", help="of a CT: none, equalise or clahe (needs scikit-image) (default: none)"
    )


def _numbers(text: str) -> tuple[float, ...]:
    """``1,2.5`` to numbers."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers with commas between them") from None


def _new_model(args: argparse.Namespace) -> NewModel:
    """The options above; ``UsageError`` for a window of HU that is not two numbers."""
    from ..jobs.new_model import NewModel

    if args.hu is not None and len(args.hu) != 2:
        raise UsageError("--hu: give two numbers, for example --hu=-160,240")
    return NewModel(args.slices, args.hu, args.denoise, args.contrast, args.spacing)


def _level_options(parser: argparse.ArgumentParser) -> None:
    """What only a level model takes."""
    group = parser.add_argument_group("level models", "with --from none --network l3-..., or a level model")
    group.add_argument("--level", metavar="L", help="which rows of the CSV, for example L3 or T12 (default: its only)")
    group.add_argument("--view", choices=["frontal", "lateral", "both"], help="of a new model (default: frontal)")
    group.add_argument("--evaluation", choices=["dense", "windows"], help="trained for and read by (default: dense)")
    group.add_argument("--head", choices=["offset", "map"], help="offset in a window, or a map along the rows")
    group.add_argument("--imagenet", metavar="FILE|download|hub|none", help="where a new backbone starts from")


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.finetune import TrainingOptions, finetune
    from ..jobs.level_target import LevelOptions

    if args.source is None and args.stage1 is None:
        raise UsageError("--from: is required; name the model to start from, or none")
    return finetune(
        source=None if args.source == "none" else args.source,
        data=args.data,
        strategy_name=args.strategy,
        out=args.out,
        hold_out_ids=args.hold_out,
        cases=args.cases,
        roles=args.roles,
        label_map=options.pairs(args.map, "--map"),
        truth_name=args.truth_name,
        source_data=args.source_data,
        source_map=options.pairs(args.source_map, "--source-map"),
        source_truth_name=args.source_truth_name,
        run_folder=args.run_folder,
        options=TrainingOptions(
            network=args.network,
            stage1=args.stage1,
            epochs=args.epochs,
            steps=args.steps,
            seed=args.seed,
            patch=args.patch,
            batch=args.batch,
            rate=args.rate,
            loss=args.loss,
            augmentation=args.augmentation,
            curriculum=args.curriculum,
            difficulty=args.difficulty,
            unlabelled=args.unlabelled,
            feature_bank=args.feature_bank,
            grouping=args.grouping,
            device=args.device,
            precision=args.precision,
            preparation=options.preparation_of(args),
            new_model=_new_model(args),
        ),
        level_options=LevelOptions(
            level=args.level, views=args.view, evaluation=args.evaluation, head=args.head, imagenet=args.imagenet
        ),
        events=events,
    )


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    from ..reporting import before_after_table, format_cell

    lines = []
    if value["after"] is not None and value.get("task") == "level":
        from ..jobs.level_report import level_table

        lines += [level_table(value["before"], value["after"]).text(), ""]
    elif value["after"] is not None:
        lines += [before_after_table(value["before"], value["after"]).text(), ""]
    share = 100 * value["trainable"] / value["total"]
    lines.append(
        f"{value['strategy']}: {value['trainable']:,} of {value['total']:,} parameters learned ({share:.1f} %)"
    )
    if value.get("stage1"):
        lines += value["stage1"]["notes"]
    if args.cases is not None:
        lines.append(f"trained on {len(value['trained_on'])} cases: {', '.join(value['trained_on'])}")
    if value.get("unlabelled"):
        lines.append(f"without a truth took part: {', '.join(value['unlabelled'])}; one window a step")
    if value.get("curriculum"):
        lines.append(f"curriculum: {', '.join(f'{k} {v}' for k, v in value['curriculum'].items() if v is not None)}")
    lines += [f"label {ours}: continues the source's {theirs}" for ours, theirs in value["matched"].items() if theirs]
    if value["transferred"]:
        moved = value["transferred"]
        lines.append(
            f"tensors: {moved['loaded']} loaded, {len(moved['adapted'])} adapted, "
            f"{len(moved['skipped'])} not transferred"
        )
        for kind in ("adapted", "skipped"):
            lines += [f"  {kind} {t['name']}: source {t['source']}, target {t['target']}" for t in moved[kind]]
    if value["forgotten"]:
        lines.append(
            f"source task: mean Dice {format_cell(value['forgotten']['before'])} before, "
            f"{format_cell(value['forgotten']['after'])} after"
        )
    lines += [value["message"], f"{value['package']} written in {value['seconds']} s; report: {value['report']}"]
    return "\n".join(lines)
