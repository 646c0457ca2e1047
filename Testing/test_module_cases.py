"""Training cases from the scene and from folders: kept with the scene, checked, written exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_cases import addCorrected, folderOf
from helpers_logic import OBLIQUE, addCase, addTransform, placeModel


@pytest.fixture
def cases(logic: Any, scene: Any) -> Any:
    """The training cases of an empty scene."""
    return logic.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg"))


def test_exported_truth_is_exact(logic: Any, scene: Any, cases: Any, tmp_path: Path) -> None:
    """Edited as in the Segment Editor, on an oblique grid below a transform: voxel for voxel what the user drew."""
    import slicer
    from TransferSegGUI.case_export import CaseExport

    from TransferSegLib.cases import open_data_set
    from TransferSegLib.imaging import Grid, read_image, to_array

    geometry = {"directions": OBLIQUE, "spacing": (0.9, 1.1, 2.3), "transform": addTransform(scene)}
    volumes, node, truth = addCorrected(scene, 1, label="lesion", **geometry)
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "lesion", volumes["flair"])
    array[2:5, 3:9, 30:33] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, "lesion", volumes["flair"])
    core = np.zeros_like(truth)
    core[15:18, 15:18, 17:20] = 1
    node.GetSegmentation().AddEmptySegment("core", "core")
    slicer.util.updateSegmentBinaryLabelmapFromArray(core, node, "core", volumes["flair"])
    node.GetSegmentation().AddEmptySegment("notes", "notes")
    cases.addFromScene(volumes, node, {"lesion": "oedema", "core": "core", "notes": None}, "p1")
    export = CaseExport(tmp_path, cases.list, logic.model(placeModel()))
    for case, part in export.pending:
        export.take(case, part)()
    export.writeFolders()
    data = open_data_set(export.finish(), roles=["flair", "t1", "t1gd", "t2"])
    assert data.label_names == {3: "oedema", 2: "core"}
    case = data.cases[0]
    image = read_image(case.truth)
    expected = np.where(core > 0, 2, np.where(array > 0, 3, 0))
    assert np.array_equal(to_array(image), expected)
    assert Grid.of(image) == Grid.of(read_image(case.images["flair"]))
    shown = slicer.util.arrayFromVolume(volumes["t2"])
    assert np.array_equal(to_array(read_image(case.images["t2"])), shown)


def test_cases_live_in_the_scene(logic: Any, scene: Any, cases: Any, tmp_path: Path) -> None:
    import slicer

    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"})
    cases.addFolders(folderOf(tmp_path, "q2", "q3"), modelName=placeModel())
    cases.setIncluded(1, False)
    cases.setHeldOut(2, True)
    before = [(c.id, c.patient, c.kind, c.included, c.heldOut, c.description, c.problem) for c in cases]
    assert [row[:5] for row in before] == [
        ("p1_FLAIR", "p1_FLAIR", "scene", True, False),
        ("q2", "q2", "folder", False, False),
        ("q3", "q3", "folder", True, True),
    ]
    slicer.util.saveScene(str(tmp_path / "scene.mrb"), properties={})
    scene.Clear(0)
    # Other nodes take the ids that the scene was saved with: references are renumbered.
    addCase(scene, seed=5, prefix="other ")
    slicer.util.loadScene(str(tmp_path / "scene.mrb"), properties={})
    loaded = logic.trainingCases(slicer.util.getNode("TransferSeg"))
    after = [(c.id, c.patient, c.kind, c.included, c.heldOut, c.description, c.problem) for c in loaded]
    assert after == before
    assert loaded[0].volumes["t2"].GetName() == "p1 T2"


def test_problems_are_named(logic: Any, scene: Any, cases: Any, tmp_path: Path) -> None:
    model = placeModel()
    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene({role: volumes[role] for role in ("flair", "t1")}, node, {"oedema": "oedema"}, "p1")
    assert logic.cannotAdapt(model, cases, "new") == (
        "Case p1: p1 has no T1 with contrast image, which the model needs."
    )
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    assert len(cases) == 1  # the same segmentation replaces its case
    assert logic.cannotAdapt(model, cases, "new") is None
    assert logic.cannotAdapt(model, cases, "") == "Give the new model a name."
    assert "letters, digits" in logic.cannotAdapt(model, cases, "a/b")
    cases.setHeldOut(0, True)
    assert logic.cannotAdapt(model, cases, "new") == "All cases are held out: leave at least one to learn from."
    cases.setIncluded(0, False)
    assert logic.cannotAdapt(model, cases, "new") == "Add at least one training case."
    cases.setIncluded(0, True)
    scene.RemoveNode(volumes["t2"])
    assert cases[0].problem == "Its images are no longer in the scene: T2."
    node.GetSegmentation().RemoveSegment("oedema")
    scene.RemoveNode(volumes["t1"])
    assert cases[0].problem == "Its images are no longer in the scene: T1, T2."
    scene.RemoveNode(node)
    assert cases[0].problem == "Its segmentation is no longer in the scene; remove the case or add it again."
    cases.remove(0)
    assert len(cases) == 0


def test_a_segment_that_was_removed(scene: Any, cases: Any) -> None:
    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "p1")
    node.GetSegmentation().RemoveSegment("oedema")
    assert cases[0].problem == "None of the segments of corrected 1 is matched to a label."


def test_one_patient_is_never_on_both_sides(logic: Any, scene: Any, cases: Any, tmp_path: Path) -> None:
    cases.addFolders(folderOf(tmp_path, "p1_ses-1", "p1_ses-2", "p2"), modelName=placeModel())
    assert cases.setHeldOut(0, True) == "The same patient, so held out too: p1_ses-2."
    assert [case.heldOut for case in cases] == [True, True, False]
    assert cases.setHeldOut(2, False) is None
    # Two segmentations of the same images are of one patient, whatever they are called.
    volumes, node, _ = addCorrected(scene, 1)
    cases.addFromScene(volumes, node, {"oedema": "oedema"}, "reader A")
    _, other, _ = addCorrected(scene, 2)
    cases.addFromScene(volumes, other, {"oedema": "oedema"}, "reader B")
    assert cases.setHeldOut(3, True) == "The same patient, so held out too: reader_B."


def test_folders_that_cannot_be_read(cases: Any, tmp_path: Path) -> None:
    from TransferSegLib.errors import UsageError

    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no case in it"):
        cases.addFolders(str(tmp_path / "empty"))
    folder = folderOf(tmp_path, "q1")
    (tmp_path / "data" / "q1" / "seg.nii.gz").rename(tmp_path / "data" / "q1" / "other.nii.gz")
    with pytest.raises(UsageError) as caught:
        cases.addFolders(folder, modelName=placeModel())
    assert "--" not in caught.value.message and "load the case into the scene" in caught.value.message


def test_a_doubtful_role_is_not_used_silently(logic: Any, cases: Any, tmp_path: Path) -> None:
    folder = folderOf(tmp_path, "q1")
    case = tmp_path / "data" / "q1"
    (case / "T1.nii.gz").rename(case / "T1xyz.nii.gz")
    cases.addFolders(folder, modelName=placeModel())
    assert cases[0].problem.startswith("Not sure which file is T1: ")
    assert logic.cannotAdapt("small", cases, "new").startswith("Case q1: Not sure")


def test_truths_of_folders_get_the_models_values(logic: Any, cases: Any, tmp_path: Path) -> None:
    """A mask without names is the model's lesion; a new name becomes a new label; a map decides."""
    from TransferSegGUI.case_export import CaseExport

    from TransferSegLib.imaging import read_image, to_array

    info = logic.model(placeModel())
    cases.addFolders(folderOf(tmp_path, "q1"), modelName="small")
    export = CaseExport(tmp_path / "one", cases.list, info)
    export.writeFolders()
    assert json.loads(export.finish().with_name("dataset.json").read_text()) == {"labels": {"oedema": 3}}
    assert set(np.unique(to_array(read_image(tmp_path / "one" / "cases" / "q1" / "truth.nrrd")))) == {0, 3}
    cases.remove(0)
    cases.addFolders(str(tmp_path / "data"), {"1": "cavity"}, modelName="small")
    export = CaseExport(tmp_path / "two", cases.list, info)
    export.writeFolders()
    assert json.loads(export.finish().with_name("dataset.json").read_text()) == {"labels": {"cavity": 2}}
