"""T-F14 and X-P1 in their short form; `make crash` kills a thousand daemons in the midst of calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.lane import lane

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

ON_A_BUSY_MACHINE_SECONDS = 20.0
"""The five seconds of `make crash` are judged on a calm one: here the start alone may take that."""


async def test_a_daemon_that_is_killed_in_a_call_leaves_no_modem_off_hook_and_right_counters(
    tmp_path: Path, seed: int
) -> None:
    directory = tmp_path / "lane"
    directory.mkdir()
    async with lane(directory, seed, hung_up_within=ON_A_BUSY_MACHINE_SECONDS) as road:
        await road.round()
