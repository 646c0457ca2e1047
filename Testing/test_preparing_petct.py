"""PET and CT to the five channels: windows, physical space, aliasing, the PET's own grid again, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.cases import Case, LoadedCase, case_from_files, load_case, open_case
from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.imaging import Grid, from_array
from TransferSegLib.packages import PETCT, PETCT_ROLES, input_channels
from TransferSegLib.packages.inputs import PETCT_CHANNELS
from TransferSegLib.preparing import PreparationOptions, prepare_petct, restore_labels
from TransferSegLib.preparing.petct import CHANNEL_NAMES, CHANNELS, ROLES, channels, ct_on

PET_GRID = Grid((20, 22, 24), (4.0, 4.0, 3.0), (-40.0, -44.0, 10.0))
CT_GRID = Grid((80, 88, 24), (1.0, 1.0, 3.0), (-41.5, -45.5, 10.0))


def ball(grid: Grid, centre: tuple, radius: float) -> np.ndarray:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.size], indexing="ij"), -1).reshape(-1, 3)
    inside = np.linalg.norm(grid.points(index) - np.array(centre), axis=1) <= radius
    return inside.reshape(grid.size).transpose(2, 1, 0)


# One voxel, as interpolation or noise leaves it below 0.
CORNER = np.zeros(CT_GRID.shape)
CORNER[0, 0, 0] = 1


def made(*, suv=None, hu=None, pet_grid=PET_GRID, ct_grid=CT_GRID, truth=None) -> LoadedCase:
    if hu is None:
        hu = np.where(ball(ct_grid, (0, 0, 45), 30), 40.0, -1000.0)
    if suv is None:
        suv = np.where(ball(pet_grid, (0, 0, 45), 30), 1.0, 0.0) + 9.0 * ball(pet_grid, (8, 0, 45), 7)
    images = {"pet": from_array(suv.astype(np.float32), pet_grid), "ct": from_array(hu.astype(np.int16), ct_grid)}
    case = Case("a", "a", {role: f"{role}.nii.gz" for role in images})
    truth = None if truth is None else from_array(truth.astype(np.uint8), pet_grid)
    return LoadedCase(case, images, pet_grid, "pet", truth)


def test_the_five_windows_are_those_of_the_method_sheet():
    suv = np.array([-1.0, 0, 2, 6, 10, 30, 50], np.float32)[:, None, None]
    hu = np.array([-1024.0, -1000, -200, -150, 0, 100, 300], np.float32)[:, None, None]
    found = channels(suv, hu)[:, :, 0, 0]
    expected = [
        [0, 0, 0, 0, 150 / 450, 250 / 450, 1],
        [0, 0, 2 / 30, 0.2, 10 / 30, 1, 1],
        [0, 0, 1, 1, 1, 1, 1],
        [0, 0, 0, 0, 0.5, 1, 1],
        [0, 0, 0, 0.5, 1, 1, 1],
    ]
    np.testing.assert_allclose(found, np.array(expected, np.float32), atol=1e-6)
    assert len(CHANNELS) == len(CHANNEL_NAMES) == PETCT_CHANNELS == input_channels(PETCT, ["ct", "pet"])
    assert ROLES == PETCT_ROLES and input_channels(PETCT, ["pet"]) is None and input_channels("none", ["t1"]) == 1


def test_the_result_comes_back_on_the_pets_own_grid_exactly():
    lesion = ball(PET_GRID, (8, 0, 45), 7)
    loaded = made(truth=lesion)
    own = prepare_petct(loaded, spacing=None)
    assert own.array.shape[0] == 5 and own.array.min() >= 0 and own.array.max() <= 1
    back = restore_labels(own.truth, own)
    assert Grid.of(back) == PET_GRID and np.array_equal(sitk.GetArrayFromImage(back) > 0, lesion)
    coarse = prepare_petct(loaded, spacing=(6.0, 6.0, 6.0))
    assert coarse.grid.spacing == (6.0, 6.0, 6.0) and coarse.mask.any()
    again = restore_labels(coarse.truth, coarse)
    assert Grid.of(again) == PET_GRID
    found = sitk.GetArrayFromImage(again) > 0
    assert 2 * (found & lesion).sum() / (found.sum() + lesion.sum()) > 0.7


def test_turned_and_flipped_grids_give_the_same_channels():
    plain = prepare_petct(made(), spacing=None)
    loaded = made()
    turned = {role: sitk.DICOMOrient(image, "RAS" if role == "pet" else "SPL") for role, image in loaded.images.items()}
    other = LoadedCase(loaded.case, turned, Grid.of(turned["pet"]), "pet")
    found = prepare_petct(other, spacing=None)
    assert found.grid.same_as(plain.grid)
    np.testing.assert_allclose(found.array, plain.array, atol=1e-4)


def test_fine_detail_of_the_ct_is_averaged_not_aliased():
    """Stripes of one voxel, far finer than the PET's: plain linear sampling keeps them, ours gives their mean."""
    stripes = np.zeros(CT_GRID.shape)
    stripes[:, :, ::2] = 200
    ct = from_array(stripes.astype(np.float32), CT_GRID)
    inner = (slice(4, -4),) * 3
    assert np.abs(ct_on(ct, PET_GRID)[inner] - 100).max() < 3
    moved = Grid(PET_GRID.size, PET_GRID.spacing, (-39.5, -44.0, 10.0))
    plain = sitk.GetArrayFromImage(sitk.Resample(ct, list(moved.size), sitk.Transform(), sitk.sitkLinear, moved.origin,
                                                 moved.spacing, moved.direction))  # fmt: skip
    assert np.abs(plain[inner] - 100).max() > 50
    # A smooth ramp keeps its place and height.
    ramp = from_array(np.broadcast_to(np.arange(80.0), CT_GRID.shape).astype(np.float32), CT_GRID)
    expected = PET_GRID.points([(i, 11, 12) for i in range(20)])[:, 0] + 41.5
    np.testing.assert_allclose(ct_on(ramp, PET_GRID)[12, 11, 4:-4], expected[4:-4], atol=0.3)


