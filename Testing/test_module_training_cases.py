"""Training cases: whose they are, segments that are drawn later, truths that cannot be made."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_cli import small_case
from helpers_logic import OBLIQUE, addCase, placeModel, someLabels


@pytest.fixture
def cases(stepped: Any, scene: Any) -> Any:
    """The training cases of an empty scene."""
    return stepped.trainingCases(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "TransferSeg"))


def addOutline(scene: Any, volume: Any, *names: str, name: str = "outline") -> Any:
    """A segmentation of a volume whose segments are all the same box."""
    import slicer

    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for segment in names:
        node.GetSegmentation().AddEmptySegment(segment, segment)
        slicer.util.updateSegmentBinaryLabelmapFromArray(someLabels(), node, segment, volume)
    return node


def test_a_segment_that_is_drawn_later_is_a_problem(stepped: Any, scene: Any, cases: Any) -> None:
    volumes = addCase(scene)
    node = addOutline(scene, volumes["flair"], "oedema", "notes")
    cases.addFromScene(volumes, node, {"oedema": "oedema", "notes": None}, "p1")
    assert cases[0].problem == ""
    node.GetSegmentation().AddEmptySegment("Segment_1", "necrosis")
    assert cases[0].problem == "The segment “necrosis” of outline is new: add the case again to say what it is."
    assert "necrosis" in stepped.cannotAdapt(placeModel(), cases, "new")
    cases.addFromScene(volumes, node, {"oedema": "oedema", "notes": None, "necrosis": "necrosis"}, "p1")
    assert len(cases) == 1 and cases[0].problem == ""


def test_segments_that_the_console_does_not_name_are_left_out(scene: Any, cases: Any) -> None:
    volumes = addCase(scene)
    cases.addFromScene(volumes, addOutline(scene, volumes["flair"], "oedema", "notes"), {"oedema": "oedema"}, "p1")
    assert cases[0].problem == "" and cases[0].leftOut == ["notes"]


def chain(scene: Any, cases: Any) -> None:
    """One has an image of two, two has an image of three; one and three share nothing."""
    one, two, three = (addCase(scene, prefix=f"{name} ") for name in "abc")
    two["t1"], two["t2"] = one["t1"], three["t2"]
    for name, volumes in (("one", one), ("three", three), ("two", two)):
        outline = addOutline(scene, volumes["flair"], "oedema", name=name)
        cases.addFromScene(volumes, outline, {"oedema": "oedema"}, name)


def test_one_patient_also_through_a_third_case(stepped: Any, scene: Any, cases: Any) -> None:
    from TransferSegGUI.training_cases import patients

    chain(scene, cases)
    other = addCase(scene, prefix="d ")
    cases.addFromScene(other, addOutline(scene, other["flair"], "oedema"), {"oedema": "oedema"}, "other")
    owners = patients(cases.list)
    assert len({owners[name] for name in ("one", "two", "three")}) == 1 and owners["other"] == "other"
    assert cases.setHeldOut(0, True) == "The same patient, so held out too: three, two."
    assert [case.heldOut for case in cases] == [True, True, True, False]
    assert stepped.cannotAdapt(placeModel(), cases, "new") is None


@pytest.mark.alone
def test_many_cases_are_told_apart_quickly() -> None:
    import time

    from TransferSegGUI.training_cases import patients

    many = [
        SimpleNamespace(id=f"c{n}", patient=f"p{n // 2}", volumes={}, images={"flair": f"/data/{n}/flair.nii.gz"})
        for n in range(2000)
    ]
    started = time.perf_counter()
    owners = patients(many)
    assert len(set(owners.values())) == 1000 and owners["c1"] == owners["c0"]
    assert time.perf_counter() - started < 0.1


def elsewhere(scene: Any) -> tuple[Any, Any]:
    """A grid, and an outline that lies on another one, so that it has to be resampled."""
    from TransferSegGUI.grids import NodeGrid

    turned = addCase(scene, directions=OBLIQUE @ np.diag([-1.0, -1.0, 1.0]))
    return NodeGrid.of(addCase(scene)["flair"]), addOutline(scene, turned["flair"], "oedema")


def test_a_truth_that_slicer_cannot_make_is_an_error(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be taken for a case without any lesion; Slicer says nothing but leaves the image empty."""
    import slicer
    from TransferSegGUI.truths import labelArray

    from TransferSegLib.errors import UsageError

    grid, node = elsewhere(scene)
    assert labelArray(node, {"oedema": 1}, grid).any()
    answer = SimpleNamespace(GenerateMergedLabelmapInReferenceGeometry=lambda *values: None)
    monkeypatch.setattr(slicer, "vtkSlicerSegmentationsModuleLogic", answer)
    with pytest.raises(UsageError, match="outline could not be turned into voxels"):
        labelArray(node, {"oedema": 1}, grid)


def test_segments_without_voxels_are_an_empty_truth(scene: Any) -> None:
    from TransferSegGUI.truths import labelArray

    grid, node = elsewhere(scene)
    node.GetSegmentation().AddEmptySegment("empty", "empty")
    assert not labelArray(node, {"empty": 1}, grid).any()
    only = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "bare")
    only.GetSegmentation().AddEmptySegment("empty", "empty")
    assert np.array_equal(labelArray(only, {"empty": 1}, grid), np.zeros(grid.shape, np.uint8))


def test_one_patient_in_the_scene_and_in_a_folder(scene: Any, cases: Any, tmp_path: Path) -> None:
    folder = small_case(tmp_path / "ms" / "patient19")
    volumes = addCase(scene)
    files = {role: next(folder.glob(f"{node.GetName()}*")) for role, node in volumes.items()}
    for role, node in volumes.items():
        storage = scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
        storage.SetFileName(str(files[role]))
        node.SetAndObserveStorageNodeID(storage.GetID())
    cases.addFromScene(volumes, addOutline(scene, volumes["flair"], "oedema"), {"oedema": "oedema"}, "")
    assert cases[0].id == "patient19", "FLAIR would not say whose it is"
    cases.addFolders(tmp_path / "ms")
    cases.setHeldOut(1, True)
    assert cases[0].heldOut and cases[1].heldOut
