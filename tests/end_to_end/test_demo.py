"""The demo, as a stranger starts it: the README's first promise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.alone
@pytest.mark.real_time
@pytest.mark.timeout(700)
def test_every_check_of_the_demo_holds(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "--once", "--data", str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        timeout=680,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "FAIL" not in run.stdout
    assert len(re.findall(r"^  ok ", run.stdout, re.MULTILINE)) == 19
    assert run.stderr == ""
