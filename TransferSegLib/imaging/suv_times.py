"""Moments of a PET study: DICOM dates and times, times entered by hand, and the time from injection to scan."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from ..errors import InputError, UsageError

DAY = 86400.0
# A short-lived tracer is not scanned later than this, so a longer time is a fault of the dates (seconds).
LONGEST_UPTAKE = 12 * 3600.0
# From this half-life on a scan may be days after the injection: a time without a date then says nothing (seconds).
LONG_LIVED = 6 * 3600.0
# Dates so far apart have been changed by anonymisation (seconds).
_CHANGED = 7 * DAY

_TIME = re.compile(r"(\d{1,2}):?(\d{2})?:?(\d{2})?(\.\d*)?")
_DATE_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})?(\d{2})?(\.\d*)?([+-]\d{4})?")


@dataclass(frozen=True)
class Moment:
    """A time of day, seconds since midnight, and its date where one is known."""

    seconds: float
    date: datetime.date | None = None

    def __str__(self) -> str:
        whole = round(self.seconds)
        clock = f"{whole // 3600 % 24:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
        return f"{self.date.isoformat()} {clock}" if self.date else clock

    def later(self, seconds: float) -> Moment:
        """The moment so many seconds later; negative for earlier."""
        days, rest = divmod(self.seconds + seconds, DAY)
        return Moment(rest, self.date + datetime.timedelta(days=int(days)) if self.date else None)

    def since(self, other: Moment) -> float:
        """Seconds from ``other`` to this; without both dates the shorter way round the clock."""
        if self.date and other.date:
            return (self.date - other.date).days * DAY + self.seconds - other.seconds
        return (self.seconds - other.seconds + DAY / 2) % DAY - DAY / 2

    def on(self, date: datetime.date | None) -> Moment:
        """The same time of day on another date."""
        return Moment(self.seconds, date)


def clock(text: object) -> float | None:
    """Seconds since midnight of a DICOM TM (``HHMMSS.FFF``, also with colons), or None."""
    found = _TIME.fullmatch(str(text or "").strip())
    if not found or (len(found[1]) == 1 and not found[2]):
        return None
    hour, minute, second = (int(part or 0) for part in found.groups()[:3])
    if hour > 23 or minute > 59 or second > 60:
        return None
    return hour * 3600 + minute * 60 + second + float((found[4] or ".") + "0")


def day(text: object) -> datetime.date | None:
    """The date of a DICOM DA (``YYYYMMDD``, also with dots or dashes), or None."""
    digits = re.sub(r"[.\-/]", "", str(text or "").strip())
    try:
        return datetime.datetime.strptime(digits, "%Y%m%d").date() if len(digits) == 8 else None
    except ValueError:
        return None


def moment(date: object, time: object) -> Moment | None:
    """A DICOM date and time, or None without a time."""
    seconds = clock(time)
    return None if seconds is None else Moment(seconds, day(date))


def moment_of_datetime(text: object, zone: object = None) -> Moment | None:
    """A DICOM DT, brought to the data set's own ``zone`` (``+HHMM``) when both name one; None without a time."""
    found = _DATE_TIME.fullmatch(str(text or "").strip())
    date = found and day("".join(found.groups()[:3]))
    if not date:
        return None
    there = clock("".join(part or "00" for part in found.groups()[3:6]) + (found[7] or ""))
    if there is None:
        return None
    shift = _offset(zone) - _offset(found[8]) if found[8] and _offset(zone) is not None else 0.0
    return Moment(there, date).later(shift)


def _offset(zone: object) -> float | None:
    found = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", str(zone or "").strip())
    return None if not found else (1 if found[1] == "+" else -1) * (int(found[2]) * 3600.0 + int(found[3]) * 60.0)


def moment_by_hand(given: object, option: str) -> Moment:
    """A time that a user entered: ``HH:MM[:SS]``, with a date ``YYYY-MM-DD HH:MM[:SS]``, or DICOM's digits.

    Raises
    ------
    UsageError
        When it is none of these.
    """
    if isinstance(given, datetime.datetime):
        return Moment(clock(given.strftime("%H:%M:%S.%f")) or 0.0, given.date())
    if isinstance(given, datetime.time):
        return Moment(clock(given.strftime("%H:%M:%S.%f")) or 0.0)
    text = str(given).strip()
    found = moment_of_datetime(text) if re.fullmatch(r"\d{10,14}(\.\d+)?", text) else None
    date, _, time = text.replace("T", " ").rpartition(" ")
    if found is None and clock(time) is not None and (not date.strip() or day(date)):
        found = moment(date, time)
    if found is None:
        raise UsageError(f'{option} {text[:40]}: not a time; say HH:MM:SS, or "YYYY-MM-DD HH:MM:SS" with the date')
    return found


def uptake_seconds(injected: Moment, acquired: Moment, half_life: float, where: object) -> tuple[float, list[str]]:
    """Seconds from the injection to the moment that the values are corrected to, and what was assumed.

    A time of day without a date is of the same day, or of the day before where the injection would otherwise
    lie after the scan. Dates more than a week apart for a short-lived tracer were changed by anonymisation:
    then the times of day alone count.

    Raises
    ------
    InputError
        Injection after acquisition; a time too long for the tracer; a long-lived tracer without dates.
    """
    pair = f"injected {injected}, values of {acquired}"
    fix = "say --injected TIME, and --acquired TIME if that one is wrong"
    dated = injected.date is not None and acquired.date is not None
    seconds, notes = acquired.since(injected), []
    if half_life > LONG_LIVED:
        if not dated:
            raise InputError(
                f"{where}: a tracer of {half_life / 3600:.0f} h half-life may have been injected days before, and "
                f'the date is missing ({pair}); say --injected "YYYY-MM-DD HH:MM:SS" and --acquired likewise'
            )
    elif dated and abs(seconds) > _CHANGED:
        dated = False
        notes.append(f"The dates are {abs(seconds) / DAY:.0f} days apart and were not used, only the times: {pair}.")
    if not dated:
        seconds = acquired.seconds - injected.seconds
        if seconds < 0 and seconds + DAY <= LONGEST_UPTAKE:
            seconds += DAY
            notes.append(f"The injection is taken to be of the evening before: {pair}.")
    if seconds < 0:
        raise InputError(f"{where}: the injection is after the acquisition ({pair}); {fix}")
    if half_life <= LONG_LIVED and seconds > LONGEST_UPTAKE:
        raise InputError(f"{where}: {seconds / 3600:.1f} h from injection to scan ({pair}) are not plausible; {fix}")
    return seconds, notes
