"""The shipped model on real cases: roles by themselves, results on the input's grid, figures that are figures."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from TransferSegLib.imaging import Grid
from TransferSegLib.jobs.evaluate import evaluate
from TransferSegLib.jobs.models import models_verify
from TransferSegLib.jobs.segment import segment
from TransferSegLib.packages import find_package, shipped_folder

MODEL = "brain-unet-phantom"
CASES = {
    "ms_open_ms_data/patient19": {"flair": "FLAIR", "t1": "T1", "t1gd": "T1POST", "t2": "T2"},
    "glioma_brainlesion/BraTS-GLI-00001-000": {"flair": "t2f", "t1": "t1n", "t1gd": "t1c", "t2": "t2w"},
    "glioma_brainlesion/TCGA-DU-7294": {"flair": "fla_bet", "t1": "t1_bet", "t1gd": "t1c_bet", "t2": "t2_bet"},
}


@pytest.mark.parametrize("name", CASES)
def test_segment_finds_the_roles_and_stays_on_the_grid(data_folder, tmp_path, name):
    value = segment(model=MODEL, case=data_folder / name, out=tmp_path / "o.nii.gz")
    assert {role: path.rsplit("/", 1)[-1] for role, path in value["roles"].items()}.keys() == CASES[name].keys()
    for role, ending in CASES[name].items():
        assert value["roles"][role].removesuffix(".nii.gz").endswith(ending)
    labels = sitk.ReadImage(str(tmp_path / "o.nii.gz"))
    assert Grid.of(labels).same_as(Grid.of(sitk.ReadImage(value["roles"]["flair"])))
    assert set(np.unique(sitk.GetArrayFromImage(labels))) <= {0, 1, 2, 3, 4}
    assert sum(value["volumes_ml"].values()) > 0


def test_the_unadapted_model_finds_some_of_a_heavy_lesion_load(data_folder):
    result = evaluate(model=MODEL, data=data_folder / "ms_open_ms_data", cases=["patient19"])
    assert result["matched"] == {"lesion": "oedema"}
    (case,) = result["cases"]
    # Far above chance, far below perfect: trained on phantoms only.
    assert 0.2 < case["dice"]["oedema"] < 0.95
    assert case["dice"]["tumour"] is None and case["false_positive_ml"]["tumour"] >= 0
    assert case["volume_truth_ml"]["oedema"] == pytest.approx(49.8, abs=0.1)


def test_the_shipped_model_is_whole_and_says_what_it_is():
    (row,) = models_verify(MODEL)
    assert row["ok"]
    card = find_package(MODEL).card
    assert "phantoms" in card.description and card.measured_on and "pretrain" in card.origin["command"]
    module = find_package(MODEL).network()
    assert sum(p.numel() for p in module.parameters()) == 125_229
    folder = shipped_folder() / MODEL
    assert json.loads((folder / "configs" / "metadata.json").read_text())["transferseg"]["name"] == MODEL
    assert not [p for p in folder.rglob("*") if p.stat().st_size > 16_000_000]
