"""Live curves of a training: a Slicer table, series and chart, drawn in a plot view inside the panel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

# The same colours as in the report, told apart by colour-blind readers too (Okabe and Ito).
LOSS_COLOUR = (0.0, 0.447, 0.698)
DICE_COLOUR = (0.835, 0.369, 0.0)


DICE, ERROR = "validation_dice", "validation_error_mm"

HEIGHT = 220
"""Pixels of the plot in the panel."""


class Curves:
    """Loss and validation Dice over the epochs.

    Nodes are shared with Slicer's own plot view. When the scene was closed in between they are made anew only when the
    user asks for the chart: the next patient's scene is not the place of this training. The rows are kept here.
    ``container`` is the widget whose layout gets the plot view.
    """

    def __init__(self, container: Any) -> None:
        self._container = container
        self._rows: list[Mapping[str, Any]] = []
        self._nodes: dict[str, Any] = {}
        self._viewNode: Any = None
        self._view: Any = None
        self._epochs = 0
        self._name = ""
        container.visible = False

    @property
    def chartNode(self) -> Any:
        """The chart in the scene, or None."""
        return self._nodes.get("chart")

    @property
    def hasValidation(self) -> bool:
        """Whether any epoch has a validation Dice."""
        return any(row.get(self._validation) is not None for row in self._rows)

    @property
    def _validation(self) -> str:
        """The column of the validation: an overlap, or for models of a level an error."""
        return ERROR if any(row.get(ERROR) is not None for row in self._rows) else DICE

    def start(self, name: str, epochs: int = 0) -> None:
        """Begin an empty plot for the training ``name``; ``epochs`` is how many there will be, 0 when not known."""
        self.forget()
        self._rows, self._epochs, self._name = [], epochs, name
        self._nodes = {"chart": slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode")}
        # Now, while the user's click is answered: opening the view takes a moment, which no epoch shall wait for.
        self._showInPanel()

    def expect(self, epochs: int) -> None:
        """Say how many epochs there will be: the length of the horizontal axis."""
        self._epochs = epochs

    def add(self, row: Mapping[str, Any]) -> None:
        """Add an epoch: ``epoch``, ``loss`` and ``validation_dice`` (None without an inner split)."""
        if row.get("epoch") is None:
            return
        # A resumed training tells its last epoch again.
        self._rows = [old for old in self._rows if old["epoch"] != row["epoch"]] + [dict(row)]
        self._rows.sort(key=lambda one: one["epoch"])
        if self._nodes and all(_present(node) for node in self._allNodes()):
            self._draw()
        else:
            self._container.visible = False

    def showInLayout(self) -> None:
        """Show the chart in Slicer's own plot view."""
        if self._rows:
            self._draw(show=True)

    def forget(self) -> None:
        """Let go of the nodes: a training's curves stay in the scene under their own name, a chart without any goes."""
        if "table" not in self._nodes and _present(self.chartNode):
            slicer.mrmlScene.RemoveNode(self.chartNode)
        self._nodes = {}

    def cleanup(self) -> None:
        """Take the plot view off the scene; called when the panel goes."""
        self.forget()
        if self._view is not None:
            self._view.setMRMLScene(None)
        if self._viewNode is not None and slicer.mrmlScene.IsNodePresent(self._viewNode):
            slicer.mrmlScene.RemoveNode(self._viewNode)
        self._view = self._viewNode = None

    def _draw(self, show: bool = False) -> None:
        if any(not _present(node) for node in self._allNodes()):
            self._nodes = {}
        keys = ["epoch", "loss", self._validation][: 3 if self.hasValidation else 2]
        title = _("validation error (cm)") if self._validation == ERROR else _("validation Dice")
        names = [_("epoch"), _("loss"), title][: len(keys)]
        # VTK reports an error for a line of one point: the first epoch stands twice until there is a second.
        rows = self._rows * 2 if len(self._rows) == 1 else self._rows
        columns = np.array([[_number(row.get(key)) for key in keys] for row in rows], dtype=float)
        if keys[-1] == ERROR:
            columns[:, -1] /= 10  # mm to cm: of the loss's order
        fresh = "table" not in self._nodes
        with ExitStack() as quiet:
            # While the columns are exchanged the plot has none; the view shall look when all is in place again.
            for node in self._allNodes():
                quiet.enter_context(slicer.util.NodeModify(node))
            slicer.util.plot(columns, xColumnIndex=0, columnNames=names, show=show, nodes=self._nodes)
            if fresh:
                self._nameNodes()
            self._dress(columns[:, 1:])
        self._showInPanel()

    def _allNodes(self) -> list[Any]:
        found = [self._nodes[key] for key in ("chart", "table") if key in self._nodes]
        return found + list(self._nodes.get("series", ()))

    def _nameNodes(self) -> None:
        chart, table = self._nodes["chart"], self._nodes["table"]
        chart.SetName(_("{model} training").format(model=self._name))
        table.SetName(_("{model} training values").format(model=self._name))

    def _dress(self, values: np.ndarray) -> None:
        """Colours, marks and axes that read well in a small view."""
        styles = slicer.vtkMRMLPlotSeriesNode
        for series, colour, line in zip(
            self._nodes["series"], (LOSS_COLOUR, DICE_COLOUR), (styles.LineStyleSolid, styles.LineStyleDash)
        ):
            series.SetColor(*colour)
            series.SetLineStyle(line)
            series.SetMarkerStyle(styles.MarkerStyleCircle)
            series.SetMarkerSize(5)
            series.SetLineWidth(2)
        chart = self._nodes["chart"]
        chart.SetTitleVisibility(False)
        chart.SetXAxisTitle(_("epoch"))
        chart.SetYAxisTitleVisibility(False)
        chart.SetAxisTitleFontSize(12)
        chart.SetAxisLabelFontSize(11)
        chart.SetLegendFontSize(11)
        highest = max([1.0, *(value for value in values.reshape(-1).tolist() if math.isfinite(value))])
        chart.SetYAxisRangeAuto(False)
        chart.SetYAxisRange(0.0, math.ceil(highest * 5) / 5)
        chart.SetXAxisRangeAuto(False)
        chart.SetXAxisRange(0.0, float(max(self._epochs, self._rows[-1]["epoch"], 2)))

    def _showInPanel(self) -> None:
        if self._view is None:
            # Not before it is needed: it opens a graphics context, which the module's start shall not wait for.
            self._view = slicer.qMRMLPlotView(self._container)
            self._view.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
            self._container.layout().addWidget(self._view)
        if not _present(self._viewNode):
            self._viewNode = _ownViewNode(self.chartNode)
            self._view.setMRMLScene(slicer.mrmlScene)
            self._view.setMRMLPlotViewNode(self._viewNode)
        self._viewNode.SetPlotChartNodeID(self.chartNode.GetID())
        # An empty plot view is black; it is open already, but out of sight until there is something to see.
        self._view.setFixedHeight(HEIGHT if self._rows else 1)
        self._container.visible = True


def _ownViewNode(chartNode: Any) -> Any:
    """A plot view node that Slicer's layout leaves alone and that is not saved with the scene.

    Without a layout name it is no singleton: it goes when the scene is closed.
    """
    node = slicer.vtkMRMLPlotViewNode()
    node.SetName("TransferSeg curves")
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetDoPropagatePlotChartSelection(False)  # a chart that is shown in Slicer's own view does not come here
    # Any node may own a view; set before it enters the scene, else the layout would make a view of its own for it.
    node.SetAndObserveParentLayoutNodeID(chartNode.GetID())
    return slicer.mrmlScene.AddNode(node)


def _present(node: Any) -> bool:
    return node is not None and bool(slicer.mrmlScene.IsNodePresent(node))


def _number(value: Any) -> float:
    return math.nan if value is None or value == "" else float(value)
