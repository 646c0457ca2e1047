"""The model that an adaptation starts from: its card, its network, what was transferred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import UsageError
from ..events import Events
from ..networks import build_network, network_names, network_spec
from ..packages import CT, PETCT, PETCT_ROLES, PICTURE, Card, Label, Package, input_channels
from ..reporting import label_colours
from ..strategies import TransferReport, map_roles, transfer_weights
from .labels import matched_labels
from .new_model import NewModel, input_of, one_channel
from .predict import Model

# What a data set of these roles is trained with when nothing is said. A CT goes slice by slice, as in the source of the
# plain U-Nets (liver CT): its slices are of another thickness in each clinic. Pictures take the light one too.
LIGHT_SLICES = "unet2d-32-64-128"
DEFAULT_NETWORKS = (
    (frozenset({"flair", "t1", "t1gd", "t2"}), "unet"),
    (frozenset({"ct"}), LIGHT_SLICES),
    (frozenset({"rgb"}), LIGHT_SLICES),
    (frozenset({"grey"}), LIGHT_SLICES),
)
DEFAULT_PETCT = "petct-light"


@dataclass(frozen=True)
class Target:
    """Where a training starts.

    ``class_of`` maps truth values to the loss's class indices (the card's labels in order, from 1);
    ``matched`` maps truth values to the source's label or None; ``transfer`` is None without a source.
    """

    model: Model
    class_of: dict[int, int]
    matched: dict[int, Label | None]
    transfer: TransferReport | None


def default_network(roles: Sequence[str]) -> str:
    """The network for these roles; ``UsageError`` for roles that are not of one kind of image."""
    if set(roles) == set(PETCT_ROLES):
        return DEFAULT_PETCT
    for known, name in DEFAULT_NETWORKS:
        if set(roles) <= known and name in network_names():
            return name
    raise UsageError(f"no default network for the roles {', '.join(roles)}; choose some of them with --roles")


def target_from_nothing(
    name: str,
    roles: Sequence[str],
    truth_names: Mapping[int, str],
    network: str | None,
    wanted: NewModel | None = None,
) -> Target:
    """A network with new weights for the data set's own roles and labels.

    One label of a network that has one output channel as published (the plain U-Nets) is a sigmoid channel.
    """
    network = network or default_network(roles)
    how = input_of(roles, network, wanted or NewModel())
    single = one_channel(network_spec(network), len(truth_names))
    colours = label_colours(truth_names)
    labels = tuple(
        Label(value, truth_names[value], channel, colours[value])
        for channel, value in enumerate(sorted(truth_names), start=0 if single else 1)
    )
    card = Card(
        name=name,
        description="",
        labels=labels,
        network=network,
        out_channels=len(labels) + (not single),
        output="sigmoid" if single else "softmax",
        **how,
    )
    module = build_network(network, card.in_channels, card.out_channels)
    return Target(Model(card, module), _class_of(card), dict.fromkeys(truth_names), None)


def target_from_source(
    name: str,
    source: Package,
    *,
    roles: Sequence[str],
    truth_names: Mapping[int, str],
    label_map: Mapping[str, str] | None,
    with_weights: bool,
    events: Events,
) -> Target:
    """The source's card for the target's roles and labels, with its weights or new ones.

    All output channels of a softmax source are kept, so that every tensor fits and what was forgotten can be
    measured; a label without a counterpart gets a new channel. Regions (sigmoid) become exclusive classes, but one
    channel for one label stays what it is.
    """
    old = source.card
    if old.composed:
        events.say(f"{old.name}: the first of its networks is adapted; a refiner is left out")
    fixed = old.normalisation in (CT, PICTURE) and tuple(roles) != old.roles
    if fixed or input_channels(old.normalisation, roles) is None:
        raise UsageError(f"--roles {' '.join(roles)}: {old.name} needs the roles {', '.join(old.roles)}")
    matched = matched_labels(truth_names, old.labels, label_map, events)
    card, channels = target_card(name, old, tuple(roles), truth_names, matched)
    module = build_network(card.network, card.in_channels, card.out_channels, card.arguments)
    report = None
    if with_weights:
        # A channel that the source never saw starts as the mean of those it knows.
        inputs = None if old.normalisation in (PETCT, PICTURE) else map_roles(card.roles, old.roles)
        report = transfer_weights(source.member_state(), module, card.network, label_map=channels, channel_map=inputs)
    return Target(Model(card, module), _class_of(card), matched, report)


def target_card(
    name: str, old: Card, roles: tuple[str, ...], truth_names: Mapping[int, str], matched: Mapping[int, Label | None]
) -> tuple[Card, dict[int, int | None]]:
    """The target's card, and {target channel: source channel or None} of the output layer."""
    softmax = old.output == "softmax"
    single = old.output == "sigmoid" and old.out_channels == len(truth_names) == 1
    channels: dict[int, int | None] = {c: c for c in range(old.out_channels)} if softmax else {0: None}
    if single:
        channels = {}
    labels: list[Label] = []
    colours = label_colours(truth_names, {v: source.colour for v, source in matched.items() if source is not None})
    for value, text in sorted(truth_names.items()):
        source = matched[value]
        if softmax and source is not None and source.channel not in (label.channel for label in labels):
            channel = source.channel
        else:  # new, a region, or a second label that starts from the same source's channel
            channel = len(channels)
            channels[channel] = None if source is None else source.channel
        terminology = source.terminology if source is not None and source.name == text else ""
        aliases = source.aliases if source is not None else ()
        labels.append(Label(value, text, channel, colours[value], terminology, aliases))
    reference = old.reference if old.reference in roles else ""
    card = replace(
        old,
        name=name,
        roles=roles,
        reference_role=reference,
        labels=tuple(labels),
        in_channels=input_channels(old.normalisation, roles),
        out_channels=len(channels),
        output="sigmoid" if single else "softmax",
        members=1,
        combination="mean",
        refiner={},
        origin={},
        measured_on=(),
        weights_sha256="",
    )
    return card, channels


def _class_of(card: Card) -> dict[int, int]:
    return {label.value: index for index, label in enumerate(card.labels, start=1)}
