"""Strategies of transfer: a frozen description and a small function that chooses groups, in one registry."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import UsageError
from ..networks import Group

Groups = tuple[Group, ...]
Choose = Callable[[Groups], frozenset[str]]


class Meaningless(Exception):
    """A choice that the given groups leave no sense; carries the reason."""


def _nothing(groups: Groups) -> frozenset[str]:
    """No group is frozen."""
    return frozenset()


@dataclass(frozen=True)
class Strategy:
    """How a source model is adapted.

    Parameters
    ----------
    name : str
        As on the command line.
    sentence : str
        What it does, for people.
    choose : callable
        Ordered groups to the names of those that are frozen; raises `Meaningless` with the reason.
    starts_from_source : bool
        False: new weights.
    rate : float
        Factor on the learning rate.
    frozen_halves : tuple of str
        ``encoder``, ``decoder``: the halves frozen as a whole.
    """

    name: str
    sentence: str
    choose: Choose = _nothing
    starts_from_source: bool = True
    rate: float = 1.0
    frozen_halves: tuple[str, ...] = ()

    def frozen_groups(self, groups: Groups, *, network: str) -> tuple[str, ...]:
        """Names of the groups that are frozen, in order; UsageError with the reason where it means nothing."""
        try:
            chosen = self.choose(groups)
        except Meaningless as reason:
            raise UsageError(
                f"strategy {self.name}: {network} {reason}; use one of {', '.join(_usable(groups))}"
            ) from None
        return tuple(group.name for group in groups if group.name in chosen)


def _halves(*halves: str) -> Choose:
    """Freeze whole halves of the network."""

    def choose(groups: Groups) -> frozenset[str]:
        names = ", ".join(group.name for group in groups)
        for half in halves:
            if not any(group.half == half for group in groups):
                raise Meaningless(f"has no {half} (its groups are {names})")
        return frozenset(group.name for group in groups if group.half in halves)

    return choose


def _shallower_than(level: int) -> Choose:
    """Freeze the stem and the encoder groups of a level below ``level``."""

    def choose(groups: Groups) -> frozenset[str]:
        levels = [group.level for group in groups if group.level is not None]
        if not levels:
            raise Meaningless(f"has no levels (its groups are {', '.join(group.name for group in groups)})")
        if not 1 <= level <= len(levels):
            raise Meaningless(f"has the levels 1 to {len(levels)}")
        return frozenset(group.name for group in groups if group.level is not None and group.level < level)

    return choose


def _all_but_the_head(groups: Groups) -> frozenset[str]:
    """Everything is frozen but the last group."""
    if not any(group.name == "head" and group.prefixes for group in groups):
        raise Meaningless("has no head of its own")
    return frozenset(group.name for group in groups if group.name != "head")


_STRATEGIES: dict[str, Strategy] = {
    entry.name: entry
    for entry in (
        Strategy("scratch", "New weights, everything learns.", starts_from_source=False),
        Strategy("half-lr", "Source weights, everything learns at half the learning rate.", rate=0.5),
        Strategy(
            "freeze-encoder",
            "Source weights; the encoder stays as it is.",
            _halves("encoder"),
            frozen_halves=("encoder",),
        ),
        Strategy(
            "freeze-decoder",
            "Source weights; the decoder stays as it is.",
            _halves("decoder"),
            frozen_halves=("decoder",),
        ),
        Strategy(
            "freeze-both",
            "Source weights; only what lies between encoder and decoder, and the head, learn.",
            _halves("encoder", "decoder"),
            frozen_halves=("encoder", "decoder"),
        ),
    )
}
_FROM_LEVEL = "from-level:K"
# For networks with a head of their own; choosers, which list what every model can do, leave it out.
HEAD_ONLY = Strategy("head-only", "Source weights; only the head learns.", _all_but_the_head)


def register(entry: Strategy) -> Strategy:
    """Add a strategy; UsageError when the name is taken."""
    if entry.name in (*_STRATEGIES, HEAD_ONLY.name) or entry.name.startswith("from-level"):
        raise UsageError(f"strategy {entry.name}: the name is taken; choose another")
    _STRATEGIES[entry.name] = entry
    return entry


def strategy_names() -> tuple[str, ...]:
    """All names; ``from-level:K`` stands for one strategy a level."""
    return (*_STRATEGIES, _FROM_LEVEL)


def strategy(name: str) -> Strategy:
    """The strategy of that name, ``head-only`` included.

    ``from-level:K`` freezes everything shallower than level K: the stem is level 0, ``enc1`` level 1 and so on.
    Whether a network has that level is known when the strategy is applied.

    Raises
    ------
    UsageError
        That lists what there is.
    """
    if name in _STRATEGIES:
        return _STRATEGIES[name]
    if name == HEAD_ONLY.name:
        return HEAD_ONLY
    level = re.fullmatch(r"from-level:([0-9]{1,3})", name)
    if level and int(level[1]) >= 1:
        k = int(level[1])
        return Strategy(
            f"from-level:{k}", f"Source weights; what is shallower than level {k} stays as it is.", _shallower_than(k)
        )
    if name.startswith("from-level"):
        raise UsageError(f"strategy {name!r}: no such level; write from-level:K with K = 1, 2, ... (stem = level 0)")
    raise UsageError(f"strategy {name!r} does not exist; use one of {', '.join(strategy_names())}")


def _usable(groups: Groups) -> list[str]:
    """Names of the strategies that mean something for these groups."""
    names = []
    for entry in (*_STRATEGIES.values(), HEAD_ONLY):
        try:
            entry.choose(groups)
        except Meaningless:
            continue
        names.append(entry.name)
    levels = sum(group.level is not None for group in groups)
    return names + ([f"from-level:K with K = {'1' if levels == 1 else f'1 to {levels}'}"] if levels else [])
