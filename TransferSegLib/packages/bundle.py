"""Foreign MONAI Bundles read as data: nothing in them is run, and what is not understood is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..cases import guess_role
from ..errors import PackageError
from ..networks import build_network, network_divisor, network_names, network_of_target, network_spec
from .card import Card, Label
from .composed import load_checked
from .package import METADATA, WEIGHTS, Package, read_json, read_state, write_package

HARMLESS = {"LoadImaged", "EnsureChannelFirstd", "EnsureTyped", "ToTensord", "CastToTyped", "ConcatItemsd"}
# Sub-regions of the BraTS challenge: nested regions are painted from the outside in.
BRATS_REGIONS = {
    "whole tumor": Label(2, "oedema", 0, aliases=("edema", "whole tumor", "WT")),
    "tumor core": Label(1, "necrosis", 0, aliases=("tumor core", "TC", "non-enhancing tumour")),
    "enhancing tumor": Label(4, "tumour", 0, aliases=("enhancing tumor", "ET", "tumor")),
}


def import_bundle(folder: Path | str, target: Path | str, *, name: str) -> Package:
    """Turn a foreign bundle into one of our packages at ``target``.

    Raises
    ------
    PackageError
        A network class that is not on the allow-list, arguments or weights that are more than data,
        preprocessing we do not have, or channels whose meaning is not stated.
    """
    folder = Path(folder)
    metadata = read_json(folder / METADATA)
    config = read_json(folder / "configs" / "inference.json")
    if not isinstance(metadata, dict) or not isinstance(config, dict):
        raise PackageError(f"{folder}: its configs are not JSON objects; ask for a bundle with inference.json")
    where = str(folder / "configs" / "inference.json")
    network, arguments, channels_in, channels_out = _network(config, where)
    form = metadata.get("network_data_format", {})
    roles = _roles(form.get("inputs", {}), channels_in, str(folder / METADATA))
    space = _preprocessing(config, where) | {"axes": "ijk", "window": None}
    output = _output(config, where)
    kinds = " ".join(str(step.get("_target_")) for step in _transforms(config, "preprocessing"))
    oriented, divisor = "Orientationd" in kinds, network_divisor(network, arguments)
    if network_spec(network).dims == 2:
        space |= _slices(config, space, divisor, where, oriented=oriented, spaced="Spacingd" in kinds)
    else:
        space["window"] = _window(config, divisor)
    labels = _labels(form.get("outputs", {}), channels_out, output, str(folder / METADATA))
    state = read_state(folder / WEIGHTS)
    card = Card(
        name=name,
        description=str(metadata.get("description", "imported MONAI bundle")),
        roles=roles,
        labels=labels,
        network=network,
        arguments=arguments,
        in_channels=channels_in,
        out_channels=channels_out,
        output=output,
        origin={
            "text": f"MONAI bundle {metadata.get('name', folder.name)!r} version {metadata.get('version', 'unknown')}"
            + ("" if oriented else "; it states no orientation, LPS (as in BraTS) is assumed"),
            "authors": str(metadata.get("authors", "not stated")),
        },
        measured_on=tuple(
            {"text": f"{k} = {v} (stated by the bundle)"} for k, v in metadata.get("eval_metrics", {}).items()
        ),
        licence=str(metadata.get("copyright", "")),
        citation="; ".join(map(str, metadata.get("references", []))),
        **space,
    )
    module = build_network(network, channels_in, channels_out, arguments)
    load_checked(module, state, network, where=folder / WEIGHTS)
    return write_package(target, card, state)


def _network(config: dict[str, Any], where: str) -> tuple[str, dict[str, Any], int, int]:
    definition = config.get("network_def") or config.get("network")
    if not isinstance(definition, dict) or "_target_" not in definition:
        raise PackageError(f"{where}: names no network as plain data (network_def); it cannot be read safely")
    # Only classes of the registry: a name from the bundle is never imported.
    dims = _literal(definition.get("spatial_dims", 3), config, f"{where}: network argument spatial_dims")
    name = network_of_target(str(definition["_target_"]), dims)
    if name is None:
        allowed = ", ".join(name for name in network_names() if network_spec(name).monai_target)
        raise PackageError(f"{where}: network {definition['_target_']} is not on the allow-list ({allowed}); refused")
    where = f"{where}: network argument"
    arguments = {k: _literal(v, config, f"{where} {k}") for k, v in definition.items() if k != "_target_"}
    if arguments.pop("spatial_dims", 3) != network_spec(name).dims:
        raise PackageError(f"{where} spatial_dims is {dims!r}, neither 2 nor 3; refused")
    channels = arguments.pop("in_channels", 1), arguments.pop("out_channels", 2)
    return name, arguments, int(channels[0]), int(channels[1])


def _literal(value: Any, config: dict[str, Any], where: str, depth: int = 0) -> Any:
    """Plain data, following ``@name`` references; expressions (``$``) are never run."""
    if isinstance(value, str) and value.startswith("@") and depth < 8 and value[1:] in config:
        return _literal(config[value[1:]], config, where, depth + 1)
    if isinstance(value, str) and value.startswith(("$", "@", "%")):
        raise PackageError(f"{where} is the expression {value!r}, which is never run; write it out as a value")
    if isinstance(value, list):
        return [_literal(item, config, where, depth) for item in value]
    if isinstance(value, dict):
        if "_target_" in value:
            raise PackageError(f"{where} builds an object ({value['_target_']}), which is never done; refused")
        return {key: _literal(item, config, where, depth) for key, item in value.items()}
    return value


def _roles(inputs: dict[str, Any], count: int, where: str) -> tuple[str, ...]:
    channels = next(iter(inputs.values()), {}).get("channel_def", {}) if inputs else {}
    roles = []
    for number in range(count):
        text = str(channels.get(str(number), ""))
        guess = guess_role(text) if text else None
        if guess is None or guess.doubtful or guess.role in roles:
            raise PackageError(
                f"{where}: input channel {number} ({text or 'not stated'}) is no role we know; mend channel_def"
            )
        roles.append(guess.role)
    return tuple(roles)


def _transforms(config: dict[str, Any], key: str) -> list[dict[str, Any]]:
    block = config.get(key, {})
    transforms = block.get("transforms", []) if isinstance(block, dict) else block
    if isinstance(transforms, str) and transforms.lstrip("@$") in config:
        transforms = config[transforms.lstrip("@$")]
    return [t for t in transforms if isinstance(t, dict)] if isinstance(transforms, list) else []


def _preprocessing(config: dict[str, Any], where: str) -> dict[str, Any]:
    space: dict[str, Any] = {"normalisation": "", "spacing": (1.0, 1.0, 1.0), "orientation": "LPS"}
    for step in _transforms(config, "preprocessing"):
        kind = str(step.get("_target_", "")).rsplit(".", 1)[-1]
        plain = set(step) <= {"_target_", "keys", "nonzero", "channel_wise", "allow_missing_keys"}
        if kind == "NormalizeIntensityd" and plain and step.get("nonzero") is True and step.get("channel_wise") is True:
            space["normalisation"] = "zscore-nonzero"
        elif kind == "Spacingd":
            space["spacing"] = tuple(float(v) for v in _literal(step.get("pixdim"), config, f"{where}: pixdim"))
        elif kind == "Orientationd":
            space["orientation"] = str(_literal(step.get("axcodes"), config, f"{where}: axcodes"))
        elif kind not in HARMLESS:
            raise PackageError(f"{where}: preprocessing step {kind} is not one we can repeat exactly; refused")
    if not space["normalisation"]:
        raise PackageError(f"{where}: no NormalizeIntensityd(nonzero, channel_wise); other normalisations are refused")
    return space


def _output(config: dict[str, Any], where: str) -> str:
    for step in _transforms(config, "postprocessing"):
        if str(step.get("_target_", "")).rsplit(".", 1)[-1] == "Activationsd":
            if step.get("sigmoid") is True:
                return "sigmoid"
            if step.get("softmax") is True:
                return "softmax"
        if str(step.get("_target_", "")).rsplit(".", 1)[-1] == "AsDiscreted" and step.get("argmax") is True:
            return "softmax"
    raise PackageError(f"{where}: postprocessing names neither softmax, argmax nor sigmoid; refused")


def _labels(outputs: dict[str, Any], count: int, output: str, where: str) -> tuple[Label, ...]:
    channels = next(iter(outputs.values()), {}).get("channel_def", {}) if outputs else {}
    names = {n: str(channels.get(str(n), "")).strip() for n in range(count)}
    if not all(names.values()):
        raise PackageError(f"{where}: output channels are not named (channel_def); mend them before the import")
    if output == "softmax":
        return tuple(Label(n, name, n) for n, name in names.items() if n > 0)
    known = {name.lower(): n for n, name in names.items()}
    if set(known) == set(BRATS_REGIONS):
        return tuple(replace(label, channel=known[region]) for region, label in BRATS_REGIONS.items())
    return tuple(Label(n + 1, name, n) for n, name in names.items())


def _slices(
    config: dict[str, Any], space: dict[str, Any], divisor: int, where: str, *, oriented: bool, spaced: bool
) -> dict[str, Any]:
    """Orientation, spacing and window of a network that its bundle runs slice by slice (``SliceInferer``).

    A bundle's arrays are (i, j, k) and its slices the two axes that are left, in this order: they are the rows and
    columns (j, i) of a work grid whose axes are turned accordingly. Where no spacing is stated, or none across the
    slices, these stay where they are.
    """
    inferer = config.get("inferer")
    kind = str(inferer.get("_target_", "")).rpartition(".")[2] if isinstance(inferer, dict) else ""
    if kind != "SliceInferer":
        raise PackageError(
            f"{where}: a 2-D network without a SliceInferer says not how slices of a volume lie, and 2-D pictures of "
            "bundles have no normalisation that we can repeat; refused"
        )
    if not oriented:
        raise PackageError(f"{where}: a 2-D network without Orientationd says not which slices it takes; refused")
    across = _literal(inferer.get("spatial_dim", 0), config, f"{where}: spatial_dim")
    sizes = _literal(inferer.get("roi_size"), config, f"{where}: roi_size")
    codes, steps = space["orientation"], space["spacing"]
    if across not in (0, 1, 2) or not isinstance(sizes, list) or len(sizes) != 2 or len(codes) != 3 or len(steps) != 3:
        raise PackageError(f"{where}: its SliceInferer needs spatial_dim of 0 to 2 and roi_size of two; refused")
    rows, columns = (axis for axis in range(3) if axis != across)
    spacing = tuple(steps[axis] for axis in (columns, rows, across))
    kept = spacing if spaced and spacing[2] > 0 else spacing[:2]
    window = tuple(_side(size, divisor, 512) for size in sizes)
    orientation = "".join(codes[axis] for axis in (columns, rows, across))
    return {"orientation": orientation, "spacing": kept, "axes": "kji", "window": window}


def _side(size: Any, divisor: int, most: int) -> int:
    """A window's side, a multiple of what the network needs; at most ``most``, which is meant by a size not above 0."""
    wanted = min(int(size), most) if isinstance(size, (int, float)) and size > 0 else most
    return max(divisor, -(-16 // divisor) * divisor, wanted // divisor * divisor)


def _window(config: dict[str, Any], divisor: int) -> tuple[int, ...]:
    """The bundle's window, at most 128 a side: larger ones do not fit memory without a GPU."""
    size = config.get("inferer", {}).get("roi_size", 128) if isinstance(config.get("inferer"), dict) else 128
    sizes = size if isinstance(size, list) and len(size) == 3 else [size] * 3
    return tuple(_side(size, divisor, 128) for size in sizes)
