"""X-N4, really: this machine's address is taken away and another one is given, in a network of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.interop, pytest.mark.real_time]


def test_accounts_and_calls_go_on_at_the_new_address() -> None:
    program = [sys.executable, "-m", "tests.interop.moving_house"]
    # Root needs no user namespace, which cannot be had below a changed root directory.
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    made = subprocess.run([*alone, *program], capture_output=True, text=True, timeout=100, check=False)
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["registered"] <= 15, told
    assert told["phone_told"] <= 15, told
    assert told["heard"] >= 0.9, told
