"""A run's folder: what was asked, metrics, checkpoints; enough to go on after a kill."""

from __future__ import annotations

import csv
import io
import json
import platform
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import StorageError
from ..storage import remove_leftovers, write_json, write_text, writing


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    import monai
    import numpy
    import SimpleITK
    import torch

    from .. import __version__

    return {
        "transferseg": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "monai": monai.__version__,
        "numpy": numpy.__version__,
        "SimpleITK": SimpleITK.Version_VersionString(),
        "platform": f"{sys.platform} {platform.machine()}",
    }


class Run:
    """The folder of one training.

    Parameters
    ----------
    folder : Path
        Made when absent. A run with the same ``request`` that did not finish is gone on with;
        another request in the same folder is refused (``StorageError``).
    request : dict
        All that decides the result (arguments, inputs by hash, package hash, seed), plain JSON types.
    """

    def __init__(self, folder: Path | str, request: dict[str, Any]) -> None:
        self.folder = Path(folder)
        self._file = self.folder / "run.json"
        request = json.loads(json.dumps(request))
        self.resumed = False
        self.refuse_another(folder, request)
        remove_leftovers(self.folder)
        if self._file.is_file():
            self._data = _read(self._file)
            self.resumed = self.checkpoint_file.is_file() and not self._data.get("finished")
        if not self.resumed:
            self._data = {
                "request": request,
                "versions": versions(),
                "started": _now(),
                "finished": None,
                "seconds": 0.0,
            }
            self.checkpoint_file.unlink(missing_ok=True)
        self._data.setdefault("id", uuid.uuid4().hex)
        write_json(self._file, self._data)
        self._clock = time.monotonic()

    @staticmethod
    def refuse_another(folder: Path | str, request: dict[str, Any]) -> None:
        """Raise ``StorageError`` now where ``Run(folder, request)`` would: another run lies there."""
        file = Path(folder) / "run.json"
        if file.is_file() and _read(file).get("request") != json.loads(json.dumps(request)):
            raise StorageError(f"{folder}: holds another run; remove it or name another --run folder")

    @property
    def id(self) -> str:
        """Names this run, resumed or not, in what it makes."""
        return self._data["id"]

    @property
    def checkpoint_file(self) -> Path:
        """The last checkpoint."""
        return self.folder / "checkpoint.pt"

    @property
    def seconds(self) -> float:
        """Seconds spent, those before an interruption included."""
        return float(self._data["seconds"]) + time.monotonic() - self._clock

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        """Write a checkpoint whole or not at all, and the time spent so far."""
        import torch

        with writing(self.checkpoint_file) as temporary:
            try:
                torch.save(state, temporary)
            except RuntimeError as error:  # torch's zip writer hides the OSError of a full disk
                raise OSError(28, str(error).splitlines()[0]) from error
        self._keep_time()

    def load_checkpoint(self) -> dict[str, Any] | None:
        """The last checkpoint of a run that is gone on with, else None."""
        if not self.resumed:
            return None
        import torch

        return torch.load(self.checkpoint_file, map_location="cpu", weights_only=True)

    def write_metrics(self, rows: list[dict[str, Any]]) -> None:
        """Write ``metrics.csv``, one row an epoch."""
        if rows:
            text = io.StringIO()
            writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            write_text(self.folder / "metrics.csv", text.getvalue())

    def note(self, **values: Any) -> None:
        """Add facts to run.json."""
        self._data.update(values)
        self._keep_time()

    def noted(self, name: str) -> Any:
        """A fact that was added to run.json, by this or the interrupted run; None where there is none."""
        return self._data.get(name)

    def finish(self, **values: Any) -> None:
        """Mark the run as finished; its checkpoint is no longer needed."""
        self.note(finished=_now(), **values)
        self.checkpoint_file.unlink(missing_ok=True)

    def _keep_time(self) -> None:
        self._data["seconds"] = round(self.seconds, 3)
        self._clock = time.monotonic()
        write_json(self._file, self._data)


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StorageError(f"{file}: is damaged; remove {file.parent} to start anew") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
