"""The main job inside Slicer on a phantom: load, guess, segment, look at the result, take it back."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from . import dependencies
from .sample_sources import Phantom
from .samples import loadPhantom
from .translating import _

MODEL = "brain-unet-phantom"
# Small and quick: 2 mm voxels.
SMALL = Phantom(
    "PhantomTest",
    "",
    {"count": 1, "flavour": "glioma", "seed": 3, "shape": [72, 88, 72], "spacing": 2.0, "source_labels": True},
    {1: "tumour", 2: "necrosis", 3: "oedema", 4: "scar"},
)


def runAll(test: Any) -> bool:
    """Run every step with ``test`` (a ``ScriptedLoadableModuleTest``); False when it was skipped, saying why."""
    state = dependencies.state()
    if not state.ready:
        test.delayDisplay(_("Skipped: {reason}").format(reason=state.reason))
        return False
    logic = slicer.util.getModuleLogic("TransferSeg")
    slicer.mrmlScene.Clear(0)
    *volumes, truth = loadPhantom(SMALL)
    test.delayDisplay(_("A phantom was made and loaded"))
    roles = {role: guess.node for role, guess in logic.guessRoles(MODEL).items()}
    test.assertEqual({role: node.GetID() for role, node in roles.items()}, _expectedRoles(volumes))
    test.assertIsNone(logic.missing(MODEL, roles))
    result = logic.segment(MODEL, roles)
    checkResult(test, result, volumes[0], truth)
    test.delayDisplay(_("The phantom was segmented"))
    test.assertTrue(logic.canUndo)
    identifier = result.segmentationNode.GetID()
    test.assertTrue(logic.undo())
    test.assertIsNone(slicer.mrmlScene.GetNodeByID(identifier))
    test.delayDisplay(_("Test passed"))
    return True


def checkResult(test: Any, result: Any, reference: Any, truth: Any) -> None:
    """Names, grid and volumes fit, and what was found overlaps with the truth."""
    segmentation = result.segmentationNode.GetSegmentation()
    names = [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]
    test.assertEqual(names, list(result.volumesMl))
    found, there = (_foreground(node, reference) for node in (result.segmentationNode, truth))
    test.assertEqual(found.shape, slicer.util.arrayFromVolume(reference).shape)
    dice = 2 * np.logical_and(found, there).sum() / (found.sum() + there.sum())
    test.assertGreater(dice, 0.3)
    voxel = float(np.prod(reference.GetSpacing())) / 1000
    test.assertAlmostEqual(sum(result.volumesMl.values()), found.sum() * voxel, delta=0.01 * found.sum() * voxel)


def _foreground(node: Any, reference: Any) -> np.ndarray:
    """Where any segment is, on the reference's grid."""
    identifiers = list(node.GetSegmentation().GetSegmentIDs())
    masks = [slicer.util.arrayFromSegmentBinaryLabelmap(node, name, reference) for name in identifiers]
    return np.any([mask > 0 for mask in masks], axis=0)


def _expectedRoles(volumes: list) -> dict[str, str]:
    return {role: node.GetID() for role, node in zip(("flair", "t1", "t1gd", "t2"), volumes)}
