"""Live mode in Slicer: views and changing volumes become frames, frames slices of a segmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vtk
from helpers_live import ct_volume, live_model
from helpers_logic import OBLIQUE, addCase, addTransform, addVolume, exchangeFolders, waitFor

LPS = np.diag([-1.0, -1.0, 1.0])


def placeLive(kind: str = "ct", **changes: Any) -> str:
    """A 2-D model among the user's models; its name."""
    from TransferSegLib.places import models_folder

    name = f"live-{kind}-" + "-".join(map(str, changes.values())) if changes else f"live-{kind}"
    if not (models_folder() / name).exists():
        live_model(models_folder() / name, kind, **changes)
    return name


def sliceNode(name: str = "Red") -> Any:
    import slicer

    return slicer.mrmlScene.GetNodeByID(f"vtkMRMLSliceNode{name}")


def labelsOf(run: Any) -> np.ndarray:
    """All labels, (k, j, i)."""
    import slicer

    node = run.labels.node
    return slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, node.GetSegmentation().GetNthSegmentID(0))


class Steps:
    """Live mode with a client that the test answers."""

    def __init__(self, logic: Any, volumes: dict, model: str, **options: Any) -> None:
        self.logic, self.client = logic, logic.client
        self.client.state = "ready"
        self.first = len(self.client.jobs)
        self.ended: list[tuple] = []
        self.run = logic.startLive(model, volumes, callback=lambda *end: self.ended.append(end), **options)
        while len(self.client.jobs) == self.first and not self.run.finished:
            self.client.pump()

    def open(self, session: int = 7) -> None:
        self.client.jobs[self.first].end(result={"session": session, "notes": []})

    @property
    def frames(self) -> list[Any]:
        return [job for job in self.client.jobs[self.first :] if job.args["action"] == "frame"]

    def answer(self, value: int = 1) -> np.ndarray:
        """Answer the frame that is on its way: a box of one label; the labels."""
        job = self.frames[-1]
        assert not job.finished
        labels = np.zeros(self.run._slices.slices.shape[1:], np.uint8)
        labels[3:6, 4:9] = value
        np.save(Path(job.args["out"]), labels)
        job.end(result={"index": job.args["index"], "dropped": False, "pixels": {}, "seconds": {}})
        return labels


@pytest.fixture
def ct(scene: Any) -> Any:
    return addVolume(scene, "CT", ct_volume(), spacing=(1.0, 1.0, 3.0), directions=LPS)


@pytest.fixture
def live(stepped: Any, ct: Any) -> Steps:
    """Opened, the first frame on its way."""
    steps = Steps(stepped, {"ct": ct}, placeLive())
    sliceNode().SetSliceOffset(30.0)
    steps.open()
    return steps


def test_the_view_s_slice_is_segmented_and_only_that_slice_is_written(live: Steps, ct: Any) -> None:
    assert live.frames[-1].args["index"] == 10 and live.frames[-1].args["image"] is None
    labels = live.answer()
    found = labelsOf(live.run)
    assert np.array_equal(found[10], labels) and found.sum() == labels.sum()
    sliceNode().SetSliceOffset(13.0)
    assert live.frames[-1].args["index"] == 4, "the nearest slice"
    live.answer()
    assert np.flatnonzero(labelsOf(live.run).any(axis=(1, 2))).tolist() == [4, 10]
    result = live.logic.stopLive()
    assert live.ended == [(result, None)] and (result.frames, result.dropped) == (2, 0)
    assert result.segmentationNode.GetName() == "CT live-ct live" and live.logic.live is None
    assert live.client.jobs[-1].args == {"action": "close", "session": 7} and not exchangeFolders()


def test_frames_that_wait_are_dropped_and_only_the_newest_is_asked_for(live: Steps) -> None:
    for offset in (3.0, 6.0, 9.0, 12.0):
        sliceNode().SetSliceOffset(offset)
    assert len(live.frames) == 1, "one at a time"
    live.answer()
    assert len(live.frames) == 2 and live.frames[-1].args["index"] == 4 and live.run.dropped == 3
    live.answer()
    assert len(live.frames) == 2 and live.run.rate.frames == 2, "nothing waits"


