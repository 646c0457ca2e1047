"""The cases that a light version is made by: how many there are, which are held out, what is lacking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from . import wording
from .wording import counted

HOLD_OUT_FROM, HOLD_OUT_SHARE = 5, 0.2
"""As the verbs do without being told: a fifth of the patients from five cases on."""


@dataclass(frozen=True)
class LightCases:
    """Ids of all cases and of those that are only scored, and how many patients they are of."""

    ids: list[str]
    heldOut: list[str]
    patients: int

    @property
    def text(self) -> str:
        """In words."""
        found = counted(len(self.ids), _("1 case"), _("{n} cases"))
        held = ", ".join(self.heldOut) or _("none")
        return _("{cases} of {patients}; held out: {held}.").format(
            cases=found, patients=counted(self.patients, _("1 patient"), _("{n} patients")), held=held
        )


def lookAt(path: str, card: Any, heldOut: Sequence[str] | None, *, needed: bool) -> LightCases:
    """Read which cases a data set has; off the main thread, since a folder may be large.

    Raises
    ------
    TransferSegError
        No data set for the model's roles, a held-out case that is not there, or none where one is ``needed``.
    """
    from TransferSegLib.cases import hold_out, open_data_set, patients, split_by_patient

    cases = open_data_set(path, roles=card.roles, reference_role=card.reference).cases
    if heldOut is not None:
        held = hold_out(cases, list(heldOut))[1] if heldOut else []
    elif len(cases) >= HOLD_OUT_FROM:
        held = split_by_patient(cases, fraction=HOLD_OUT_SHARE, seed=0)[1]
    else:
        held = []
    if needed and not held:
        text = _("Pruning and 8 bits need cases that are only scored: name some of {ids} as held out.")
        raise wording.problem(text.format(ids=", ".join(case.id for case in cases[:12])))
    return LightCases([case.id for case in cases], [case.id for case in held], len(patients(cases)))
