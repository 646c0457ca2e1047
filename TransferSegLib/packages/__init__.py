"""Models on disk: packages, their cards, the catalogue, safe loading, import and export."""

from .archive import export_zip, unpacked
from .bundle import import_bundle
from .card import Card, Label, json_schema
from .catalogue import DEFAULT_LEVEL_MODEL, Entry, find_package, forget, list_models, meant, register, shipped_folder
from .composed import composed_state, load_checked, loaded_module, network_parts
from .inputs import CT, PETCT, PETCT_ROLES, PICTURE, SLICES, input_channels, needed_roles
from .learned import learned_digests
from .live import live_obstacle
from .merging import merge_packages
from .package import Package, read_package, read_state, write_package
from .size_record import SizeRecord
from .sizes import size_here, sizes_file, sizes_of, store_size
from .students import is_student, student_networks, usual_student
from .tmtvnet import import_tmtvnet, is_checkpoint

__all__ = [
    "CT",
    "DEFAULT_LEVEL_MODEL",
    "PETCT",
    "PETCT_ROLES",
    "PICTURE",
    "SLICES",
    "Card",
    "Entry",
    "Label",
    "Package",
    "SizeRecord",
    "composed_state",
    "export_zip",
    "find_package",
    "forget",
    "import_bundle",
    "import_tmtvnet",
    "input_channels",
    "is_checkpoint",
    "is_student",
    "json_schema",
    "learned_digests",
    "list_models",
    "live_obstacle",
    "load_checked",
    "loaded_module",
    "meant",
    "merge_packages",
    "needed_roles",
    "network_parts",
    "read_package",
    "read_state",
    "register",
    "shipped_folder",
    "size_here",
    "sizes_file",
    "sizes_of",
    "store_size",
    "student_networks",
    "unpacked",
    "usual_student",
    "write_package",
]
