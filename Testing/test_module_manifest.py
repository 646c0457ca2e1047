"""The extension ships what it has: CMake lists against the tree, metadata, the catalogue entry, line ends."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from make_manifest import FOLDERS, listed, shipped

PROJECT = Path(__file__).resolve().parent.parent
TEXT = {".py", ".txt", ".md", ".json", ".ui", ".toml", ".cff", ".cmake", ".yml", ""}
METADATA = {"HOMEPAGE", "CATEGORY", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"}
# Keys of Slicer's catalogue entry schema 1.0.1: required ones, and the type of each.
REQUIRED = {"$schema", "category", "scm_url"}
TYPES = {
    "$schema": str, "category": str, "scm_url": str, "scm_revision": str, "scm_type": str, "build_dependencies": list,
    "build_subdirectory": str, "enabled": bool, "tier": int,
}  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_cmake_lists_are_the_tree(folder):
    cmake = listed((PROJECT / folder / "CMakeLists.txt").read_text(encoding="utf-8"))
    for name, files in shipped(PROJECT / folder).items():
        lacking, gone = set(files) - set(cmake[name]), set(cmake[name]) - set(files)
        assert not lacking, f"not shipped: {lacking}; run python Testing/make_manifest.py"
        assert not gone, f"listed, but absent: {gone}; run python Testing/make_manifest.py"
        assert cmake[name] == sorted(cmake[name], key=lambda file: Path(file)), f"{folder}: {name} is not sorted"


def test_what_slicer_needs_of_a_module_is_there():
    scripts = shipped(PROJECT / "TransferSeg")["MODULE_PYTHON_SCRIPTS"]
    # Any file beside the module would be taken for a module of its own.
    assert [name for name in scripts if "/" not in name] == ["TransferSeg.py"]
    resources = shipped(PROJECT / "TransferSeg")["MODULE_PYTHON_RESOURCES"]
    assert {"Resources/Icons/TransferSeg.png", "Resources/requirements.txt"} <= set(resources)
    models = [name for name in shipped(PROJECT / "TransferSegLib")["MODULE_PYTHON_RESOURCES"] if "models" in name]
    assert any(name.endswith("model.pt") for name in models) and any(name.endswith("metadata.json") for name in models)


def test_the_extensions_metadata():
    text = (PROJECT / "CMakeLists.txt").read_text(encoding="utf-8")
    values = dict(re.findall(r'set\(EXTENSION_(\w+) "([^"]*)"\)', text))
    assert set(values) == METADATA
    assert all(values.values()) and "project(TransferSeg)" in text
    assert values["DEPENDS"] == "PyTorch" and values["CATEGORY"] == "Segmentation"
    raw = values["HOMEPAGE"].replace("github.com", "raw.githubusercontent.com") + "/main/"
    for url in (values["ICONURL"], *values["SCREENSHOTURLS"].split()):
        assert url.startswith(raw) and url.endswith(".png"), url
    assert (PROJECT / values["ICONURL"].removeprefix(raw)).is_file()
    order = [text.index(part) for part in ("find_package(Slicer REQUIRED)", "include(${Slicer_USE_FILE})",
             "add_subdirectory(TransferSegLib)", "include(${Slicer_EXTENSION_GENERATE_CONFIG})",
             "include(${Slicer_EXTENSION_CPACK})")]  # fmt: skip
    assert order == sorted(order)


def test_the_screenshot_of_the_catalogue_is_there():
    assert (PROJECT / "Resources" / "Screenshots" / "segment-result.png").is_file()


def test_the_catalogue_entry_fits_the_schema():
    entry = json.loads((PROJECT / "TransferSeg.json").read_text(encoding="utf-8"))
    assert set(entry) >= REQUIRED and set(entry) <= set(TYPES)
    assert all(isinstance(value, TYPES[key]) for key, value in entry.items())
    assert entry["$schema"].endswith("slicer-extension-catalog-entry-schema-v1.0.1.json#")
    assert 1 <= entry["tier"] <= 5 and entry["scm_url"].startswith("https://")
    cmake = (PROJECT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert f'set(EXTENSION_HOMEPAGE "{entry["scm_url"].removesuffix(".git")}")' in cmake
    assert f'set(EXTENSION_DEPENDS "{" ".join(entry["build_dependencies"])}")' in cmake
    assert f'set(EXTENSION_CATEGORY "{entry["category"]}")' in cmake


@pytest.mark.parametrize("path", ["TransferSeg/Resources/Icons/TransferSeg.png", "Resources/TransferSeg.png"])
def test_the_icon_is_128_by_128(path):
    head = (PROJECT / path).read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", head[16:24]) == (128, 128)


def test_all_line_ends_are_lf():
    files = [p for root in (*FOLDERS, "Testing", ".ci", "Resources", "benchmarks") for p in (PROJECT / root).rglob("*")]
    files += [p for p in PROJECT.iterdir() if p.is_file()]
    texts = [p for p in files if p.is_file() and p.suffix in TEXT and "__pycache__" not in p.parts]
    assert len(texts) > 100
    assert not [str(p) for p in texts if b"\r\n" in p.read_bytes()]


def test_requirements_say_the_same_everywhere():
    import tomllib

    from TransferSegLib.jobs.pack import REQUIREMENTS
    from TransferSegLib.jobs.pack_target import SLICER_BRINGS

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (PROJECT / "TransferSeg" / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    slicer = [line for line in lines if line and not line.startswith("#")]
    base = [line for line in project["dependencies"] if not line.startswith("torch")]
    assert sorted(slicer) == sorted([*base, *project["optional-dependencies"]["atlas"]])
    assert [line for line in slicer if line.split(">=")[0].lower() not in SLICER_BRINGS] == list(REQUIREMENTS)


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The extension configured and installed by CMake over a stand-in of Slicer's macros: the modules' folder."""
    cmake = shutil.which("cmake")
    if cmake is None:
        pytest.skip("cmake is not on the PATH")
    folder = tmp_path_factory.mktemp("cmake")
    (folder / "SlicerConfig.cmake").write_text(_SLICER, encoding="utf-8")
    for name in ("use", "generate", "cpack"):
        (folder / f"{name}.cmake").write_text(_USE if name == "use" else "", encoding="utf-8")
    command = [cmake, "-S", PROJECT, "-B", folder / "build", f"-DSlicer_DIR={folder}", "-DBUILD_TESTING=ON"]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "unittest TransferSeg.py" in run.stdout + run.stderr
    return folder / "build" / "qt-scripted-modules"


