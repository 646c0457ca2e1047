"""Samples: registered without making or loading anything, made on the fly, by address and checksum; the self-test."""

from __future__ import annotations

import hashlib
import re
import sys
import types
import unittest
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture
def sampleData(app, monkeypatch):
    """The part of Slicer's SampleData module that takes registrations (its argument names are Slicer's)."""
    sources: list[dict] = []

    class SampleDataLogic:
        def __init__(self, logMessage=None):
            logMessage("<b>Requesting</b>", 10)

        def downloadFromSource(self, source):
            return source()

        @staticmethod
        def registerCustomSampleDataCategory(category, title):
            assert category == title == "TransferSeg"

        @staticmethod
        def registerCustomSampleDataSource(
            category="Custom", sampleName=None, uris=None, fileNames=None, nodeNames=None, customDownloader=None,
            thumbnailFileName=None, loadFileTypes=None, loadFiles=None, loadFileProperties={}, checksums=None,  # noqa: B006
            loadFileType=None,
        ):  # fmt: skip
            sources.append({name: value for name, value in locals().items() if name != "sources"})

    module = types.ModuleType("SampleData")
    module.SampleDataLogic = SampleDataLogic
    monkeypatch.setitem(sys.modules, "SampleData", module)
    return sources


def test_samples_are_registered_and_nothing_is_made(sampleData):
    from TransferSegGUI.samples import registerSamples

    from TransferSegLib.places import cache_folder

    registerSamples()
    assert [source["sampleName"] for source in sampleData] == [
        "PhantomMS", "PhantomGlioma", "PhantomCT", "PhantomPETCT", "MSPatient07", "MSPatient19",
    ]  # fmt: skip
    for source in sampleData:
        lists = [source[name] for name in ("uris", "fileNames", "nodeNames", "loadFileTypes")]
        count = {"PhantomCT": 1, "PhantomPETCT": 3}.get(source["sampleName"], 5)
        assert {len(values) for values in lists} == {count} and source["category"] == "TransferSeg"
        assert Path(source["thumbnailFileName"]).read_bytes()[:4] == b"\x89PNG"
        last = "VolumeFile" if count == 1 else "SegmentationFile"
        assert source["loadFileTypes"][-1] == last and len(set(source["fileNames"])) == count
    assert not (cache_folder("samples") / "PhantomMS").exists()


def test_downloads_name_a_commit_and_a_checksum(sampleData):
    from TransferSegGUI.samples import registerSamples

    registerSamples()
    patients = [source for source in sampleData if source["checksums"]]
    assert len(patients) == 2
    for source in patients:
        for uri, checksum in zip(source["uris"], source["checksums"]):
            assert re.match(r"https://raw\.githubusercontent\.com/[\w-]+/\w+/[0-9a-f]{40}/", uri)
            assert re.fullmatch(r"SHA256:[0-9a-f]{64}", checksum)
    every = [checksum for source in patients for checksum in source["checksums"]]
    assert len(set(every)) == 10


def test_the_checksums_are_those_of_the_published_files(data_folder):
    """The shared cases are byte for byte those of the commit that the addresses name."""
    from TransferSegGUI.sample_sources import PATIENTS

    names = {"FLAIR": "FLAIR", "T1": "T1", "T1GD": "T1POST", "T2": "T2", "truth": "GOLD_STANDARD"}
    manifest = (data_folder / "MANIFEST.tsv").read_text(encoding="utf-8")
    for patient in PATIENTS:
        for file in patient.files:
            local = data_folder / "ms_open_ms_data" / patient.folder / f"{names[file.kind]}.nii.gz"
            assert hashlib.sha256(local.read_bytes()).hexdigest() == file.sha256
            row = next(line for line in manifest.splitlines() if f"{patient.folder}/{local.name}" in line).split("\t")
            repository, commit, path = row[2:5]
            assert patient.address(file) == f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"


