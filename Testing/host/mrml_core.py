"""The real MRML scene with its application logic and module logics, glued together as the application does."""

from __future__ import annotations

from pathlib import Path

import slicer
import vtk

SLICES = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
COLOURS = {
    "Red": (0.952941, 0.290196, 0.2),
    "Yellow": (0.929412, 0.835294, 0.298039),
    "Green": (0.431373, 0.690196, 0.294118),
}
GENERIC_COLOURS = "# names as an import without a colour table gives them\n0 Background 0 0 0 0\n"
GENERIC_COLOURS += "1 tissue 128 174 128 255\n2 bone 241 214 145 255\n3 skin 177 122 101 255\n"
LOGICS = {
    "volumes": "vtkSlicerVolumesLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "plots": "vtkSlicerPlotsLogic",
    "tables": "vtkSlicerTablesLogic",
}


class Core:
    """Scene, application logic, slice logics and module logics; one for the process."""

    def __init__(self, home: str) -> None:
        self.scene = vtk_scene = slicer.vtkMRMLScene()
        self.application_logic = slicer.vtkSlicerApplicationLogic()
        self.application_logic.SetHomeDirectory(home)
        colours = Path(home) / "share" / "ColorFiles"
        colours.mkdir(parents=True)
        (colours / "GenericColors.txt").write_text(GENERIC_COLOURS)
        self.application_logic.SetShareDirectory("share")
        self.cache = slicer.vtkCacheManager()
        (colours.parent / ".slicer-cache").touch()
        self.cache.SetRemoteCacheDirectory(str(colours.parent))
        self.cache.SetMRMLScene(vtk_scene)
        vtk_scene.SetCacheManager(self.cache)
        self.data_io = slicer.vtkDataIOManager()
        self.data_io.SetCacheManager(self.cache)
        vtk_scene.SetDataIOManager(self.data_io)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(vtk_scene)
        self.color_logic = slicer.vtkSlicerColorLogic()
        self.color_logic.SetMRMLApplicationLogic(self.application_logic)
        self.color_logic.SetMRMLScene(vtk_scene)
        self.application_logic.SetColorLogic(self.color_logic)
        self.application_logic.SetModuleLogic("Colors", self.color_logic)
        self.application_logic.SetMRMLScene(vtk_scene)
        self.logics = {name: self._module_logic(class_name) for name, class_name in LOGICS.items()}
        self.slice_logics = vtk.vtkCollection()
        self.application_logic.SetSliceLogics(self.slice_logics)
        for name in SLICES:
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(self.application_logic)
            logic.SetMRMLScene(vtk_scene)
            logic.AddSliceNode(name)
            self.slice_logics.AddItem(logic)
        self.layout_logic = slicer.vtkMRMLLayoutLogic()  # after the slice nodes: it would make nodes of its own
        self.layout_logic.SetMRMLScene(vtk_scene)
        self.settle()

    def _module_logic(self, class_name: str) -> object:
        logic = getattr(slicer, class_name)()
        logic.SetMRMLScene(self.scene)
        logic.SetMRMLApplicationLogic(self.application_logic)
        self.application_logic.SetModuleLogic(
            class_name.replace("vtkSlicer", "").split("Module")[0].replace("Logic", ""), logic
        )
        return logic

    def slice_logic(self, name: str) -> object:
        """The logic of the Red, Yellow or Green view."""
        return self.application_logic.GetSliceLogicByLayoutName(name)

    def settle(self) -> None:
        """Orientations, colours and layers of the slice views, as in a fresh application."""
        for name, orientation in SLICES.items():
            logic = self.slice_logic(name)
            node = logic.GetSliceNode()
            node.SetOrientation(orientation)
            node.SetLayoutColor(*COLOURS[name])
            node.SetMappedInLayout(1)
            node.SetInteractionNode(self.application_logic.GetInteractionNode())
            composite = logic.GetSliceCompositeNode()
            for layer in ("Background", "Foreground", "Label"):
                getattr(composite, f"Set{layer}VolumeID")(None)
            composite.SetForegroundOpacity(0.0)
            composite.SetLabelOpacity(1.0)

    def clear(self) -> None:
        """Close the scene."""
        self.scene.Clear(0)
        self.settle()
