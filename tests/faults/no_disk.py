"""X-P4 and X-P5 with a whole gateway: a disk that is full, read-only or broken from any moment on costs no call.

Named to `make soak` alone: it takes minutes of real time.
"""

from __future__ import annotations

import asyncio
import errno
import os
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.house import House, house
from tests.faults import rounds
from tests.faults.cards import preload
from tests.faults.many_calls import PLACES, Lane, Lines, all_free, open_lane, with_modems, with_room

__all__ = ["preload"]

pytestmark = pytest.mark.real_time

CALLS = rounds(1, 9)
"""Of each of eight lines, for each of the three faults, at least: 216 in all."""
RECOVERED_SECONDS = 10.0
"""From when there is room again until everything that happened is written down."""
FAULTS = {"full": errno.ENOSPC, "read-only": errno.EROFS, "broken": errno.EIO}


@pytest.mark.timeout(300 + 60 * CALLS)
async def test_no_call_is_lost_whatever_the_disk_does(
    tmp_path: Path, preload: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    preload(Path(__file__).with_name("failing_disk.c"))
    fails, chance, done = tmp_path / "fails", random.Random(seed), 0
    monkeypatch.setenv("DISK_FAILS_BELOW", str(tmp_path / "site" / "data"))
    monkeypatch.setenv("DISK_FAILS_WHILE", str(fails))
    emulated = (tmp_path / "site" / "emulator").resolve()
    async with (
        house(
            tmp_path / "site",
            shop=lambda shop: with_room(shop).replace('calls = "none"', 'calls = "all"'),
            config=lambda config: with_modems(config, emulated),
        ) as stack,
        AsyncExitStack() as phones,
    ):
        lanes, lines = [await open_lane(stack, place, phones) for place in PLACES], Lines(stack)
        looking = asyncio.create_task(lines.run())
        phones.callback(looking.cancel)
        await all_free(stack)
        for name, number in FAULTS.items():
            going = asyncio.gather(*(coming_in(lane, lines, fails) for lane in lanes))
            await asyncio.sleep(chance.uniform(0, 2))
            await asyncio.to_thread(put, fails, number)
            calls = sum(await going)
            assert [each["code"] for each in await disk_alerts(stack)] == ["store-error"]
            fails.unlink()
            began, done = time.monotonic(), done + calls
            async with asyncio.timeout(60):
                while not await is_told(stack, done):  # noqa: ASYNC110  # another process has no event for it
                    await asyncio.sleep(0.1)
            seconds = time.monotonic() - began
            print(f"{name}: {calls} calls, none lost; all written down {seconds:.1f} s after", end=" ")
            print(f"(load {os.getloadavg()[0]:.0f})")
            assert seconds <= RECOVERED_SECONDS
    with closing(sqlite3.connect(stack.site.data / "simbridge.db")) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert (
            store.execute("SELECT count(*), count(answered_at), count(ended_at) FROM calls").fetchone() == (done,) * 3
        )
        raised = store.execute("SELECT count(*) FROM alerts WHERE code = 'store-error'")
        assert raised.fetchone() == (len(FAULTS),), "one for each"


async def coming_in(lane: Lane, lines: Lines, fails: Path) -> int:
    """Customers call and are answered, one after the other, the last of them on a disk that fails; how many."""
    count, has_failed = 0, False
    while count < CALLS or not has_failed:
        async with asyncio.timeout(60):
            await lines.until_free(lane.place.line)
            has_failed = await asyncio.to_thread(fails.exists)
            await lane.come_in()
        count += 1
    return count


def put(fails: Path, number: int) -> None:
    """All at once: nobody reads half of it."""
    fails.with_suffix(".new").write_text(str(number), encoding="utf-8")
    fails.with_suffix(".new").replace(fails)


async def disk_alerts(stack: House) -> list[dict[str, Any]]:
    """Those of the store, of the snapshot."""
    alerts: list[dict[str, Any]] = (await stack.api.get("/snapshot"))["alerts"]
    return [each for each in alerts if each["code"] == "store-error"]


async def is_told(stack: House, calls: int) -> bool:
    """Whether so many calls are written down, and the alert is over."""
    return await asyncio.to_thread(ended, stack.site.data) >= calls and not await disk_alerts(stack)


def ended(data: Path) -> int:
    """How many calls are written down to their end."""
    with closing(sqlite3.connect(data / "simbridge.db")) as store:
        return int(store.execute("SELECT count(ended_at) FROM calls").fetchone()[0])
