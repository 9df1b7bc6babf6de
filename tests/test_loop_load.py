"""A loop that is late at every look refuses further calls; one long pause does not (X-C1)."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway import loop_load
from gateway.events import AlertCleared, AlertRaised, Event
from gateway.loop_load import CALM_SECONDS, LATE_SECONDS, LOOK_SECONDS, LOOKS, LoopLoad


def is_high(load: LoopLoad) -> bool:
    """As it is now."""
    return load.is_high


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def load(told: list[Event]) -> LoopLoad:
    return LoopLoad(told.append)


def test_one_long_pause_is_none(load: LoopLoad, told: list[Event]) -> None:
    for late in (5.0, 0.0, 3.0, *[0.2] * (LOOKS - 2), LATE_SECONDS, *[0.2] * (LOOKS - 1)):
        load.note(late, 0.0)
        assert not is_high(load)
    assert told == []


def test_two_seconds_of_being_late_are_one_until_a_look_is_in_time(load: LoopLoad, told: list[Event]) -> None:
    for _ in range(2):
        for _ in range(LOOKS):
            assert not is_high(load)
            load.note(0.15, 0.0)
        assert is_high(load)
        load.note(0.001, 1.0)
        assert not is_high(load)
        for _ in range(LOOKS):
            load.note(0.001, 2.0)
    (alert,) = told
    assert isinstance(alert, AlertRaised)
    assert alert.values == {"ms": "150"}
    load.note(0.0, CALM_SECONDS)
    assert [type(each) for each in told] == [AlertRaised, AlertCleared]


async def test_it_looks_four_times_a_second(load: LoopLoad, told: list[Event]) -> None:
    looking = asyncio.create_task(load.run())
    await asyncio.sleep(10 * LOOKS * LOOK_SECONDS)
    assert not is_high(load), "virtual time is never late"
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert told == []


@pytest.mark.real_time
async def test_a_loop_that_has_no_time_is_seen(load: LoopLoad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_load, "LOOK_SECONDS", 0.01)
    looking = asyncio.create_task(load.run())
    for _ in range(100):
        time.sleep(LATE_SECONDS + 0.02)  # noqa: ASYNC251  # standing still is what is looked for
        await asyncio.sleep(0)
        if is_high(load):
            break
    assert is_high(load)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
