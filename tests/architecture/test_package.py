"""What is installed: everything that stands in the tree, in one version, from locks that agree with pyproject.toml."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import gateway
from tests.architecture.source import ROOT, project_files

LOCKS = sorted(ROOT.glob("requirements-*.lock"))
DATA_THAT_IS_NOT_INSTALLED = frozenset({".cfg", ".md", ".pot"})
"""Suffixes of files in the packages that only their makers need."""


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_stands_in_two_places_and_is_one() -> None:
    assert gateway.__version__ == _pyproject()["project"]["version"]


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for path in project_files():
        if path.parts[0] in ("gateway", "web", "README.md", "LICENSE", "pyproject.toml"):
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, source / path)
    program = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    expected = {
        path.as_posix()
        for path in project_files()
        if path.parts[0] in ("gateway", "web") and path.suffix not in DATA_THAT_IS_NOT_INSTALLED
    }
    missing = sorted(expected - held)
    assert not missing, f"not in the wheel; see [tool.setuptools.package-data] in pyproject.toml: {missing}"


def _name_of(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement.strip(), maxsplit=1)[0]).lower()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_all_that_is_needed_with_hashes(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==\S+ \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)), "a package without version or hash"
    project = _pyproject()
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    if "-dev-" in lock.name:
        wanted += project["project"]["optional-dependencies"]["dev"]
    if "3.13" not in lock.name:
        wanted = [each for each in wanted if ">= '3.13'" not in each]
    missing = {_name_of(each) for each in wanted} - {name for name, _ in pins}
    assert not missing, f"run `make lock`: {sorted(missing)}"


def test_what_owners_run_and_what_tests_run_are_the_same_versions() -> None:
    for python in ("3.11", "3.13"):
        run, dev = (
            dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
            for name in (f"requirements-{python}.lock", f"requirements-dev-{python}.lock")
        )
        assert run.items() <= dev.items()
