"""What an adaptation keeps on disk, so that closing Slicer or a crash in the middle loses nothing."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from slicer.i18n import tr as _

from . import wording
from .claims import Claim, isClaimed
from .removing import removeWhole

REQUEST = "request.json"
WRITTEN = ("report", "picture", "curve_csv")
"""What a verb writes into its run's folder, which the user may have moved since."""
COLLECTING, TRAINING, DONE, DISCARDED = "collecting", "training", "done", "discarded"

Store = TypeVar("Store", bound="AdaptationStore")


@dataclass(frozen=True)
class Interrupted:
    """An adaptation that can be resumed; ``started`` is local time as text, ``epochs`` 0 when not known."""

    name: str
    model: str
    strategy: str
    started: str
    epochsDone: int
    epochs: int
    task: str = "segmentation"


class AdaptationStore:
    """The folder of one adaptation: ``request.json``, ``cases.csv``, ``cases/``, ``run/``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = storesFolder() / name
        self._claim: Claim | None = None

    @property
    def runFolder(self) -> Path:
        """Metrics, checkpoints and the report."""
        return self.folder / "run"

    @property
    def package(self) -> Path:
        """Where the new model goes."""
        from TransferSegLib.places import models_folder

        return models_folder() / self.name

    @property
    def request(self) -> dict[str, Any]:
        """What was asked for, as kept; empty where there is nothing readable."""
        return _readJson(self.folder / REQUEST)

    def create(self, request: dict[str, Any]) -> None:
        """Make the folder and claim it; an older one of a finished adaptation is kept under another name."""
        from TransferSegLib.storage import storage_error

        state = self.request.get("state")
        if state == TRAINING or isClaimed(self.folder):
            raise wording.problem(_("An adaptation named {name} was begun already.").format(name=self.name))
        if state == DONE:
            _setAside(self.folder)
        removeWhole(self.folder)  # also where nothing is there: a removal that is being tried again is over then
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700)  # images of patients are copied here
        except OSError as error:
            raise storage_error(self.folder, error) from error
        self.claim()
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        self.keep(**request, name=self.name, started=started, state=COLLECTING)

    def claim(self) -> None:
        """Mark the folder as used by this Slicer; ``UsageError`` when another one uses it."""
        from TransferSegLib.storage import storage_error

        try:
            self._claim = Claim(self.folder)
        except BlockingIOError:
            raise wording.problem(_("Another Slicer is working on {name}.").format(name=self.name)) from None
        except OSError as error:
            raise storage_error(self.folder, error) from error

    def keep(self, **values: Any) -> None:
        """Add to the request."""
        from TransferSegLib.storage import write_json

        write_json(self.folder / REQUEST, {**self.request, **values})

    def finish(self) -> None:
        """The model is there: copies of cases go, the report stays."""
        self.keep(state=DONE)
        shutil.rmtree(self.folder / "cases", ignore_errors=True)
        self.release()

    def discard(self) -> None:
        """Remove all that the adaptation made, its model too; nothing of one that is going on elsewhere."""
        from TransferSegLib.errors import TransferSegError

        if self._claim is None and isClaimed(self.folder):
            return
        self._removePackage()  # first: what tells whether it is ours lies in the folder
        if self.folder.is_dir():
            with suppress(OSError, TransferSegError):  # a full disk
                self.keep(state=DISCARDED)  # it does not come back where a part of it cannot be removed yet
        self.release()
        removeWhole(self.folder)

    def release(self) -> None:
        """Let another Slicer, or a later run, go on with it."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def finishedRun(self) -> dict[str, Any] | None:
        """The worker's answer where only our own note of the end is missing, else None."""
        run = _readJson(self.runFolder / "run.json")
        if not (run.get("finished") and run.get("result") and self._packageIsOurs()):
            return None
        files = {key: run["result"][key] for key in WRITTEN if run["result"].get(key)}
        places = {key: str(self.runFolder / Path(file).name) for key, file in files.items()}
        return run["result"] | {"package": str(self.package), "run": str(self.runFolder)} | places

    def checkPackage(self) -> None:
        """``UsageError`` where another model has taken the name meanwhile."""
        if self.package.exists() and not self._packageIsOurs():
            raise wording.problem(
                _("There is another model named {name} now: delete that model, then resume.").format(name=self.name)
            )

    def clearHalf(self) -> None:
        """Remove a model that was written in an end that was cut off: it is made again from the checkpoint."""
        if self.finishedRun() is None:
            self._removePackage()

    def arguments(self) -> dict[str, Any]:
        """What the worker was asked for, with places as they are now: the user may have moved the storage folder."""
        from .models import findModel

        request = self.request
        args = request["args"] | {"run": str(self.runFolder), "out": str(self.package)}
        args["data"] = str(self.folder / Path(args["data"]).name)
        if not Path(args["from"]).is_dir():
            args["from"] = str(findModel(request["model"]).folder)
        return args

    def _packageIsOurs(self) -> bool:
        """Whether the model of our name was made by our run; one that was imported or copied there was not."""
        run = _readJson(self.runFolder / "run.json").get("id")
        card = _readJson(self.package / "configs" / "metadata.json").get("transferseg")
        return bool(run) and isinstance(card, dict) and (card.get("origin") or {}).get("run") == run

    def _removePackage(self) -> None:
        if self._packageIsOurs():
            shutil.rmtree(self.package, ignore_errors=True)

    def metrics(self) -> list[dict[str, Any]]:
        """The rows of the epochs so far, as the worker's events give them."""
        try:
            with open(self.runFolder / "metrics.csv", encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        except OSError:
            return []
        return [{name: _number(text) for name, text in row.items()} for row in rows]

    def describe(self) -> Interrupted:
        """For the list of what can be resumed."""
        request, plan = self.request, _readJson(self.runFolder / "run.json").get("request", {}).get("plan", {})
        started = str(request.get("started", ""))
        return Interrupted(
            self.name,
            str(request.get("model", "")),
            str(request.get("strategy", "")),
            started[:16].replace("T", " "),
            len(self.metrics()),
            int(plan.get("epochs") or request.get("epochs") or 0),
            str(request.get("task") or "segmentation"),
        )


def storesFolder() -> Path:
    """Where adaptations keep what they need."""
    from TransferSegLib.places import home

    return home() / "adaptations"


def interrupted() -> list[AdaptationStore]:
    """Stores whose adaptation was cut off; what was cut off while cases were collected is removed."""
    return interruptedIn(storesFolder(), AdaptationStore)


def interruptedIn(folder: Path, kind: Callable[[str], Store]) -> list[Store]:
    """The stores in a folder whose work was cut off; what was cut off while cases were collected is removed."""
    found = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else []:
        store = kind(place.name)
        state = store.request.get("state")
        if state not in (COLLECTING, TRAINING, DISCARDED) or isClaimed(place):
            continue
        if state == TRAINING:
            found.append(store)
        else:
            removeWhole(place)
    return found


def _setAside(folder: Path) -> None:
    """Rename a finished adaptation's folder, with its report, after its time."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder.rename(folder.with_name(f"{folder.name}.{stamp}"))


def _number(text: str | None) -> float | int | str | None:
    """A cell of a CSV file as what it was."""
    for kind in (int, float):
        try:
            return kind(text or "")
        except ValueError:
            continue
    return text or None


def _readJson(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
