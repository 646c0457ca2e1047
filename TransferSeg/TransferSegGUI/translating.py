"""Slicer's translation function, or none in plain Python."""

try:
    from slicer.i18n import tr as _
except ImportError:  # tests of parts that need no Slicer

    def _(text: str) -> str:
        """The text as it is."""
        return text


__all__ = ["_"]
