"""Live mode on the main thread: what moved or changed becomes a frame, what comes back a slice of the segmentation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from . import display, wording
from .grids import NodeGrid
from .inputs import takeInputs
from .library_words import inOwnWords
from .live_labels import LiveLabels
from .live_models import isOfPictures, sliceName
from .live_rate import LiveRate
from .live_slices import OBLIQUE, FollowedSlices
from .live_views import ViewFollower
from .live_volumes import VolumeFollower
from .models import ModelInfo
from .runs import Run


@dataclass
class LiveResult:
    """What live mode left: the segmentation, frames shown and dropped, and a sentence that says why it ended."""

    model: str
    segmentationNode: Any
    frames: int
    dropped: int
    reason: str


class LiveRun(Run):
    """A 2-D model that follows a slice view or a volume that changes; see ``Run``. ``stop`` ends it well.

    Attributes
    ----------
    rate : LiveRate
    dropped : int
        Frames that a newer one took the place of before the worker was free.
    note : str
        What the user should know of the view that is followed; may be empty.
    notes : list of str
        What the worker had to say when it opened the images.
    """

    givesWay = True

    def __init__(
        self,
        client: Any,
        model: ModelInfo,
        volumes: Mapping[str, Any],
        options: Mapping[str, Any],
        callback: Callable[[LiveResult | None, Any], None] | None = None,
        onEvent: Callable[[LiveRun, dict], None] | None = None,
    ) -> None:
        super().__init__(client, callback, onEvent)
        self.model, self.volumes = model, {role: volumes[role] for role in model.roles}
        self.rate = LiveRate()
        self.dropped = 0
        self.note = ""
        self.notes: list[str] = []
        self.labels: LiveLabels | None = None
        self._options = dict(options)
        self._pictures = isOfPictures(model)
        self._reference = self.volumes[model.card.reference]
        self._folder: Any = None
        self._views: ViewFollower | None = None
        self._images: VolumeFollower | None = None
        self._session: int | None = None
        self._frame: Any = None
        self._wanted: tuple[int, float] | None = None
        self._index = 0

    @property
    def following(self) -> bool:
        """Whether the model is open and frames are answered."""
        return self._session is not None and not self.finished

    def work(self) -> None:
        """Follow the images from now on, and open the model."""
        from .exchange import ExchangeFolder

        self._grid = NodeGrid.of(self._reference)
        self._slices = FollowedSlices.of(self._reference, None if self._pictures else self.model.card.orientation)
        self._folder = ExchangeFolder()
        self._images = VolumeFollower(self.volumes, self._onChanged, self.stop)
        if self._pictures:
            self._open({})
            return
        taken = takeInputs(self.volumes, self.model.roles, self.model.card.reference)
        self.say(wording.handingOver())
        folder = self._folder.path
        self.inBackground(lambda: taken.write(folder), self._open)

    def stop(self, reason: str = "") -> LiveResult | None:
        """End, keep what is there; the result, None where it had not begun or was over."""
        if self.finished:
            return None
        if self.labels is None:
            self.cancel(reason or _("Live mode was switched off."))
            return None
        node = self.labels.node
        self.succeed(LiveResult(self.model.name, node, self.rate.frames, self.dropped, reason))
        return self.result

    def cancel(self, message: str = "") -> None:
        """As ``stop``, once something is there."""
        self.stop(message) if self.labels is not None else super().cancel(message)

    def endNow(self) -> None:
        """End at once, since the worker is gone."""
        self._session = None
        super().endNow()

    def cleanUp(self) -> None:
        """Let go of views and volumes, remove the files."""
        self._close()
        if self.labels is not None:
            self.labels.finish()
        for follower in (self._views, self._images):
            if follower is not None:
                follower.cleanup()
        if self._folder is not None:
            self._folder.remove()

    def _open(self, files: dict[str, str]) -> None:
        self._files = list(files.values())
        options = {"model": str(self.model.folder), "image": files or None, "device": self._options["device"]}
        steps = {"resample": "resample", "register": "register", "mask": "brainMask"}
        options |= {} if self._pictures else {name: self._options[ours] for name, ours in steps.items()}
        self.ask("live", {"action": "open", **options}, self._opened)

    def _opened(self, value: dict[str, Any]) -> None:
        self._session = int(value["session"])
        self.notes = [inOwnWords(note) for note in value.get("notes") or ()]
        files = [Path(file) for file in self._files]  # the worker has read them
        self.client.background(lambda: [file.unlink(missing_ok=True) for file in files], lambda value, error: None)
        with slicer.util.RenderBlocker():
            ids = {role: node.GetID() for role, node in self.volumes.items()}
            self.labels = LiveLabels(self._grid.now(), self.model, ids)
            display.showResult(self.volumes, self.model.card.reference)
        self._views = ViewFollower(lambda: self._slices, self._onMoved)
        found = self._views.now()
        if found is None:
            text = _("No view shows {kind} slices: choose that orientation in one of them.")
            self.note = text.format(kind=sliceName(self.model.card.slices))
            self._want(self._slices.count // 2)
        else:
            self._onMoved(*found)

    # What happens in the scene

    def _onMoved(self, index: int, degrees: float) -> None:
        """A view came to another slice."""
        text = _("The view is oblique: the {kind} slice nearest to its centre is segmented.")
        self.note = text.format(kind=sliceName(self.model.card.slices)) if degrees > OBLIQUE else ""
        self._want(index)

    def _onChanged(self) -> None:
        """An image has other values."""
        if self.following:
            self._want(self._index)

    def _want(self, index: int) -> None:
        """Ask for a slice; one that was still waiting is dropped."""
        self.dropped += self._wanted is not None
        self._index, self._wanted = index, (index, time.monotonic())
        self._next()

    # Frames

    def _next(self) -> None:
        """Hand the newest frame over, if the worker is free; its pixels are those of this moment."""
        if self._frame is not None or self._wanted is None or not self.following:
            return
        problem = self._whyNotGoOn()
        if problem is not None:
            self.stop(problem)
            return
        (index, asked), self._wanted = self._wanted, None
        try:
            pixels = self._writePixels(index)
        except Exception as error:
            self.fail(error)
            return
        out = str(self._folder.file("labels.npy"))
        frame = {"action": "frame", "session": self._session, "index": index, "image": pixels or None, "out": out}
        self._frame = self.client.request(
            "live", frame, onEvent=lambda job, event: None, onDone=lambda job: self._answered(job, index, asked)
        )

    def _answered(self, job: Any, index: int, asked: float) -> None:
        self._frame = None
        if self.finished:
            self._folder.remove()  # what the worker was still writing
            return
        if job.state != "done":
            self.fail(job.error)
            return
        if not job.result.get("dropped"):
            self._guard(lambda _value: self._show(index, asked), None)
        self._next()

    def _show(self, index: int, asked: float) -> None:
        problem = self._whyNotGoOn()
        if problem is not None:
            self.stop(problem)
            return
        self.labels.write(self._slices, index, np.load(self._folder.file("labels.npy"), allow_pickle=False))
        self.rate.add(asked)
        self.tell({"event": "live"})

    def _writePixels(self, index: int) -> dict[str, str]:
        """The slice of each image that changed since the model was opened, as a file; {role: file}."""
        files = {}
        for role in self.model.roles if self._pictures else self._images.changed:
            array = slicer.util.arrayFromVolume(self.volumes[role])
            if array.shape[:3] != self._grid.shape:
                text = _("{volume} has other voxels than {reference}: its changes cannot be followed.")
                names = {"volume": self.volumes[role].GetName(), "reference": self._reference.GetName()}
                raise wording.problem(text.format(**names))
            file = self._folder.file(f"{role}.npy")
            np.save(file, np.ascontiguousarray(self._slices.plane(array, index)), allow_pickle=False)
            files[role] = str(file)
        return files

    def _whyNotGoOn(self) -> str | None:
        """What ends live mode now, else None; a picture that is moved as a whole is followed."""
        if self.labels.isTheirs:
            return _("The segmentation was edited or removed, so live mode was switched off.")
        if self._grid.node is None:
            return _("{volume} has another size or place now, so live mode was switched off.").format(
                volume=self._grid.nodeName
            )
        orientation = None if self._pictures else self.model.card.orientation
        now = FollowedSlices.of(self._reference, orientation)
        if np.allclose(now.matrix, self._slices.matrix, atol=1e-4):
            return None
        if self._pictures:
            self._slices = now
            return None
        return _("{volume} was moved, so live mode was switched off.").format(volume=self._reference.GetName())

    def _close(self) -> None:
        """The worker needs not keep the images."""
        session, self._session = self._session, None
        if session is not None and self.client.state != "stopped":
            args = {"action": "close", "session": session}
            self.client.request("live", args, onEvent=lambda job, event: None, onDone=lambda job: None)
