"""Finding: one thing about a scan that a reader of the answer must know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was noticed.

    Parameters
    ----------
    kind : str
        Machine-readable: ``not-ct``, ``mask``, ``rescale``, ``windowed``, ``single-slice``, ``localiser``,
        ``short``, ``gap``, ``repeated``, ``mixed``, ``no-spine``, ``no-bone``, ``head``, ``spine-unseen``,
        ``front-back``, ``upside-down``, ``spacing``, ``size``, ``values``.
    sentence : str
        What is wrong and what to do, in plain words.
    fatal : bool
        Whether no answer should be given.
    """

    kind: str
    sentence: str
    fatal: bool