def test_beyond_the_ct_is_air_and_the_pet_still_shows_the_body():
    small = Grid((30, 30, 24), (1.0, 1.0, 3.0), (-41.5, -45.5, 10.0))
    hu = np.full(small.shape, 40.0)
    hu[0] = -100
    found = prepare_petct(made(hu=hu, ct_grid=small), spacing=None)
    far = found.array[:, found.array.shape[1] // 2, -4, -4]
    assert not far[[0, 2, 3]].any() and found.mask[found.mask.shape[0] // 2, found.mask.shape[1] // 2].any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suv": np.where(ball(PET_GRID, (0, 0, 45), 30), 40.0, -1000.0)}, "as a CT has HU"),
        ({"hu": np.where(ball(CT_GRID, (0, 0, 45), 30), 3.0, 0.0)}, "so it is no CT of a body"),
        ({"hu": np.where(ball(CT_GRID, (0, 0, 45), 30), 3.0, 0.0) - 900 * CORNER}, "ct.nii.gz: values from -900 to 3"),
        ({"suv": np.where(ball(PET_GRID, (0, 0, 45), 30), 10_000.0, 0.0)}, "which no uptake reaches"),
        ({"suv": np.zeros(PET_GRID.shape), "hu": np.full(CT_GRID.shape, -1000.0)}, "neither PET nor CT shows a body"),
    ],
)
def test_images_that_are_not_what_they_are_called(change, message):
    with pytest.raises(InputError, match=message) as caught:
        prepare_petct(made(**change))
    assert "\n" not in caught.value.message


def test_a_pet_with_a_negative_voxel_is_refused_as_the_ct_by_every_door(tmp_path):
    """The rule is that of `tmtv`: training and `segment` take the case through this preparation."""
    case = write(tmp_path / "a")
    pet = sitk.ReadImage(str(case.images["pet"]))
    pet[0, 0, 0] = -150.0
    sitk.WriteImage(pet, str(case.images["ct"]))
    with pytest.raises(InputError, match="were --pet and --ct swapped") as caught:
        prepare_petct(load_case(case))
    assert "CT.nii.gz" in caught.value.message and "\n" not in caught.value.message
    sitk.WriteImage(made().images["ct"], str(case.images["ct"]))
    (tmp_path / "a" / "CT.json").write_text('{"Modality": "PT"}')
    with pytest.raises(InputError, match="its modality is PT"):
        prepare_petct(load_case(case))


def test_registration_has_no_meaning_here():
    with pytest.raises(UsageError, match="by their headers"):
        prepare_petct(made(), options=PreparationOptions(register="on"))


def write(folder, *, unit: str | None = "suv", pet_grid=PET_GRID, ct_grid=CT_GRID):
    loaded = made(pet_grid=pet_grid, ct_grid=ct_grid)
    folder.mkdir()
    sitk.WriteImage(loaded.images["pet"], str(folder / "PET.nii.gz"))
    sitk.WriteImage(loaded.images["ct"], str(folder / "CT.nii.gz"))
    if unit:
        (folder / "PET.json").write_text(f'{{"Units": "{unit}"}}')
    return case_from_files({"pet": folder / "PET.nii.gz", "ct": folder / "CT.nii.gz"})


def test_the_unit_comes_from_a_sidecar_or_the_user_and_is_never_guessed(tmp_path):
    assert load_case(write(tmp_path / "a")).pet.stated_by == "sidecar"
    unknown = write(tmp_path / "b", unit=None)
    with pytest.raises(InputError, match="--pet-unit"):
        load_case(unknown)
    stated = load_case(unknown, pet_unit="suv")
    assert stated.pet.stated_by == "user" and stated.reference == Grid.of(stated.images["pet"])
    assert "stated by: user" in str(prepare_petct(stated).steps[0])
    with pytest.raises(UsageError, match="--pet-unit"):
        PreparationOptions(pet_unit="counts")


def test_disjoint_fields_of_view_are_refused(tmp_path):
    far = Grid(CT_GRID.size, CT_GRID.spacing, (900.0, -45.5, 10.0))
    loaded = made()
    case = write(tmp_path / "a")
    sitk.WriteImage(from_array(sitk.GetArrayFromImage(loaded.images["ct"]), far), str(tmp_path / "a" / "CT.nii.gz"))
    with pytest.raises(InputError, match="does not overlap in space"):
        load_case(case)


def test_a_real_sarcoma(data_folder):
    """Roles, the PET's own mask as the truth, grids of their own, five channels, and the way back."""
    case = open_case(data_folder / "petct_ibsi_sts" / "STS_003")
    assert case.truth.name == "PET_mask.nii.gz" and set(case.roles) == {"ct", "pet"}
    loaded = load_case(case, with_truth=True, pet_unit="suv")
    prepared = prepare_petct(loaded, spacing=(4.0, 4.0, 4.0))
    truth = sitk.GetArrayFromImage(loaded.truth) > 0
    lesion = prepared.truth > 0
    assert prepared.array[4][lesion].mean() > 3 * prepared.array[4][~lesion].mean()  # hot where the truth is
    assert 0.4 < prepared.array[3][lesion].mean() < 0.95  # soft tissue in the CT
    found = sitk.GetArrayFromImage(restore_labels(prepared.truth, prepared)) > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.95
