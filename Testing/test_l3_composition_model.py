"""``l3 --composition-model``: the model's label map is measured, on the scan's grid, as the tissues it names."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from helpers_cli import call
from helpers_level import level_card

from TransferSegLib.jobs.l3 import find_l3
from TransferSegLib.jobs.predict import Model
from TransferSegLib.measuring.body_composition import body_composition
from TransferSegLib.networks import build_network, state_to_save
from TransferSegLib.packages import Card, Label, write_package

# The values and channels of the model are not those of the tissues, and it knows one label more.
LABELS = (
    Label(7, "Visceral fat", 1),
    Label(2, "bone", 2),
    Label(5, "Skeletal muscle", 3),
    Label(9, "intermuscular_fat", 4),
    Label(4, "subcutaneous_fat", 5),
)
TISSUE_OF_CHANNEL = {1: 3, 2: 0, 3: 1, 4: 4, 5: 2}
UNET = {"channels": [4, 8], "strides": [2], "num_res_units": 0}


class ByHu(torch.nn.Module):
    """Muscle, fat before and behind a plane of the array, bone: what a trained model would know, by thresholds."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fat, muscle, bone = (x > -190) & (x < -30), (x > -29) & (x < 150), x >= 150
        left = torch.arange(x.shape[-1]).expand_as(x) % 8 < 4
        background = ~(fat | muscle | bone)
        return torch.cat(
            [background, fat & left, bone, muscle, fat & ~left & (x > -80), fat & ~left & (x <= -80)], 1
        ).float()


def card(**change) -> Card:
    values = {
        "name": "tissues",
        "description": "made in a test",
        "roles": ("ct",),
        "labels": LABELS,
        "network": "unet",
        "in_channels": 1,
        "out_channels": 6,
        "arguments": UNET,
        "spacing": (3.0, 3.0, 4.0),
        "window": (32, 32, 16),
        "normalisation": "none",
    }
    return Card(**values | change)


@pytest.fixture(scope="module")
def level_model():
    return Model(level_card(), build_network("l3-cnn4", 1, 1, {"rows": 100, "width": 512}).eval())


@pytest.fixture(scope="module")
def ct() -> sitk.Image:
    """A trunk of fat with muscle within and a bone behind, off the middle, 3 x 3 x 4 mm, off the origin."""
    k, j, i = np.mgrid[:40, :70, :90]
    apart = ((j - 34) / 28.0) ** 2 + ((i - 40) / 38.0) ** 2
    hu = np.where(apart < 1, -100, -1000)
    hu[(apart < 0.7) & (apart > 0.2)] = 55
    hu[apart <= 0.2] = -60
    bone = (np.abs(j - 52) < 4) & (np.abs(i - 40) < 5)
    hu[bone] = (400 + (7 * i + 13 * j + 29 * k) % 400)[bone]  # uneven: one value would look cut off by a grey window
    hu[k < 3] = np.where(hu == -1000, -1000, 20)[k < 3]
    image = sitk.GetImageFromArray(hu.astype(np.int16))
    image.SetSpacing((3.0, 3.0, 4.0))
    image.SetOrigin((-130.5, -99.0, 512.0))
    return image


def placed(ct: sitk.Image, orientation: str) -> sitk.Image:
    """The same patient with other axes."""
    return ct if orientation == "LPS" else sitk.DICOMOrient(ct, orientation)


