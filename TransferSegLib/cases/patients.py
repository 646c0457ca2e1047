"""Whose case it is: from DICOM, or from a folder name with its session folded away."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import InputError
from ..imaging import find_series, is_dicom_path

_BRATS = re.compile(r"^(BraTS-[A-Za-z]+-\d+)-\d+$", re.IGNORECASE)
# EBHI-Seg: GT2012436-1-400-001; the rest is the block and the magnification.
_EBHI = re.compile(r"^(GT)+[A-Z]*\d+(-\d+){3}$", re.IGNORECASE)
_SESSION = re.compile(
    r"[ _.-]+(ses|session|visit|visite|timepoint|time|tp|followup|fu|baseline)"
    r"[ _.-]?[a-z0-9]*$",
    re.IGNORECASE,
)
# What anonymisers write for everybody: it tells nobody apart.
_NOBODY = re.compile(r"^(anon\w*|unknown|patient|none|null|test|deidentified|removed|[0x\s_-]*)$", re.IGNORECASE)


def patient_of(name: str, dicom_ids: Iterable[str] = ()) -> str:
    """The patient of a case called ``name``.

    A DICOM PatientID counts most; only a hash of it leaves this function. Else the name without its
    session: ``BraTS-GLI-00001-001`` gives ``BraTS-GLI-00001``, ``sub-01_ses-2`` gives ``sub-01``; of a picture of
    EBHI-Seg as `patient_of_picture` says.
    """
    for identity in dicom_ids:
        if not _NOBODY.match(identity.strip()):
            return _hidden(identity)
    return fold_session(name)


def patient_of_dicom(path: Path) -> str | None:
    """The patient that a DICOM series names, as ``patient_of`` gives it; None for other files and for nobody."""
    try:
        identities = [i for i in dicom_ids([path]) if not _NOBODY.match(i.strip())]
    except InputError:  # several series: who reads the images tells them apart, or says so
        return None
    return _hidden(identities[0]) if identities else None


def _hidden(identity: str) -> str:
    return "dicom-" + hashlib.sha256(identity.strip().encode()).hexdigest()[:12]


def dicom_ids(paths: Iterable[Path]) -> list[str]:
    """The PatientIDs of the DICOM series among existing image paths; never to be shown or logged."""
    return [find_series(path).patient_id for path in paths if is_dicom_path(path) and path.exists()]


def patient_of_picture(stem: str) -> str:
    """The patient that the name of an EBHI-Seg picture says.

    The name up to the first ``-``, upper-cased, a repeated leading GT reduced to one: ``GTxc2012436-1-400-001`` and
    ``GTGTXC2012436-2-400-003`` are of one patient. One patient may appear in several classes.
    """
    return re.sub(r"^(GT)+", "GT", stem.partition("-")[0].upper())


def fold_session(name: str) -> str:
    """A case name without its session, visit or time point."""
    if _EBHI.match(name):
        return patient_of_picture(name)
    found = _BRATS.match(name)
    if found:
        return found.group(1)
    return _SESSION.sub("", name) or name