def test_zooming_asks_for_nothing_and_other_views_are_left_alone(live: Steps) -> None:
    live.answer()
    node = sliceNode()
    node.SetFieldOfView(100.0, 100.0, 1.0)
    node.SetDimensions(200, 200, 1)
    sliceNode("Yellow").SetSliceOffset(5.0)
    sliceNode("Green").SetSliceOffset(5.0)
    assert len(live.frames) == 1
    sliceNode("Green").SetOrientation("Axial")
    sliceNode("Green").SetSliceOffset(6.0)
    live.answer()
    live.answer()
    assert live.frames[-1].args["index"] == 2, "a view that shows axial slices now is followed too"


def test_a_volume_that_changes_is_segmented_anew_with_its_new_pixels(live: Steps, ct: Any) -> None:
    import slicer

    live.answer()
    array = slicer.util.arrayFromVolume(ct)
    array[10] = 55
    slicer.util.arrayFromVolumeModified(ct)
    args = live.frames[-1].args
    assert len(live.frames) == 2 and args["index"] == 10
    sent = np.load(args["image"]["ct"])
    assert sent.shape == (40, 40) and (sent == 55).all() and sent.dtype == np.int16
    array[10] = 66
    slicer.util.arrayFromVolumeModified(ct)
    array[10] = 77
    slicer.util.arrayFromVolumeModified(ct)
    live.answer()
    assert (np.load(live.frames[-1].args["image"]["ct"]) == 77).all(), "the pixels of the moment it is handed over"
    assert live.run.dropped == 1
    live.answer()
    sliceNode().SetSliceOffset(0.0)
    assert set(live.frames[-1].args["image"]) == {"ct"}, "from now on pixels travel"


@pytest.mark.parametrize("slices", ["coronal", "sagittal"])
def test_other_orientations_follow_their_view_and_land_in_their_voxels(stepped: Any, scene: Any, slices: str) -> None:
    """On a turned volume: what is sent is what lies in the view's plane, and labels go there."""
    import slicer

    rng = np.random.default_rng(0)
    array = rng.integers(-900, 900, (12, 18, 24)).astype(np.int16)
    turn = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    node = addVolume(scene, "CT", array, spacing=(1.0, 2.0, 1.5), origin=(-4.0, 7.0, 9.0), directions=turn)
    steps = Steps(stepped, {"ct": node}, placeLive(slices=slices))
    view = sliceNode({"coronal": "Green", "sagittal": "Yellow"}[slices])
    steps.open()
    view.JumpSliceByOffsetting(5.0, 15.0, 0.0)
    slicer.util.arrayFromVolumeModified(node)
    steps.answer()
    args = steps.frames[-1].args
    sent = np.load(args["image"]["ct"])
    axis, index = {"coronal": (2, 8), "sagittal": (0, 6)}[slices]  # i runs along A from 7 on; k along R from -4 on
    plane = np.take(array, index, axis=axis)
    assert sorted(sent.ravel()) == sorted(plane.ravel())
    labels = steps.answer()
    written = np.take(labelsOf(steps.run), index, axis=axis)
    assert sorted(plane[written > 0]) == sorted(sent[labels > 0]), "labels lie on the pixels that they were given for"
    assert steps.run.note == ""


def test_an_oblique_view_follows_the_nearest_slice_and_says_so(live: Steps) -> None:
    live.answer()
    node = sliceNode()
    turn = vtk.vtkTransform()
    turn.Translate(-20.0, -20.0, 24.0)
    turn.RotateX(20.0)
    node.GetSliceToRAS().DeepCopy(turn.GetMatrix())
    node.UpdateMatrices()
    assert live.frames[-1].args["index"] == 8
    assert "oblique" in live.run.note and "axial" in live.run.note
    live.answer()
    node.SetOrientation("Axial")
    node.SetSliceOffset(3.0)
    assert live.run.note == ""


def test_without_such_a_view_the_middle_is_segmented_and_it_is_said(stepped: Any, ct: Any) -> None:
    for name in ("Red", "Green"):
        sliceNode(name).SetOrientation("Sagittal")
    steps = Steps(stepped, {"ct": ct}, placeLive())
    steps.open()
    assert steps.frames[-1].args["index"] == 10 and "No view shows axial slices" in steps.run.note


