"""How a training ended: the verdict in plain words, each case before and after, what to do with the new model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .before_after import fillTable, prepareTable
from .library_words import inOwnWords
from .signals import Signal


class ResultView:
    """The section "Result".

    Parameters
    ----------
    ui : object with the children ``resultBox verdictLabel verdictNote resultTable useButton reportButton``
    """

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.modelWanted = Signal()
        """Emitted with the new model's name when the user wants to segment with it."""
        self.result: Any = None
        prepareTable(ui.resultTable)
        ui.useButton.connect("clicked(bool)", self._use)
        ui.reportButton.connect("clicked(bool)", self._openReport)
        ui.resultBox.setVisible(False)

    def show(self, result: Any) -> None:
        """Show an ``AdaptResult``."""
        self.result = result
        self.ui.verdictLabel.text = f"<b>{_escaped(sentence(result.message))}</b>"
        self.ui.verdictNote.text = note(result)
        rows = self.fillTable(result)
        self.ui.resultTable.setVisible(rows > 0)
        worse = result.verdict == "worse"
        self.ui.useButton.setEnabled(not worse)
        self.ui.useButton.setToolTip(
            _("It did worse on the held-out cases. It is kept, and can still be chosen in the Models tab.")
            if worse
            else _("Choose {model} in the Segment tab.").format(model=result.name)
        )
        hasReport = bool(result.report) and Path(result.report).is_file()
        self.ui.reportButton.setEnabled(hasReport)
        self.ui.reportButton.setToolTip(
            _("Open the PDF with all figures, curves and pictures of this training.")
            if hasReport
            else _("This training has no report.")
        )
        self.ui.resultBox.collapsed = False
        self.ui.resultBox.setVisible(True)

    def fillTable(self, result: Any) -> int:
        """Write the held-out cases into the table; how many rows."""
        return fillTable(self.ui.resultTable, result.before, result.after)

    def clear(self) -> None:
        """Show nothing."""
        self.result = None
        self.ui.resultBox.setVisible(False)

    def _use(self, _checked: bool = False) -> None:
        if self.result is not None:
            self.modelWanted.emit(self.result.name)

    def _openReport(self, _checked: bool = False) -> None:
        opened = qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(self.result.report))
        if not opened:
            slicer.util.infoDisplay(_("The report lies at {file}").format(file=self.result.report))


def sentence(message: str) -> str:
    """The library's verdict as a sentence: capital letter, full stop."""
    message = inOwnWords(message.strip())
    return message[:1].upper() + message[1:] + ("" if message.endswith((".", "!", "?")) else ".")


def note(result: Any) -> str:
    """What became of the new model, and on what it learned."""
    trained = len(result.trained_on)
    where = {
        "worse": _("The new model “{name}” is kept but not proposed; go on with the old one."),
        "not-measured": _(
            "The new model “{name}” is in the chooser. Look at its results with care: nothing was tested."
        ),
    }.get(result.verdict, _("The new model “{name}” is in the chooser."))
    learned = _("Trained on {cases}, {share} % of its parameters learned.").format(
        cases=_("{n} case").format(n=1) if trained == 1 else _("{n} cases").format(n=trained),
        share=f"{100 * result.trainable / max(result.total, 1):.0f}",
    )
    if getattr(result, "stopped", False):
        learned = _("The training was stopped early.") + " " + learned
    return where.format(name=result.name) + " " + learned


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
