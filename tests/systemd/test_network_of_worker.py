"""The lines that give the worker a network, as docs/gateways.md has them, leave it as closed otherwise."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lines_of_the_page(tmp_path: Path) -> None:
    lines = re.search(r"```ini\n(.+?)```", (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8"), re.DOTALL)
    assert lines is not None
    unit = (ROOT / "systemd" / "simbridge-worker.service").read_text(encoding="utf-8")
    closed = [line for line in unit.splitlines() if line.startswith(("PrivateNetwork=", "IPAddressDeny="))]
    assert closed == ["PrivateNetwork=yes", "IPAddressDeny=any"]
    opened = tmp_path / "simbridge-worker.service"
    opened.write_text(unit.replace("/usr/bin/simbridge ", "/bin/true ") + "\n" + lines[1], encoding="utf-8")
    for command in (["verify", "--man=no"], ["security", "--offline=1", "--threshold=25", "--no-pager"]):
        verdict = subprocess.run(
            ["systemd-analyze", *command, str(opened)], capture_output=True, text=True, check=False
        )
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    families = re.findall(r"^. RestrictAddressFamilies=~AF_\(INET\|INET6\).*$", verdict.stdout, re.MULTILINE)
    assert families, verdict.stdout
    assert families[0].startswith("✗"), families
