"""Slice views without a screen: real slice logics and displayable managers, drawn through EGL into arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from . import prepare_rendering
from .mrml_core import SLICES, Core

SIZE = (400, 400)
MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)


class View:
    """One slice view: a window with the blended volumes beneath and what displayable managers draw above."""

    def __init__(self, core: Core, name: str, size: tuple[int, int] = SIZE) -> None:
        prepare_rendering()
        self.logic = core.slice_logic(name)
        self.size = size
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*size)
        self.renderer = vtk.vtkRenderer()
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.mapper = vtk.vtkImageMapper()
        self.mapper.SetColorWindow(255)
        self.mapper.SetColorLevel(127.5)
        self.actor = vtk.vtkActor2D()
        self.actor.SetMapper(self.mapper)
        self.actor.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(self.actor)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(core.application_logic)
        for manager in MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self.group = factory.InstantiateDisplayableManagers(self.renderer)
        self.group.SetMRMLDisplayableNode(self.logic.GetSliceNode())

    def render(self) -> np.ndarray:
        """The picture, (height, width, 3) bytes, first row at the top."""
        self.logic.ResizeSliceNode(*self.size)
        connection = self.logic.GetImageDataConnection()
        self.actor.SetVisibility(connection is not None)
        if connection is not None:
            self.mapper.SetInputConnection(connection)
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.ShouldRerenderOff()
        grab.Update()
        image = grab.GetOutput()
        width, height, _ = image.GetDimensions()
        pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)
        return np.ascontiguousarray(pixels[::-1, :, :3])

    def place_of(self, ras: Any) -> tuple[int, int]:
        """Row and column of a point in the picture (of its projection onto the slice)."""
        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.logic.GetSliceNode().GetXYToRAS(), inverse)
        x, y, _, _ = inverse.MultiplyPoint([*[float(value) for value in ras], 1.0])
        return self.size[1] - 1 - round(y), round(x)


class Views:
    """The Red, Yellow and Green views of the layout."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._views: dict[str, View] = {}

    def close(self) -> None:
        """Let go of all windows."""
        for view in self._views.values():
            view.group.SetMRMLDisplayableNode(None)
            view.window.Finalize()
        self._views.clear()

    def view(self, name: str) -> View:
        """A view, made when first asked for."""
        if name not in self._views:
            self._views[name] = View(self._core, name)
        return self._views[name]

    def render(self, name: str = "Red", size: tuple[int, int] = SIZE) -> np.ndarray:
        """The picture of a view: (height, width, 3), bytes."""
        view = self.view(name)
        if view.size != size:
            view.size = size
            view.window.SetSize(*size)
        return view.render()

    def renderAll(self, size: tuple[int, int] = SIZE) -> np.ndarray:
        """Red, Yellow and Green side by side."""
        return np.concatenate([self.render(name, size) for name in SLICES], axis=1)

    def pixelOf(self, name: str, ras: Any) -> tuple[int, int, int]:
        """The colour at a point given in RAS, after a jump of the view to that point's slice."""
        view = self.view(name)
        view.logic.GetSliceNode().JumpSlice(*[float(value) for value in ras])
        picture = view.render()
        row, column = view.place_of(ras)
        if not (0 <= row < picture.shape[0] and 0 <= column < picture.shape[1]):
            raise ValueError(f"{tuple(ras)} is outside the {name} view, at row {row}, column {column}")
        return tuple(int(value) for value in picture[row, column])

    def fit(self) -> None:
        """Show whole volumes in all views."""
        for name in SLICES:
            view = self.view(name)
            view.logic.ResizeSliceNode(*view.size)
            view.logic.FitSliceToBackground()

    def save(self, path: Path | str, name: str = "Red") -> Path:
        """Write a view's picture as PNG."""
        from PIL import Image

        Image.fromarray(self.render(name)).save(path)
        return Path(path)
