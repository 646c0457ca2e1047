"""Live mode: one slice after another gives what `segment` gives, also with new pixels; what cannot be is refused."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_cli import FILES, ROLES, small_case, small_model
from helpers_live import TURNED, ct_file, live_model
from helpers_pictures import tissue
from PIL import Image

from TransferSegLib.errors import InputError, TransferSegError, UsageError
from TransferSegLib.events import Events
from TransferSegLib.imaging import Grid, read_image, read_picture_mask
from TransferSegLib.jobs.live import open_live
from TransferSegLib.jobs.segment import segment
from TransferSegLib.packages import live_obstacle, merge_packages, read_package
from TransferSegLib.preparing import PreparationOptions
from TransferSegLib.preparing.placing import exact_view

OFF = PreparationOptions(resample="off", register="off")


def in_slices(image, grid):
    """An image's voxels (k, j, i) in the order of the session's slices."""
    return exact_view(sitk.GetArrayFromImage(image), Grid.of(image), grid)


def segmented(model, images, folder, options=OFF):
    segment(model=model, images=images, out=folder / "all.nrrd", options=options)
    return read_image(folder / "all.nrrd", what="truth")


@pytest.mark.parametrize("slices", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("grid", [None, TURNED], ids=["plain", "turned"])
def test_every_slice_is_what_segment_gives_there(tmp_path, slices, grid):
    model, images = live_model(tmp_path / "m", slices=slices), {"ct": ct_file(tmp_path, grid=grid)}
    session = open_live(model=model, images=images, options=OFF)
    wanted = in_slices(segmented(model, images, tmp_path), session.slices)
    assert len(np.unique(wanted)) == 2, "both classes, else nothing is compared"
    for index, plane in enumerate(wanted):
        found = session.frame(index).labels
        assert found.dtype == np.uint8 and np.array_equal(found, plane), index
    assert session.describe()["slices"] == slices and session.describe()["count"] == len(wanted)


def test_the_brain_s_windows_lie_as_in_its_volume(tmp_path):
    """Several windows a slice, some skipped: a slice alone has a smaller brain, and yet the same windows."""
    folder = small_case(tmp_path / "case", grid={"spacing": (1.0, 1.0, 2.0)})
    images = {role: folder / f"{FILES[role]}.nii.gz" for role in ROLES}
    model = live_model(tmp_path / "m", "mri", window=(16, 16))
    session = open_live(model=model, images=images, options=OFF)
    wanted = in_slices(segmented(model, images, tmp_path), session.slices)
    assert len(np.unique(wanted)) > 1
    for index, plane in enumerate(wanted):
        assert np.array_equal(session.frame(index).labels, plane), index


@pytest.mark.parametrize("kind", ["ct", "mri"])
def test_new_pixels_are_prepared_as_the_whole_volume_was(tmp_path, kind):
    """The same pixels anew give the same labels; other pixels those of a volume of which only this slice differs."""
    model = live_model(tmp_path / "m", kind)
    if kind == "ct":
        images = {"ct": ct_file(tmp_path, grid=TURNED)}
    else:
        folder = small_case(tmp_path / "case", grid={"spacing": (1.0, 1.0, 2.0)})
        images = {role: folder / f"{FILES[role]}.nii.gz" for role in ROLES}
    session = open_live(model=model, images=images, options=OFF)
    volumes = {role: in_slices(read_image(file), session.slices) for role, file in images.items()}
    index = len(volumes[next(iter(images))]) // 2
    same = {role: volume[index] for role, volume in volumes.items()}
    told = session.frame(index).labels
    assert np.array_equal(session.frame(index, same).labels, told) and told.any()
    other = session.frame(index, {role: plane[::-1] for role, plane in same.items()}).labels
    assert not np.array_equal(other, told)
    assert np.array_equal(session.frame(index).labels, told), "a frame leaves nothing behind"


def test_pixels_in_another_spacing_are_resampled_in_the_plane_only(tmp_path):
    model = live_model(tmp_path / "m", spacing=(2.0, 2.0))
    images = {"ct": ct_file(tmp_path, grid={"spacing": (1.0, 1.0, 3.0)})}
    session = open_live(model=model, images=images)
    assert any("resampling: done" in step for step in session.steps)
    wanted = in_slices(segmented(model, images, tmp_path, PreparationOptions()), session.slices)
    volume = in_slices(read_image(images["ct"]), session.slices)
    assert wanted.any()
    for index in (4, 10):
        assert np.array_equal(session.frame(index).labels, wanted[index])
        assert np.array_equal(session.frame(index, {"ct": volume[index]}).labels, wanted[index])


def test_slices_of_a_model_with_three_spacings_stay_as_they_lie_and_that_is_said(tmp_path):
    model = live_model(tmp_path / "m", spacing=(1.0, 1.0, 1.0))
    said = []
    events = Events(lambda event: said.append(event.get("text", "")))
    images = {"ct": ct_file(tmp_path, grid={"spacing": (1.0, 1.0, 3.0)})}
    session = open_live(model=model, images=images, events=events)
    assert session.describe()["count"] == 20 and "as they lie, 3 mm apart; segment has them 1 mm apart" in " ".join(
        said
    )


@pytest.mark.parametrize("role", ["grey", "rgb"])
def test_pictures_come_one_by_one_of_any_size(tmp_path, role):
    model = live_model(tmp_path / "m", role)
    session = open_live(model=model)
    for seed, side in ((1, 48), (2, 71)):
        picture = tissue(seed, side)[0]
        picture = picture if role == "rgb" else picture[..., 0]
        Image.fromarray(picture).save(tmp_path / "p.png")
        segment(model=model, images={role: tmp_path / "p.png"}, out=tmp_path / "l.png")
        wanted = sitk.GetArrayFromImage(read_picture_mask(tmp_path / "l.png"))[0]
        # A picture's own values of one channel are luminance already where all three are alike.
        assert np.array_equal(session.frame(0, {role: picture}).labels > 0, wanted > 0)


def test_a_slice_outside_the_body_has_no_label(tmp_path):
    """MRI is cropped to the brain: the slices beyond it are answered, empty."""
    folder = small_case(tmp_path / "case")
    images = {role: folder / f"{FILES[role]}.nii.gz" for role in ROLES}
    session = open_live(model=live_model(tmp_path / "m", "mri"), images=images, options=OFF)
    assert not session.frame(0).labels.any() and session.frame(0).labels.shape == (40, 40)
    assert session.frame(20).labels.any()
    assert set(session.frame(20).seconds) == {"prepare", "network", "restore", "total"}


def test_bad_frames_are_named_and_the_session_goes_on(tmp_path):
    session = open_live(model=live_model(tmp_path / "m"), images={"ct": ct_file(tmp_path)}, options=OFF)
    good = np.zeros((40, 40), np.float32)
    for index, pixels, kind, says in [
        (20, {}, UsageError, "slice 20: there are 20, from 0 to 19"),
        (-1, {}, UsageError, "slice -1"),
        (3, {"ct": good[1:]}, InputError, "39 x 40 values, a slice of this volume has 40 x 40"),
        (3, {"ct": np.stack([good, good])}, InputError, "2 x 40 x 40 values"),
        (3, {"t1": good}, UsageError, "the model has the roles ct, not t1"),
        (3, {"ct": good * np.nan}, InputError, "not finite"),
        (3, {"ct": good.astype(complex)}, InputError, "type complex"),
    ]:
        with pytest.raises(kind, match=says):
            session.frame(index, pixels)
    assert session.frame(10).labels.any()
    pictures = open_live(model=live_model(tmp_path / "g", "rgb"))
    for pixels, says in [
        ({"rgb": np.zeros((8, 8), np.uint8)}, r"expected \(j, i, 3\)"),
        ({"rgb": np.zeros((8, 8, 4), np.uint8)}, r"expected \(j, i, 3\)"),
        ({"rgb": np.zeros((8, 8, 3), np.float32)}, "8 bits a channel"),
        ({}, "takes one picture in the role rgb"),
    ]:
        with pytest.raises(TransferSegError, match=says):
            pictures.frame(0, pixels)


def test_changes_of_an_image_on_another_grid_are_refused_not_guessed(tmp_path):
    folder = small_case(tmp_path / "case")
    images = {role: folder / f"{FILES[role]}.nii.gz" for role in ROLES}
    moved = read_image(images["t2"])
    moved.SetOrigin((3.3, 0.0, 0.0))
    sitk.WriteImage(moved, str(images["t2"]))
    session = open_live(model=live_model(tmp_path / "m", "mri"), images=images, options=OFF)
    session.frame(20, {"flair": np.full((40, 40), 300, np.float32)})
    with pytest.raises(InputError, match="t2 lies on another grid"):
        session.frame(20, {"t2": np.zeros((40, 40), np.float32)})


def test_models_that_cannot_follow_say_why(tmp_path):
    ct = {"ct": ct_file(tmp_path)}
    with pytest.raises(UsageError, match="works on whole volumes"):
        open_live(model=small_model(tmp_path / "three"), images=ct)
    with pytest.raises(UsageError, match="a PET needs its whole scan"):
        open_live(model="petct-light-phantom", images=ct)
    with pytest.raises(UsageError, match="no model for segmentation"):
        open_live(model="l3-cnn4-phantom", images=ct)
    with pytest.raises(UsageError, match="slices of an atlas"):
        open_live(model=live_model(tmp_path / "atlas", "mri", space="mni152"), images=ct)
    with pytest.raises(UsageError, match="takes pictures one by one"):
        open_live(model=live_model(tmp_path / "grey", "grey"), images={"grey": tmp_path / "x.png"})
    with pytest.raises(UsageError, match="no case"):
        open_live(model=live_model(tmp_path / "m"))
    assert live_obstacle(read_package(tmp_path / "m").card) == ""


def test_an_ensemble_follows_too(tmp_path):
    parts = [read_package(live_model(tmp_path / name)) for name in ("a", "b")]
    merged = merge_packages(parts, tmp_path / "both", name="both")
    images = {"ct": ct_file(tmp_path)}
    session = open_live(model=merged, images=images, options=OFF)
    wanted = in_slices(segmented(merged, images, tmp_path), session.slices)
    assert np.array_equal(session.frame(10).labels, wanted[10])
