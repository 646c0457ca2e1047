"""Writes the lists of shipped files into the CMake files, from the tree: ``python Testing/make_manifest.py``."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FOLDERS = ("TransferSeg", "TransferSegLib")
LISTS = ("MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES")


def shipped(folder: Path) -> dict[str, list[str]]:
    """What a folder ships: Python files, and everything below Resources."""
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    files = [f for f in files if not any(part == "__pycache__" or part.startswith(".") for part in f.parts)]
    scripts = [f.as_posix() for f in files if f.suffix == ".py" and f.parts[0] != "Resources"]
    return {LISTS[0]: scripts, LISTS[1]: [f.as_posix() for f in files if f.parts[0] == "Resources"]}


def listed(text: str) -> dict[str, list[str]]:
    """What a CMake file lists, in its order."""
    code = re.sub(r"#.*", "", text)
    return {name: re.search(rf"set\({name}\b([^)]*)\)", code)[1].split() for name in LISTS}


def with_lists(text: str, files: dict[str, list[str]]) -> str:
    """The CMake file with other lists."""
    for name, names in files.items():
        block = f"set({name}\n" + "".join(f"  {file}\n" for file in names) + "  )"
        text = re.sub(rf"set\({name}\b[^)]*\)", block, text)
    return text


def main() -> None:
    """Rewrite both."""
    for name in FOLDERS:
        path = PROJECT / name / "CMakeLists.txt"
        text = with_lists(path.read_text(encoding="utf-8"), shipped(PROJECT / name))
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
