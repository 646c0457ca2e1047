"""What tmtv leaves in its folder: a text file, a page, a PDF and label maps a patient, and one table for all."""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from .. import __version__, storage
from ..errors import InputError, UsageError
from ..imaging import image_suffix, write_image
from ..reporting.tmtv_html import html_report
from ..reporting.tmtv_pdf import write_pdf
from ..reporting.tmtv_table import tmtv_table, write_csv, write_workbook
from ..reporting.tmtv_text import text_report
from ..reporting.tmtv_words import Words

KIND = "transferseg tmtv"
TABLE, WORKBOOK = "tmtv.csv", "tmtv.xlsx"
EARLIER = "earlier"


def check_folder(folder: Path, inputs: Sequence[Path]) -> None:
    """Refuse, before any work, a folder that cannot be written or that holds the images themselves."""
    if folder.is_file():
        raise UsageError(f"--out {folder}: is a file; name a folder for the report")
    place = folder.resolve()
    for path in inputs:
        source = path.resolve()
        among = source.is_dir() and (source == place or source in place.parents)
        series = source.is_file() and image_suffix(source) is None and source.parent == place
        if among or series or source.parent == place:
            raise UsageError(f"--out {folder}: holds the images; name a folder of its own for the report")
    storage.check_writable(folder / "x")


def check_patient(folder: Path, patient: str, pet: str) -> None:
    """Refuse to write over the report of another PET that has the same name, also one of another version.

    ``pet`` is its path with nothing relative in it, or the name that stands for it.
    """
    earlier = _read(folder / f"{file_stem(patient)}.json", any_version=True)
    if earlier is not None and earlier.get("pet") != pet:
        raise InputError(
            f"{folder}: holds a report {file_stem(patient)} of another PET; give this one a name with --id NAME"
        )


def check_text(text: str, option: str) -> None:
    """Refuse a name that cannot be written: control characters, line ends, and what is no Unicode."""
    if any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in text):
        raise UsageError(f"{option}: the name holds a character that cannot be printed; give one with {option} NAME")


def file_stem(patient: str) -> str:
    """A patient's name as the beginning of file names."""
    return re.sub(r"[^\w.-]+", "_", patient).strip("._") or "patient"


def write_all(
    folder: Path,
    report: dict[str, Any],
    pictures: Mapping[str, bytes],
    images: Mapping[str, sitk.Image],
    *,
    language: str,
    table: bool = True,
) -> dict[str, Any]:
    """Write a patient's files, all of them or none, and the table of all patients in the folder.

    Parameters
    ----------
    report : dict
        What is known of the patient; ``report`` and ``files`` are added.
    images : mapping of name to label map
        ``lesions``, ``physiological``; written as ``NAME_lesions.nii.gz``.
    table : bool
        False leaves the table to ``write_table``.

    Returns
    -------
    dict
        The report with the paths of its files.
    """
    stem, made = file_stem(report["patient"]), _made(language)
    names = {"text": f"{stem}.txt", "page": f"{stem}.html", "pdf": f"{stem}.pdf", "json": f"{stem}.json"}
    names |= {name: f"{stem}_{name}.nii.gz" for name in images}
    files = {name: str(folder / file) for name, file in names.items()}
    files["table"] = str(folder / TABLE)
    value = report | {"report": files["page"], "files": files}
    with storage.adding_to_folder(folder) as temporary:
        storage.write_text(temporary / names["text"], text_report(value, language=language, made=made))
        page = html_report(value, pictures, language=language, made=made)
        storage.write_text(temporary / names["page"], page)
        write_pdf(temporary / names["pdf"], value, pictures, language=language, made=made)
        for name, image in images.items():
            write_image(image, temporary / names[name])
        if table:
            _write_table(temporary, [*_others(folder, stem), value], value, language)
        storage.write_json(temporary / names["json"], {"kind": KIND, "version": __version__} | value)
    for name in ("physiological",):  # of an earlier run, where nothing stands apart any more
        if name not in images:
            with suppress(OSError):
                (folder / f"{stem}_{name}.nii.gz").unlink()
    return value


def write_table(folder: Path, language: str) -> dict[str, str]:
    """Write the table of all reports in the folder; its files by kind."""
    files: dict[str, str] = {}
    with storage.adding_to_folder(folder) as temporary:
        _write_table(temporary, _others(folder, None), {"files": files}, language)
    return {name: str(folder / Path(path).name) for name, path in files.items()}


def set_aside(folder: Path, patient: str, pet: str) -> bool:
    """Move a patient's report of an earlier run into ``earlier``, where no table looks; whether there was one.

    That of another PET (``pet``: its path with nothing relative in it) is left where it is.
    """
    stem = file_stem(patient)
    earlier = _read(folder / f"{stem}.json", any_version=True)
    if earlier is None or earlier.get("pet") != pet:
        return False
    names = [f"{stem}{end}" for end in (".txt", ".html", ".pdf", "_lesions.nii.gz", "_physiological.nii.gz", ".json")]
    (folder / EARLIER).mkdir(exist_ok=True)
    for name in names:
        if (folder / name).is_file():
            (folder / name).replace(folder / EARLIER / name)
    return True


def _write_table(temporary: Path, reports: list[dict[str, Any]], value: dict[str, Any], language: str) -> None:
    headings, rows = tmtv_table(reports, language=language)
    write_csv(temporary / TABLE, headings, rows, language=language)
    target = Path(value["files"].get("table", temporary / TABLE)).parent
    value["files"]["table"] = str(target / TABLE)
    if write_workbook(temporary / WORKBOOK, headings, rows) is not None:
        value["files"]["workbook"] = str(target / WORKBOOK)


def _others(folder: Path, stem: str | None) -> list[dict[str, Any]]:
    """The reports that are in the folder already, but for the one called ``stem``."""
    if not folder.is_dir():
        return []
    found = (_read(path) for path in sorted(folder.glob("*.json")) if path.stem != stem)
    return [report for report in found if report is not None]


def _read(path: Path, *, any_version: bool = False) -> dict[str, Any] | None:
    """A report of ours, or None for any other file, also for one of a version with other fields."""
    with suppress(OSError, ValueError, UnicodeDecodeError):
        value = json.loads(path.read_text(encoding="utf-8"))
        ours = isinstance(value, dict) and value.get("kind") == KIND
        if ours and (any_version or value.get("version") == __version__):
            return value
    return None


def _made(language: str) -> str:
    return Words(language)("made_by", version=__version__, date=datetime.date.today().isoformat())
