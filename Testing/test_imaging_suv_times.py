"""Moments of a PET study: midnight, time zones, dates changed by anonymisation, tracers of days."""

from __future__ import annotations

import datetime

import pytest
from helpers_pet import FACTOR, HALF_LIFE, HOUR, drug_of, setting, write_pet

from TransferSegLib.errors import InputError, UsageError
from TransferSegLib.imaging import read_pet
from TransferSegLib.imaging.suv_times import Moment, moment_by_hand, moment_of_datetime, uptake_seconds


def uptake(injected: str, acquired: str, half_life: float = HALF_LIFE) -> float:
    return uptake_seconds(moment_by_hand(injected, "-"), moment_by_hand(acquired, "-"), half_life, "x")[0]


def factor(folder, **fields) -> float:
    write_pet(folder, edit=setting(**fields))
    return read_pet(folder).info.suv_factor / FACTOR


def test_across_midnight_by_time_alone(tmp_path):
    folder = tmp_path / "time"
    write_pet(
        folder, edit=setting(RadiopharmaceuticalStartTime="233000", SeriesTime="003000", AcquisitionTime="003000")
    )
    pet = read_pet(folder)
    assert pet.info.suv_factor == pytest.approx(FACTOR)
    assert any("evening before" in note for note in pet.info.notes)
    full = {"RadiopharmaceuticalStartDateTime": "20240109233000", "RadiopharmaceuticalStartTime": None}
    assert factor(tmp_path / "full", **full, SeriesTime="003000", AcquisitionTime="003000") == pytest.approx(1)
    # The beds, too, go on past midnight, with and without dates: the first is that of 23:59.
    for name, date in (("dated", "20240110"), ("undated", "")):

        def edit(item, k, date=date):
            drug_of(item).RadiopharmaceuticalStartTime = "225900"
            item.SeriesDate, item.SeriesTime = date, ""
            item.AcquisitionDate = ("20240111" if k > 2 else date) if date else ""
            item.StudyDate, item.AcquisitionTime = date, "000200" if k > 2 else "235900"

        write_pet(tmp_path / name, edit=edit)
        assert read_pet(tmp_path / name).info.suv_factor == pytest.approx(FACTOR)


@pytest.mark.parametrize(
    ("series", "beds", "injected", "start"),
    [
        # The reviewer's case: beds from 23:56 on into the next day.
        (("20240110", "235500"), ("235600", "000106"), "225500", "2024-01-10 23:55:00"),
        (("", "235500"), ("235600", "000106"), "225500", "23:55:00"),
        # The series was made after midnight of a scan before it, or long after one of the morning.
        (("20240111", "001000"), ("235000", "235500"), "225000", "2024-01-10 23:50:00"),
        (("20240110", "203000"), ("080000", "080500"), "070000", "2024-01-10 08:00:00"),
        # No series time: the first bed is of the series date.
        (("20240110", ""), ("235600", "000106"), "225600", "2024-01-10 23:56:00"),
    ],
)
def test_acquisition_times_without_a_date(tmp_path, series, beds, injected, start):
    def edit(item, k):
        item.SeriesDate, item.SeriesTime = series
        item.AcquisitionDate, item.AcquisitionTime = "", beds[k > 2]
        item.StudyDate = series[0]
        drug_of(item).RadiopharmaceuticalStartTime = injected

    write_pet(tmp_path, edit=edit)
    info = read_pet(tmp_path).info
    assert info.suv_factor == pytest.approx(FACTOR)
    assert dict(entry[:2] for entry in info.inputs)["acquired"] == start


