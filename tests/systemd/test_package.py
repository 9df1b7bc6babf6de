"""The package's scripts and the install page, as far as they can be judged without a clean root.

Built, installed, upgraded and purged in one they are by `.ci/run`, and in full by `make deb-test`; so are the commands
of the page.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEB = ROOT / "systemd" / "deb"
PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    """The code blocks of the install page."""
    return [match[1] for match in re.finditer(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]


@pytest.mark.parametrize(
    ("shell", "name"),
    [
        *(
            ("sh", name)
            for name in (
                "config",
                "preinst",
                "postinst",
                "prerm",
                "postrm",
                "simbridge",
                "../simbridge-network-generator",
            )
        ),
        *(("bash", name) for name in ("build", "clean-root", "try", "try-page", "../../.ci/run", "../../.ci/install")),
    ],
)
def test_each_script_can_be_read_by_its_shell(shell: str, name: str) -> None:
    script = DEB / name
    assert script.read_text(encoding="utf-8").startswith("#")
    subprocess.run([shell, "-n", str(script)], check=True)


def test_each_block_of_the_page_is_run_where_the_page_is_tried() -> None:
    tried = {
        int(number) for number in re.findall(r"^\t(?:fetch|here) (\d+)\b", (DEB / "try-page").read_text(), re.MULTILINE)
    }
    assert tried == set(range(1, len(blocks()) + 1))


def test_what_the_page_installs_from_the_source_is_there() -> None:
    (units,) = (each for each in blocks() if "systemd-sysusers" in each)
    named = re.findall(r"(?:^|\s)(systemd/\S+)", units)
    assert len(named) >= 6
    for pattern in named:
        assert list(ROOT.glob(pattern)), pattern


def test_the_scripts_of_the_package_start_and_stop_units_that_there_are() -> None:
    for script in ("postinst", "prerm"):
        for unit in re.findall(r"simbridge[\w-]*\.(?:service|timer)", (DEB / script).read_text(encoding="utf-8")):
            assert (ROOT / "systemd" / unit).exists(), (script, unit)


def test_each_lock_names_one_version_of_each_package_and_its_hashes() -> None:
    for python in ("3.11", "3.13"):
        text = (ROOT / f"requirements-{python}.lock").read_text(encoding="utf-8")
        named = re.findall(r"^([a-z0-9][\w.-]*)==\S+ \\$", text, re.MULTILINE)
        assert len(named) > 30
        assert len(named) == len(set(named)), "two versions of one package"
        assert all("--hash=sha256:" in entry for entry in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:])
