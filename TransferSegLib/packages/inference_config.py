"""The bundle's inference.json, so that MONAI's own tools run a package, and its README text."""

from __future__ import annotations

from typing import Any

from .card import Card
from .inputs import CT, PETCT, PICTURE


def inference_config(card: Card) -> dict[str, Any]:
    """A MONAI configuration that reads the roles' files, runs the network and writes a label map.

    The files to read are given as ``image_files`` (one case: a list of files in the roles' order).
    """
    from ..networks import network_spec

    config: dict[str, Any] = {
        "imports": ["$import torch", "$import pathlib"],
        "bundle_root": ".",
        "output_dir": "$@bundle_root + '/eval'",
        "image_files": [f"{role}.{'png' if card.normalisation == PICTURE else 'nii.gz'}" for role in card.roles],
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    }
    if card.task == "level":
        config["note"] = (
            f"finds {card.level} in projections of a CT: run this package with `transferseg l3 CT --model FOLDER`"
        )
        return config
    spec = network_spec(card.network)
    if not spec.monai_target:
        config["note"] = f"network {card.network!r} is TransferSeg's own: run this package with `transferseg segment`"
        return config
    own = card.composed or card.dims == 2 or "kept" in card.arguments
    if own or card.normalisation in (PETCT, CT, PICTURE):
        config["note"] = "a preparation or network of TransferSeg's own: run this package with `transferseg segment`"
        return config
    arguments = card.arguments or dict(spec.default_arguments)
    config["network_def"] = {
        "_target_": spec.monai_target,
        "spatial_dims": spec.dims,
        "in_channels": card.in_channels,
        "out_channels": card.out_channels,
        **arguments,
    }
    config["network"] = "$@network_def.to(@device)"
    # Some of MONAI's networks register blocks twice; the second copies are not saved, hence strict=False.
    config["load"] = (
        "$@network.load_state_dict(torch.load(@bundle_root + '/models/model.pt', map_location=@device, "
        "weights_only=True), strict=False)"
    )
    config["preprocessing"] = {"_target_": "Compose", "transforms": _preprocessing(card)}
    config["inferer"] = {
        "_target_": "SlidingWindowInferer",
        "roi_size": list(card.window),
        "sw_batch_size": 1,
        "overlap": card.overlap,
        "mode": "gaussian",
    }
    config["postprocessing"] = {"_target_": "Compose", "transforms": _postprocessing(card)}
    config["case"] = "$@preprocessing({'image': @image_files})"
    # Gradients are off for this call only: a switch for the whole process would outlive the bundle.
    config["prediction"] = "$torch.no_grad()(lambda x: @inferer(x, @network))(@case['image'][None].to(@device))[0]"
    # Plain calls, no evaluator: the engines need a package (ignite) that MONAI itself does not bring.
    config["initialize"] = ["$@load", "$@network.eval()"]
    config["run"] = ["$@postprocessing({'image': @case['image'], 'pred': @prediction})"]
    return config


def _preprocessing(card: Card) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "Orientationd", "keys": "image", "axcodes": card.orientation, "labels": None},
        {"_target_": "Spacingd", "keys": "image", "pixdim": list(card.spacing), "mode": "bilinear"},
        {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True},
    ]
    if card.axes == "kji":
        steps.append({"_target_": "Transposed", "keys": "image", "indices": [0, 3, 2, 1]})
    return steps


def _postprocessing(card: Card) -> list[dict[str, Any]]:
    softmax = card.output == "softmax"
    activation = {"_target_": "Activationsd", "keys": "pred", "softmax" if softmax else "sigmoid": True}
    discrete = {"argmax": True} if softmax else {"threshold": 0.5}
    back = {
        "_target_": "Invertd",
        "keys": "pred",
        "transform": "@preprocessing",
        "orig_keys": "image",
        "nearest_interp": False,
        "to_tensor": True,
    }
    steps: list[dict[str, Any]] = [activation, back]
    steps.append({"_target_": "AsDiscreted", "keys": "pred", **discrete})
    if softmax:
        steps.append(
            {
                "_target_": "MapLabelValued",
                "keys": "pred",
                "orig_labels": list(range(card.out_channels)),
                "target_labels": [_value_of(card, channel) for channel in range(card.out_channels)],
            }
        )
    steps.append(
        {
            "_target_": "SaveImaged",
            "keys": "pred",
            "output_dir": "@output_dir",
            "output_postfix": "seg",
            "output_dtype": "uint8",
            "resample": False,
            "separate_folder": False,
        }
    )
    return steps