def test_time_zones(tmp_path):
    one = {"RadiopharmaceuticalStartTime": None}
    # 08:00 UTC is 10:00 in the scanner's zone.
    away = factor(tmp_path / "a", **one, RadiopharmaceuticalStartDateTime="20240110080000+0000",
                  TimezoneOffsetFromUTC="+0200")  # fmt: skip
    assert away == pytest.approx(1)
    assert factor(tmp_path / "b", **one, RadiopharmaceuticalStartDateTime="20240110100000+0200") == pytest.approx(1)
    assert moment_of_datetime("20240110003000+0100", "-0500") == Moment(18.5 * HOUR, datetime.date(2024, 1, 9))
    # Both clocks, one of them in another zone: which is right is not known.
    write_pet(tmp_path / "c", edit=setting(RadiopharmaceuticalStartDateTime="20240110080000"))
    with pytest.raises(InputError, match=r"stated twice, as 2024-01-10 08:00:00 and as 10:00:00.*--injected TIME"):
        read_pet(tmp_path / "c")
    assert read_pet(tmp_path / "c", by_hand={"injected": "10:00"}).info.suv_factor == pytest.approx(FACTOR)


def test_injection_after_acquisition(tmp_path):
    write_pet(tmp_path / "time", edit=setting(RadiopharmaceuticalStartTime="113000"))
    with pytest.raises(InputError, match=r"injection is after the acquisition .*11:30:00.*11:00:00.*--injected"):
        read_pet(tmp_path / "time")
    fields = {"RadiopharmaceuticalStartDateTime": "20240111100000", "RadiopharmaceuticalStartTime": None}
    write_pet(tmp_path / "date", edit=setting(**fields))
    with pytest.raises(InputError, match="injection is after the acquisition"):
        read_pet(tmp_path / "date")
    write_pet(tmp_path / "fine")
    with pytest.raises(InputError, match="after the acquisition"):
        read_pet(tmp_path / "fine", by_hand={"acquired": "09:59:59"})


def test_dates_changed_by_anonymisation(tmp_path):
    fields = {"RadiopharmaceuticalStartDateTime": "20190320100000", "RadiopharmaceuticalStartTime": None}
    write_pet(tmp_path, edit=setting(**fields))
    pet = read_pet(tmp_path)
    assert pet.info.suv_factor == pytest.approx(FACTOR)
    assert any("days apart and were not used" in note for note in pet.info.notes)


def test_uptake_that_no_short_lived_tracer_has(tmp_path):
    with pytest.raises(InputError, match=r"26\.0 h from injection to scan"):
        uptake("2024-01-09 09:00", "2024-01-10 11:00")
    with pytest.raises(InputError, match=r"13\.0 h"):
        uptake("07:00", "20:00")
    assert uptake("10:00", "21:59") == pytest.approx(11.983 * HOUR, rel=1e-4)


def test_a_tracer_of_days_needs_dates():
    zirconium = 282276.0
    assert uptake("2024-01-05 09:00", "2024-01-10 09:00", zirconium) == 5 * 24 * HOUR
    with pytest.raises(InputError, match="date is missing"):
        uptake("09:00", "2024-01-10 10:00", zirconium)


@pytest.mark.parametrize(
    ("text", "seconds", "date"),
    [
        ("9:30", 9.5 * HOUR, None),
        ("09:30:15", 9.5 * HOUR + 15, None),
        ("093015.5", 9.5 * HOUR + 15.5, None),
        ("2024-02-29 23:59:59", 24 * HOUR - 1, datetime.date(2024, 2, 29)),
        ("2024-02-29T23:59", 24 * HOUR - 60, datetime.date(2024, 2, 29)),
        ("20240229235959", 24 * HOUR - 1, datetime.date(2024, 2, 29)),
        (datetime.time(9, 30), 9.5 * HOUR, None),
        (datetime.datetime(2024, 2, 29, 9, 30), 9.5 * HOUR, datetime.date(2024, 2, 29)),
    ],
)
def test_times_by_hand(text, seconds, date):
    assert moment_by_hand(text, "--injected") == Moment(seconds, date)


@pytest.mark.parametrize("text", ["25:00", "10:61", "noon", "2023-02-29 10:00", "9", "10:00 PM", "1.5", "2024-01-10"])
def test_no_times_by_hand(text):
    with pytest.raises(UsageError, match=r"--injected .*: not a time"):
        moment_by_hand(text, "--injected")
