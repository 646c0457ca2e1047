"""Images in physical space: grids, reading, writing, resampling, DICOM series."""

from .arrays import from_array, to_array
from .dicom import FRAME_KEY, SeriesInfo, find_series, is_dicom_file, is_dicom_folder, list_series, read_series
from .formats import SUFFIXES, WRITABLE_SUFFIXES, image_stem, image_suffix, is_dicom_path, picture_suffix
from .grid import Grid, overlap_fraction
from .pet import Pet, PetInfo, pet_of, read_pet
from .pet_checks import check_ct, check_same_patient
from .pet_units import unit_of_text
from .pictures import is_coloured, picture_grid, read_picture, read_picture_mask, write_label_picture
from .reading import check_grid, read_header, read_image
from .resampling import resample
from .scan import Scan, read_scan, scan_of
from .suv_beside import told_by_file
from .writing import check_writable, write_image

__all__ = [
    "FRAME_KEY",
    "SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Grid",
    "Pet",
    "PetInfo",
    "Scan",
    "SeriesInfo",
    "check_ct",
    "check_grid",
    "check_same_patient",
    "check_writable",
    "find_series",
    "from_array",
    "image_stem",
    "image_suffix",
    "is_coloured",
    "is_dicom_file",
    "is_dicom_folder",
    "is_dicom_path",
    "list_series",
    "overlap_fraction",
    "pet_of",
    "picture_grid",
    "picture_suffix",
    "read_header",
    "read_image",
    "read_pet",
    "read_picture",
    "read_picture_mask",
    "read_scan",
    "read_series",
    "resample",
    "scan_of",
    "to_array",
    "told_by_file",
    "unit_of_text",
    "write_image",
    "write_label_picture",
]
