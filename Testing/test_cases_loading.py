"""Loading a case: what must fit together, and one line where it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_imaging_dicom import write_series

from TransferSegLib.cases import (
    case_from_files,
    check_truth_values,
    load_case,
    open_case,
    truth_values,
)
from TransferSegLib.errors import Cancelled, InputError
from TransferSegLib.events import Events
from TransferSegLib.imaging import Grid, from_array, read_image, resample, to_array, write_image

RNG = np.random.default_rng(0)
GRID = Grid((10, 11, 12), (1, 1, 2), (3, 4, 5))


def save(path: Path, grid: Grid = GRID, array: np.ndarray | None = None) -> Path:
    array = RNG.integers(1, 99, grid.shape).astype(np.int16) if array is None else array
    write_image(from_array(array, grid), path)
    return path


def labels(*values: int) -> np.ndarray:
    array = np.zeros(GRID.shape, np.uint8)
    for n, value in enumerate(values):
        array[n + 1, 2:5, 3] = value
    return array


def test_real_ms_patient(data_folder):
    events: list[dict] = []
    case = open_case(data_folder / "ms_open_ms_data" / "patient07")
    loaded = load_case(case, with_truth=True, events=Events(events.append))
    assert loaded.reference_role == "flair" and loaded.reference.size == (182, 218, 182)
    assert not [event for event in events if event["event"] == "message"]
    assert Grid.of(loaded.truth) == loaded.reference and truth_values(loaded.truth) == [0, 1]
    assert to_array(loaded.truth).sum() * loaded.reference.voxel_ml == pytest.approx(1.3, abs=0.05)
    assert load_case(case, roles=["t1"], reference_role="t2").reference_role == "t2"


def test_images_keep_their_own_grids(data_folder):
    loaded = load_case(open_case(data_folder / "petct_ibsi_sts" / "STS_003"), with_truth=True, pet_unit="suv")
    assert loaded.reference_role == "pet" and loaded.reference == Grid.of(loaded.images["pet"])
    assert loaded.images["ct"].GetSize() != loaded.images["pet"].GetSize()


def test_no_overlap_in_space(tmp_path):
    paths = {
        "flair": save(tmp_path / "a.nii.gz"),
        "t1": save(tmp_path / "b.nii.gz", Grid(GRID.size, GRID.spacing, (200, 4, 5))),
    }
    with pytest.raises(InputError, match=r"b.nii.gz: does not overlap in space with .*a.nii.gz \(0 % shared\); "):
        load_case(case_from_files(paths))
    save(paths["t1"], Grid(GRID.size, GRID.spacing, (9, 4, 5)))
    events: list[dict] = []
    load_case(case_from_files(paths), events=Events(events.append))
    assert "shares only 4" in next(event["text"] for event in events if event["event"] == "message")


def test_different_frames_of_reference(tmp_path):
    voxels = RNG.integers(0, 900, (5, 6, 7))
    write_series(tmp_path / "a", voxels, frame="1.2.3")
    write_series(tmp_path / "b", voxels, frame="1.2.4", origin=(500, 0, 0))
    case = case_from_files({"t1": tmp_path / "a", "t2": tmp_path / "b"})
    with pytest.raises(InputError, match=r"b: another DICOM frame of reference than .*a; .*--register"):
        load_case(case)
    assert set(load_case(case, allow_different_frames=True).images) == {"t1", "t2"}
    same = write_series(tmp_path / "c", voxels, frame="1.2.3")
    load_case(case_from_files({"t1": tmp_path / "a", "t2": same[0]}))


def test_missing_role(tmp_path):
    case = case_from_files({"t1": save(tmp_path / "a.nii.gz")}, id="k")
    for options in ({"roles": ["t1", "t2"]}, {"reference_role": "t2"}):
        with pytest.raises(InputError, match="k: no image for role t2; say --image t2=FILE"):
            load_case(case, **options)


def test_truth_on_another_grid(tmp_path):
    image = save(tmp_path / "a.nii.gz")
    for other in (
        Grid(GRID.size, GRID.spacing, (4, 4, 5)),
        Grid(GRID.size, (1, 1, 2.1), GRID.origin),
        GRID.cropped((0, 0, 0), (10, 11, 11)),
    ):
        truth = save(tmp_path / "seg.nii.gz", other, np.ones(other.shape, np.uint8))
        with pytest.raises(InputError, match=r"seg.nii.gz: its grid .* is not that of .*a.nii.gz .*; resample"):
            load_case(case_from_files({"t1": image}, truth=truth), with_truth=True)
        load_case(case_from_files({"t1": image}, truth=truth))  # not asked for, not read


def test_truth_with_axes_in_another_order_is_put_right(tmp_path):
    image, array = save(tmp_path / "a.nrrd"), labels(3, 5)
    turned = resample(from_array(array, GRID), GRID.reoriented("RSA"), interpolation="nearest")
    write_image(turned, tmp_path / "seg.nrrd")
    loaded = load_case(case_from_files({"t1": image}, truth=tmp_path / "seg.nrrd"), with_truth=True)
    assert Grid.of(loaded.truth) == loaded.reference and np.array_equal(to_array(loaded.truth), array)


def test_truth_values(tmp_path):
    image = save(tmp_path / "a.nii.gz")
    for array, word in ((labels(1).astype(np.int16) - 1, "from -1 to 0"), (labels(1).astype(np.int16) * 300, "to 300")):
        truth = save(tmp_path / "seg.nii.gz", array=array)
        with pytest.raises(InputError, match=word):
            load_case(case_from_files({"t1": image}, truth=truth), with_truth=True)
    truth = save(tmp_path / "seg.nii.gz", array=labels(1).astype(np.float32) / 2)
    with pytest.raises(InputError, match=r"0.5"):
        load_case(case_from_files({"t1": image}, truth=truth), with_truth=True)
    truth = save(tmp_path / "seg.nii.gz", array=labels(1, 7))
    known = read_image(truth, what="truth")
    check_truth_values(known, {1: "tumour", 7: "scar"}, truth)
    with pytest.raises(InputError, match=r"seg.nii.gz: its truth holds the value 7 that no label has \(1 = tumour\); "):
        check_truth_values(known, {1: "tumour"}, truth)


def test_cancel_is_heeded(tmp_path):
    events = Events()
    events.cancel()
    with pytest.raises(Cancelled):
        load_case(case_from_files({"t1": save(tmp_path / "a.nii.gz")}), events=events)
