"""Stand-in for ``slicer.app.coreIOManager()``: the real logics and storage nodes behind its few methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from .layout import Named

LOADERS = {"VolumeFile": "_volume", "SegmentationFile": "_segmentation", "TableFile": "_table", "SceneFile": "_scene"}
WRITERS = {
    "vtkMRMLSegmentationNode": "SegmentationFile",
    "vtkMRMLTableNode": "TableFile",
    "vtkMRMLVolumeNode": "VolumeFile",
}


class CoreIOManager(Named):
    """Loads and saves volumes, segmentations, tables and scenes."""

    def fileType(self, filename: str) -> str:
        """What a file holds, by its name."""
        name = str(filename).lower()
        if ".seg." in name:
            return "SegmentationFile"
        if name.endswith((".mrml", ".mrb")):
            return "SceneFile"
        return "TableFile" if name.endswith((".csv", ".tsv")) else "VolumeFile"

    def fileWriterFileType(self, node: Any, format: str = "") -> str:
        """What a node is saved as."""
        return next(kind for class_name, kind in WRITERS.items() if node.IsA(class_name))

    def loadNodes(self, fileType: str, parameters: dict, loadedNodes: Any = None, userMessages: Any = None) -> bool:
        """Load a file into the scene."""
        node = getattr(self, LOADERS[fileType])(parameters)
        if isinstance(node, bool):
            return node
        if node is not None and loadedNodes is not None:
            loadedNodes.AddItem(node)
        return node is not None

    def _volume(self, parameters: dict) -> Any:
        path = parameters["fileName"]
        name = parameters.get("name") or Path(path).name.split(".")[0]
        bits = {"labelmap": 1, "center": 2, "singleFile": 4, "autoWindowLevel": 8, "discardOrientation": 16}
        options = sum(bit for key, bit in bits.items() if parameters.get(key))
        node = slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options)
        if node and parameters.get("show", True):
            selection = slicer.app.applicationLogic().GetSelectionNode()
            label = node.IsA("vtkMRMLLabelMapVolumeNode")
            (selection.SetActiveLabelVolumeID if label else selection.SetActiveVolumeID)(node.GetID())
            slicer.app.applicationLogic().PropagateVolumeSelection()
        return node

    def _segmentation(self, parameters: dict) -> Any:
        logic = slicer.modules.segmentations.logic()
        return logic.LoadSegmentationFromFile(parameters["fileName"], True, parameters.get("name", ""))

    def _table(self, parameters: dict) -> Any:
        return slicer.modules.tables.logic().AddTable(parameters["fileName"], parameters.get("name") or None)

    def _scene(self, parameters: dict) -> bool:
        path = parameters["fileName"]
        if path.endswith(".mrb"):
            return bool(slicer.mrmlScene.ReadFromMRB(path, bool(parameters.get("clear"))))
        slicer.mrmlScene.SetURL(path)
        return bool(slicer.mrmlScene.Connect() if parameters.get("clear") else slicer.mrmlScene.Import())

    def saveNodes(self, fileType: str, parameters: dict, userMessages: Any = None) -> bool:
        """Save a node, or the scene, into a file."""
        path = str(parameters["fileName"])
        if fileType == "SceneFile":
            return self.saveScene(path)
        node = slicer.mrmlScene.GetNodeByID(parameters["nodeID"])
        node.AddDefaultStorageNode(path)
        storage = node.GetStorageNode()
        storage.SetFileName(path)
        storage.SetUseCompression(int(parameters.get("useCompression", 1)))
        return bool(storage.WriteData(node))

    def saveScene(self, path: str) -> bool:
        """A .mrml file alone, a .mrb bundle, or a folder with all data."""
        if path.endswith(".mrb"):
            return bool(slicer.mrmlScene.WriteToMRB(path, None))
        if path.endswith(".mrml"):
            slicer.mrmlScene.SetURL(path)
            return bool(slicer.mrmlScene.Commit(path))
        Path(path).mkdir(parents=True, exist_ok=True)
        return bool(slicer.app.applicationLogic().SaveSceneToSlicerDataBundleDirectory(path, None))
