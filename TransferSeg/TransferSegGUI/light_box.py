"""The section "Make a light version" of the Models panel: what is asked for, whether it can start, what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .fitted_table import layOutAgain
from .light_form import LightForm
from .light_table import fillTable, prepareTable


class LightBox:
    """Makes a light version of the model that is selected in the list.

    Parameters
    ----------
    panel : object with the children ``lightButton lightPlace`` of ModelsPanel.ui
    logic : the module's logic
    resourcePath : callable from a name in Resources to its path
    table : ``ModelsTable``
    work : ``WorkBox``
    useModel : called with a model's name when the user wants to work with it
    """

    def __init__(
        self,
        panel: Any,
        logic: Any,
        resourcePath: Callable[[str], str],
        table: Any,
        work: Any,
        useModel: Callable[[str], None],
    ) -> None:
        self.logic, self.table, self.work = logic, table, work
        self.widget = slicer.util.loadUI(resourcePath("UI/LightBox.ui"))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self._section = panel.lightButton
        self._section.collapsed = True
        panel.lightPlace.layout().addWidget(self.widget)
        self.form = LightForm(self.ui, logic, self.show)
        self.result: Any = None
        """The ``LightResult`` that is shown, or None."""
        self._run: Any = None
        self._reason: str | None = None
        self._interrupted: Any = None
        prepareTable(self.ui.lightTable)
        for part in (self.ui.lightInterruptedFrame, self.ui.lightResultFrame):
            part.setVisible(False)
        self._tip = self.ui.lightStartButton.toolTip
        self._section.connect("contentsCollapsed(bool)", lambda _collapsed: self.refresh())
        self.ui.lightStartButton.connect("clicked(bool)", self._start)
        self.ui.lightUseButton.connect("clicked(bool)", lambda _checked: useModel(self.result.made))
        self.ui.lightReportButton.connect("clicked(bool)", self._openReport)
        self.ui.lightResumeButton.connect("clicked(bool)", self._resume)
        self.ui.lightDiscardButton.connect("clicked(bool)", self._discard)

    def refresh(self) -> None:
        """Models, cases or what was interrupted may be others; nothing is looked at while the section is closed."""
        if self._section.collapsed:
            return
        found = self.logic.interruptedLightVersions()
        self._interrupted = found[0] if found else None
        self.ui.lightInterruptedFrame.setVisible(bool(found))
        if found:
            self.ui.lightInterruptedLabel.text = _("The light version “{name}” of {model} was not finished.").format(
                name=self._interruptedName, model=found[0].model
            )
        self.update(self._reason)

    def update(self, reason: str | None) -> None:
        """``reason``: why no work can start now; the selected model may be another."""
        self._reason = reason
        if not self._section.collapsed:
            self.form.setModel(self.table.model, canAsk=reason is None)
            self.show()

    def show(self) -> None:
        """Names of the new models, and whether they can be made."""
        info = self.table.model
        self.ui.lightModelLabel.text = self.form.about()
        problem = self._reason or self._problem(info)
        names = [] if info is None or not info.available else list(self._request().names.values())
        self.ui.lightNamesText.text = _("New: {names}").format(names=", ".join(names)) if names else ""
        self.ui.lightNamesText.setVisible(bool(names))
        self.ui.lightStartButton.setEnabled(problem is None)
        self.ui.lightStartButton.toolTip = problem or self._tip
        self.ui.lightProblem.text = problem or ""
        self.ui.lightProblem.setVisible(bool(problem))
        self.ui.lightResumeButton.setEnabled(self._reason is None)
        self.ui.lightDiscardButton.setEnabled(self._reason is None)

    @property
    def _interruptedName(self) -> str:
        return next(iter(self._interrupted.names.values()), "")

    def _request(self) -> Any:
        data, given = self.form.values()
        return self.logic.lightRequest(self.table.model.name, data, **given)

    def _problem(self, info: Any) -> str | None:
        if info is None:
            return _("Select a model in the list.")
        if not info.available:
            return _("This model cannot be read: {problem}").format(problem=info.problem)
        data, given = self.form.values()
        return self.logic.whyNotLight(info.name, data, **given) or self.form.problem()

    def _start(self, _checked: bool = False) -> None:
        name = self.table.model.name
        data, given = self.form.values()

        def launch(callback: Any) -> Any:
            return self.logic.makeLightVersion(name, data, **given, callback=callback)

        self._begin(_("Making a light version of {name}").format(name=name), launch)

    def _resume(self, _checked: bool = False) -> None:
        name = self._interruptedName
        title = _("Making a light version of {name}").format(name=self._interrupted.model)
        self._begin(title, lambda callback: self.logic.resumeLightVersion(name, callback=callback))

    def _begin(self, title: str, launch: Callable[[Any], Any]) -> None:
        self._showResult(None)

        def launched(callback: Any) -> Any:
            self._run = launch(callback)
            return self._run

        self.work.start(title, launched, self._done, self._failed)

    def _done(self, result: Any) -> str:
        self._showResult(result)
        if not result.made:
            return _("The file {file} was written.").format(file=result.onnx)
        return _("“{name}” can be used.").format(name=result.made)

    def _failed(self, error: Any) -> bool:
        """What is finished is shown, and why the rest is not."""
        so_far = self._run.soFar if self._run is not None else None
        self._showResult(so_far if so_far is not None and so_far.values else None)
        if getattr(error, "code", "") == "cancelled":
            self.work.say(error.message)
        else:
            self.work.fail(error)
        return True

    def _showResult(self, result: Any) -> None:
        self.result = result
        self.ui.lightResultFrame.setVisible(result is not None)
        if result is None:
            return
        fillTable(self.ui.lightTable, result)
        made = ", ".join((*result.models, *([result.onnx] if result.onnx else [])))
        self.ui.lightResultLabel.text = _("{model} and what was made of it: {made}").format(
            model=result.model, made=made
        )
        self.ui.lightMessage.text = "\n".join(result.messages)
        self.ui.lightUseButton.setEnabled(bool(result.made))
        self.ui.lightReportButton.setEnabled(bool(result.report))
        layOutAgain(self.ui.lightMessage)

    def _openReport(self, _checked: bool = False) -> None:
        if not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(self.result.report)):
            slicer.util.infoDisplay(_("The report is {file}").format(file=self.result.report))

    def _discard(self, _checked: bool = False) -> None:
        question = _("Discard what is half-made of “{name}”? Models that are finished stay.")
        if slicer.util.confirmOkCancelDisplay(
            question.format(name=self._interruptedName), windowTitle=_("Discard the light version")
        ):
            with slicer.util.tryWithErrorDisplay(_("It could not be discarded.")):
                self.logic.discardLightVersion(self._interruptedName)
            self.refresh()
