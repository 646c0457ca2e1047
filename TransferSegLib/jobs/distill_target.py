"""The student of a distillation before it learns: its card, its network, and how its classes are the teacher's."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import PackageError, UsageError
from ..events import Events
from ..inference import OutputRule
from ..networks import REFINERS, NetworkSpec, build_network, network_divisor, network_names, network_spec
from ..packages import PETCT, Card, Label, Package, find_package, list_models
from ..reporting import label_colours
from ..strategies import transfer_weights
from ..training import Distillation, Teacher, TrainingPlan
from .labels import matched_labels
from .new_model import SLICE_WINDOW, one_channel
from .predict import Model
from .target import Target

# Slices of a window that a 3-D teacher sees at once while it teaches a student of two dimensions.
TAUGHT_SLICES = 16


@dataclass(frozen=True)
class Student:
    """What is taught: the target of the training, its teacher, and whether it starts from a model's weights."""

    target: Target
    teacher: Teacher
    source: Package | None


def check_teacher(package: Package) -> None:
    """Refuse a teacher that gives no labels (``UsageError``)."""
    card = package.card
    if card.task != "segmentation":
        raise UsageError(f"{card.name}: is a model for {card.task}; a teacher must be a segmentation model")


def student_of(
    name: str,
    package: Package,
    student: str | Package,
    truth_names: Mapping[int, str],
    label_map: Mapping[str, str] | None,
    events: Events,
) -> Student:
    """The student for a teacher and the labels of the truths.

    Parameters
    ----------
    student : str or Package
        A network of the registry (new weights), or a model that is taught further (`known_student`).
    truth_names : mapping of int to str
        Values and names of the truths; empty where no case has one: the teacher's own labels then.

    Raises
    ------
    UsageError
        A label that the teacher does not know, or two that are one for it; a student whose roles, preparation, labels
        or dimensions do not fit.
    """
    card = package.card
    if card.refiner:
        events.say(f"{card.name}: its first stage teaches; the refiner is left out")
    names = dict(truth_names) or card.label_names()
    matched = _matched(names, card, label_map, events)
    source = student if isinstance(student, Package) else known_student(student)
    ours = _new_card(name, card, student, names, matched) if source is None else _old_card(name, card, source, names)
    module = build_network(ours.network, ours.in_channels, ours.out_channels, ours.arguments)
    report = None
    if source is not None:
        channels = {c: c for c in range(ours.out_channels)}
        report = transfer_weights(source.member_state(), module, ours.network, label_map=channels)
    class_of = {label.value: index for index, label in enumerate(ours.labels, start=1)}
    target = Target(Model(ours, module), class_of, matched, report)
    return Student(target, teacher_of(package, [matched[label.value] for label in ours.labels], ours), source)


def _matched(
    names: Mapping[int, str], card: Card, label_map: Mapping[str, str] | None, events: Events
) -> dict[int, Label]:
    """The teacher's label of each truth value; each value has one of its own."""
    matched = matched_labels(names, card.labels, label_map, events)
    for value, label in matched.items():
        if label is None:
            known = ", ".join(label.name for label in card.labels)
            raise UsageError(
                f"label {names[value]} (value {value}): the teacher {card.name} does not know it (it gives {known}); "
                "name its counterpart with --map, or take it out of the truths"
            )
        same = [names[other] for other, one in matched.items() if one is label]
        if len(same) > 1:
            raise UsageError(
                f"labels {', '.join(same)}: are one label of the teacher {card.name}, {label.name}, which does not "
                "tell them apart; make them one value in the truths, or map each to a label of its own"
            )
    left = [label.name for label in card.labels if label not in matched.values()]
    if left:
        events.say(f"not taught, since no truth has it: {', '.join(left)}")
    return matched


def teacher_of(package: Package, labels: list[Label], student: Card) -> Teacher:
    """The teacher's network (its first stage), and which of its labels each class of the student is."""
    card = package.card
    rule, module = OutputRule.of_card(card), package.network()
    if card.combination == "linear" or card.members > 1:
        network = ""
    else:
        network, module = card.network, getattr(module, "members", [module])[0]
    order = [label.channel for label in card.labels]
    return Teacher(
        network=network,
        module=module,
        dims=card.dims,
        kind=rule.kind,
        channels=rule.channels,
        places=tuple(order.index(label.channel) for label in labels),
        turned=card.axes != student.axes,
    )


