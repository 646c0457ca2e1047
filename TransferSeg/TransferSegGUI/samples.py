"""Sample cases in Slicer's Sample Data module: phantoms made on the fly, and openly licensed patients."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from .console import runConsole
from .executable import pythonExecutable
from .sample_sources import CATEGORY, CT_PHANTOM, PATIENTS, PETCT_PHANTOM, PHANTOMS, Patient, Phantom

CT_NAME = "Phantom CT"
PETCT_NAMES = ["Phantom PET", "Phantom CT", "Phantom lesions"]
_PETCT_FILES = ("PET", "CT", "PET_mask")
_FILES = {"FLAIR": "FLAIR", "T1": "T1", "T1GD": "T1 contrast", "T2": "T2"}
# In a process of its own: a phantom takes some seconds, and Slicer goes on reacting. Needs no PyTorch.
_MAKE = (
    "import importlib, json, sys; module, function = sys.argv[3].split(':'); "
    "getattr(importlib.import_module(module), function)(sys.argv[1], **json.loads(sys.argv[2]))"
)


def registerSamples() -> None:
    """Add our samples to the Sample Data module; nothing is made or downloaded before the user asks."""
    try:
        from SampleData import SampleDataLogic
    except ImportError:  # a Slicer built without that module
        return
    if hasattr(SampleDataLogic, "registerCustomSampleDataCategory"):  # since 5.12
        SampleDataLogic.registerCustomSampleDataCategory(CATEGORY, title=CATEGORY)
    for phantom in PHANTOMS:
        files = [_file(phantom, name) for name in (*_FILES, "seg")]
        SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=phantom.name,
            uris=[file.as_uri() for file in files],
            fileNames=[f"{phantom.name}-{file.name}" for file in files],
            nodeNames=_nodeNames(phantom.name),
            loadFileTypes=_fileTypes(len(files)),
            thumbnailFileName=_icon(phantom.icon),
            customDownloader=lambda source, phantom=phantom: loadPhantom(phantom),
        )
    SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=CT_PHANTOM.name,
        uris=[_ctFile().as_uri()],
        fileNames=[f"{CT_PHANTOM.name}-{_ctFile().name}"],
        nodeNames=[CT_NAME],
        loadFileTypes=["VolumeFile"],
        thumbnailFileName=_icon(CT_PHANTOM.icon),
        customDownloader=lambda _source: loadCtPhantom(),
    )
    files = [_petctFile(name) for name in _PETCT_FILES]
    SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=PETCT_PHANTOM.name,
        uris=[file.as_uri() for file in files],
        fileNames=[f"{PETCT_PHANTOM.name}-{file.name}" for file in files],
        nodeNames=PETCT_NAMES,
        loadFileTypes=_fileTypes(len(files)),
        thumbnailFileName=_icon(PETCT_PHANTOM.icon),
        customDownloader=lambda _source: loadPetCtPhantom(),
    )
    for patient in PATIENTS:
        SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY, customDownloader=downloadPatient, **_download(patient)
        )


def loadPhantom(phantom: Phantom | str = PHANTOMS[0]) -> list[Any]:
    """Make a phantom, or take it from the cache, and load it: four volumes and the truth as a segmentation.

    Example
    -------
    >>> from TransferSegGUI.samples import loadPhantom
    >>> [node.GetName() for node in loadPhantom("PhantomMS")]
    ['PhantomMS FLAIR', 'PhantomMS T1', 'PhantomMS T1 contrast', 'PhantomMS T2', 'PhantomMS truth']
    """
    if isinstance(phantom, str):
        phantom = next(known for known in PHANTOMS if known.name == phantom)
    slicer.util.showStatusMessage(_("Making a phantom; this takes some seconds."), 3000)
    _makePhantom(phantom)
    names = _nodeNames(phantom.name)
    nodes = [_loadVolume(_file(phantom, file), name) for file, name in zip(_FILES, names)]
    truth = slicer.util.loadSegmentation(str(_file(phantom, "seg")), properties={"name": names[-1]})
    _forget(truth)
    _nameSegments(truth, phantom.labels)
    # FLAIR in the background: loading leaves the last volume there.
    slicer.util.setSliceViewerLayers(background=nodes[0], fit=True)
    return [*nodes, truth]


def loadCtPhantom() -> Any:
    """Make the CT phantom, or take it from the cache, and load it; the volume node.

    Example
    -------
    >>> from TransferSegGUI.samples import loadCtPhantom
    >>> loadCtPhantom().GetName()
    'Phantom CT'
    """
    slicer.util.showStatusMessage(_("Making a phantom; this takes some seconds."), 3000)
    _makePhantom(CT_PHANTOM)
    node = _loadVolume(_ctFile(), CT_NAME)
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def loadPetCtPhantom() -> list[Any]:
    """Make the PET/CT phantom, or take it from the cache, and load it: PET in SUV, CT, true lesions as a segmentation.

    Example
    -------
    >>> from TransferSegGUI.samples import loadPetCtPhantom
    >>> [node.GetName() for node in loadPetCtPhantom()]
    ['Phantom PET', 'Phantom CT', 'Phantom lesions']
    """
    from .pet_display import showPet
    from .pet_units import stateSuv

    slicer.util.showStatusMessage(_("Making a phantom; this takes some seconds."), 3000)
    _makePhantom(PETCT_PHANTOM)
    pet, ct = (_loadVolume(_petctFile(file), name) for file, name in zip(_PETCT_FILES, PETCT_NAMES[:2]))
    stateSuv(pet)
    truth = slicer.util.loadSegmentation(str(_petctFile(_PETCT_FILES[2])), properties={"name": PETCT_NAMES[2]})
    _forget(truth)
    _nameSegments(truth, {1: "lesion"})
    if truth.GetDisplayNode() is not None:
        truth.GetDisplayNode().SetVisibility(False)  # what is to be found
    showPet(pet, ct, 1.0)
    return [pet, ct, truth]


def downloadPatient(source: Any) -> list[Any]:
    """Download a registered patient as Sample Data does it, checksums and all, and name the lesions."""
    from SampleData import SampleDataLogic

    def say(message: str, *_level: Any) -> None:
        slicer.util.showStatusMessage(re.sub(r"<[^>]*>", "", message).strip(), 3000)

    nodes = SampleDataLogic(say).downloadFromSource(source)
    _nameSegments(nodes[-1], {1: "lesion"})
    slicer.util.setSliceViewerLayers(background=nodes[0], fit=True)
    return nodes


def _makePhantom(phantom: Phantom) -> None:
    """Write the phantom's files into the cache, all or nothing."""
    from TransferSegLib.errors import StorageError

    target = _folder(phantom)
    if (target / phantom.marker).is_file():
        return
    partial = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        options = json.dumps(phantom.options)
        code, text = runConsole([pythonExecutable(), "-c", _MAKE, str(partial), options, phantom.maker])
        if code:
            error = StorageError(_("The phantom could not be made; see the details, or try another computer."))
            error.details = text
            raise error
        shutil.rmtree(target, ignore_errors=True)
        with suppress(OSError):  # another Slicer made it meanwhile
            os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _folder(phantom: Phantom) -> Path:
    from TransferSegLib.places import cache_folder

    return cache_folder("samples") / phantom.name


