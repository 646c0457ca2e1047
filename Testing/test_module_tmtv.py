"""TMTV through the logic: real MRML core, the verb's own job in this process; lesions counted by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers_logic import addTransform, addVolume
from helpers_pet_panel import VOLUMES, InProcessClient, addCt, addPet, centres, viewsAt
from helpers_tmtv import spots


@pytest.fixture
def logic(stepped, tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    stepped._client = InProcessClient()
    return stepped


@pytest.fixture
def pet(scene):
    return addPet(scene)


def measured(logic, pet, ct=None, **options):
    return logic.measureTmtv(pet, ct, **{"physiological": False, **options})


def world(node, ijk):
    from TransferSegGUI.geometry import worldIjkToRas

    return (worldIjkToRas(node) @ [*ijk, 1])[:3]


def test_lesions_are_segments_of_the_pet_with_their_numbers(scene, logic, pet):
    import slicer

    result = measured(logic, pet, addCt(scene))
    assert result.count == 3 and result.tmtvMl == pytest.approx(sum(VOLUMES))
    assert result.tlg == pytest.approx(9 * 1.6 + 6 * 0.96 + 5 * 0.02) and result.suvMax == pytest.approx(9)
    segmentation = result.segmentationNode.GetSegmentation()
    assert [segmentation.GetSegment(one).GetName() for one in segmentation.GetSegmentIDs()] == [
        "Lesion 1", "Lesion 2", "Lesion 3",
    ]  # fmt: skip
    assert len({segmentation.GetSegment(one).GetColor() for one in segmentation.GetSegmentIDs()}) == 3
    for box, segment_id in zip(spots()[1], segmentation.GetSegmentIDs()):
        array = slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentationNode, segment_id, pet)
        truth = np.zeros(array.shape, bool)
        truth[box] = True
        assert np.array_equal(array > 0, truth)
    role = result.segmentationNode.GetReferenceImageGeometryReferenceRole()
    assert result.segmentationNode.GetNodeReference(role) is pet
    assert result.tableNode.GetTable().GetNumberOfRows() == 3
    assert [row["rule"] for row in result.thresholds] == ["4.0", "2.5", "41%"]


def test_the_pet_lies_over_the_ct_in_hot_colours_of_suv(scene, logic):
    import slicer

    pet, ct = addPet(scene, suv=False, factor=2000.0), addCt(scene)
    by_hand = {"weight_kg": "50", "dose_mbq": "100", "injected": "10:00:00", "acquired": "10:00:00"}
    result = measured(logic, pet, ct, unit="bqml", byHand={**by_hand, "half_life_s": "6586.2"})
    assert result.tmtvMl == pytest.approx(sum(VOLUMES)) and result.suvMax == pytest.approx(9, rel=1e-5)
    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    assert composite.GetBackgroundVolumeID() == ct.GetID() and composite.GetForegroundVolumeID() == pet.GetID()
    assert 0 < composite.GetForegroundOpacity() < 1
    display = pet.GetDisplayNode()
    assert "PET-Heat" in display.GetColorNodeID()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((0, 20000))
    assert result.unit["statedBy"] == "user" and {entry[3] for entry in result.unit["inputs"]} == {"by hand"}


def test_without_a_unit_there_is_no_tmtv(scene, logic):
    from TransferSegLib.errors import TransferSegError

    pet = addPet(scene, suv=False)
    assert "unit of PET is not known" in logic.missingForTmtv(pet)
    with pytest.raises(TransferSegError, match="not known"):
        measured(logic, pet)
    missing = logic.missingForTmtv(pet, unit="bqml", byHand={"weight_kg": "70"})
    assert "injected dose" in missing and "--" not in missing
    assert "not plausible" in logic.missingForTmtv(pet, unit="bqml", byHand={"weight_kg": "7000"})
    assert logic.missingForTmtv(pet, unit="suv") is None
    assert logic.client.jobs == []


def test_bad_images_are_refused_before_any_work(scene, logic, pet):
    ct, far = addCt(scene), addCt(scene, "far", origin=(900.0, 900.0, 900.0))
    high = addPet(scene, "high", factor=3000.0)
    colour = addVolume(scene, "one slice", np.zeros((1, 20, 20), np.float32))
    low = addPet(scene, "low", factor=0.005)
    noisy = addPet(scene, "PET 3")
    __import__("slicer").util.arrayFromVolume(noisy)[0, 0, 0] = -0.5  # one voxel below 0 makes no CT
    noisy.GetImageData().Modified()
    for images, words in (
        ((ct, pet), "swapped"),
        ((pet, pet), "both"),
        ((pet, addPet(scene, "PET 2")), "no CT of a body"),
        ((pet, noisy), "no CT of a body"),
        ((pet, far), "do not overlap"),
        ((high, ct), "no tissue reaches"),
        ((low, ct), "below that of any tissue"),
        ((colour, None), "single slice"),
        ((None, ct), "Choose a PET"),
    ):
        assert words in logic.missingForTmtv(*images), images
    kilo = addPet(scene, "kilo", suv=False)
    entry = __import__("slicer").vtkCodedEntry()
    entry.SetValueSchemeMeaning("kBq/ml", "UCUM", "kilobecquerel")
    kilo.SetVoxelValueUnits(entry)
    assert "no SUV can be made" in logic.missingForTmtv(kilo)
    assert "by itself" in logic.missingForTmtv(pet, unit="bqml"), "the node's own unit is not overruled"


def test_moving_a_lesion_changes_the_totals_by_its_volume(scene, logic, pet):
    result = measured(logic, pet)
    moved = logic.moveUptake(result, 1, "bladder")
    assert moved.tmtvMl == pytest.approx(result.tmtvMl - VOLUMES[0]) and moved.count == 2
    assert moved.physiologicalMl == pytest.approx(VOLUMES[0]) and moved.dmaxCentroidMm < result.dmaxCentroidMm + 1e-6
    lesion = next(one for one in moved.lesions if one["moved"])
    assert lesion["physiological"] == "bladder" and "bladder" in str(segment_names(moved))
    lower = logic.setTmtvThreshold(moved, "5.5")
    assert (lower.count, lower.physiologicalMl) == (1, pytest.approx(VOLUMES[0])), "moves outlast the threshold"
    back = logic.moveUptake(lower, next(one["number"] for one in lower.lesions if one["moved"]), "lesion")
    assert back.tmtvMl == pytest.approx(VOLUMES[0] + VOLUMES[1]) and back.physiologicalMl == 0


def segment_names(result):
    segmentation = result.segmentationNode.GetSegmentation()
    return [segmentation.GetSegment(one).GetName() for one in segmentation.GetSegmentIDs()]


@pytest.mark.parametrize("rule, count", [("8", 1), ("5.5", 2), ("4.0", 3), ("100%", 3)])
def test_thresholds(logic, pet, rule, count):
    result = logic.setTmtvThreshold(measured(logic, pet), rule)
    assert result.count == count and len(segment_names(result)) == count
    assert len(logic.client.jobs) == 1, "only Apply needs the worker"


def paint(result, pet, segment, box, value=1):
    """Edit a segment as the Segment Editor does."""
    import slicer

    segment_id = result.segmentationNode.GetSegmentation().GetNthSegmentID(segment)
    array = slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentationNode, segment_id, pet)
    array[box] = value
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, result.segmentationNode, segment_id, pet)


def test_edits_are_followed_and_are_not_overwritten_by_a_threshold(scene, logic, pet):
    from TransferSegLib.errors import TransferSegError

    result = measured(logic, pet)
    assert not logic.isTmtvEdited(result)
    paint(result, pet, 0, (slice(3, 8), slice(3, 11), slice(3, 5)), 0)
    assert logic.isTmtvEdited(result)
    edited = logic.updateTmtv(result)
    assert edited.edited and edited.tmtvMl == pytest.approx(sum(VOLUMES) - VOLUMES[0] / 2)
    with pytest.raises(TransferSegError, match="edited by hand"):
        logic.setTmtvThreshold(edited, "2.5")
    again = measured(logic, pet)
    assert again.segmentationNode is not edited.segmentationNode and again.tmtvMl == pytest.approx(sum(VOLUMES))
    assert not edited.segmentationNode.GetDisplayNode().GetVisibility()
    assert "removed" in logic.undoTmtv() and edited.segmentationNode.GetDisplayNode().GetVisibility()
    assert "kept" in logic.undoTmtv() and scene.IsNodePresent(edited.segmentationNode)


def test_an_organ_that_touches_a_lesion_is_kept_apart_also_in_the_report(logic, pet, tmp_path):
    result = logic.moveUptake(measured(logic, pet), 1, "bladder")
    apart = len(segment_names(result)) - 1
    paint(result, pet, 1, (slice(8, 12), slice(3, 11), slice(3, 7)))  # lesion voxels on top of the bladder
    edited = logic.updateTmtv(result)
    added = 4 * 8 * 4 * 0.01
    assert edited.physiologicalMl == pytest.approx(VOLUMES[0])
    assert edited.tmtvMl == pytest.approx(VOLUMES[1] + VOLUMES[2] + added) and edited.count == 3
    value = logic.exportTmtv(edited, tmp_path / "report")
    assert value["tmtv_ml"] == pytest.approx(edited.tmtvMl) and value["count"] == 3
    assert [one["physiological"] for one in value["physiological"]] == ["bladder"] and apart == 2
    numbered = logic.updateTmtv(edited, renumber=True)
    assert numbered.tmtvMl == pytest.approx(edited.tmtvMl) and len(segment_names(numbered)) == 4
    freed = logic.moveUptake(numbered, numbered.lesions[-1]["number"], "lesion")
    assert freed.physiologicalMl == 0 and freed.tmtvMl == pytest.approx(edited.tmtvMl + VOLUMES[0])


def test_the_report_is_as_the_scene_is_and_is_written_again(logic, pet, scene, tmp_path):
    result = measured(logic, pet, addCt(scene))
    value = logic.exportTmtv(result, tmp_path)
    assert value["tmtv_ml"] == pytest.approx(result.tmtvMl) and value["pet"].startswith("PET [")
    moved = logic.setTmtvThreshold(logic.moveUptake(result, 2, "heart"), "2.5")
    value = logic.exportTmtv(moved, tmp_path, language="fr")
    assert value["tmtv_ml"] == pytest.approx(moved.tmtvMl) and value["threshold"] == "2.5"
    assert [one["physiological"] for one in value["physiological"]] == ["heart"] and len(value["moved"]) == 1
    kept = json.loads((tmp_path / "PET.json").read_text())
    assert kept["suv"]["unit"] == "suv" and (tmp_path / "PET.html").is_file() and (tmp_path / "PET.pdf").is_file()


def test_reports_of_two_pets_of_one_name_stand_beside_each_other(logic, pet, scene, tmp_path):
    other = addPet(scene, factor=2.0)
    assert other.GetName() == pet.GetName()
    first, second = measured(logic, pet), measured(logic, other)
    values = [logic.exportTmtv(result, tmp_path) for result in (first, second, second, first)]
    assert [value["patient"] for value in values] == ["PET", "PET 2", "PET 2", "PET"], "written again in its place"
    assert [value["beside"] for value in values] == ["", "PET", "PET", ""]
    found = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("PET", "PET_2")}
    assert [found[name]["suv_max"] for name in found] == [pytest.approx(9), pytest.approx(18)]
    assert found["PET"]["pet"] != found["PET_2"]["pet"], "the reports say which PET they are of"
    rows = (tmp_path / "tmtv.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) == 3, "one row each"
    scene.Clear(0)  # another scene gives its nodes the same numbers
    third = logic.exportTmtv(measured(logic, addPet(scene, factor=1.5)), tmp_path)
    assert third["patient"] == "PET 3" and (tmp_path / "PET.html").is_file()


def test_a_reference_gives_the_errors(logic, pet):
    result = measured(logic, pet)
    assert result.errors is None
    same = logic.compareTmtv(result, result.segmentationNode)
    assert same.errors["dice"] == pytest.approx(1) and same.errors["fn_ml"] == 0
    fewer = logic.setTmtvThreshold(same, "5.5")
    assert fewer.errors["recall"] == pytest.approx(1)  # the reference is the result itself
    assert logic.compareTmtv(fewer, None).errors is None


def test_a_jump_centres_the_views_on_the_lesion_also_under_a_transform(scene, logic):
    pet = addPet(scene, transform=addTransform(scene))
    result = measured(logic, pet)
    assert result.tmtvMl == pytest.approx(sum(VOLUMES), rel=1e-6)
    logic.jumpToUptake(result, 3)
    assert viewsAt(world(pet, centres()[2]), 2.5)
    logic.jumpToUptake(result, 2)
    assert viewsAt(world(pet, result.lesions[1]["voxel"])) and not viewsAt(world(pet, centres()[2]), 2.5)


def test_a_saved_scene_keeps_all_and_goes_on(scene, logic, pet, tmp_path):
    import slicer

    result = logic.moveUptake(measured(logic, pet), 2, "kidney")
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"), properties={})
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"), properties={})
    loaded = logic.tmtvResults()[0]
    assert (loaded.tmtvMl, loaded.lesions, loaded.thresholds) == (result.tmtvMl, result.lesions, result.thresholds)
    assert loaded.petNode is not None and not logic.isTmtvEdited(loaded)
    assert logic.setTmtvThreshold(loaded, "5.5").count == 1
    assert logic.moveUptake(loaded, 1, "lesion").tmtvMl >= VOLUMES[0]


def test_a_model_gives_the_mask_and_the_threshold_moves_in_it(scene, logic, pet, monkeypatch):
    """The worker's answer stands in for a model: its mask holds two of the spots and a cold block."""
    from types import SimpleNamespace

    import SimpleITK as sitk
    from TransferSegGUI import models

    labels = np.zeros(spots()[0].shape, np.uint8)
    for box in spots()[1][:2]:
        labels[box] = 1
    labels[15:18, 3:6, 3:6] = 1
    card = SimpleNamespace(task="segmentation", roles=("pet", "ct"))
    info = models.ModelInfo("fake", ("pet", "ct"), (), card, "fake", "user", True, True)
    monkeypatch.setattr(models, "findModel", lambda name: info)

    def answer(job):
        assert (job.args["model"], job.args["threshold"], job.args["physiological"]) == ("fake", "none", "off")
        file = job.args["pet"].replace("pet.nrrd", "labels.nii.gz")
        sitk.WriteImage(sitk.GetImageFromArray(labels), file)
        job.end(result={"files": {"lesions": file}, "notes": [], "device": "cpu"})

    monkeypatch.setattr(logic.client, "do", answer)
    assert "needs the CT" in logic.missingForTmtv(pet, None, model="fake")
    result = measured(logic, pet, addCt(scene), model="fake", rule="4.0")
    assert result.method == "fake" and result.tmtvMl == pytest.approx(VOLUMES[0] + VOLUMES[1])
    assert logic.setTmtvThreshold(result, None).tmtvMl == pytest.approx(VOLUMES[0] + VOLUMES[1] + 0.27)
    assert logic.setTmtvThreshold(result, "8").tmtvMl == pytest.approx(VOLUMES[0])


def test_what_goes_away_meanwhile_leaves_nothing(scene, logic, pet):
    run = measured(logic, pet, callback=lambda result, error: None)
    scene.RemoveNode(pet)
    for _step in range(6):
        logic.client.pump()
    assert run.state == "failed" and "removed" in run.error.message and logic.tmtvResults() == []
    again = addPet(scene, "PET b")
    run = measured(logic, again, callback=lambda result, error: None)
    scene.Clear(0)
    assert run.state == "cancelled" and "scene was closed" in run.error.message