def _value_of(card: Card, channel: int) -> int:
    return next((label.value for label in card.labels if label.channel == channel), 0)


def readme(card: Card) -> str:
    """The package's docs/README.md."""
    measured = "\n".join(f"- {entry.get('text', entry)}" for entry in card.measured_on) or "- not measured yet"
    origin = "\n\n".join(card.origin[key] for key in ("text", "history") if card.origin.get(key)) or "not stated"
    needs, run = _level_needs(card) if card.task == "level" else _label_needs(card)
    command = card.origin.get("command")
    made = f"\nMade by:\n\n```\n{command}\n```\n" if command else ""
    return f"""# {card.name}

{card.description}

{needs}

Origin: {origin}
{made}
Measured on:

{measured}

Licence: {card.licence or "not stated"}. {("Cite: " + card.citation) if card.citation else ""}

Not a medical device; for research. Run it with `{run}`.
"""


def _label_needs(card: Card) -> tuple[str, str]:
    """What a model that makes labels needs and gives, and the command that runs it."""
    spacing = " x ".join(f"{s:g}" for s in card.spacing)
    spacing = "its own pixels" if card.normalisation == PICTURE else f"spacing {spacing} mm"
    labels = "\n".join(f"| {label.value} | {label.name} |" for label in card.labels)
    needs = f"Needs: {', '.join(card.roles)} (reference: {card.reference}), {card.space} space, {spacing}."
    needs += _intensity_words(card)
    stages = f" {card.members} networks answer together." if card.members > 1 else ""
    stages += " A second stage refines at the reference image's own spacing." if card.refiner else ""
    table = f"{needs}{stages}\n\n| value | label |\n|---|---|\n{labels}"
    if card.normalisation == PICTURE:
        return table, f"transferseg segment --model FOLDER --image {card.roles[0]}=PICTURE --out LABELS.png"
    return table, "transferseg segment --model FOLDER CASE_FOLDER --out LABELS.nii.gz"


def _intensity_words(card: Card) -> str:
    """How slices and intensities of a CT or a picture are taken."""
    words = f" It works on {card.slices} slices." if card.dims == 2 and card.normalisation != PICTURE else ""
    if card.normalisation not in (CT, PICTURE):
        return words
    found = card.intensities
    numbers = "; ".join(f"mean {m:g}, SD {s:g}" for m, s in zip(found["mean"], found["sd"]))
    scale = "pixels"
    if card.normalisation == CT:
        low, high = found["window"]
        filters = f"denoising {found.get('denoise', 'none')}, contrast {found.get('contrast', 'none')}"
        scale = f"{low:g} to {high:g} HU, {filters}"
    return f"{words} Intensities: {scale}, 0 to 1, then the training set's {numbers}."


def _level_needs(card: Card) -> tuple[str, str]:
    """The same for a model that finds a level."""
    views, (low, high) = " and ".join(card.projection["views"]), card.projection["hu"]
    rows, width = card.window
    gives = "a confidence for every row" if card.output == "confidence-map" else f"the row of {card.level} in a window"
    needs = (
        f"Needs: a CT in HU. It is seen as {views} maximum-intensity projection of {low:g} to {high:g} HU in pixels of "
        f"{card.spacing[0]:g} mm, {width} wide.\n\nGives: {gives} of {rows} rows"
    )
    read = "" if card.output == "confidence-map" else f"; evaluated {card.projection['evaluation']}"
    step = "" if card.output == "confidence-map" else f", every {card.projection['step']} rows"
    return f"{needs}{read}{step}.", "transferseg l3 CT --model FOLDER"