@pytest.mark.parametrize("orientation", ["LPS", "RAS", "SPL"])
def test_the_models_label_map_is_measured_on_the_scans_grid(ct, level_model, tmp_path, orientation):
    image = placed(ct, orientation)
    axis, index = orientation.index("S"), 11
    sitk.WriteImage(image, str(tmp_path / "ct.nrrd"))
    value = find_l3(
        ct=tmp_path / "ct.nrrd",
        model=level_model,
        slice_index=index,
        composition_model=Model(card(), ByHu()),
        composition=tmp_path / "labels.nrrd",
        height_m=1.8,
    )
    labels = sitk.ReadImage(str(tmp_path / "labels.nrrd"))
    for got, wanted in (
        (labels.GetSize(), image.GetSize()),
        (labels.GetOrigin(), image.GetOrigin()),
        (labels.GetDirection(), image.GetDirection()),
        (labels.GetSpacing(), image.GetSpacing()),
    ):
        assert got == pytest.approx(wanted)
    # As the model sees it: card axes, LPS; the plane by columns is that of its own array.
    found, hu = (np.moveaxis(sitk.GetArrayFromImage(part), 2 - axis, 0) for part in (labels, image))
    assert not np.delete(found, index, axis=0).any()
    plane, hu = found[index], hu[index]
    assert (plane[(hu > -29) & (hu < 150)] == 1).all() and not plane[hu >= 150].any() and not plane[hu < -500].any()
    fat = plane[(hu == -100) | (hu == -60)]
    assert {int(v) for v in np.unique(fat)} == {2, 3, 4}
    assert {int(v) for v in np.unique(plane[hu == -100])} == {2, 3}
    assert {int(v) for v in np.unique(plane[hu == -60])} == {3, 4}
    spacing = [step for number, step in enumerate(image.GetSpacing()) if number != axis]
    measured = body_composition(plane, hu.astype(np.float32), spacing, 1.8)
    assert value["areas_cm2"] == {name: round(area, 2) for name, area in measured["areas_cm2"].items()}
    assert value["muscle_density_hu"] == pytest.approx(55, abs=0.01)
    assert value["skeletal_muscle_index"] == round(measured["skeletal_muscle_index"], 2)


def test_a_coarser_model_comes_back_to_the_scans_voxels(ct, level_model, tmp_path):
    sitk.WriteImage(ct, str(tmp_path / "ct.nrrd"))
    model = Model(card(spacing=(5.0, 5.0, 8.0), orientation="RAS"), ByHu())
    value = find_l3(ct=tmp_path / "ct.nrrd", model=level_model, slice_index=20, composition_model=model)
    rules = float(np.count_nonzero(sitk.GetArrayViewFromImage(ct)[20] == 55)) * 0.09
    assert value["areas_cm2"]["skeletal_muscle"] == pytest.approx(rules, rel=0.1)


def test_a_package_with_weights_is_opened_and_run(capsys, ct, level_model, tmp_path):
    sitk.WriteImage(ct, str(tmp_path / "ct.nrrd"))
    level = write_package(tmp_path / "level", level_model.card, level_model.module.state_dict()).folder
    network = build_network("unet", 1, 6, UNET)
    with torch.no_grad():  # whatever it sees it calls muscle
        bias = [p for name, p in network.named_parameters() if name.endswith("bias") and p.shape == (6,)][-1]
        bias.copy_(torch.tensor([0.0, 0, 0, 1e4, 0, 0]))
    tissues = write_package(tmp_path / "tissues", card(), state_to_save("unet", network)).folder
    command = ("l3", tmp_path / "ct.nrrd", "--model", level, "--slice", "20", "--composition-model", tissues, "--json")
    answer = call(capsys, *command)
    assert answer.code == 0, answer.err
    areas = answer.value["areas_cm2"]
    muscle = np.count_nonzero(sitk.GetArrayViewFromImage(ct)[20] == 55) * 0.09
    assert areas["skeletal_muscle"] == pytest.approx(muscle, abs=0.1)  # of what it calls muscle, what has its HU
    assert areas["visceral_fat"] == areas["subcutaneous_fat"] == 0


def test_a_model_that_lacks_a_tissue_is_refused(ct, level_model, tmp_path):
    from TransferSegLib.errors import UsageError

    sitk.WriteImage(ct, str(tmp_path / "ct.nrrd"))
    lacking = Model(dataclasses.replace(card(), labels=LABELS[:-1]), ByHu())
    with pytest.raises(UsageError, match="subcutaneous_fat"):
        find_l3(ct=tmp_path / "ct.nrrd", model=level_model, slice_index=20, composition_model=lacking)
