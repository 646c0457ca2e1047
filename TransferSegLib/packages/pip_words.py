"""What pip's output means, in one word and one line."""

from __future__ import annotations

_OFFLINE = (
    "name resolution",
    "nodename nor servname",
    "getaddrinfo failed",
    "newconnectionerror",
    "failed to establish",
    "connection refused",
    "network is unreachable",
    "proxyerror",
    "connecttimeout",
    "read timed out",
    "connection broken",
    "max retries exceeded",
)


def pip_problem(text: str) -> str:
    """``offline``, ``disk-full``, ``no-pip``, ``no-wheel``, ``conflict`` or ``other``, from pip's output."""
    low = text.lower()
    if "no module named pip" in low:
        return "no-pip"
    if "no space left" in low or "disk quota" in low:
        return "disk-full"
    if any(sign in low for sign in _OFFLINE):
        return "offline"
    if "resolutionimpossible" in low or "conflicting dependencies" in low:
        return "conflict"
    return "no-wheel" if "no matching distribution found" in low else "other"


def last_error(text: str) -> str:
    """pip's last line that says ERROR, else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or [""])[-1]
