"""MONAI's own bundle runner takes one of our packages from files to a label map on the input's grid."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
import torch
from helpers_cli import FILES, ROLES, small_case, small_model

from TransferSegLib.imaging import Grid


def test_monai_runs_the_package(tmp_path):
    from monai.bundle import ConfigWorkflow

    grid = {"spacing": (1.0, 1.0, 1.0), "origin": (5.0, -7.0, 2.0), "direction": (1, 0, 0, 0, -1, 0, 0, 0, 1)}
    case = small_case(tmp_path / "case", grid=grid)
    model = small_model(tmp_path / "little")
    workflow = ConfigWorkflow(
        config_file=str(model / "configs" / "inference.json"),
        meta_file=str(model / "configs" / "metadata.json"),
        logging_file=False,
        workflow_type="inference",
        bundle_root=str(model),
        image_files=[str(case / f"{FILES[role]}.nii.gz") for role in ROLES],
        output_dir=str(tmp_path / "eval"),
    )
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    assert torch.is_grad_enabled(), "the bundle switched gradients off for the whole process"
    (written,) = (tmp_path / "eval").rglob("*.nii.gz")
    labels = sitk.ReadImage(str(written))
    assert set(np.unique(sitk.GetArrayFromImage(labels))) <= {0, 1, 3}
    assert Grid.of(labels).same_as(Grid.of(sitk.ReadImage(str(case / "FLAIR.nii.gz"))))
