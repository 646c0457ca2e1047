"""The chooser of a light version's student: networks that the model can teach, with their sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from .light_request import whyNotDistil


class StudentChooser:
    """A combo box with the networks for a model; their sizes come from the worker, and are asked for once a model.

    Parameters
    ----------
    ui : object with the children ``lightStudentSelector lightStudentText``
    logic : the module's logic
    told : called when the sizes have come
    """

    def __init__(self, ui: Any, logic: Any, told: Callable[[], None]) -> None:
        self.ui, self.logic, self._told = ui, logic, told
        self.sizes: dict[str, list[dict[str, Any]]] = {}
        """{model: its students}, as far as the worker has told."""
        self._asked: set[str] = set()
        self._info: Any = None

    @property
    def name(self) -> str:
        """The chosen network; empty for the model itself."""
        return str(self.ui.lightStudentSelector.currentData or "")

    def setModel(self, info: Any, *, other: bool) -> None:
        """List what a model can teach, the usual student chosen; the names at once, the sizes when they are known.

        ``other``: it is another model than before, as against the same one read again.
        """
        self._info = info
        if other:
            self._fill(keep=False)

    def ask(self) -> None:
        """Ask the worker for the sizes, where that was not done."""
        name = self._info.name
        if whyNotDistil(self._info) is not None or name in self._asked:
            return
        self._asked.add(name)

        def told(rows: Any, error: Any) -> None:
            if error is not None:
                self._asked.discard(name)
                return
            self.sizes[name] = rows
            if self._info is not None and self._info.name == name:
                self._fill(keep=True)
                self._told()

        self.logic.lightStudents(name, callback=told)

    def show(self) -> None:
        """What is to be known of the chosen one."""
        rows = self.sizes.get(self._info.name, ())
        row = next((row for row in rows if row["network"] == self.name), None)
        text = studentText(row) if row else ""
        if rows and not self.name and all((one["times"] or 0) >= 1 for one in rows):
            text = _("It computes less than every network that it could teach: prune it, or export it.")
        self.ui.lightStudentText.text = text
        self.ui.lightStudentText.setVisible(bool(text))

    def _fill(self, *, keep: bool) -> None:
        from TransferSegLib.packages import student_networks, usual_student

        selector, info, before = self.ui.lightStudentSelector, self._info, self.name
        rows = self.sizes.get(info.name)
        if rows is None:
            rows = [{"network": spec.name, "parameters": None} for spec in student_networks(info.card)]
        blocked = selector.blockSignals(True)
        selector.clear()
        selector.addItem(_("The model itself"), "")
        for row in rows:
            selector.addItem(studentTitle(row), row["network"])
        usual = usual_student(info.card)
        told = next((row["network"] for row in rows if row.get("usual")), "")
        proposed = told if info.name in self.sizes else usual
        # The user's own choice stays; a proposal follows what the worker has told.
        wanted = before if keep and before != usual else proposed
        selector.setCurrentIndex(max(0, selector.findData(wanted)))
        selector.setEnabled(bool(rows))
        selector.blockSignals(blocked)


def studentTitle(row: dict[str, Any]) -> str:
    """A network as the chooser lists it."""
    if row["parameters"] is None:
        return row["network"]
    return _("{network}: {n} parameters").format(network=row["network"], n=f"{row['parameters']:,}")


def studentText(row: dict[str, Any]) -> str:
    """What to know of a student: its dimensions, and whether it computes less than the model."""
    text = _("Works slice by slice, for live mode.") if row["dims"] == 2 else _("Works on whole volumes.")
    if row.get("times") is None:
        return text
    if row["times"] >= 1:
        times = f"{row['times']:.0f}" if row["times"] >= 10 else f"{row['times']:.1f}"
        return text + " " + _("⚠ Needs {n} times the model's operations.").format(n=times)
    share = max(1, round(100 * row["times"]))
    return text + " " + _("Needs {n} % of the model's operations.").format(n=share)
