"""What the logic says before a run: roles, what is missing, models, documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_logic import (
    addCase,
    addVolume,
    placeModel,
    segmentAtOnce,
    smallArrays,
    someLabels,
)


def nonLinear() -> Any:
    import vtk

    points = vtk.vtkPoints()
    for point in ((0, 0, 0), (9, 0, 0), (0, 9, 0), (0, 0, 9)):
        points.InsertNextPoint(*point)
    moved = vtk.vtkPoints()
    moved.DeepCopy(points)
    moved.SetPoint(0, 3, 1, 2)
    spline = vtk.vtkThinPlateSplineTransform()
    spline.SetSourceLandmarks(points)
    spline.SetTargetLandmarks(moved)
    spline.SetBasisToR()
    return spline


def test_missing_says_what_is_lacking(stepped: Any, scene: Any) -> None:
    import slicer

    model, volumes = placeModel(), addCase(scene)
    assert stepped.missing("", volumes) == "Choose a model."
    assert stepped.missing("nothing", volumes).startswith("There is no model nothing; choose one of ")
    assert stepped.missing(model, {**volumes, "flair": None}) == "Choose the image for FLAIR."
    assert stepped.missing(model, {}) == "Choose the image for FLAIR, T1, T1 with contrast, T2."
    twice = stepped.missing(model, {**volumes, "t2": volumes["t1"]})
    assert twice == "T1 is chosen for both T1 and T2; choose another volume for one of them."
    assert stepped.missing(model, volumes, unconfirmed=("t1gd",)) == (
        "Confirm that T1GD is the T1 with contrast image, or choose another."
    )
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    assert stepped.missing(model, {**volumes, "t2": empty}).startswith("empty holds no image")
    bent = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "bent")
    bent.SetAndObserveTransformToParent(nonLinear())
    volumes["t1"].SetAndObserveTransformNodeID(bent.GetID())
    assert "harden the transform" in stepped.missing(model, volumes)
    assert slicer.mrmlScene is scene


def test_roles_are_guessed(stepped: Any, scene: Any) -> None:
    model = placeModel()
    volumes = addCase(scene)
    guesses = stepped.guessRoles(model)
    assert {role: guess.node for role, guess in guesses.items()} == volumes
    assert not any(guess.doubtful for guess in guesses.values())
    segmentAtOnce(stepped, volumes, someLabels(), uncertainty=True, showPreparation=True)
    assert {role: guess.node for role, guess in stepped.guessRoles(model).items()} == volumes
    another = addVolume(scene, "FLAIR late", smallArrays()[0]["flair"])
    guess = stepped.guessRoles(model)["flair"]
    assert guess.doubtful and guess.node is another
    assert guess.reason == "Several volumes look like FLAIR: FLAIR, FLAIR late."
    assert stepped.guessRoles(model, [volumes["t2"]])["t2"].node is volumes["t2"]


def test_dicom_decides_roles_where_there_is_some(stepped: Any, scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    headers = {
        "1": {"0008,103e": "AX FLAIR", "0008,0060": "MR", "0020,000d": "study"},
        "2": {"0008,103e": "AX T1", "0008,0060": "MR", "0018,0010": "Gadovist", "0020,000d": "study"},
        "3": {"0008,0060": "CT", "0020,000d": "study", "0010,0020": "12345"},
    }

    class Database:
        def fileForInstance(self, uid: str) -> str:
            return uid

        def fileValue(self, file: str, tag: str) -> str:
            return headers[file].get(tag, "")

    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)
    array = smallArrays()[0]["flair"]
    nodes = {uid: addVolume(scene, f"{uid}: series", array) for uid in headers}
    for uid, node in nodes.items():
        node.SetAttribute("DICOM.instanceUIDs", f"{uid} {uid}.9")
    guesses = stepped.guessRoles(placeModel())
    assert guesses["flair"].node is nodes["1"] and not guesses["flair"].doubtful
    assert guesses["t1gd"].node is nodes["2"] and guesses["t1gd"].doubtful
    assert "contrast agent" in guesses["t1gd"].reason
    from TransferSegGUI.folder_cases import patientOf
    from TransferSegGUI.roles import PATIENT, dicomValue

    hashed = patientOf("p1", dicomValue(nodes["3"], PATIENT))
    assert hashed.startswith("dicom-") and "12345" not in hashed


def test_every_public_method_is_documented_with_an_example(stepped: Any) -> None:
    methods = [name for name in dir(type(stepped)) if not name.startswith("_")]
    functions = [getattr(type(stepped), name) for name in methods if callable(getattr(type(stepped), name))]
    without = [f.__name__ for f in functions if ">>> " not in (f.__doc__ or "")]
    assert set(without) <= {"setupLogic", "getParameterNode"}


def test_models(stepped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path))
    shipped = stepped.model("brain-unet-phantom")
    assert shipped.needs == "FLAIR, T1, T1 with contrast, T2"
    assert shipped.gives == "tumour, necrosis, oedema, scar"
    assert shipped.origin.count(". ") == 1 and "phantoms" in shipped.origin and "Measured: " in shipped.origin
    assert shipped.citation and shipped.timing == "Not measured on this computer yet."
    assert stepped.models()[0].offered


def test_which_of_two_patients_is_asked_once(stepped: Any, scene: Any) -> None:
    for patient in ("patient07", "patient19"):
        for node in addCase(scene).values():
            storage = scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
            storage.SetFileName(f"/cases/{patient}/{node.GetName()}.nii.gz")
            node.SetAndObserveStorageNodeID(storage.GetID())
    guesses = stepped.guessRoles(placeModel())
    assert [role for role, guess in guesses.items() if guess.doubtful] == ["flair"]
    assert "right patient?" in guesses["flair"].reason
    assert all("patient19" in guess.node.GetStorageNode().GetFileName() for guess in guesses.values())