def taught_plan(plan: TrainingPlan, student: Card, teacher: Card, patch: int | None) -> TrainingPlan:
    """The plan with windows that both networks take; as many slices a step as before where only the teacher is 3-D.

    ``patch`` is the side of a window that the user gave, in the place of the plan's.

    Raises
    ------
    UsageError
        A side that one of the networks does not take.
    """
    step = math.lcm(*(network_divisor(card.network, card.arguments) for card in (student, teacher)))
    if patch is not None and (patch < step or patch % step):
        raise UsageError(f"--patch {patch}: must be a multiple of {step} for {student.network} and {teacher.network}")
    sizes = [max(step, size // step * step) for size in plan.patch] if patch is None else [patch] * 3
    if student.dims == 2:
        divisor = network_divisor(teacher.network, teacher.arguments)
        depth = 1 if teacher.dims == 2 else max(divisor, TAUGHT_SLICES // divisor * divisor)
        sizes[0] = depth
        plan = replace(plan, batch=max(1, plan.batch // depth))
    return replace(plan, patch=tuple(sizes))


def checked_weights(how: Distillation, teacher: Teacher, name: str, events: Events) -> Distillation:
    """The weights, without importance maps where several networks teach together, which is said."""
    how.check()
    if teacher.network or not how.importance:
        return how
    if not how.prediction:
        raise UsageError(f"--prediction 0: {name} is several networks, whose blocks teach nothing; give it a weight")
    events.say(f"{name}: several networks that answer together; their probabilities teach, no importance maps")
    return replace(how, importance=0.0)


def known_student(student: str) -> Package | None:
    """The model of that name or folder; None for a network of the registry; ``UsageError`` for neither."""
    if Path(student).exists():
        return find_package(student, "--student")
    try:
        spec = network_spec(student)
    except UsageError:
        try:
            return find_package(student, "--student")
        except (UsageError, PackageError):
            raise UsageError(f"--student {student}: neither a network nor a model; {_hint(student)}") from None
    if not _gives_labels(spec.name):
        raise UsageError(f"--student {student}: gives no labels; name a segmentation network, such as unet2d-32-64-128")
    return None


def _gives_labels(network: str) -> bool:
    """Whether a network alone makes labels from images."""
    return network_spec(network).has_decoder and not network.startswith("l3-") and network not in REFINERS


def _hint(student: str) -> str:
    """What a misspelt student could be."""
    able = [name for name in network_names() if _gives_labels(name)]
    close = difflib.get_close_matches(student, [*able, *(entry.name for entry in list_models())], n=1, cutoff=0.6)
    start = f"did you mean {close[0]}?" if close else f"name one of {', '.join(able)}"
    return f"{start} (unet2d-16-32 or unet3d-8-16-32: any widths will do)"


def _new_card(
    name: str, teacher: Card, network: str, names: Mapping[int, str], matched: Mapping[int, Label | None]
) -> Card:
    """The teacher's card for another network with new weights."""
    spec = network_spec(network)
    if network.startswith("petct") and teacher.normalisation != PETCT:
        roles = " ".join(teacher.roles)
        raise UsageError(f"--student {network}: needs the roles pet and ct; {teacher.name} has {roles}")
    if spec.dims == 3 and len(teacher.spacing) == 2:
        raise UsageError(
            f"--student {network}: is 3-D, and {teacher.name} leaves the distance of its slices open; "
            "name a 2-D network, such as unet2d-32-64-128"
        )
    single = one_channel(spec, len(names))
    first = 0 if single else 1
    colours = label_colours(names, {value: label.colour for value, label in matched.items() if label is not None})
    labels = tuple(
        replace(matched[value], value=value, name=text, channel=channel, colour=colours[value])
        for channel, (value, text) in enumerate(sorted(names.items()), start=first)
    )
    return replace(
        teacher,
        name=name,
        labels=labels,
        network=network,
        arguments={},
        out_channels=len(labels) + first,
        output="sigmoid" if single else "softmax",
        axes="kji",
        window=_window(teacher, spec),
        **_unmade(),
    )


def _old_card(name: str, teacher: Card, source: Package, names: Mapping[int, str]) -> Card:
    """The card of a student that has learned already, where it fits the teacher."""
    card = source.card
    if card.composed or card.task != "segmentation":
        raise UsageError(f"--student {card.name}: is not one segmentation network; name another")
    for what, ours, theirs in (
        ("roles", " ".join(card.roles), " ".join(teacher.roles)),
        ("preparation", _preparation(card), _preparation(teacher)),
        ("spacing", _spacing(card), _spacing(teacher)),
    ):
        if ours != theirs:
            what = f"has the {what} {ours}, {teacher.name} {theirs}"
            raise UsageError(f"--student {card.name}: {what}; they must be equal")
    if card.label_names() != dict(names):
        given = ", ".join(f"{value} {text}" for value, text in names.items())
        own = ", ".join(f"{value} {text}" for value, text in card.label_names().items())
        raise UsageError(f"--student {card.name}: has the labels {own}, the truths {given}; they must be equal")
    return replace(card, name=name, **_unmade())


def _window(teacher: Card, spec: NetworkSpec) -> tuple[int, ...]:
    """The teacher's window where the dimensions are equal, as large as the student's network asks."""
    usual = {2: SLICE_WINDOW, 3: (128, 128, 128)}[spec.dims]
    sizes = teacher.window if spec.dims == teacher.dims else usual
    return tuple(-(-size // spec.divisor) * spec.divisor for size in sizes)


def _preparation(card: Card) -> str:
    numbers = f" {card.intensities}" if card.intensities else ""
    return f"{card.normalisation} {card.space} {card.orientation}{numbers}"


def _spacing(card: Card) -> str:
    return " x ".join(f"{step:g}" for step in card.spacing) + " mm"


def _unmade() -> dict[str, Any]:
    """What a card says of a network that exists, before it does."""
    return {
        "members": 1,
        "combination": "mean",
        "refiner": {},
        "origin": {},
        "measured_on": (),
        "weights_sha256": "",
        "description": "",
    }
