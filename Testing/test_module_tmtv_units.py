"""The unit of a PET node from DICOM: a database that stands in for Slicer's, over files that are really written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from helpers_logic import addVolume
from helpers_pet import FACTOR, activity, setting, write_pet
from helpers_pet_panel import InProcessClient


class Database:
    """``slicer.dicomDatabase`` over a folder."""

    def __init__(self, folder):
        self.files = {str(pydicom.dcmread(file).SOPInstanceUID): str(file) for file in sorted(folder.rglob("*.dcm"))}

    def fileForInstance(self, uid):
        return self.files.get(uid, "")

    def fileValue(self, file, tag):
        if not Path(file).is_file():
            return ""
        group, element = (int(part, 16) for part in tag.split(","))
        found = pydicom.dcmread(file, stop_before_pixels=True).get((group, element))
        return "" if found is None else str(found.value)


@pytest.fixture
def fromDicom(scene, tmp_path, monkeypatch):
    """A PET node in Bq/ml as Slicer's own reader leaves it; ``edit`` changes the headers."""
    import slicer

    def load(edit=None):
        folder = tmp_path / "pet"
        write_pet(folder, activity(), **({"edit": edit} if edit else {}))
        monkeypatch.setattr(slicer, "dicomDatabase", Database(folder), raising=False)
        node = addVolume(scene, "PET AC", activity().astype(np.float32), spacing=(4.0, 4.0, 4.0))
        node.SetAttribute("DICOM.instanceUIDs", " ".join(slicer.dicomDatabase.files))
        return node

    return load


@pytest.fixture
def logic(stepped, tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSFERSEG_HOME", str(tmp_path / "home"))
    stepped._client = InProcessClient()
    return stepped


def test_bq_ml_by_dicom_becomes_suv_also_in_the_report(logic, fromDicom, tmp_path):
    node = fromDicom()
    unit = logic.petUnit(node)
    assert (unit.unit, unit.statedBy) == ("bqml", "DICOM") and unit.factor == pytest.approx(FACTOR, rel=1e-6)
    assert logic.guessPetCt()["pet"].node is node and not logic.guessPetCt()["pet"].doubtful
    result = logic.measureTmtv(node, rule="5.0", physiological=False)
    assert result.suvMax == pytest.approx(30000 * FACTOR, rel=1e-5) and result.count == 1
    value = logic.exportTmtv(result, tmp_path / "report")
    assert value["suv_max"] == pytest.approx(result.suvMax, abs=1e-3)
    assert {entry["name"] for entry in value["suv"]["inputs"]} >= {"weight"}


def test_what_dicom_lacks_is_named_and_can_be_given(logic, fromDicom):
    node = fromDicom(setting(PatientWeight=None))
    missing = logic.missingForTmtv(node)
    assert "weight" in missing and "--" not in missing
    unit = logic.petUnit(node, byHand={"weight_kg": "80"})
    assert unit.factor == pytest.approx(FACTOR, rel=1e-6)
    assert ("weight", 80.0, "kg", "by hand") in unit.inputs


def test_no_attenuation_correction_is_refused(logic, fromDicom):
    node = fromDicom(setting(CorrectedImage=["NORM", "DECY"]))
    assert "attenuation" in logic.missingForTmtv(node)


def suvByTheExtension(logic, node):
    """The same node as PETDICOMExtension leaves it: in SUV by its own word, with the series it was made from."""
    import slicer
    from TransferSegGUI.pet_units import stateSuv

    slicer.util.updateVolumeFromArray(node, (slicer.util.arrayFromVolume(node) * FACTOR).astype(np.float32))
    stateSuv(node)
    return node


@pytest.mark.parametrize(
    "edit, word",
    [
        (setting(CorrectedImage=["NORM", "DECY"]), "attenuation"),
        (setting(AttenuationCorrectionMethod="NONE"), "attenuation"),
        (setting(DecayCorrection="NONE"), "decay"),
        (lambda item, k: setattr(item, "PatientWeight", str(80 + k)), "more than one weight"),
        (lambda item, k: setattr(item, "PatientID", f"P{k}"), "6 patients"),
        (setting(Units="GML", SUVType="LBM"), "not by body weight"),
    ],
)
def test_a_node_that_says_suv_is_checked_by_its_series(logic, fromDicom, edit, word):
    from TransferSegLib.errors import TransferSegError

    node = suvByTheExtension(logic, fromDicom(edit))
    said = logic.missingForTmtv(node)
    assert word in said and "--" not in said
    with pytest.raises(TransferSegError, match=word):
        logic.measureTmtv(node, rule="5.0", physiological=False)
    node.RemoveAttribute("DICOM.instanceUIDs")  # nothing is known of where it came from
    assert logic.missingForTmtv(node) is None


def test_a_node_that_says_suv_of_a_good_series_is_taken_as_it_is(logic, fromDicom):
    node = suvByTheExtension(logic, fromDicom(setting(CorrectedImage=None)))
    unit = logic.petUnit(node)
    assert (unit.unit, unit.statedBy, unit.factor) == ("suv", "node", 1.0)
    result = logic.measureTmtv(node, rule="5.0", physiological=False)
    assert result.suvMax == pytest.approx(30000 * FACTOR, rel=1e-5)
    assert any("attenuation" in note for note in result.notes)


def test_files_that_are_gone_leave_a_node_that_says_suv_usable(logic, fromDicom, tmp_path):
    node = suvByTheExtension(logic, fromDicom(setting(DecayCorrection="NONE")))
    for file in (tmp_path / "pet").rglob("*.dcm"):
        file.unlink()
    assert logic.missingForTmtv(node) is None
