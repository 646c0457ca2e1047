"""Pictures: what they hold, what is refused by name, label maps that come back the same."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from TransferSegLib.errors import InputError, StorageError, UnreadableFile
from TransferSegLib.imaging import picture_grid, read_image, read_picture, read_picture_mask, write_label_picture

COLOURS = np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8)


def saved(path, array, mode=None, **options):
    Image.fromarray(array, mode).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_colours_come_as_they_are_and_grey_is_their_luminance(tmp_path, suffix):
    path = saved(tmp_path / f"a{suffix}", COLOURS)
    colour, grey = read_picture(path), read_picture(path, grey=True)
    assert colour.GetSize() == (9, 6, 1) and colour.GetSpacing() == (1, 1, 1) and picture_grid(path).size == (9, 6, 1)
    assert np.array_equal(sitk.GetArrayFromImage(colour)[0], COLOURS)
    assert grey.GetNumberOfComponentsPerPixel() == 1
    luminance = COLOURS @ np.array([0.299, 0.587, 0.114])
    assert np.abs(sitk.GetArrayFromImage(grey)[0] - luminance).max() <= 1


def test_a_grey_picture_is_grey_unless_colours_are_wanted(tmp_path):
    path = saved(tmp_path / "a.jpg", np.tile(np.arange(0, 240, 10, dtype=np.uint8), (20, 1)))
    assert read_picture(path).GetNumberOfComponentsPerPixel() == 1
    colour = sitk.GetArrayFromImage(read_picture(path, grey=False))
    assert colour.shape == (1, 20, 24, 3) and (colour == colour[..., :1]).all()


def test_a_cameras_turn_is_followed(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    path = saved(tmp_path / "a.jpg", np.repeat(COLOURS, 8, axis=0), exif=exif)
    assert read_picture(path).GetSize() == (48, 9, 1) == picture_grid(path).size


def deep_colours(path):
    """A PNG of colours with 16 bits a channel, which Pillow reads as 8 without a word."""
    sitk.WriteImage(sitk.GetImageFromArray(COLOURS.astype(np.uint16) * 200, isVector=True), str(path))
    return path


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda p: p, UnreadableFile, "no such file"),
        (lambda p: p.write_bytes(b"") or p, UnreadableFile, "it is an empty file"),
        (lambda p: p.write_bytes(b"nonsense" * 9) and p, UnreadableFile, "its content is no picture"),
        (lambda p: deep_colours(p), InputError, "16 bits a channel; convert it to 8"),
        (lambda p: saved(p, np.arange(54, dtype=np.uint16).reshape(6, 9)), InputError, "16 bits a channel"),
        (lambda p: saved(p, np.full((6, 9), 40, np.uint8)), InputError, "every pixel is 40; the picture is empty"),
        (lambda p: saved(p, np.dstack([COLOURS, COLOURS[..., 0]])), InputError, "transparent pixels"),
    ],
)  # fmt: skip
def test_what_is_refused_is_said_in_one_line_with_the_file(tmp_path, make, kind, message):
    path = make(tmp_path / "a.png")
    with pytest.raises(kind, match=message) as caught:
        read_picture(path)
    assert "a.png" in caught.value.message and "\n" not in caught.value.message


def test_a_truncated_picture_and_several_in_one_file_are_refused(tmp_path):
    path = saved(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UnreadableFile, match=r"a\.png: is truncated or damaged"):
        read_picture(path)
    many = tmp_path / "a.tif"
    pages = [Image.fromarray(COLOURS), Image.fromarray(COLOURS)]
    pages[0].save(many, save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match="holds 2 pictures; give one a file"):
        read_picture(many)


def test_an_opaque_alpha_channel_says_nothing(tmp_path):
    path = saved(tmp_path / "a.png", np.dstack([COLOURS, np.full((6, 9), 255, np.uint8)]))
    assert np.array_equal(sitk.GetArrayFromImage(read_picture(path))[0], COLOURS)


def test_a_painted_mask_is_inside_above_127_and_labels_stay_labels(tmp_path):
    painted = np.array([[0, 1, 127, 128, 254, 255, 60, 200, 90]], np.uint8)
    found = sitk.GetArrayFromImage(read_picture_mask(saved(tmp_path / "m.png", painted)))
    assert found.tolist() == [[[0, 0, 0, 1, 1, 1, 0, 1, 0]]]
    labels = np.array([[0, 1, 2, 127, 3]], np.uint8)
    assert sitk.GetArrayFromImage(read_image(saved(tmp_path / "l.png", labels), what="truth")).tolist() == [
        labels.tolist()
    ]
    palette = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    palette.save(tmp_path / "p.png")
    assert sitk.GetArrayFromImage(read_picture_mask(tmp_path / "p.png")).tolist() == [[[0, 1, 2]]]


def test_a_mask_that_cannot_be_understood_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds the values 1, 2, 255; give labels from 1 to 127"):
        read_picture_mask(saved(tmp_path / "m.png", np.array([[0, 1, 2, 255]], np.uint8)))
    with pytest.raises(InputError, match="a mask in colours"):
        read_picture_mask(saved(tmp_path / "c.png", COLOURS))


def test_a_volumes_reader_takes_no_picture(tmp_path):
    with pytest.raises(InputError, match=r"a\.png: not an image"):
        read_image(saved(tmp_path / "a.png", COLOURS))


def test_a_label_picture_comes_back_the_same(tmp_path):
    labels = sitk.GetImageFromArray(np.array([[[0, 1, 2], [3, 0, 120]]], np.uint8))
    write_label_picture(labels, tmp_path / "new" / "l.png")
    assert np.array_equal(
        sitk.GetArrayFromImage(read_picture_mask(tmp_path / "new" / "l.png")), sitk.GetArrayFromImage(labels)
    )
    with pytest.raises(InputError, match="holds the labels of one picture"):
        write_label_picture(sitk.GetImageFromArray(np.zeros((2, 3, 4), np.uint8)), tmp_path / "v.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(StorageError):
        write_label_picture(labels, tmp_path / "folder.png")
