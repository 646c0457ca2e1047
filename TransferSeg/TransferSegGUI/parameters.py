"""The parameter node: what the panels hold, saved and loaded with the scene."""

from __future__ import annotations

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import parameterNodeWrapper

VOLUMES = {role: f"{role}Volume" for role in ("flair", "t1", "t1gd", "t2", "ct", "pet", "rgb", "grey")}
"""Role of an image to the parameter that holds its node."""


@parameterNodeWrapper
class TransferSegParameterNode:
    """The panels' values. Names are stored in scenes: renaming one breaks saved scenes.

    ``resample register brainMask`` are ``auto``, ``on`` or ``off``; ``sourceModel`` is the one to adapt,
    empty for ``model``; ``epochs`` 0 is the network's default; ``l3Height`` is in metres, 0 where not given.
    Training cases are kept beside these by ``training_cases.py`` (they hold node references).
    """

    model: str = ""
    flairVolume: vtkMRMLScalarVolumeNode
    t1Volume: vtkMRMLScalarVolumeNode
    t1gdVolume: vtkMRMLScalarVolumeNode
    t2Volume: vtkMRMLScalarVolumeNode
    ctVolume: vtkMRMLScalarVolumeNode
    petVolume: vtkMRMLScalarVolumeNode
    rgbVolume: vtkMRMLScalarVolumeNode
    greyVolume: vtkMRMLScalarVolumeNode
    resample: str = "auto"
    register: str = "auto"
    brainMask: str = "auto"
    device: str = "auto"
    uncertainty: bool = False
    showPreparation: bool = False
    sourceModel: str = ""
    strategy: str = "half-lr"
    curriculum: str = "none"
    epochs: int = 0
    seed: int = 0
    newName: str = ""
    l3Volume: vtkMRMLScalarVolumeNode
    l3Model: str = ""
    l3Height: float = 0.0
    l3Reader: str = ""
    l3Review: int = 1
    l3Strategy: str = "half-lr"
    l3Epochs: int = 0
    l3NewName: str = ""
    petctPet: vtkMRMLScalarVolumeNode
    petctCt: vtkMRMLScalarVolumeNode
    petctTruth: vtkMRMLSegmentationNode
    petctModel: str = ""
    petctRule: str = "4.0"
    petctUnit: str = ""
    petctWeight: str = ""
    petctDose: str = ""
    petctInjected: str = ""
    petctAcquired: str = ""
    petctHalfLife: str = ""
    petctHeight: str = ""
    petctSex: str = ""
    petctLanguage: str = "en"
    petctTolerance: float = 5.0
    petctLesionwise: str = "precision"
    petctShare: float = 0.5
    petctMinimum: float = 0.0
