"""Options that several verbs share, and reading them."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UsageError
from ..preparing import PreparationOptions

SUFFIX_HELP = ".nii.gz, .nii, .nrrd or .mha"


LEVEL_CSV = (
    "a scan a row: ct, and slice, mm, mask (with label) or where (above, below, absent); id, patient, level optional"
)


def verb(verbs: argparse._SubParsersAction, name: str, help_text: str, example: str) -> argparse.ArgumentParser:
    """A verb's parser with its example and the options that every verb has."""
    parser = verbs.add_parser(
        name,
        help=help_text,
        description=help_text[0].upper() + help_text[1:] + ".",
        epilog=f"Example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common(parser)
    return parser


def common(parser: argparse.ArgumentParser) -> None:
    """``--json``, ``--debug`` and ``--quiet``."""
    parser.add_argument("--json", action="store_true", help="print one JSON value on stdout and nothing else there")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument("--quiet", action="store_true", help="no progress on the terminal")


def device(parser: argparse.ArgumentParser) -> None:
    """``--device`` and ``--precision``."""
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument(
        "--precision",
        default="auto",
        choices=["auto", "float32", "bfloat16", "float16"],
        help="arithmetic of the network (default: auto, half where the device gains)",
    )


def runtime(parser: argparse.ArgumentParser) -> None:
    """``--runtime``."""
    parser.add_argument(
        "--runtime",
        default="auto",
        choices=["auto", "onnxruntime", "openvino"],
        help="what runs an exported .onnx (default: auto, the faster that is installed)",
    )


def preparation(parser: argparse.ArgumentParser) -> None:
    """The steps of the preparation, each auto, on or off."""
    group = parser.add_argument_group("preparation", "each step is done where it is needed (auto), always or never")
    for name, text in (
        ("resample", "resampling to the model's spacing"),
        ("register", "rigid registration between the sequences"),
        ("mask", "brain mask"),
        ("atlas", "registration to the atlas, for models in its space"),
    ):
        group.add_argument(f"--{name}", default="auto", choices=["auto", "on", "off"], help=text)
    group.add_argument(
        "--engine", default="simpleitk", choices=["simpleitk", "ants"], help="registration by SimpleITK or ANTsPy"
    )
    group.add_argument(
        "--pet-unit", choices=["suv", "bqml"], help="what the values of a PET are, where its file does not say"
    )


def preparation_of(args: argparse.Namespace) -> PreparationOptions:
    """The preparation options that were given."""
    return PreparationOptions(
        resample=args.resample,
        register=args.register,
        mask=args.mask,
        atlas=args.atlas,
        engine=args.engine,
        pet_unit=args.pet_unit,
    )


def labels(parser: argparse.ArgumentParser) -> None:
    """``--map`` and ``--truth-name``."""
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="TRUTH=MODEL",
        help="a truth label (name or value) is this label of the model, e.g. lesion=oedema; may be repeated",
    )
    parser.add_argument("--truth-name", metavar="NAME", help="which file is the truth where several could be")


def cases(parser: argparse.ArgumentParser) -> None:
    """``--hold-out``, ``--cases`` and ``--run`` of a training."""
    parser.add_argument(
        "--hold-out",
        nargs="+",
        action="extend",
        metavar="ID|none",
        help="cases that are only scored, or none (default: a fifth of the patients from 5 cases on, below none)",
    )
    parser.add_argument("--cases", type=int, metavar="N", help="train on N cases only, drawn by seed")
    parser.add_argument("--run", dest="run_folder", metavar="FOLDER", help="the run's folder (default: PACKAGE.run)")


def steps(group: argparse._ActionsContainer) -> None:
    """``--epochs``, ``--steps``, ``--seed`` and ``--patch`` of a training."""
    group.add_argument("--epochs", type=int, metavar="N", help="of 50 optimiser steps each (default: by network)")
    group.add_argument("--steps", type=int, metavar="N", help=argparse.SUPPRESS)
    group.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    group.add_argument("--patch", type=int, metavar="N", help="side of a training window in voxels")


def augmentation(parser: argparse._ActionsContainer) -> None:
    """``--augmentation``."""
    parser.add_argument(
        "--augmentation",
        default="full",
        metavar="A",
        help="random changes of a window: full, flips (alone) or none (default: full)",
    )


def pairs(values: list[str], option: str) -> dict[str, str]:
    """``["a=b"]`` to ``{"a": "b"}``; ``UsageError`` for another form or a name given twice."""
    found: dict[str, str] = {}
    for value in values:
        key, sign, text = value.partition("=")
        if not (sign and key and text):
            raise UsageError(f"{option} {value}: write it as NAME=VALUE")
        if key in found:
            raise UsageError(f"{option} {value}: {key} was given as {found[key]} already; name it once")
        found[key] = text
    return found


def images(values: list[str]) -> dict[str, Path]:
    """``--image ROLE=FILE`` options."""
    return {role: Path(path) for role, path in pairs(values, "--image").items()}
