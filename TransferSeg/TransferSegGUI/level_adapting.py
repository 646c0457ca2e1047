"""Adapting a level's model to corrected CTs, with the store, the worker's training and the ending of any adaptation."""

from __future__ import annotations

from typing import Any

from . import wording
from .adaptation import AdaptResult, AdaptRun
from .adaptation_checks import whyNotName
from .level_cases import LevelCase, writeList
from .runs import Run

LEVEL = "level"
"""The task in an adaptation's request."""


class LevelAdaptRun(AdaptRun):
    """An adaptation that is going on; its cases are on disk already, so that the scene is not looked at."""

    def work(self) -> None:
        """List the cases, then train; or go on where the last run was cut off."""
        if self._resume:
            super().work()
            return
        problem = whyNotName(self.name)
        if problem is not None:
            raise wording.problem(problem)
        kept = {key: self._request[key] for key in ("model", "strategy", "epochs", "seed", "device")}
        self._store.create({**kept, "task": LEVEL})
        self._ours = True
        self.inBackground(lambda: writeList(self._store.folder, self._cases), self._train)


class AddCaseRun(Run):
    """Keeping a corrected CT: written off the main thread, apart from the queue of runs."""

    def __init__(self, client: Any, cases: Any, image: Any, facts: dict[str, Any], **options: Any) -> None:
        super().__init__(client, **options)
        self._list, self._image, self._facts = cases, image, facts

    def work(self) -> None:
        """Write the copy and the list."""
        self.say(wording.copying())
        self.inBackground(lambda: self._list.add(self._image, **self._facts), self._added)

    def _added(self, case: LevelCase) -> None:
        self._list.changed.emit()
        self.succeed(case)


def errorRows(result: AdaptResult) -> list[tuple[str, float | None, float | None]]:
    """(case, error before, error after) in mm of each held-out case, then their mean; None where none was given."""
    errors: dict[str, list[float | None]] = {}
    for column, evaluation in enumerate((result.before, result.after)):
        for case in (evaluation or {}).get("cases", ()):
            errors.setdefault(str(case["id"]), [None, None])[column] = case.get("error_mm")
    rows = [(case, *pair) for case, pair in errors.items()]
    if rows:
        means = [((evaluation or {}).get("mean") or {}).get("error_mm") for evaluation in (result.before, result.after)]
        rows.append(("", *means))
    return rows
