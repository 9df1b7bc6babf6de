"""The drawing of the signal: held from change to change, broken where nothing was known, never outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from web.signal_line import HEIGHT, WIDTH, signal_lines

NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)


def history(*samples: tuple[int, int | None]) -> list[dict[str, Any]]:
    return [{"time": (NOON + timedelta(minutes=minute)).isoformat(), "dbm": dbm} for minute, dbm in samples]


def test_nothing_to_draw() -> None:
    assert signal_lines([], NOON) == []
    assert signal_lines(history((0, None)), NOON) == []


def test_each_value_holds_until_the_next() -> None:
    (line,) = signal_lines(history((0, -51), (30, -113)), NOON + timedelta(hours=1))
    assert line == f"0.0,1.0 {WIDTH / 2},1.0 {WIDTH / 2},{HEIGHT - 1:.1f} {float(WIDTH)},{HEIGHT - 1:.1f}"


def test_a_gap_breaks_the_line() -> None:
    lines = signal_lines(history((0, -80), (10, None), (20, -90)), NOON + timedelta(minutes=40))
    assert [line.split()[-1].partition(",")[0] for line in lines] == ["30.0", "120.0"]
    assert lines[1].startswith("60.0,")


def test_values_and_clocks_that_cannot_be_stay_inside() -> None:
    for line in signal_lines(history((0, 0), (5, -200), (60, -70)), NOON - timedelta(hours=1)):
        for point in line.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
