"""Where results stand in the Data module's tree (subject hierarchy); without a tree nothing happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

from .results import KIND


def putBeside(nodes: Sequence[Any], volumeNode: Any) -> None:
    """Put nodes where a volume is: below its patient and study, when it came from DICOM."""
    tree = _tree()
    place = _item(tree, volumeNode)
    if place:
        for node in nodes:
            item = _item(tree, node)
            if item:
                tree.SetItemParent(item, tree.GetItemParent(place))


def putIntoFolder(nodes: Sequence[Any], name: str) -> None:
    """Group nodes in a folder where the first of them is."""
    tree = _tree()
    items = [_item(tree, node) for node in nodes]
    if items and all(items):
        folder = tree.CreateFolderItem(tree.GetItemParent(items[0]), name)
        tree.SetItemAttribute(folder, KIND, "folder")
        for item in items:
            tree.SetItemParent(item, folder)


def foldersOf(nodes: Sequence[Any]) -> list[int]:
    """The folders that ``putIntoFolder`` made for these nodes."""
    tree = _tree()
    parents = {tree.GetItemParent(item) for item in (_item(tree, node) for node in nodes) if item}
    return [item for item in parents if tree.GetItemAttribute(item, KIND) == "folder"]


def removeEmpty(folders: Sequence[int]) -> None:
    """Remove those folders that hold nothing any more."""
    tree = _tree()
    for folder in folders:
        if tree.GetNumberOfItemChildren(folder) == 0:
            tree.RemoveItem(folder)


def _tree() -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)


def _item(tree: Any, node: Any) -> int:
    """The item of a node; 0 where there is none."""
    return tree.GetItemByDataNode(node) if tree is not None and node is not None else 0
