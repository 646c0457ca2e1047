"""Pictures and pages: right side up, in the right place, on real cases, and without a window."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.errors import InputError, StorageError
from TransferSegLib.imaging import read_image
from TransferSegLib.reporting import (
    Table,
    blocks_figure,
    curves_figure,
    overlay_figure,
    save_blocks,
    save_curves,
    save_overlay,
    write_report,
)
from TransferSegLib.reporting.slices import orthogonal_slices

GROUPS = [
    *(("stem", 436, True), ("enc1", 872, True), ("enc2", 3472, True), ("enc3", 13856, True)),
    *(("bottleneck", 55361, False), ("dec4", 41489, False), ("dec3", 7000, False)),
    *(("dec2", 2200, False), ("dec1", 543, False), ("head", 0, False)),
]
ROWS = [
    {"epoch": str(epoch), "loss": str(2.0 / epoch), "validation_dice": "" if epoch % 2 else str(epoch / 30)}
    for epoch in range(1, 21)
]


def _head(orientation: str = "LPS") -> tuple[sitk.Image, sitk.Image]:
    """A grey box with a label at the patient's front, right and top, stored in any orientation."""
    grey = np.zeros((40, 50, 60), np.float32)
    grey[5:35, 5:45, 5:55] = 100
    grey += np.linspace(0, 1, 60, dtype=np.float32)
    label = np.zeros(grey.shape, np.uint8)
    label[28:32, 8:14, 10:18] = 1  # k up: to the top; j low: to the front; i low: to the right
    images = []
    for array in (grey, label):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((1.0, 2.0, 3.0))
        image.SetOrigin((-30, -50, -60))
        images.append(sitk.DICOMOrient(image, orientation))
    return images[0], images[1]


def _centre(mask: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return rows.mean() / mask.shape[0], columns.mean() / mask.shape[1]


@pytest.mark.parametrize("orientation", ["LPS", "RAS", "SPL", "AIR"])
def test_right_is_left_and_top_is_up_in_every_orientation(orientation: str) -> None:
    axial, coronal, sagittal = orthogonal_slices(*_head(orientation), None, values=[1])
    assert [cut.name for cut in (axial, coronal, sagittal)] == ["axial", "coronal", "sagittal"]
    assert (axial.sides, coronal.sides, sagittal.sides) == (tuple("RLAP"), tuple("RLSI"), tuple("APSI"))
    for cut in (axial, coronal, sagittal):
        row, column = _centre(cut.labels == 1)
        assert row < 0.5 and column < 0.5, cut.name
    assert axial.size_mm == pytest.approx((axial.grey.shape[1] * 1.0, axial.grey.shape[0] * 2.0))
    assert coronal.size_mm == pytest.approx((coronal.grey.shape[1] * 1.0, coronal.grey.shape[0] * 3.0))
    assert sagittal.size_mm == pytest.approx((sagittal.grey.shape[1] * 2.0, sagittal.grey.shape[0] * 3.0))
    assert -60 + 3 * 28 <= axial.position_mm <= -60 + 3 * 31
    assert -50 + 2 * 8 <= coronal.position_mm <= -50 + 2 * 13


def test_slices_go_through_the_largest_extent() -> None:
    image, labels = _head()
    array = sitk.GetArrayFromImage(labels)
    array[20, 20:40, 20:50] = 2
    more = sitk.GetImageFromArray(array)
    more.CopyInformation(labels)
    assert orthogonal_slices(image, more, None, values=[1, 2])[0].position_mm == -60 + 3 * 20
    ignored = orthogonal_slices(image, more, None, values=[1])[0]
    assert ignored.position_mm >= -60 + 3 * 28 and set(np.unique(ignored.labels)) == {0, 1}


def test_the_picture_is_painted_where_the_label_is() -> None:
    image, labels = _head()
    figure = overlay_figure(image, labels, names={1: "lesion"}, colours={1: "#FF0000"}, title="head")
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba()).astype(int)[..., :3]
    red = (pixels[..., 0] - pixels[..., 1:].max(-1)) > 60
    width, height = figure.get_size_inches() * figure.dpi
    for axes in figure.axes:
        x0, y0, x1, y1 = axes.get_position().extents * np.array([width, height, width, height])
        row, column = _centre(red[int(height - y1) : int(height - y0), int(x0) : int(x1)])
        assert row < 0.5 and column < 0.5
        across = abs(np.diff(axes.get_xlim())[0]) / (x1 - x0)
        down = abs(np.diff(axes.get_ylim())[0]) / (y1 - y0)
        assert across == pytest.approx(down, rel=1e-3), "a millimetre is as long across as down"
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [f"lesion {4 * 6 * 8 * 6 / 1000:.1f} ml"]


def test_labels_on_another_grid_are_refused() -> None:
    image, labels = _head()
    labels.SetOrigin((-30, -50, -57))
    with pytest.raises(InputError, match="labels: they lie on another grid"):
        overlay_figure(image, labels, names={1: "lesion"})


