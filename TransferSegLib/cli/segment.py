"""transferseg segment."""

from __future__ import annotations

import argparse
from typing import Any

from ..events import Events
from . import options


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = options.verb(
        verbs,
        "segment",
        "segment one case and write a label map on its own grid",
        "transferseg segment --model brain-unet-phantom patient07/ --out labels.nii.gz\n"
        "  transferseg segment --model my-histology --image grey=slide.png --out labels.png",
    )
    parser.add_argument("case", nargs="?", metavar="CASE_FOLDER", help="folder with the case's images or DICOM series")
    parser.add_argument("--model", required=True, metavar="M", help="a model's name, folder or zip, or its .onnx")
    parser.add_argument("--image", action="append", default=[], metavar="ROLE=FILE", help="an image and its role")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help=f"label map ({options.SUFFIX_HELP}; .png for a picture)"
    )
    parser.add_argument("--reference", metavar="ROLE", help="role whose grid the result comes back on")
    parser.add_argument(
        "--flips", action="store_true", help="average over mirrored windows (8 times the work, 4 of a 2-D model)"
    )
    parser.add_argument("--uncertainty", metavar="FILE", help="also write the entropy of the classes (0 to 1)")
    parser.add_argument("--picture", metavar="PNG", help="also draw three slices with the labels")
    parser.add_argument("--brain-mask", metavar="FILE", help="also write the brain mask that was used")
    parser.add_argument(
        "--write-prepared", metavar="FOLDER", help="also write each input image as it was laid over the reference"
    )
    parser.add_argument("--uncompressed", action="store_true", help="write .nrrd and .mha quickly and large")
    options.device(parser)
    options.runtime(parser)
    options.preparation(parser)
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace, events: Events) -> dict[str, Any]:
    """Call the job."""
    from ..jobs.segment import segment

    return segment(
        model=args.model,
        out=args.out,
        case=args.case,
        images=options.images(args.image),
        reference=args.reference,
        options=options.preparation_of(args),
        device=args.device,
        precision=args.precision,
        runtime=args.runtime,
        flips=args.flips,
        uncertainty=args.uncertainty,
        picture=args.picture,
        brain_mask=args.brain_mask,
        prepared=args.write_prepared,
        compress=not args.uncompressed,
        events=events,
    )


def show(value: dict[str, Any], args: argparse.Namespace) -> str:
    """Text for a terminal."""
    lines = [f"{role:6} {path}" for role, path in value["roles"].items()]
    lines += [f"- {step}" for step in value["preparation"]]
    width = max([len(name) for name in value["volumes_ml"]] + [5])
    if "pixels" in value:
        lines += [
            "",
            f"{'label':{width}}  area",
            *(f"{n:{width}}  {count} pixels" for n, count in value["pixels"].items()),
        ]
    else:
        lines += ["", f"{'label':{width}}  volume"]
        lines += [f"{name:{width}}  {ml:.2f} ml" for name, ml in value["volumes_ml"].items()]
    lines += ["", f"{value['output']} written in {value['seconds']} s on {value['device']} ({value['precision']})"]
    lines += [f"{value[key]} written" for key in ("uncertainty", "brain_mask", "picture") if value[key]]
    lines += [f"{path} written" for path in (value["prepared"] or {}).values()]
    return "\n".join(lines)
