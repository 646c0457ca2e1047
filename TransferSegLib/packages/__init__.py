"""Models on disk: packages, their cards, the catalogue, safe loading, import and export."""

from .archive import export_zip, unpacked
from .bundle import import_bundle
from .card import Card, Label, json_schema
from .catalogue import DEFAULT_LEVEL_MODEL, Entry, find_package, forget, list_models, register, shipped_folder
from .package import Package, load_checked, read_package, read_state, write_package

__all__ = [
    "DEFAULT_LEVEL_MODEL",
    "Card",
    "Entry",
    "Label",
    "Package",
    "export_zip",
    "find_package",
    "forget",
    "import_bundle",
    "json_schema",
    "list_models",
    "load_checked",
    "read_package",
    "read_state",
    "register",
    "shipped_folder",
    "unpacked",
    "write_package",
]
