"""Whether a scan can hold an answer: what is noticed before a network looks at it."""

from __future__ import annotations

from ..imaging.scan import Scan
from ..preparing.projecting import upright
from .coarse import coarse
from .findings import Finding
from .plausibility_body import check_body
from .plausibility_slices import check_extent, check_order, check_tilt
from .plausibility_values import check_modality, check_values

__all__ = ["NOT_HU", "Finding", "examine"]

NOT_HU = ("not-ct", "mask", "rescale", "windowed")
"""Findings about the values: where one of them is fatal, nothing can be measured in any slice."""


def examine(scan: Scan, *, one_slice: bool = False) -> list[Finding]:
    """All findings about a scan, fatal ones first; empty for an unremarkable CT of a trunk.

    Rules are loose enough to let crops, children, large patients, implants, contrast and low dose pass: they
    look for what cannot be, not for what is unusual.

    Parameters
    ----------
    scan : Scan
        As ``read_scan`` gives it.
    one_slice : bool
        The user has named the slice: its values are judged even where the scan is too short, or has gaps.

    Returns
    -------
    list of Finding
        Later checks are left out once an earlier one has ruled the scan out: they would judge nonsense.
    """
    found = [*check_modality(scan), *check_extent(scan), *check_tilt(scan)]
    values_count = not _fatal(found) or (one_slice and not any(finding.kind in NOT_HU for finding in found))
    small = coarse(scan) if values_count else None
    if small is not None:
        found += check_values(small)
    if not _fatal(found):
        found += check_order(scan)
    if not _fatal(found):
        body = upright(scan)  # cut along the axes of an oblique scan, no body has a person's size
        found += check_body(body, small if body is scan else coarse(body))
    return sorted(found, key=lambda finding: not finding.fatal)


def _fatal(found: list[Finding]) -> bool:
    return any(finding.fatal for finding in found)
