"""What of others the panel serves is what VENDOR.toml says, with its licence; nothing is fetched elsewhere."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import tomli

STATIC = Path(__file__).parents[2] / "web" / "static"
VENDOR = STATIC / "vendor"
PACKAGES = tomli.loads((VENDOR / "VENDOR.toml").read_text("utf-8"))["packages"]


def test_every_file_is_as_it_was_published() -> None:
    listed = {name: digest for package in PACKAGES for name, digest in package["sha256"].items()}
    present = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "VENDOR.toml"
    }
    assert present == listed


def test_every_package_has_its_licence_and_its_version_in_its_place() -> None:
    assert len(PACKAGES) >= 3
    for package in PACKAGES:
        assert package["licence"] in ("0BSD", "MIT", "ISC", "BSD-3-Clause")
        assert len((VENDOR / package["licence_file"]).read_text("utf-8")) > 300
        assert all(name.split("/")[0].endswith(f"-{package['version']}") for name in package["sha256"])
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package["integrity"])


def test_nothing_of_ours_fetches_from_elsewhere() -> None:
    for path in [*STATIC.glob("*.css"), *STATIC.glob("*.js"), *STATIC.glob("*.svg")]:
        said = re.sub(r"^//.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
        text = said.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\(\s*['\"]?//", text), path


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', next(VENDOR.glob("lucide*/icons.svg")).read_text("utf-8")))
    source = [*(STATIC.parent / "templates").rglob("*.html"), *STATIC.parent.rglob("*.py")]
    text = "\n".join(path.read_text("utf-8") for path in source)
    used = set(re.findall(r'icon\("([\w-]+)"', text))
    used |= set(re.findall(r'pill\([^()]*?, "([\w-]+)", ', text))
    used |= set(re.findall(r'\("(?:ok|live|warn|bad|quiet)", "([\w-]+)"\)', text))
    assert len(used) > 30
    assert used <= sprite, used - sprite
