"""transferseg distill."""

from __future__ import annotations

import argparse
from typing import Any

from ..events import Events
from . import options


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "distill",
        "teach a light network what a model knows, and say what that costs in Dice",
        "transferseg distill brain-unet-phantom --student unet2d-32-64-128 --data cases/ --out brain-small",
    )
    parser.add_argument("teacher", metavar="TEACHER", help="a segmentation model's name, folder or zip")
    parser.add_argument(
        "--student", required=True, metavar="NAME", help="a network, or a model that is taught further (2-D or 3-D)"
    )
    parser.add_argument("--data", required=True, metavar="FOLDER", help="data set with truths")
    parser.add_argument("--out", required=True, metavar="PACKAGE", help="folder of the student (new)")
    parser.add_argument(
        "--unlabelled",
        metavar="FOLDER",
        help="cases without a truth: one window of theirs in each step, for the teacher's part",
    )
    options.cases(parser)
    _weights(parser)
    training = parser.add_argument_group("training")
    options.steps(training)
    training.add_argument("--batch", type=int, metavar="N", help="windows a step, or slices of a 2-D student")
    training.add_argument("--rate", type=float, metavar="R", help="learning rate")
    training.add_argument("--loss", default="dice-ce", metavar="L", help="of the cases with a truth (default: dice-ce)")
    options.augmentation(training)
    options.labels(parser)
    options.device(parser)
    options.preparation(parser)
    parser.set_defaults(run=run, show=show)


def _weights(parser: argparse.ArgumentParser) -> None:
    """What the teacher's part of the loss is made of."""
    group = parser.add_argument_group("distillation", "loss = segmentation + P x prediction maps + I x importance maps")
    group.add_argument("--prediction", type=float, default=0.1, metavar="P", help="weight, 0 for none (default: 0.1)")
    group.add_argument("--importance", type=float, default=0.9, metavar="I", help="weight, 0 for none (default: 0.9)")
    group.add_argument("--temperature", type=float, default=4.0, metavar="T", help="of prediction maps (default: 4)")
    group.add_argument(
        "--direction",
        default="teacher",
        metavar="D",
        help="teacher: KL(teacher || student) T^2; student: KL(student || teacher) (default: teacher)",
    )
    group.add_argument("--exponent", type=int, default=2, metavar="N", help="of importance maps: 2 or 4 (default: 2)")
    group.add_argument(
        "--importance-form",
        default="norm",
        metavar="F",
        help="norm: half the 2-norm of the difference; mean: its mean square, whose weight is 1000 (default: norm)",
    )


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.distill import distill
    from ..jobs.finetune_plan import TrainingOptions
    from ..training import Distillation

    return distill(
        teacher=args.teacher,
        student=args.student,
        data=args.data,
        out=args.out,
        how=Distillation(
            prediction=args.prediction,
            importance=args.importance,
            temperature=args.temperature,
            direction=args.direction,
            exponent=args.exponent,
            form=args.importance_form,
        ),
        hold_out_ids=args.hold_out,
        cases=args.cases,
        label_map=options.pairs(args.map, "--map"),
        truth_name=args.truth_name,
        run_folder=args.run_folder,
        options=TrainingOptions(
            epochs=args.epochs,
            steps=args.steps,
            seed=args.seed,
            patch=args.patch,
            batch=args.batch,
            rate=args.rate,
            loss=args.loss,
            augmentation=args.augmentation,
            unlabelled=args.unlabelled,
            device=args.device,
            precision=args.precision,
            preparation=options.preparation_of(args),
        ),
        events=events,
    )


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    from ..jobs.distill_report import label_words, size_words
    from ..reporting import teacher_student_table

    lines = []
    if value["after"] is not None:
        lines += [teacher_student_table(value["before"], value["after"]).text(), ""]
    how, sizes = value["distillation"], value["sizes"]
    lines.append(f"teacher {value['teacher']}: {sizes['teacher']:,} parameters")
    lines.append(f"student {value['student']}: {sizes['student']:,} parameters, {size_words(sizes)}")
    lines.append(f"taught: {label_words(value['matched'])}")
    if how["pairs"]:
        lines.append("compared blocks (student = teacher): " + ", ".join(f"{a} = {b}" for a, b in how["pairs"]))
    if how["remembered"]:
        seen = how["remembered"] + how["asked"]
        lines.append(f"the teacher looked at {how['asked']} of {seen} windows, the others it had seen")
    if value["unlabelled"]:
        lines.append(f"without a truth took part: {', '.join(value['unlabelled'])}; one window a step")
    lines += value["notes"]
    lines += [value["message"], f"{value['package']} written in {value['seconds']} s; report: {value['report']}"]
    return "\n".join(lines)