def test_a_case_without_lesions_is_drawn_too(tmp_path: Path) -> None:
    image, labels = _head()
    path = save_overlay(tmp_path / "empty.png", image, labels * 0, names={1: "lesion"}, truth=labels)
    assert path.stat().st_size > 5000
    constant = sitk.Image(image.GetSize(), sitk.sitkFloat32)
    constant.CopyInformation(image)
    overlay_figure(constant, labels * 0, names={1: "lesion"})


def test_real_lesions(tmp_path: Path, data_folder: Path) -> None:
    folder = data_folder / "ms_open_ms_data" / "patient19"
    image = read_image(folder / "FLAIR.nii.gz")
    truth = sitk.Cast(read_image(folder / "GOLD_STANDARD.nii.gz", what="truth") > 0, sitk.sitkUInt8)
    figure = overlay_figure(image, truth, names={1: "lesion"}, truth=truth)
    assert figure.legends[0].get_texts()[0].get_text() == "lesion 49.8 ml (truth 49.8 ml)"
    path = save_overlay(tmp_path / "patient19.png", image, truth, names={1: "lesion"})
    assert path.read_bytes()[:4] == b"\x89PNG" and path.stat().st_size > 100_000


def test_curves_take_the_lines_of_a_csv_file(tmp_path: Path) -> None:
    figure = curves_figure(ROWS)
    loss, dice = (axes.lines[0].get_xydata() for axes in figure.axes)
    assert loss[:, 0].tolist() == list(range(1, 21)) and loss[0, 1] == 2.0
    assert dice[:, 0].tolist() == list(range(2, 21, 2))
    assert any("best (ringed): 0.667 after epoch 20" in text.get_text() for text in figure.axes[1].texts)
    assert len(curves_figure([{"epoch": 1, "loss": 0.5}]).axes) == 1
    assert save_curves(tmp_path / "none.png", []).stat().st_size > 1000


def test_blocks_show_names_counts_and_what_is_frozen(tmp_path: Path) -> None:
    figure = blocks_figure(GROUPS, title="freeze-encoder")
    texts = [text.get_text() for text in [*figure.axes[0].texts, *figure.texts]]
    assert "stem, frozen" in texts and "bottleneck" in texts and "55,361 · 44.2 %" in texts
    assert not any("head" in text for text in texts), "a group without parameters is not drawn"
    assert "125,229 parameters, 106,593 learn, 18,636 frozen (14.9 %)" in texts
    column = [("stem", 10, False), ("enc1", 20, True), ("head", 5, False)]
    assert save_blocks(tmp_path / "column.png", column).stat().st_size > 3000


def test_a_report_has_its_pages_and_its_words(tmp_path: Path) -> None:
    rows = tuple((f"case{place}", "lesion", 0.1, 0.2) for place in range(90))
    path = write_report(
        tmp_path / "report.pdf",
        title="Training",
        facts=[("Model", "brain-unet-phantom"), ("Data", "many words " * 30)],
        tables=[Table("Dice", ("case", "label", "before", "after"), rows)],
        figures=[curves_figure(ROWS), blocks_figure(GROUPS)],
        verdict="better on 2 of 3 held-out cases: mean Dice 0.61 → 0.74",
    )
    content = path.read_bytes()
    assert content[:5] == b"%PDF-" and content.rstrip().endswith(b"%%EOF")
    assert content.count(b"/Type /Page ") + content.count(b"/Type /Page\n") == 3 + 2


@pytest.mark.parametrize("make", ["overlay", "curves", "report"])
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, make: str) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "out.pdf"
    with pytest.raises(StorageError, match=r"out\.pdf"):
        if make == "overlay":
            save_overlay(path, *_head(), names={1: "lesion"})
        elif make == "curves":
            save_curves(path, ROWS)
        else:
            write_report(path, title="x", facts=[])
    assert os.listdir(tmp_path) == ["file"]


def test_no_pyplot_no_window_and_no_torch() -> None:
    script = (
        "import sys, TransferSegLib.reporting as r\n"
        "r.curves_figure([{'epoch': 1, 'loss': 1.0}]).canvas.draw()\n"
        "print(sorted({'matplotlib.pyplot', 'torch', 'tkinter', 'monai'} & set(sys.modules)))"
    )
    project = str(Path(__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=project, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


def test_a_picture_fills_its_figure_and_one_slice_of_a_scan_keeps_its_sides() -> None:
    image, labels = (sitk.GetImageFromArray(np.zeros((1, 40, 40), kind)) for kind in (np.float32, np.uint8))
    image[5, 5, 0], labels[5, 5, 0] = 1.0, 1
    figure = overlay_figure(image, labels, names={1: "tissue"})
    assert [axes.get_title() for axes in figure.axes] == ["picture"] and figure.get_figwidth() < 9
    assert figure.legends[0].get_texts()[0].get_text() == "tissue 1 pixels"
    for part in (image, labels):
        part.SetSpacing((0.7, 0.7, 5.0))
    cuts = orthogonal_slices(image, labels, None, values=[1])
    assert [cut.name for cut in cuts] == ["axial", "coronal", "sagittal"] and cuts[0].sides[0] == "R"
    assert overlay_figure(image, labels, names={1: "tissue"}).legends[0].get_texts()[0].get_text().endswith("ml")
