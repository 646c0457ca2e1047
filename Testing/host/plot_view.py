"""Stand-in for qMRMLPlotView: draws the chart of a plot view node with VTK's chart, as the real one does."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from PySide6 import QtGui, QtWidgets
from vtk.util.numpy_support import vtk_to_numpy

from . import prepare_rendering
from .ui_loader import stand_in


@stand_in
class qMRMLPlotView(QtWidgets.QWidget):
    """The picture is made anew whenever Qt paints the widget."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene = self._node = None

    def setMRMLScene(self, scene: Any) -> None:
        """Set the scene; None lets go of the view node."""
        self._scene = scene
        if scene is None:
            self._node = None

    def setMRMLPlotViewNode(self, node: Any) -> None:
        """Show the chart of a plot view node."""
        self._node = node
        self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draw."""
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect, QtGui.QColor("white"))
        chart_node = self._node.GetPlotChartNode() if self._node and self._node.GetScene() else None
        if chart_node is not None:
            pixels = draw(chart_node, (max(self.width, 16), max(self.height, 16)))
            height, width, _ = pixels.shape
            image = QtGui.QImage(pixels.tobytes(), width, height, width * 3, QtGui.QImage.Format_RGB888)
            painter.drawImage(0, 0, image)
        painter.end()


def draw(chart_node: Any, size: tuple[int, int]) -> np.ndarray:
    """The chart as (height, width, 3) bytes."""
    prepare_rendering()
    view = vtk.vtkContextView()
    view.GetRenderWindow().SetOffScreenRendering(1)
    view.GetRenderWindow().SetSize(*size)
    view.GetRenderer().SetBackground(1, 1, 1)
    chart = vtk.vtkChartXY()
    view.GetScene().AddItem(chart)
    for index in range(chart_node.GetNumberOfPlotSeriesNodes()):
        _add(chart, chart_node.GetNthPlotSeriesNode(index))
    _dress(chart, chart_node)
    view.GetRenderWindow().Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(view.GetRenderWindow())
    grab.ReadFrontBufferOff()
    grab.Update()
    image = grab.GetOutput()
    width, height, _ = image.GetDimensions()
    pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3]
    pixels = np.ascontiguousarray(pixels)
    view.GetRenderWindow().Finalize()
    return pixels


def _add(chart: Any, series: Any) -> None:
    table_node = series.GetTableNode() if series else None
    if table_node is None or table_node.GetTable().GetColumnByName(series.GetYColumnName()) is None:
        return
    plot = chart.AddPlot(vtk.vtkChart.LINE)
    plot.SetInputData(table_node.GetTable(), series.GetXColumnName(), series.GetYColumnName())
    plot.SetColorF(*series.GetColor())
    plot.SetWidth(series.GetLineWidth())
    plot.SetMarkerStyle(series.GetMarkerStyle())
    plot.SetMarkerSize(series.GetMarkerSize())
    plot.GetPen().SetLineType(series.GetLineStyle())
    plot.SetLabel(series.GetName())


def _dress(chart: Any, node: Any) -> None:
    chart.SetShowLegend(node.GetLegendVisibility())
    chart.GetLegend().SetLabelSize(node.GetLegendFontSize())
    if node.GetTitleVisibility() and node.GetTitle():
        chart.SetTitle(node.GetTitle())
    sides = ((vtk.vtkAxis.BOTTOM, "X"), (vtk.vtkAxis.LEFT, "Y"))
    for side, letter in sides:
        axis = chart.GetAxis(side)
        shown = getattr(node, f"Get{letter}AxisTitleVisibility")()
        axis.SetTitle((getattr(node, f"Get{letter}AxisTitle")() or "") if shown else "")
        axis.GetTitleProperties().SetFontSize(node.GetAxisTitleFontSize())
        axis.GetLabelProperties().SetFontSize(node.GetAxisLabelFontSize())
        axis.SetGridVisible(node.GetGridVisibility())
        if not getattr(node, f"Get{letter}AxisRangeAuto")():
            axis.SetRange(*getattr(node, f"Get{letter}AxisRange")())
            axis.SetBehavior(vtk.vtkAxis.FIXED)


slicer.qMRMLPlotView = qMRMLPlotView
