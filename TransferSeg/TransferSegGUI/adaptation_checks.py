"""Whether an adaptation can start: its cases, and the name of the new model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from slicer.i18n import tr as _

from .adaptation_store import AdaptationStore, interrupted
from .light_store import interruptedLight
from .models import ModelInfo, listModels
from .training_case import TrainingCase, lacksRole
from .training_cases import patients


def included(cases: Any) -> list[Any]:
    """The cases to use, as things are now."""
    return [case for case in cases if case.included]


def whyNotName(name: str) -> str | None:
    """What is wrong with the name of a new model, in plain words."""
    if not name:
        return _("Give the new model a name.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        return _("The new model's name may have letters, digits, - and _ only.")
    if AdaptationStore(name).package.exists() or any(info.name == name for info in listModels()):
        return _("There is a model named {name} already; choose another name.").format(name=name)
    if any(store.name == name for store in interrupted()):
        return _("An interrupted adaptation is named {name}: resume or discard it, or choose another name.").format(
            name=name
        )
    if any(name in store.light.names.values() for store in interruptedLight()):
        text = _("A light version named {name} was not finished: go on with it or discard it in the Models tab.")
        return text.format(name=name)
    return None


def problemText(info: ModelInfo, cases: Sequence[TrainingCase], *, training: bool = True) -> str | None:
    """Why these cases cannot adapt (or evaluate) this model, in plain words; None when they can."""
    if not cases:
        return _("Add at least one training case.") if training else _("There is no case to compare with.")
    for case in cases:
        problem = case.problem or lacksRole(case, info.roles)
        if problem:
            return _("Case {case}: {problem}").format(case=case.id, problem=problem)
    if not training:
        return None
    if all(case.heldOut for case in cases):
        return _("All cases are held out: leave at least one to learn from.")
    owners = patients(list(cases))
    both = {owners[case.id] for case in cases if case.heldOut} & {owners[c.id] for c in cases if not c.heldOut}
    if both:
        names = ", ".join(case.id for case in cases if owners[case.id] in both)
        return _("{cases} are of one patient: hold out all of them or none.").format(cases=names)
    return None
