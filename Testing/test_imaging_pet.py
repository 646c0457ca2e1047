"""A PET from NIfTI, NRRD and MHA: where its unit and its numbers come from, lean mass and surface, swapped CT."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
from helpers_pet import FACTOR, HALF_LIFE, activity, setting, write_pet

from TransferSegLib.errors import InputError, UnreadableFile, UsageError
from TransferSegLib.imaging import check_ct, check_same_patient, pet_of, read_pet, told_by_file, unit_of_text
from TransferSegLib.imaging.pet_checks import check_no_ct
from TransferSegLib.imaging.suv_body import body_surface_area, lean_body_mass
from TransferSegLib.imaging.suv_factor import nuclide_of

NUMBERS = {"weight_kg": 80, "dose_mbq": 350, "injected": "10:00", "acquired": "11:00", "half_life_s": HALF_LIFE}
BIDS = {
    "Modality": "PT",
    "Units": "Bq/mL",
    "TracerRadionuclide": "F18",
    "InjectedRadioactivity": 350,
    "InjectedRadioactivityUnits": "MBq",
    "TimeZero": "10:00:00",
    "InjectionStart": 0,
    "ScanStart": 3600,
    "ImageDecayCorrected": True,
    "ImageDecayCorrectionTime": 3600,
    "BodyWeight": 80,
}


def image(values: np.ndarray | None = None, **keys: str) -> sitk.Image:
    result = sitk.GetImageFromArray((activity() if values is None else values).astype(np.float32))
    result.SetSpacing((4, 4, 4))
    for key, text in keys.items():
        result.SetMetaData(key, text)
    return result


def written(folder, *, name: str = "pet.nii.gz", sidecar: dict | str | None = None, values=None, **keys: str):
    path = folder / name
    sitk.WriteImage(image(values, **keys), str(path))
    if sidecar is not None:
        text = sidecar if isinstance(sidecar, str) else json.dumps(sidecar)
        (folder / f"{name.split('.')[0]}.json").write_text(text)
    return path


def refused(path, *words: str, kind: type = InputError, **more) -> None:
    with pytest.raises(kind) as caught:
        read_pet(path, **more)
    message = str(caught.value)
    assert "\n" not in message and ";" in message, message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        *((text, "suv") for text in ("SUV", "suvbw", "{SUVbw}g/ml", "GML", "g/mL", "SUVbw (g/ml)", "SUV_bw")),
        *((text, "bqml") for text in ("BQML", "Bq/ml", "Bq/mL", "Bq/cm^3", "Bq.mL-1")),
        *(
            (text, None)
            for text in ("", None, "kBq/ml", "{SUVlbm}g/ml", "CNTS", "SUL", "{SUVbsa}cm2/ml", "HU", "MBq/ml")
        ),
    ],
)
def test_unit_of_text(text, unit):
    assert unit_of_text(text) == unit


def test_unit_stated_by_the_user_or_a_node(tmp_path):
    path = written(tmp_path, values=activity() * FACTOR)
    refused(path, "unknown unit", "--pet-unit suv|bqml")
    pet = read_pet(path, unit="SUV")
    assert (pet.info.unit, pet.info.stated_by, pet.info.suv_factor) == ("suv", "user", None)
    assert np.allclose(sitk.GetArrayFromImage(pet.image), activity() * FACTOR) and pet.info.inputs == ()
    assert read_pet(path, unit="suv", stated_by="node").info.stated_by == "node"
    with pytest.raises(UsageError, match=r"--pet-unit kbq.*suv\|bqml"):
        read_pet(path, unit="kbq")


def test_becquerel_needs_its_numbers(tmp_path):
    path = written(tmp_path)
    refused(path, "no SUV without weight, injected dose, time of injection", "--weight KG --dose MBQ --injected TIME "
            "--acquired TIME --half-life S", unit="bqml")  # fmt: skip
    refused(path, "no SUV without weight; say --weight KG", unit="bqml", by_hand={**NUMBERS, "weight_kg": None})
    pet = read_pet(path, unit="bqml", by_hand=NUMBERS)
    assert pet.info.suv_factor == pytest.approx(FACTOR) and pet.info.uptake_s == 3600
    assert np.allclose(sitk.GetArrayFromImage(pet.image), activity() * FACTOR, rtol=1e-5)
    assert [entry.source for entry in pet.info.inputs] == ["by hand"] * 5
    json.dumps(pet.info.as_json())


@pytest.mark.parametrize("name", ["pet.nii", "pet.nii.gz", "pet.nrrd", "pet.mha"])
def test_unit_of_the_sidecar(tmp_path, name):
    path = written(tmp_path, name=name, values=activity() * FACTOR, sidecar={"Units": "SUV", "Note": "x"})
    assert read_pet(path).info.stated_by == "sidecar"
    refused(path, "sidecar says SUV", "--pet-unit says bqml", unit="bqml")


@pytest.mark.parametrize("name", ["pet.nrrd", "pet.mha"])
def test_unit_of_the_header(tmp_path, name):
    pet = read_pet(written(tmp_path, name=name, Units="{SUVbw}g/ml", values=activity() * FACTOR))
    assert (pet.info.unit, pet.info.stated_by) == ("suv", "header")
    path = written(tmp_path, name="b" + name, Units="BQML")
    pet = read_pet(path, by_hand=NUMBERS)
    assert pet.info.suv_factor == pytest.approx(FACTOR) and not pet.image.HasMetaDataKey("Units")


def test_sidecars_of_bids_and_dcm2niix(tmp_path):
    assert read_pet(written(tmp_path, name="a.nii.gz", sidecar=BIDS)).info.suv_factor == pytest.approx(FACTOR)
    in_bq = {**BIDS, "InjectedRadioactivity": 350e6, "InjectedRadioactivityUnits": "Bq"}
    assert read_pet(written(tmp_path, name="b.nii.gz", sidecar=in_bq)).info.suv_factor == pytest.approx(FACTOR)
    dcm2niix = {
        "Units": "BQML",
        "RadionuclideTotalDose": 350e6,
        "RadionuclideHalfLife": HALF_LIFE,
        "RadiopharmaceuticalStartTime": "10:00:00",
        "SeriesTime": "11:00:00.000000",
        "DecayCorrection": "START",
        "PatientWeight": 80,
        "PatientSize": 1.8,
        "PatientSex": "F",
    }
    pet = read_pet(written(tmp_path, name="c.nii.gz", sidecar=dcm2niix))
    assert pet.info.suv_factor == pytest.approx(FACTOR) and pet.info.lean_factor is not None
    assert {entry.source for entry in pet.info.inputs} == {"sidecar"}
    admin = {**dcm2niix, "DecayCorrection": "ADMIN"}
    assert read_pet(written(tmp_path, name="d.nii.gz", sidecar=admin)).info.suv_factor == pytest.approx(80e3 / 350e6)
    no_unit = {key: value for key, value in BIDS.items() if key != "InjectedRadioactivityUnits"}
    refused(written(tmp_path, name="e.nii.gz", sidecar=no_unit), "injected dose", "--dose MBQ")
    any_bed = {**dcm2niix, "SeriesTime": None, "AcquisitionTime": "11:00:00"}
    refused(written(tmp_path, name="f.nii.gz", sidecar=any_bed), "--acquired TIME")


def test_sidecars_that_forbid(tmp_path):
    for name, fields, words in (
        ("a", {"Modality": "CT"}, ("modality CT", "swapped")),
        ("b", {"Modality": "MR"}, ("modality MR",)),
        ("c", {"AttenuationCorrection": "none"}, ("attenuation correction",)),
        ("d", {"ImageDecayCorrected": False}, ("decay correction",)),
        ("e", {"Units": "kBq/ml"}, ("kilobecquerel", "multiply")),
        ("f", {"Units": "CNTS"}, ("counts",)),
        ("g", {"Units": "{SUVlbm}g/ml"}, ("lean body mass",)),
        ("h", {"Units": "arbitrary"}, ('"arbitrary"', "--pet-unit suv|bqml")),
    ):
        refused(written(tmp_path, name=f"{name}.nii.gz", sidecar={**BIDS, **fields}), *words)
    refused(written(tmp_path, name="x.nii.gz", sidecar="{"), "no readable JSON", kind=UnreadableFile)
    refused(written(tmp_path, name="y.nii.gz", sidecar="[1]"), "no JSON object")
    # Counts stay counts, whatever the user says; a word that means nothing can be replaced by the user's.
    refused(written(tmp_path, name="z.nii.gz", sidecar={"Units": "CNTS"}), "counts", unit="suv")
    path = written(tmp_path, name="w.nii.gz", sidecar={"Units": "arbitrary"}, values=activity() * FACTOR)
    assert read_pet(path, unit="suv").info.stated_by == "user"


def test_weight_that_cannot_be_serves_no_lean_mass(tmp_path):
    fields = {"Units": "SUV", "PatientWeight": 80000, "PatientSize": 1.8, "PatientSex": "M"}
    info = read_pet(written(tmp_path, sidecar=fields, values=activity() * FACTOR)).info
    assert info.lean_factor is None and any("looks like grams" in note for note in info.notes)


def test_modality_of_a_metaimage_header(tmp_path):
    path = written(tmp_path, name="c.mha")
    path.write_bytes(path.read_bytes().replace(b"ElementSpacing", b"Modality = MET_MOD_CT\nElementSpacing", 1))
    refused(path, "header says modality CT", "swapped", unit="suv")


def test_lean_mass_and_surface_of_a_body():
    """A man and a woman of 70 kg and 1.70 m, worked by hand from the published formulas."""
    assert lean_body_mass(70, 1.70, "M") == pytest.approx(54.4, abs=0.1)
    assert lean_body_mass(70, 1.70, "F") == pytest.approx(44.2, abs=0.1)
    assert body_surface_area(70, 1.70) == pytest.approx(1.81, abs=0.01)
    body = {**NUMBERS, "height_m": 1.7, "sex": "female"}
    info = pet_of(image(), "node", unit="bqml", by_hand=body).info
    assert info.lean_factor == pytest.approx(lean_body_mass(80, 1.7, "F") / 80)
    assert info.bsa_factor == pytest.approx(body_surface_area(80, 1.7) * 1e4 / 80e3)
    info = pet_of(image(), "node", unit="bqml", by_hand={**body, "sex": None}).info
    assert info.lean_factor is None and info.bsa_factor is not None


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("weight_kg", -3, "--weight -3"),
        ("weight_kg", "heavy", "--weight heavy: not a number"),
        ("weight_kg", 71000, "not plausible in kg"),
        ("weight_kg", float("nan"), "--weight nan"),
        ("dose_mbq", 3.5e8, "not plausible in MBq"),
        ("dose_mbq", 0, "--dose 0"),
        ("half_life_s", 1.83, "seconds"),
        ("height_m", 180, "metres"),
        ("sex", "x", "say F or M"),
        ("sex", "foo", "say F or M"),
        ("weigth", 80, "weigth: not a number that SUV needs"),
    ],
)
def test_impossible_entries_by_hand(tmp_path, key, value, words):
    with pytest.raises(UsageError) as caught:
        pet_of(image(), "node", unit="bqml", by_hand={**NUMBERS, key: value})
    assert words in str(caught.value)


@pytest.mark.parametrize("height", [0.17, 180, 0, float("nan")])
def test_a_height_that_no_patient_has_is_told_and_not_used(tmp_path, height):
    path = written(tmp_path, sidecar={**BIDS, "PatientSize": height, "PatientSex": "M"})
    info = read_pet(path).info
    assert info.lean_factor is None and info.bsa_factor is None
    assert [note for note in info.notes if f"height, {height:g} m in its sidecar" in note and "--height M" in note]
    info = read_pet(path, by_hand={"height_m": 1.8}).info
    assert info.lean_factor == pytest.approx(9270 / (6680 + 216 * 80 / 1.8**2))
    assert not any("height" in note for note in info.notes)


def test_half_life_of_another_nuclide(tmp_path):
    info = read_pet(written(tmp_path, sidecar=BIDS), by_hand={"half_life_s": 4062}).info
    assert any("not that of F-18" in note for note in info.notes)
    refused(written(tmp_path, name="b.nii.gz", sidecar={**BIDS, "RadionuclideHalfLife": 4062}), "not that of F-18")


@pytest.mark.parametrize(
    ("text", "nuclide"),
    [("^18^Fluorine", "F-18"), ("Fluorodeoxyglucose F^18^", "F-18"), ("68Ga", "Ga-68"), ("[11C]PS13", "C-11"),
     ("FDG -- fluorodeoxyglucose", "F-18"), ("Rb-82", "Rb-82"), ("PSMA-1007", None), ("Solution", None)],
)  # fmt: skip
def test_nuclides(text, nuclide):
    assert nuclide_of(text) == nuclide


def test_ct_and_pet_swapped(tmp_path, data_folder):
    case = data_folder / "petct_ibsi_sts" / "STS_001"
    refused(case / "CT_image.nii.gz", "look like a CT", "swapped", unit="suv")
    refused(case / "CT_image.nii.gz", "look like a CT", unit="bqml", by_hand=NUMBERS)
    folder = tmp_path / "pet"
    files = write_pet(folder, patient="A")
    for path in (folder, files[2]):
        with pytest.raises(InputError, match="its modality is PT; were"):
            check_ct(image(), path)
        check_same_patient("A", path)
        with pytest.raises(InputError, match="another patient") as caught:
            check_same_patient("B", path)
        assert "SECRET" not in str(caught.value)


def test_published_cts_pass_as_ct_and_pets_do_not(data_folder):
    """Nor do they with a few negative voxels, as interpolation leaves them, or in Bq/ml with noise below 0."""
    cts = sorted((data_folder / "petct_ibsi_sts").glob("STS_*/CT_image.nii.gz"))
    assert len(cts) == 12
    for path in (*cts, data_folder / "ct_totalsegmentator_tests" / "example_ct.nii.gz"):
        check_ct(sitk.ReadImage(str(path)), path)
    for path in (ct.with_name("PET_image.nii.gz") for ct in cts):
        suv = sitk.ReadImage(str(path), sitk.sitkFloat32)
        one = sitk.Image(suv)
        one[3, 3, 3] = -1000.0
        noisy = suv * 5000.0
        noisy[:, :4, :] = noisy[:, :4, :] * 0 - 300.0
        for given in (suv, one, noisy):
            with pytest.raises(InputError, match=r"no CT of a body in Hounsfield units.*swapped") as caught:
                check_ct(given, path)
            assert "\n" not in str(caught.value)


def test_all_published_sarcoma_pets_pass(data_folder):
    paths = sorted((data_folder / "petct_ibsi_sts").glob("STS_*/PET_image.nii.gz"))
    assert len(paths) == 12
    for path in paths:
        assert read_pet(path, unit="suv").info.notes == ()


def test_a_ct_with_metal_is_no_pet_and_noise_is(data_folder):
    """The range alone does not tell them: metal reaches 20000, and a PET in Bq/ml has noise below 0."""
    ct = sitk.ReadImage(str(data_folder / "petct_ibsi_sts" / "STS_001" / "CT_image.nii.gz"))
    values = sitk.GetArrayFromImage(ct).astype(np.float32)
    values[0, 0, :5] = 20000
    with pytest.raises(InputError, match="look like a CT"):
        check_no_ct(values, "x")
    noise = np.random.default_rng(0).normal(0, 900, (20, 30, 30)).astype(np.float32)
    noise[5, 5, 5] = 40000
    check_no_ct(noise, "x")


def test_numbers_may_stand_in_a_file_beside_the_pet(tmp_path):
    path = written(tmp_path, sidecar={"Units": "Bq/ml", "dose_mbq": 350})
    with pytest.raises(InputError) as caught:
        read_pet(path)
    told = told_by_file(caught.value, path).message
    assert 'write "weight_kg"' in told and "into pet.json beside it" in told and "--" not in told, told
    (tmp_path / "pet.json").write_text(json.dumps({"Units": "Bq/ml"} | NUMBERS))
    assert read_pet(path).info.suv_factor == pytest.approx(read_pet(path, unit="bqml", by_hand=NUMBERS).info.suv_factor)
    assert read_pet(path, by_hand={"weight_kg": 40}).info.suv_factor == pytest.approx(
        read_pet(path).info.suv_factor / 2
    )
    folder = tmp_path / "dicom"
    write_pet(folder, edit=setting(PatientWeight=None))
    with pytest.raises(InputError) as caught:
        read_pet(folder)
    assert told_by_file(caught.value, folder).message.endswith('; write "weight_kg" into pet.json in that folder')
    (folder / "pet.json").write_text('{"weight_kg": 80}')
    assert [one.source for one in read_pet(folder).info.inputs if one.name == "weight"] == ["by hand"]
    (folder / "pet.json").write_text('{"weight_kg": 8000}')
    with pytest.raises(InputError, match='"weight_kg" 8000: not plausible'):
        read_pet(folder)
