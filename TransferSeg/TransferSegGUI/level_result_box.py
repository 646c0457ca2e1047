"""The answer about a CT: words, projection, candidates, where the plane stands, and what to do about it."""

from __future__ import annotations

from html import escape
from typing import Any

import slicer
from slicer.i18n import tr as _

from . import level_plane, level_results
from .level_numbers import worldPoint
from .level_plane import PlaneFollower
from .level_words import UNCERTAIN, answerText, atSliceText, confidenceText, movedText, title
from .library_words import inOwnWords
from .progress_box import aboutTime
from .projection_view import ProjectionView
from .signals import Signal
from .wording import deviceName

MOST_NOTES = 4


class LevelResultBox:
    """Shows the newest level of the scene, or the last answer that named no slice.

    Parameters
    ----------
    ui : object with the children of the section "Result" in L3Panel.ui
    logic : the module's logic
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.logic = logic
        self.changed = Signal()
        """Emitted without values when another result is shown, or its plane was moved."""
        self._said: Any = None
        self._sentence = ""
        self._pictures: dict[str, dict] = {}
        self.projection = ProjectionView(ui.projectionButton)
        self.projection.clicked.connect(self._jumpTo)
        self._follower = PlaneFollower(self._onMoved)
        ui.jumpButton.connect("clicked(bool)", lambda _checked: self._jump())
        ui.backButton.connect("clicked(bool)", lambda _checked: self._place(self.result.foundIndex))
        ui.undoButton.connect("clicked(bool)", lambda _checked: self.undo())
        for number, button in enumerate((ui.candidateOneButton, ui.candidateTwoButton)):
            button.connect("clicked(bool)", lambda _checked, n=number: self._choose(n))
        self.show()

    @property
    def result(self) -> Any:
        """What is shown (``L3Result``), or None."""
        if self._said is not None:
            return self._said
        plane = level_results.newest()
        return level_results.resultOf(plane) if plane is not None else None

    @property
    def plane(self) -> Any:
        """The plane that is shown, or None."""
        return level_results.newest() if self._said is None else None

    def add(self, result: Any) -> None:
        """A new ``L3Result``."""
        self._sentence = ""
        self._said = result if result.planeNode is None else None
        if result.planeNode is not None and result.picture:
            self._pictures[_key(result.planeNode)] = result.picture
        self.show()

    def forget(self) -> None:
        """Another scene: what was said is not about it."""
        self._sentence = ""
        self._said = None
        self.show()

    def undo(self) -> None:
        """Take the newest result back."""
        with slicer.util.tryWithErrorDisplay(_("The result could not be taken back.")):
            if self._said is not None:
                self.forget()
                return
            self._sentence = self.logic.undoL3() or ""
            self.show()

    def show(self) -> None:
        """Write all anew."""
        result, plane = self.result, self.plane
        self._follower.watch(plane, level_results.axisOf(plane) if plane is not None else None)
        self.ui.answerLabel.text = _headText(result) if result is not None else escape(_("Nothing was looked for yet."))
        self._showWords(result)
        self._showCandidates(result)
        picture = result.picture if result is not None else {}
        self.projection.show(picture or (self._pictures.get(_key(plane), {}) if plane is not None else {}))
        self._showPlace(result)
        self.changed.emit()

    def cleanup(self) -> None:
        """Let go of the scene."""
        self._follower.watch(None, None)

    def _showWords(self, result: Any) -> None:
        sure = confidenceText(result.confidence, result.confidenceWords) if result is not None else ""
        self.ui.confidenceLabel.text = sure
        self.ui.confidenceLabel.setVisible(bool(sure))
        notes = [] if result is None else [inOwnWords(note) for note in result.notes]
        notes += [] if result is None else [inOwnWords(found["sentence"]) for found in result.findings]
        # The message of an uncertain answer holds the findings already.
        notes = [note for note in dict.fromkeys(notes) if note not in inOwnWords(result.message)][:MOST_NOTES]
        if result is not None and result.seconds:
            took = aboutTime(result.seconds) if result.seconds >= 5 else _("{n} s").format(n=f"{result.seconds:.1f}")
            notes.append(_("{time} on the {device}").format(time=took, device=deviceName(result.device or "cpu")))
        self.ui.notesLabel.text = "\n".join(f"• {note}" for note in notes)
        self.ui.notesLabel.setVisible(bool(notes))

    def _showCandidates(self, result: Any) -> None:
        candidates = result.candidates if result is not None and result.answer == UNCERTAIN else []
        for number, button in enumerate((self.ui.candidateOneButton, self.ui.candidateTwoButton)):
            button.setVisible(number < len(candidates))
            button.text = atSliceText(candidates[number]) if number < len(candidates) else ""

    def _showPlace(self, result: Any) -> None:
        """Where the plane stands: words, buttons, lines."""
        index = result.sliceIndex if result is not None else None
        found = result.foundIndex if result is not None else None
        moved = index is not None and found is not None and index != found
        text = ""
        if index is not None:
            step = worldPoint(self.plane, index)[2] - worldPoint(self.plane, index if found is None else found)[2]
            text = movedText(index, found, step)
        text = " ".join(filter(None, (self._sentence, text)))
        self.ui.planeLabel.text = text
        self.ui.planeLabel.setVisible(bool(text))
        self.ui.jumpButton.setEnabled(index is not None)
        self.ui.backButton.setEnabled(moved)
        self.ui.undoButton.setEnabled(result is not None)
        if self.projection.shown:
            marks = [(worldPoint(self.plane, found)[2] if found is not None else None, False)]
            marks.append((worldPoint(self.plane, index)[2] if index is not None and index != found else None, True))
            self.projection.draw(marks)

    def _onMoved(self, ended: bool) -> None:
        """The plane is being dragged, or was."""
        self._showPlace(self.result)
        if ended:
            self.changed.emit()

    def _choose(self, number: int) -> None:
        candidates = self.result.candidates
        if number < len(candidates):
            self._place(int(candidates[number]["slice_index"]))

    def _place(self, index: int | None) -> None:
        """Move the plane to a slice, and the views with it."""
        plane = self.plane
        if plane is not None and index is not None:
            level_plane.place(plane, level_results.axisOf(plane), index)
            self._jump()
            self._onMoved(True)

    def _jump(self) -> None:
        result = self.result
        if result is not None and result.planeNode is not None and result.volumeNode is not None:
            level_plane.jump(result.planeNode, result.volumeNode)

    def _jumpTo(self, mm: float) -> None:
        """Show the height that was clicked; the plane stays."""
        plane, result = self.plane, self.result
        if result is None or result.volumeNode is None:
            return
        if plane is not None:
            level_plane.showHeight(result.volumeNode, level_results.axisOf(plane), mm)
        else:
            level_plane.showHeight(result.volumeNode, None, mm)


def _headText(result: Any) -> str:
    said = {"level": result.level, "answer": result.answer, "message": result.message, "volume": result.volumeName}
    said["index"] = result.sliceIndex if result.foundIndex is None else result.foundIndex
    return f"<b>{escape(title(result.answer, result.level))}</b><br>{escape(answerText(said))}"


def _key(plane: Any) -> str:
    """Tells planes apart: another scene uses the same node numbers again."""
    return f"{plane.GetID()} {level_results.record(plane).get('date')}"
