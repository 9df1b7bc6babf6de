"""What the store's tests share: a data directory, a clock that is turned by hand, a bus that remembers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.events import Event, EventBus
from gateway.settings import Settings
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **units: float) -> None:
        self.now += timedelta(**units)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def places(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def bus(clock: HandClock) -> EventBus:
    return EventBus(clock)


@pytest.fixture
def heard(bus: EventBus) -> list[Event]:
    """Every event of the bus."""
    events: list[Event] = []
    bus.subscribe(lambda published: events.append(published.event))
    return events


def small_shop(minutes: int = 5) -> Shop:
    """Two lines, two phones, a courier."""
    return Shop(
        lines=(
            LineSettings(name="red", modem="m0", number="+79160000001", minutes_per_day=minutes),
            LineSettings(name="blue", modem="m1", number="+79160000002", minutes_per_day=minutes),
        ),
        phones=(
            # The minutes are what its tests are about; how many calls a minute, is test_call_rate's.
            PhoneSettings(
                extension="101",
                name="Front desk",
                password="a-password-of-101",
                calls_per_minute=1_000,
                calls_at_once=1_000,
            ),
            PhoneSettings(extension="102", password="a-password-of-102", minutes_per_day=2),
        ),
        couriers=(CourierSettings(extension="2001", mobile="+79161234567", lines=("red",), pin="482913"),),
    )
