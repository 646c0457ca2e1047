"""Contender: nnU-Net v2's predictor, with its own reading, cropping, normalising and export, and our network."""

from __future__ import annotations

from pathlib import Path

import common
import monai.networks.nets
import torch
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

_IMPORTED = (monai.networks.nets, DefaultPreprocessor)
_RESAMPLING = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}


def plans() -> dict:
    """The plans that nnU-Net would write for four MRI channels at 1 mm."""
    channels = len(common.ROLES)
    configuration = {
        "data_identifier": "benchmark",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 1,
        "patch_size": list(common.WINDOW),
        "median_image_size_in_voxels": [140, 180, 140],
        "spacing": [1.0, 1.0, 1.0],
        "normalization_schemes": ["ZScoreNormalization"] * channels,
        "use_mask_for_norm": [True] * channels,
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": _RESAMPLING,
        "resampling_fn_seg_kwargs": {**_RESAMPLING, "is_seg": True, "order": 1},
        "resampling_fn_probabilities_kwargs": {**_RESAMPLING, "order": 1},
        "batch_dice": False,
        "architecture": {"network_class_name": "none", "arch_kwargs": {}, "_kw_requires_import": []},
    }
    return {
        "dataset_name": "Dataset001_benchmark",
        "plans_name": "plans",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "image_reader_writer": "SimpleITKIO",
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {str(n): {} for n in range(channels)},
        "configurations": {"3d_fullres": configuration},
    }


def prepare(options):
    """A predictor set up by hand; read, preprocess, predict and export in this process."""
    manager = PlansManager(plans())
    dataset = {
        "channel_names": dict(enumerate(common.ROLES)),
        "labels": {"background": 0, **{name: n for n, name in enumerate(common.LABELS, 1)}},
        "file_ending": ".nii.gz",
    }
    network = common.load(options.network, Path(options.weights))
    predictor = nnUNetPredictor(
        tile_step_size=common.OVERLAP,
        use_gaussian=True,
        use_mirroring=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    configuration = manager.get_configuration("3d_fullres")
    predictor.manual_initialization(network, manager, configuration, [network.state_dict()], dataset, "none", None)
    images = common.find_images(Path(options.case))
    target = options.out.removesuffix(".nii.gz")

    def run() -> None:
        array, properties = SimpleITKIO().read_images([str(images[role]) for role in common.ROLES])
        predictor.predict_single_npy_array(array, properties, None, target, False)

    return run


if __name__ == "__main__":
    common.contend(prepare)
