"""Where a refiner's training starts: the first stage, the refiner's own card and network, and both in one package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..cases import Case
from ..errors import UsageError
from ..events import Events
from ..networks import build_network, network_spec, state_to_save
from ..packages import PETCT, Card, Package, composed_state, loaded_module, network_parts
from ..preparing import PreparationOptions, Prepared
from ..training import CACHE_VERSION, kept_arrays, prepare_case
from .labels import matched_labels
from .predict import Model, predict_array
from .refining import OVERLAP, refiner_inputs
from .segment import find_model
from .target import Target, target_card

WINDOW = (96, 96, 96)
LEAST_WINDOW = 16


@dataclass(frozen=True)
class Chain:
    """A first stage, the refiner to train on it (``target``, six inputs at the PET's spacing), the card of both."""

    first: Package
    target: Target
    card: Card


def first_stage(model: Any) -> Package:
    """The model that a refiner is for; ``UsageError`` where it is none of PET/CT with one label, or has one already."""
    package = find_model(model, "--stage1")
    card = package.card
    if card.normalisation != PETCT or card.task != "segmentation":
        raise UsageError(f"--stage1 {card.name}: is no PET/CT model; name one such as petct-light-phantom")
    if card.output != "softmax" or card.out_channels != 2 or len(card.labels) != 1:
        raise UsageError(f"--stage1 {card.name}: has several labels; a refiner is for a model of one")
    if card.refiner:
        raise UsageError(f"--stage1 {card.name}: has a refiner already; name the model of its first stage alone")
    return package


def chain_of(
    name: str,
    first: Package,
    network: str,
    truth_names: Mapping[int, str],
    label_map: Mapping[str, str] | None,
    events: Events,
) -> Chain:
    """A refiner with new weights for a first stage and a data set's one label.

    Raises
    ------
    UsageError
        The data set has another label than the first stage, or several.
    """
    matched = matched_labels(truth_names, first.card.labels, label_map, events)
    ours = first.card.labels[0].name
    if len(matched) != 1 or None in matched.values():
        names = ", ".join(truth_names.values())
        raise UsageError(f"--stage1 {first.card.name}: finds {ours}, the truths have {names}; say --map NAME={ours}")
    old = replace(first.card, refiner={})
    plain, _ = target_card(name, old, old.roles, truth_names, matched)
    arguments = dict(network_spec(network).default_arguments)
    stage = {"network": network, "arguments": arguments, "window": list(WINDOW), "overlap": OVERLAP}
    card = replace(plain, members=old.members, combination=old.combination, refiner=stage)
    channels = old.in_channels + 1
    own = replace(plain, network=network, arguments=arguments, in_channels=channels, axes="kji", window=WINDOW)
    module = build_network(network, channels, own.out_channels, arguments)
    return Chain(first, Target(Model(own, module), {next(iter(matched)): 1}, matched, None), card)


def with_window(chain: Chain, window: tuple[int, int, int]) -> Chain:
    """The chain whose refiner runs in windows of the size that it is trained with.

    It normalises over each window, its output too: in larger ones it would answer otherwise than it learned.
    """
    if min(window) < LEAST_WINDOW:
        raise UsageError(f"--patch {min(window)}: a refiner's windows have at least {LEAST_WINDOW} voxels a side")
    model = Model(replace(chain.target.model.card, window=tuple(window)), chain.target.model.module)
    card = replace(chain.card, refiner=chain.card.refiner | {"window": list(window)})
    return replace(chain, target=replace(chain.target, model=model), card=card)


def with_refiner(chain: Chain, module: Any) -> tuple[Model, dict[str, Any]]:
    """Both stages as one model that `segment_case` runs, and their weights as its package holds them."""
    parts = network_parts(chain.first.card, chain.first.state())
    members = [parts[f"members.{n}"] for n in range(chain.first.card.members)]
    refiner = state_to_save(chain.card.refiner["network"], module)
    state = composed_state(members, combine=parts.get("combine"), refiner=refiner)
    return Model(chain.card, loaded_module(chain.card, state, where=chain.first.folder).eval()), state


class RefinerArrays:
    """Prepares a case for a refiner's training: (image (6, k, j, i), truth, mask) at the PET's spacing, kept on disk.

    Parameters
    ----------
    device, precision : str
        On which the first stage runs; its probability depends on them in the last digits.
    """

    def __init__(self, chain: Chain, device: str, precision: str) -> None:
        self._card, self._chain, self._how = chain.first.card, chain, {"device": device, "precision": precision}
        self._model: Model | None = None

    def __call__(self, case: Case, card: Card, *, options: PreparationOptions, digest: str, events: Events) -> tuple:
        """As `prepared_arrays`; ``card`` is the refiner's and is known already."""
        wanted = {
            "case": digest,
            "stage1": self._card.weights_sha256,
            "reference": self._card.reference,
            "spacing": self._card.spacing,
            "window": [*self._card.window, self._card.overlap],
            "orientation": self._card.orientation,
            "options": asdict(options),
            "version": CACHE_VERSION,
        }
        return kept_arrays(wanted | self._how, lambda: self._made(case, options, events))

    def _made(self, case: Case, options: PreparationOptions, events: Events) -> Prepared:
        self._model = self._model or Model.open(self._chain.first)
        loaded, coarse = prepare_case(case, self._card, options=options, events=events, with_truth=True)
        how = {"probability": 0, "events": events, **self._how}
        first = predict_array(self._model, coarse.array, coarse.mask, **how)
        return refiner_inputs(self._card, loaded, coarse, first, options, events)
