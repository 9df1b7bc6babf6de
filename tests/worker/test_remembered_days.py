"""The days of a year are summed up at the worker's start; a store that cannot be read stops that, and nothing else."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from gateway.worker.remembered_days import DAYS, remember_days

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
