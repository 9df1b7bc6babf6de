"""The days of a year are summed up at the worker's start; a store that cannot be read stops that, and nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from gateway.worker.remembered_days import DAYS, keep_remembering, remember_days

NOW = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


async def test_the_whole_days_of_a_year_the_newest_first() -> None:
    remembered: list[datetime] = []
    await remember_days(remembered.append, clock=lambda: NOW)
    assert remembered == [datetime(2026, 3, 1, tzinfo=UTC) - timedelta(days=age) for age in range(DAYS)]


async def test_a_store_that_cannot_be_read_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[datetime] = []

    def fails(day: datetime) -> None:
        asked.append(day)
        raise OperationalError("SELECT", {}, sqlite3.OperationalError("disk I/O error"))

    with caplog.at_level("INFO"):
        await remember_days(fails, clock=lambda: NOW)
    assert len(asked) == 1
    assert "disk I/O error" in caplog.text


class Memory:
    """Notes what is asked of it; `is_full`: the disk takes nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_full = False

    def recall(self) -> None:
        self.asked.append("recall")

    def remember(self, day: datetime) -> None:
        if day == datetime(2026, 3, 1, tzinfo=UTC):
            self.asked.append("remember")

    def keep(self) -> None:
        self.asked.append("keep")
        if self.is_full:
            raise OSError("disk full")


async def test_what_is_known_is_kept_each_night(caplog: pytest.LogCaptureFixture) -> None:
    memory = Memory()
    began = asyncio.get_running_loop().time()
    task = asyncio.ensure_future(
        keep_remembering(memory, clock=lambda: NOW + timedelta(seconds=asyncio.get_running_loop().time() - began))
    )
    await asyncio.sleep(3600)
    assert memory.asked == ["recall", "remember", "keep"]
    memory.is_full = True
    with caplog.at_level("INFO"):
        await asyncio.sleep(24 * 3600)
    assert memory.asked == ["recall", "remember", "keep", "remember", "keep"]
    assert "disk full" in caplog.text
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