def test_cmake_ships_the_tree(installed):
    copied = {p.relative_to(installed).as_posix() for p in installed.rglob("*") if p.is_file()}
    lists = [listed((PROJECT / folder / "CMakeLists.txt").read_text(encoding="utf-8")) for folder in FOLDERS]
    module, library = ({name for files in each.values() for name in files} for each in lists)
    assert copied == module | {f"TransferSegLib/{name}" for name in library}


def test_the_library_works_where_it_was_installed(installed):
    code = (
        "import TransferSegLib, sys; from TransferSegLib.packages import list_models, shipped_folder; "
        "print(TransferSegLib.__file__, [e.name for e in list_models() if e.source == 'shipped'])"
    )
    environment = {"PYTHONPATH": str(installed), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=installed)
    assert run.returncode == 0, run.stderr
    assert str(installed) in run.stdout and "brain-unet-phantom" in run.stdout


_SLICER = """
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/use.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/generate.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/cpack.cmake")
"""

# What Slicer's macros do with the lists: a missing file is fatal, the rest is copied as it is named.
_USE = """
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY "WITH_GENERIC_TESTS;WITH_SUBDIR" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS OR NOT MY_NAME)
    message(FATAL_ERROR "wrong arguments: ${MY_UNPARSED_ARGUMENTS}")
  endif()
  set(_to "${CMAKE_BINARY_DIR}/qt-scripted-modules")
  if(MY_WITH_SUBDIR)
    get_filename_component(_name ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    set(_to "${_to}/${_name}")
  endif()
  foreach(_file ${MY_SCRIPTS} ${MY_RESOURCES})
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${_file}")
      message(FATAL_ERROR "nonexistent file ${_file}")
    endif()
    get_filename_component(_folder "${_to}/${_file}" DIRECTORY)
    file(COPY "${CMAKE_CURRENT_SOURCE_DIR}/${_file}" DESTINATION "${_folder}")
  endforeach()
endmacro()
function(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "SCRIPT" "" ${ARGN})
  message(STATUS "unittest ${MY_SCRIPT}")
endfunction()
"""