def test_it_ends_when_what_it_needs_goes(stepped: Any, scene: Any) -> None:
    import slicer

    def begin():
        node = addVolume(scene, "CT", ct_volume(), directions=LPS)
        steps = Steps(stepped, {"ct": node}, placeLive())
        steps.open()
        steps.answer()
        return steps, node

    steps, node = begin()
    scene.RemoveNode(node)
    assert steps.ended[0][0].reason == "CT was removed, so live mode was switched off."
    steps, node = begin()
    scene.RemoveNode(steps.run.labels.node)
    sliceNode().SetSliceOffset(7.0)
    assert "edited or removed" in steps.ended[0][0].reason and len(steps.frames) == 1
    steps, node = begin()
    node.SetAndObserveTransformNodeID(addTransform(scene).GetID())
    sliceNode().SetSliceOffset(9.0)
    assert "CT was moved" in steps.ended[0][0].reason
    steps, node = begin()
    slicer.util.updateVolumeFromArray(node, np.zeros((5, 6, 7), np.int16))
    assert "another size or place" in steps.ended[0][0].reason
    steps, node = begin()
    scene.Clear(0)
    assert "The scene was closed" in steps.ended[0][0].reason and not exchangeFolders()


def test_the_worker_s_notes_are_kept_and_its_copies_of_the_volume_removed(stepped: Any, ct: Any) -> None:
    steps = Steps(stepped, {"ct": ct}, placeLive())
    file = Path(steps.client.jobs[0].args["image"]["ct"])
    assert file.is_file()
    note = "slices are taken as they lie, 3 mm apart; segment has them 1 mm apart"
    steps.client.jobs[0].end(result={"session": 1, "notes": [note]})
    steps.client.pump()
    assert not file.exists() and steps.run.notes[0].startswith("The slices are taken as they lie, 3 mm apart")


def test_renaming_a_volume_is_no_change_of_it(live: Steps, ct: Any) -> None:
    live.answer()
    ct.SetName("renamed")
    ct.GetDisplayNode().SetWindowLevelMinMax(0, 100)
    assert len(live.frames) == 1


def test_an_edit_by_the_user_is_not_written_over(live: Steps) -> None:
    from TransferSegGUI import history

    live.answer()
    labelsOf(live.run)[10, 0, 0] = 1
    image = live.run.labels.node.GetBinaryLabelmapInternalRepresentation(
        live.run.labels.node.GetSegmentation().GetNthSegmentID(0)
    )
    image.Modified()
    sliceNode().SetSliceOffset(0.0)
    assert "edited or removed" in live.ended[0][0].reason and history.isEdited(live.run.labels.node)
    assert history.newest() is live.run.labels.node


def test_an_unedited_result_can_be_taken_back(live: Steps) -> None:
    live.answer()
    node = live.run.labels.node
    live.logic.stopLive()
    assert "was removed" in live.logic.undo() and node.GetScene() is None


def test_a_worker_that_dies_ends_it_with_an_error(live: Steps) -> None:
    from TransferSegLib.errors import TransferSegError

    live.answer()
    sliceNode().SetSliceOffset(0.0)
    live.client.state = "stopped"
    live.frames[-1].end("failed", error=TransferSegError("The worker ended."))
    ((result, error),) = live.ended
    assert result is None and error.message == "The worker ended." and live.logic.live is None
    assert live.client.jobs[-1].args["action"] == "frame", "nobody is asked to close"
    sliceNode().SetSliceOffset(3.0)
    assert len(live.frames) == 2 and not exchangeFolders()


def test_other_work_waits_for_nothing(live: Steps, scene: Any) -> None:
    from helpers_logic import placeModel

    volumes = addCase(scene)
    assert live.logic.missing(placeModel(), volumes) == "Live mode is on: switch it off first."
    live.answer()
    run = live.logic.segment(placeModel(), volumes, callback=lambda result, error: None)
    assert live.ended[0][0].reason == "Live mode was switched off for other work." and run.state == "running"
    run.cancel()