def _file(phantom: Phantom, name: str) -> Path:
    return _folder(phantom) / f"phantom-{phantom.options['flavour']}-0001" / f"{name}.nii.gz"


def _ctFile() -> Path:
    return _folder(CT_PHANTOM) / "ct-adult-0001.nii.gz"


def _petctFile(name: str) -> Path:
    return _folder(PETCT_PHANTOM) / "petct-adult-0001" / f"{name}.nii.gz"


def _loadVolume(path: Path, name: str) -> Any:
    node = slicer.util.loadVolume(str(path), properties={"name": name})
    _forget(node)
    return node


def _forget(node: Any) -> None:
    """The cache may be deleted at any time: the node keeps no tie to its file, as Sample Data does it."""
    storage = node.GetStorageNode()
    if storage is not None:
        node.SetAndObserveStorageNodeID(None)
        slicer.mrmlScene.RemoveNode(storage)


def _nameSegments(node: Any, names: dict[int, str]) -> None:
    """Names instead of numbers, so that a truth can be used as a training case."""
    segmentation = node.GetSegmentation()
    for number in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(number)
        segment.SetName(names.get(segment.GetLabelValue(), segment.GetName()))


def _download(patient: Patient) -> dict[str, Any]:
    """The arguments of ``registerCustomSampleDataSource`` for a patient: addresses and checksums."""
    files = patient.files
    return {
        "sampleName": patient.name,
        "uris": [patient.address(file) for file in files],
        "fileNames": [f"{patient.name}-{file.kind}.nii.gz" for file in files],
        "nodeNames": _nodeNames(patient.name),
        "checksums": [f"SHA256:{file.sha256}" for file in files],
        "loadFileTypes": _fileTypes(len(files)),
        "thumbnailFileName": _icon("SamplePatient.png"),
    }


def _nodeNames(name: str) -> list[str]:
    return [*(f"{name} {words}" for words in _FILES.values()), f"{name} truth"]


def _fileTypes(count: int) -> list[str]:
    """All are volumes but the last, the truth."""
    return ["VolumeFile"] * (count - 1) + ["SegmentationFile"]


def _icon(name: str) -> str:
    return str(Path(__file__).resolve().parent.parent / "Resources" / "Icons" / name)
