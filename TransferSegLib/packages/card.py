"""The card of a model: what it needs, what it gives, where it came from, what it was measured on."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass, field
from typing import Any

from ..cases import default_reference
from ..errors import PackageError
from .contradictions import (
    composed_contradiction,
    intensity_contradiction,
    level_contradiction,
    size_contradiction,
    slice_contradiction,
)
from .inputs import input_channels, needed_roles, slices_of
from .schema import check_schema, from_json, schema_of
from .size_record import SizeRecord

CARD_VERSION = 1
AXES = {"R": "L", "P": "A", "I": "S"}


@dataclass(frozen=True)
class Label:
    """One active label of a model.

    Parameters
    ----------
    value : int
        Value in the label map (1 to 255; 0 is background).
    name : str
        English name in the field's terms, shown to users.
    channel : int
        Output channel of the network that predicts it.
    colour : str
        ``#RRGGBB``, or empty for the default of its name.
    terminology : str
        3D Slicer's seven-part terminology entry, or empty.
    aliases : tuple of str
        Other names under which a truth label is taken for this one.
    """

    value: int
    name: str
    channel: int
    colour: str = ""
    terminology: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Card:
    """Everything a program or a reader must know before running a model.

    ``roles`` are in the order of the network's input channels; the normalisation ``petct`` makes five channels of its
    two roles instead. ``members`` networks of the same kind answer together, ``combination`` says how
    (``mean`` of their probabilities, or ``linear``, weighed as TMTV-Net's ensemble). ``refiner`` is empty or a second
    stage at the reference image's own spacing, ``{network, arguments, window, overlap}``, whose last input is the
    probability that the first gave. ``space`` is ``native`` or ``mni152``;
    ``spacing`` is in mm in (i, j, k) order; ``axes`` says which array order the network was trained with. A ``window``
    of two sizes (j, i) is that of a network that works on slices (``dims`` 2): they lie across the last axis of
    ``orientation``, along which nothing is resampled where ``spacing`` has two numbers.
    The normalisations ``ct`` and ``picture`` have ``intensities``: ``window`` in HU, ``denoise`` and ``contrast`` of a
    CT, and ``mean`` and ``sd`` of each channel over the training set, on the scale from 0 to 1.
    ``output`` is ``softmax`` (exclusive classes, channel 0 background) or ``sigmoid`` (overlapping regions,
    painted in the order of ``labels``). A model of the task ``level`` finds a height instead: ``output`` is
    ``offset`` or ``confidence-map``, ``level`` is the vertebral level's name (``L3``), ``window`` is (rows, width)
    of its projection at ``spacing`` and ``projection`` says how that is made and read: ``views`` (the input
    channels), ``hu`` [low, high], ``evaluation`` (``dense`` or ``windows``) and ``step`` in rows.
    ``origin`` and ``measured_on`` hold what was done and measured, each with its command; ``sizes`` what machines
    needed for these very weights.
    """

    name: str
    description: str
    roles: tuple[str, ...]
    labels: tuple[Label, ...]
    network: str
    in_channels: int
    out_channels: int
    arguments: dict[str, Any] = field(default_factory=dict)
    task: str = "segmentation"
    reference_role: str = ""
    space: str = "native"
    spacing: tuple[float, ...] = (1.0, 1.0, 1.0)
    orientation: str = "LPS"
    axes: str = "kji"
    normalisation: str = "zscore-brain"
    intensities: dict[str, Any] = field(default_factory=dict)
    output: str = "softmax"
    window: tuple[int, ...] = (128, 128, 128)
    overlap: float = 0.5
    members: int = 1
    combination: str = "mean"
    refiner: dict[str, Any] = field(default_factory=dict)
    level: str = ""
    projection: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)
    measured_on: tuple[dict[str, Any], ...] = ()
    sizes: tuple[SizeRecord, ...] = ()
    licence: str = ""
    citation: str = ""
    weights_sha256: str = ""
    card_version: int = CARD_VERSION

    @property
    def composed(self) -> bool:
        """Whether several networks lie in the package."""
        return self.members > 1 or bool(self.refiner) or self.combination == "linear"

    @property
    def reference(self) -> str:
        """The role whose grid results come back on."""
        return self.reference_role or default_reference(self.roles)

    @property
    def dims(self) -> int:
        """2 for a network that works on slices, else 3."""
        return 2 if len(self.window) == 2 and self.task != "level" else 3

    @property
    def window_kji(self) -> tuple[int, ...]:
        """The window as a part of a volume: one slice for a network that works on slices."""
        return (1, *self.window) if self.dims == 2 else self.window

    @property
    def slices(self) -> str:
        """``axial``, ``coronal`` or ``sagittal``: the slices of a network that works on slices."""
        return slices_of(self.orientation)

    def label_names(self) -> dict[int, str]:
        """{value: name} of the active labels."""
        return {label.value: label.name for label in self.labels}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(data: Any, *, where: str) -> Card:
        """Check and read a card; ``where`` names the file in errors (``PackageError``)."""
        problem = check_schema(data, json_schema(), "card")
        if problem is None:
            problem = _contradiction(data)
        if problem is not None:
            raise PackageError(f"{where}: {problem}; get the package again or mend its card")
        known = {f.name: f for f in dataclasses.fields(Card)}
        values = {
            key: from_json(value, typing.get_type_hints(Card)[key]) for key, value in data.items() if key in known
        }
        return Card(**values)


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a card, made from the dataclass."""
    schema = schema_of(Card)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "TransferSeg model card"
    properties = schema["properties"]
    properties["task"]["enum"] = ["segmentation", "classification", "segmentation-classification", "level"]
    properties["space"]["enum"] = ["native", "mni152"]
    properties["axes"]["enum"] = ["kji", "ijk"]
    properties["output"]["enum"] = ["softmax", "sigmoid", "offset", "confidence-map"]
    properties["spacing"].update(minItems=2, maxItems=3)
    properties["members"].update(minimum=1, maximum=32)
    properties["combination"]["enum"] = ["mean", "linear"]
    properties["overlap"].update(minimum=0, exclusiveMaximum=1)
    label = properties["labels"]["items"]["properties"]
    label["value"].update(minimum=1, maximum=255)
    label["channel"].update(minimum=0)
    size = properties["sizes"]["items"]["properties"]
    for name, least in (("parameters", 1), ("macs", 0), ("macs_window", 0), ("seconds", 0)):
        size[name].update(minimum=least)
    return schema


def _contradiction(data: dict[str, Any]) -> str | None:
    """What a schema cannot say: counts and values that must fit each other."""
    if not data["roles"] or len(set(data["roles"])) != len(data["roles"]):
        return "card.roles is empty or names a role twice"
    level = data.get("task") == "level"
    if level != (data.get("output", "softmax") in ("offset", "confidence-map")) or level != bool(data.get("level")):
        return "card.task, output and level do not belong together"
    problem = size_contradiction(data)
    if problem is not None:
        return problem
    if level:
        return level_contradiction(data)
    wanted = input_channels(data.get("normalisation", ""), data["roles"])
    if wanted is None:
        return f"card.normalisation is {data.get('normalisation')}, which needs {needed_roles(data['normalisation'])}"
    if data["in_channels"] != wanted:
        return f"card.in_channels is {data['in_channels']} but its {len(data['roles'])} roles make {wanted}"
    problem = intensity_contradiction(data) or slice_contradiction(data)
    if problem is not None:
        return problem
    if data.get("refiner") or data.get("combination", "mean") == "linear":
        problem = composed_contradiction(data)
        if problem is not None:
            return problem
    if data.get("reference_role") and data["reference_role"] not in data["roles"]:
        return f"card.reference_role {data['reference_role']!r} is not among its roles"
    for key in ("value", "name"):
        values = [label[key] for label in data["labels"]]
        if len(set(values)) != len(values):
            return f"card.labels has the same {key} twice"
    channels = [label["channel"] for label in data["labels"]]
    if len(set(channels)) != len(channels) or (data.get("output", "softmax") == "softmax" and 0 in channels):
        return "card.labels names an output channel twice, or the background's"
    if sorted(AXES.get(letter, letter) for letter in data.get("orientation", "LPS")) != ["A", "L", "S"]:
        return f"card.orientation is {data['orientation']!r}, expected three letters such as LPS"
    if any(size < 16 for size in data.get("window", (16,))) or min(data.get("spacing", (1,))) <= 0:
        return "card.window is below 16 voxels or card.spacing not above 0"
    if any(channel >= data["out_channels"] for channel in channels):
        return f"a label's channel lies beyond the {data['out_channels']} output channels"
    return None