def test_what_cannot_be_followed_is_said(stepped: Any, ct: Any, scene: Any) -> None:
    from helpers_logic import placeModel

    from TransferSegLib.errors import UsageError

    for model, says in [
        (placeModel(), "small works on whole volumes, live mode on slices: choose a 2-D model."),
        ("petct-light-phantom", "petct-light-phantom needs the whole PET scan"),
        ("l3-cnn4-phantom", "is no model for segmentation"),
        (placeLive("mri", space="mni152"), "works on slices of an atlas"),
        ("absent", "There is no model absent"),
        ("", "Choose a model."),
    ]:
        assert says in stepped.whyNotLive(model, {"ct": ct})
        with pytest.raises(UsageError):
            stepped.startLive(model, {"ct": ct})
    assert stepped.whyNotLive(placeLive(), {"ct": None}) == "Choose the image for CT."
    assert "8 bits" in stepped.whyNotLive(placeLive("grey"), {"grey": ct})
    assert "8 bits" in stepped.whyNotLive(placeLive("rgb"), {"rgb": ct})
    assert stepped.stopLive() is None


def test_a_stop_while_it_opens_cancels(stepped: Any, ct: Any) -> None:
    steps = Steps(stepped, {"ct": ct}, placeLive())
    stepped.stopLive()
    assert steps.ended[0][0] is None and steps.ended[0][1].code == "cancelled" and not exchangeFolders()


def test_an_ultrasound_picture_under_a_moving_transform_is_followed(stepped: Any, scene: Any) -> None:
    """One slice of 8 bits whose pixels change and that a tracker moves: pictures always travel."""
    import slicer

    transform = addTransform(scene)
    node = addVolume(scene, "US", np.full((1, 30, 50), 9, np.uint8), directions=LPS, transform=transform)
    steps = Steps(stepped, {"grey": node}, placeLive("grey"))
    assert "image" not in steps.client.jobs[0].args or steps.client.jobs[0].args["image"] is None
    steps.open()
    labels = steps.answer()
    assert np.array_equal(labelsOf(steps.run)[0], labels)
    transform.SetMatrixTransformToParent(addTransform(scene, angle=-50.0).GetTransformToParent().GetMatrix())
    slicer.util.arrayFromVolume(node)[...] = 33
    slicer.util.arrayFromVolumeModified(node)
    assert (np.load(steps.frames[-1].args["image"]["grey"]) == 33).all()
    steps.answer()
    assert not steps.ended and steps.run.labels.node.GetParentTransformNode() is transform


def test_the_labels_are_seen_at_once(live: Steps, ct: Any, views: Any) -> None:
    """What is written in place reaches the picture."""
    from test_module_display import isColoured, worldOf

    live.answer()
    views.fit()
    sliceNode().SetSliceOffset(30.0)
    assert isColoured(views.pixelOf("Red", worldOf(ct, 6, 4, 10)))
    import slicer

    slicer.util.arrayFromVolumeModified(ct)
    np.save(Path(live.frames[-1].args["out"]), np.zeros((40, 40), np.uint8))
    live.frames[-1].end(result={"index": 10, "dropped": False})
    assert not isColoured(views.pixelOf("Red", worldOf(ct, 6, 4, 10)))
    assert not live.ended, "drawing is no edit"


def test_with_the_real_worker_labels_are_those_of_segment(logic: Any, scene: Any) -> None:
    """From the view to the voxels and back through the process, on an oblique volume; then with new pixels."""
    import slicer

    node = addVolume(
        scene, "CT", ct_volume(), spacing=(1.0, 1.0, 3.0), origin=(3.0, -8.0, 5.0), directions=OBLIQUE @ LPS
    )
    model = placeLive()
    whole = logic.segment(model, {"ct": node}, resample="off").segmentationNode
    wanted = slicer.util.arrayFromSegmentBinaryLabelmap(whole, whole.GetSegmentation().GetNthSegmentID(0), node)
    run = logic.startLive(model, {"ct": node}, resample="off")
    waitFor(lambda: run.rate.frames or run.finished, logic, 60)
    assert run.error is None, run.error and run.error.details
    first = run._index
    for offset in (20.0, 35.0):
        sliceNode().SetSliceOffset(offset)
        frames = run.rate.frames
        waitFor(lambda: run.rate.frames > frames or run.finished, logic, 60)  # noqa: B023
    slicer.util.arrayFromVolumeModified(node)
    frames = run.rate.frames
    waitFor(lambda: run.rate.frames > frames or run.finished, logic, 60)
    found = labelsOf(run)
    for index in {first, 5, 10}:
        assert np.array_equal(found[index] > 0, wanted[index] > 0), index
    assert wanted[10].any() and run.rate.perSecond > 0 and run.rate.latencyMs > 0
    assert logic.stopLive().frames == run.rate.frames and not exchangeFolders()
