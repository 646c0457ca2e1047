"""PET studies that yield no SUV: each a clear line, and never a patient's name in it."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_pet import FACTOR, activity, drug_of, setting, write_pet
from pydicom.uid import generate_uid
from test_imaging_dicom import write_series

from TransferSegLib.errors import InputError
from TransferSegLib.events import Events
from TransferSegLib.imaging import read_pet
from TransferSegLib.imaging.pet_checks import ct_of
from TransferSegLib.jobs.tmtv_options import TmtvInputs, TmtvOptions
from TransferSegLib.jobs.tmtv_reading import read_tmtv_case

CT = np.random.default_rng(2).integers(-1000, 1000, (6, 8, 7))


def refused(path, *words: str, **more) -> str:
    with pytest.raises(InputError) as caught:
        read_pet(path, **more)
    message = str(caught.value)
    assert "\n" not in message and ";" in message and "SECRET" not in message and message.startswith(str(path))
    for word in words:
        assert word in message, message
    return message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Units": None}, ("unknown unit", "--pet-unit suv|bqml")),
        ({"Units": ""}, ("unknown unit",)),
        ({"Units": "CPS"}, ("counts per second", "Bq/ml or SUV")),
        ({"Units": "PROPCNTS"}, ("counts",)),
        ({"Units": "CM2ML"}, ("body surface area",)),
        ({"PatientWeight": None}, ("no SUV without weight; say --weight KG",)),
        ({"PatientWeight": "0"}, ("weight (0 in its DICOM)",)),
        ({"PatientWeight": "80000"}, ("80000 kg by DICOM is not plausible, it looks like grams", "--weight KG")),
        ({"RadionuclideTotalDose": None}, ("injected dose; say --dose MBQ",)),
        ({"RadionuclideTotalDose": "0"}, ("injected dose (0 in its DICOM)",)),
        ({"RadionuclideTotalDose": "350"}, ("plainly MBq, not Bq", "--dose MBQ")),
        ({"RadionuclideTotalDose": "350000"}, ("plainly kBq, not Bq",)),
        ({"RadionuclideTotalDose": "3.5E11"}, ("350000 MBq by DICOM is not plausible",)),
        ({"RadiopharmaceuticalStartTime": None}, ("time of injection; say --injected TIME",)),
        ({"RadiopharmaceuticalStartTime": ""}, ("time of injection",)),
        ({"SeriesTime": None, "AcquisitionTime": None}, ("decay-corrected to; say --acquired TIME",)),
        ({"RadionuclideHalfLife": "4062"}, ("not that of F-18, 6586.2 s; say --half-life S",)),
        ({"RadionuclideHalfLife": "109.8"}, ("not that of F-18",)),
        ({"CorrectedImage": ["NORM", "DECY", "RAN"]}, ("without attenuation correction",)),
        ({"CorrectedImage": "DECY"}, ("without attenuation correction",)),
        ({"CorrectedImage": ["ATTN", "RAN"]}, ("to which time", "--acquired TIME")),
        ({"DecayCorrection": "NONE"}, ("without decay correction",)),
        ({"DecayCorrection": ""}, ("to which time", "--acquired TIME")),
    ],
)
def test_headers_that_yield_no_suv(tmp_path, fields, words):
    write_pet(tmp_path, edit=setting(**fields))
    refused(tmp_path, *words)


def test_no_radiopharmaceutical_at_all(tmp_path):
    write_pet(tmp_path, edit=lambda item, k: delattr(item, "RadiopharmaceuticalInformationSequence"))
    refused(tmp_path, "injected dose, time of injection, half-life", "--dose MBQ --injected TIME --half-life S")


def test_what_is_only_told(tmp_path):
    write_pet(tmp_path / "a", edit=setting(CorrectedImage=None))
    assert any("attenuation" in note for note in read_pet(tmp_path / "a").info.notes)
    write_pet(tmp_path / "b", edit=setting(RadionuclideHalfLife=None))
    info = read_pet(tmp_path / "b").info
    assert info.suv_factor == pytest.approx(FACTOR) and any("by the table" in note for note in info.notes)
    write_pet(tmp_path / "c", edit=setting(PatientSize="180"))
    info = read_pet(tmp_path / "c").info
    assert info.lean_factor is None and any("--height M" in note for note in info.notes)
    write_pet(tmp_path / "d", edit=setting(DecayCorrection=""))
    assert read_pet(tmp_path / "d", by_hand={"acquired": "11:00"}).info.suv_factor == pytest.approx(FACTOR)


def test_unit_against_the_user(tmp_path):
    write_pet(tmp_path / "bq")
    refused(tmp_path / "bq", "DICOM says BQML", "--pet-unit says suv", unit="suv")
    write_pet(tmp_path / "none", edit=setting(Units=None))
    info = read_pet(tmp_path / "none", unit="bqml").info
    assert info.stated_by == "user" and info.suv_factor == pytest.approx(FACTOR)


def test_values_that_no_tissue_has(tmp_path):
    hot = activity()
    hot[2, 2, 2] = 32000
    write_pet(tmp_path / "hot", hot, edit=setting(Units="GML"), slopes=[10000 / 32000] * 6)
    refused(tmp_path / "hot", "the highest SUV would be 10,000", "no tissue reaches")
    warm = np.full((12, 190, 190), 32000)
    warm[0, 0, 0] = 0
    write_pet(tmp_path / "dose", warm)
    refused(tmp_path / "dose", "times the activity that was injected", "dose")
    write_pet(tmp_path / "cold", edit=setting(Units="GML"), slopes=[1e-6] * 6)
    refused(tmp_path / "cold", "the highest SUV would be only 0.03")
    write_pet(tmp_path / "cool", edit=setting(Units="GML"), slopes=[2e-5] * 6)
    assert any("only 0.6" in note for note in read_pet(tmp_path / "cool").info.notes)


def test_two_patients_mixed(tmp_path):
    write_pet(tmp_path / "series", patient="A")
    write_pet(tmp_path / "series", patient="B", prefix="other")
    refused(tmp_path / "series", "2 patients mixed")
    uid = generate_uid()
    write_pet(tmp_path / "slices", patient="A", series=uid)
    write_pet(tmp_path / "slices", activity(3), patient="B", series=uid, prefix="other")
    refused(tmp_path / "slices", "2 patients mixed")
    write_pet(tmp_path / "pair", patient="A")
    write_series(tmp_path / "pair", CT, modality="CT", patient="B", prefix="ct")
    refused(tmp_path / "pair", "2 patients mixed")


def test_slices_that_disagree(tmp_path):
    def two_weights(item, k):
        item.PatientWeight = "80" if k < 3 else "70"

    def two_doses(item, k):
        drug_of(item).RadionuclideTotalDose = "350000000" if k < 3 else "250000000"

    def two_studies(item, k):
        item.StudyInstanceUID = "1.2.3" if k < 3 else "1.2.4"

    for name, edit, words in (
        ("w", two_weights, ("more than one weight", "70", "80")),
        ("d", two_doses, ("more than one injected dose",)),
        ("s", two_studies, ("more than one study",)),
    ):
        write_pet(tmp_path / name, edit=edit)
        refused(tmp_path / name, *words)


def test_ct_given_as_pet(tmp_path):
    write_series(tmp_path, CT, modality="CT")
    refused(tmp_path, "not a PET, its DICOM modality is CT", "swapped")


def test_the_pet_of_a_whole_study(tmp_path):
    """Beside a CT and the series without attenuation correction, in folders of their own."""
    write_series(tmp_path / "ct", CT, modality="CT", description="CT WB", prefix="ct")
    write_pet(tmp_path / "ac")
    write_pet(tmp_path / "nac", edit=setting(CorrectedImage=["NORM", "DECY"], SeriesDescription="PET NAC"))
    pet = read_pet(tmp_path)
    assert pet.info.suv_factor == pytest.approx(FACTOR)
    note = next(note for note in pet.info.notes if "Left out" in note)
    assert "CT WB" in note and "PET NAC" in note
    files = write_pet(tmp_path / "late", edit=setting(SeriesDescription="PET late"), prefix="l")
    refused(tmp_path, "2 PET series", "PET late", "one file of the wanted one")
    assert read_pet(files[3]).info.suv_factor == pytest.approx(FACTOR)


def test_the_ct_of_a_whole_study(tmp_path):
    """In a subfolder of its own, or beside the PET's files; several, or none, are said."""
    place = {"modality": "CT", "prefix": "ct", "spacing": (4.0, 4.0, 4.0), "origin": (-14, -16, 100)}
    study, flat = tmp_path / "study", tmp_path / "flat"
    write_pet(study / "1" / "pet")
    with pytest.raises(InputError, match="not a CT, its modality is PT; were"):
        ct_of(study)
    write_series(study / "1" / "ct", CT, **place, description="CT WB")
    assert ct_of(study)[0].parent == study / "1" / "ct"
    for folder in (study, flat):
        if folder is flat:
            write_pet(flat)
            write_series(flat, CT, **place)
        said: list[str] = []
        given = TmtvInputs(pet=folder, ct=folder)
        case = read_tmtv_case(given, TmtvOptions(), "p", Events().noting(said))
        assert sorted(np.unique(sitk.GetArrayFromImage(case.loaded.images["ct"]))) == sorted(np.unique(CT))
        assert any(text.startswith("CT: Left out") for text in said)
    write_series(study / "2", CT, **place, description="CT thin")
    with pytest.raises(InputError, match=r"--ct .*(CT thin.*CT WB|CT WB.*CT thin).*give one file of the wanted one"):
        ct_of(study)
    assert ct_of(study / "2" / "ct000.dcm") == (study / "2" / "ct000.dcm", [])
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="without DICOM images"):
        ct_of(tmp_path / "none")


def test_folders_without_a_pet(tmp_path):
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "without DICOM images")
    refused(tmp_path / "none.nii.gz", "no such file", unit="suv")
    refused(tmp_path / "nowhere", "no such file")