def test_a_downloaded_truth_is_named(scene, sampleData):
    import slicer
    from TransferSegGUI import samples
    from TransferSegGUI.selftest import SMALL

    def download():
        nodes = samples.loadPhantom(SMALL)
        segmentation = nodes[-1].GetSegmentation()
        for number in range(segmentation.GetNumberOfSegments()):
            segmentation.GetNthSegment(number).SetName("Segment_1")
        return nodes

    samples.registerSamples()
    assert sampleData[-1]["customDownloader"] is samples.downloadPatient
    nodes = samples.downloadPatient(download)
    segmentation = nodes[-1].GetSegmentation()
    names = {segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())}
    assert "lesion" in names or "Segment_1" in names
    composite = slicer.app.applicationLogic().GetSliceLogicByLayoutName("Red").GetSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == nodes[0].GetID()


def test_a_slicer_without_sample_data_is_no_error(app, monkeypatch):
    from TransferSegGUI.samples import registerSamples

    monkeypatch.setitem(sys.modules, "SampleData", None)
    registerSamples()


def test_a_phantom_is_made_once_and_loaded(scene, sampleData):
    import slicer
    from TransferSegGUI import samples
    from TransferSegGUI.selftest import SMALL

    from TransferSegLib.cases import guess_role

    nodes = samples.loadPhantom(SMALL)
    assert [node.GetName() for node in nodes] == [
        "PhantomTest FLAIR", "PhantomTest T1", "PhantomTest T1 contrast", "PhantomTest T2", "PhantomTest truth",
    ]  # fmt: skip
    guesses = [guess_role(node.GetName()) for node in nodes[:4]]
    assert [guess.role for guess in guesses] == ["flair", "t1", "t1gd", "t2"] and not any(g.doubtful for g in guesses)
    assert all(node.GetStorageNode() is None for node in nodes)
    segmentation = nodes[4].GetSegmentation()
    found = {segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())}
    assert found and found <= set(SMALL.labels.values())
    made = samples._file(SMALL, "FLAIR").stat().st_mtime_ns
    slicer.mrmlScene.Clear(0)
    assert len(samples.loadPhantom(SMALL)) == 5 and samples._file(SMALL, "FLAIR").stat().st_mtime_ns == made
    leftovers = [path.name for path in samples._folder(SMALL).parent.iterdir() if path.name.startswith("PhantomTest.")]
    assert leftovers == []


def test_registered_addresses_are_where_phantoms_lie(sampleData, monkeypatch):
    from TransferSegGUI import samples

    samples.registerSamples()
    asked = []
    monkeypatch.setattr(samples, "loadPhantom", asked.append)
    for source, phantom in zip(sampleData, samples.PHANTOMS):
        source["customDownloader"](source)
        assert Path(unquote(urlparse(source["uris"][0]).path)).name == "FLAIR.nii.gz"
        assert samples._file(phantom, "FLAIR").as_uri() == source["uris"][0]
    assert asked == list(samples.PHANTOMS)


def test_the_ct_phantom_shows_l3_where_its_list_says(scene, sampleData):
    import csv

    import slicer
    from TransferSegGUI import samples
    from TransferSegGUI.level_inputs import guessCt

    samples.registerSamples()
    node = next(s for s in sampleData if s["sampleName"] == "PhantomCT")["customDownloader"](None)
    assert node.GetStorageNode() is None and guessCt().node is node
    row = next(csv.DictReader((samples._folder(samples.CT_PHANTOM) / "levels.csv").open()))
    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    assert bounds[4] < float(row["mm"]) < bounds[5] and not row["where"]
    assert slicer.util.arrayFromVolume(node).min() < -900


class Test(unittest.TestCase):
    """A ScriptedLoadableModuleTest as far as it is used."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def delayDisplay(self, message: str) -> None:
        self.said.append(message)


Test.__test__ = False


def test_the_self_test_does_the_main_job(module):
    from TransferSegGUI import selftest

    test = Test()
    assert module.logic is not None
    assert selftest.runAll(test) is True and test.said[-1] == "Test passed"


def test_the_self_test_skips_where_pytorch_is_absent(app, monkeypatch):
    from TransferSegGUI import dependencies, selftest

    monkeypatch.setattr(dependencies, "state", lambda: dependencies.DependencyState(False, "not set up", ["torch"]))
    test = Test()
    assert selftest.runAll(test) is False and test.said == ["Skipped: not set up"]
