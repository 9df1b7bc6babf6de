"""The worker has a network where gateway.toml shares rows with other gateways, and then it is as closed otherwise."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"
CONFIG = "/etc/simbridge/gateway.toml"
SHARED = '[replication]\nname = "North"\ndatabase = "postgresql://north@db.example.net/rows"\n'


def generated(directory: Path, config: str | None) -> dict[str, str]:
    """What the generator writes for systemd, by path; `config` is the gateway.toml, if there is one."""
    file, target = directory / "gateway.toml", directory / "units"
    if config is not None:
        file.write_text(config, encoding="utf-8")
    target.mkdir()
    script = directory / "generator"
    text = (SYSTEMD / "simbridge-network-generator").read_text(encoding="utf-8")
    assert text.count(f" {CONFIG} ") == 1
    script.write_text(text.replace(f" {CONFIG} ", f" {file} "), encoding="utf-8")
    subprocess.run(
        ["sh", str(script), str(target), str(target), str(target)], check=True, env={"PATH": "/usr/bin:/bin"}
    )
    return {str(path.relative_to(target)): path.read_text(encoding="utf-8") for path in target.rglob("*.conf")}


@pytest.mark.parametrize(
    "config",
    [
        None,
        "",
        (SYSTEMD / "deb" / "gateway.toml").read_text(encoding="utf-8"),
        "# [replication]\n",
        "[replications]\n",
        '[web]\nbind = "[replication]"\n',
    ],
)
def test_without_the_table_it_stays_closed(tmp_path: Path, config: str | None) -> None:
    assert generated(tmp_path, config) == {}


@pytest.mark.parametrize(
    "config",
    [
        SHARED,
        f'data_dir = "data"\n\n  {SHARED}',
        SHARED.replace("[replication]", "[ replication ]  # of all"),
        'replication = { name = "North", database = "postgresql://north@db.example.net/rows" }\n',
        'replication.name = "North"\nreplication.database = "postgresql://north@db.example.net/rows"\n',
    ],
)
def test_with_the_table_it_has_a_network(tmp_path: Path, config: str) -> None:
    assert list(generated(tmp_path, config)) == ["simbridge-worker.service.d/network.conf"]


def test_what_is_opened_is_the_network_alone(tmp_path: Path) -> None:
    unit = (SYSTEMD / "simbridge-worker.service").read_text(encoding="utf-8")
    closed = [line for line in unit.splitlines() if line.startswith(("PrivateNetwork=", "IPAddressDeny="))]
    assert closed == ["PrivateNetwork=yes", "IPAddressDeny=any"]
    (lines,) = generated(tmp_path, SHARED).values()
    opened = tmp_path / "simbridge-worker.service"
    opened.write_text(unit.replace("/usr/bin/simbridge ", "/bin/true ") + "\n" + lines, encoding="utf-8")
    for command in (["verify", "--man=no"], ["security", "--offline=1", "--threshold=25", "--no-pager"]):
        verdict = subprocess.run(
            ["systemd-analyze", *command, str(opened)], capture_output=True, text=True, check=False
        )
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    families = re.findall(r"^. RestrictAddressFamilies=~AF_\(INET\|INET6\).*$", verdict.stdout, re.MULTILINE)
    assert families, verdict.stdout
    assert families[0].startswith("✗"), families
