"""The moment that a DICOM PET's values are decay-corrected to, by the vendor-neutral rules.

QIBA's "SUV vendor-neutral pseudo-code": the series' date and time, unless they lie after the acquisition (a
series made later by post-processing, or a Siemens one altered): then GE's private scan time, else the time
back-computed from each frame's reference time, else the earliest acquisition.
"""

from __future__ import annotations

import datetime
import math
import statistics
from collections.abc import Sequence
from typing import Any

from .pet_series import GE_CREATOR, GE_GROUP, GE_SCAN_TIME, private_text
from .suv_times import DAY, Moment, day, moment, moment_of_datetime

# Times back-computed from the frames of one series lie this near to one another, else they mean nothing (seconds).
_SPREAD = 60.0
# So far from the series' time, the back-computed one is worth a note (seconds).
_WORTH_A_NOTE = 120.0
# No scan goes on for longer, so that a later acquisition time is of the morning before the series' evening (seconds).
_LONGEST_SCAN = 6 * 3600.0


def scan_start(headers: Sequence[Any], half_life: float | None) -> tuple[Moment | None, str, list[str]]:
    """The moment, the rule that gave it, and notes; None where the headers hold no time.

    ``half_life`` in seconds serves the back-computation alone.
    """
    series = _earliest([moment(header.get("SeriesDate"), header.get("SeriesTime")) for header in headers])
    times = [_acquired(header, series) for header in headers]
    date = day(headers[0].get("SeriesDate")) or day(headers[0].get("StudyDate"))
    acquired = _dated(_earliest(times), date)
    computed = _dated(_back_computed(headers, times, half_life), date)
    if series is not None and (acquired is None or series.since(acquired) <= 0):
        notes = []
        if acquired is None:
            notes.append("Without acquisition times it could not be checked that the series time is the scan's.")
        elif computed is not None and abs(computed.since(series)) > _WORTH_A_NOTE:
            notes.append(
                f"The frames' reference times point to {computed}, the series says {series}: the series' was used."
            )
        return series, "series time", notes
    ge = moment_of_datetime(
        private_text(headers[0], GE_GROUP, GE_CREATOR, GE_SCAN_TIME), headers[0].get("TimezoneOffsetFromUTC")
    )
    late = f"The series time {series} lies after the acquisition" if series else "The series has no time"
    if ge is not None:
        return ge, "GE's private scan time", [f"{late}; GE's private scan time was used."]
    if computed is not None:
        return computed, "frame reference times", [f"{late}; the frames' reference times give the scan's start."]
    if acquired is not None:
        return acquired, "earliest acquisition time", [f"{late}; the earliest acquisition of the series was used."]
    return None, "", []


def _acquired(header: Any, series: Moment | None) -> Moment | None:
    """A slice's acquisition; without its date that of the series time, or of the day before or after if nearer.

    Without a series time, too, it stays undated.
    """
    acquired = moment(header.get("AcquisitionDate"), header.get("AcquisitionTime"))
    if acquired is None or acquired.date is not None or series is None:
        return acquired
    after = acquired.since(series)
    if after > _LONGEST_SCAN and acquired.seconds < series.seconds:
        after -= DAY
    return series.later(after)


def _dated(one: Moment | None, date: datetime.date | None) -> Moment | None:
    """The moment, on ``date`` where it has none."""
    return one if one is None or one.date is not None else one.on(date)


def _earliest(moments: Sequence[Moment | None]) -> Moment | None:
    """The earliest, also across a midnight where dates are missing."""
    known = [one for one in moments if one is not None]
    return min(known, key=lambda one: one.since(known[0])) if known else None


def _back_computed(headers: Sequence[Any], times: Sequence[Moment | None], half_life: float | None) -> Moment | None:
    """The scan's start from acquisition ``times``, frame reference time and duration, where all frames agree on it.

    Frame reference time is when the average count rate occurs, ``ln(x / (1 - exp(-x))) / lambda`` after the
    frame's start with ``x = lambda duration`` (DICOM PS3.3 C.8.9.4.1.5).
    """
    if not half_life:
        return None
    starts = []
    for header, acquired in zip(headers, times):
        reference, duration = _ms(header, "FrameReferenceTime"), _ms(header, "ActualFrameDuration")
        if acquired is not None and reference > 0 and duration > 0:
            rate = math.log(2) / half_life
            x = rate * duration
            starts.append(acquired.later(math.log(x / -math.expm1(-x)) / rate - reference))
    if not starts:
        return None
    offsets = [one.since(starts[0]) for one in starts]
    if max(offsets) - min(offsets) > _SPREAD:
        return None
    return starts[0].later(statistics.median(offsets))


def _ms(header: Any, name: str) -> float:
    """A duration of the header in seconds, 0 where it is missing."""
    try:
        return float(header.get(name) or 0) / 1000
    except (TypeError, ValueError):
        return 0.0
