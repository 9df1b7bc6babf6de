"""The throttle's window."""

from __future__ import annotations

from gateway.api.throttle import TRIES_PER_ADDRESS, WINDOW_SECONDS, Throttle


def test_the_window_slides_and_success_clears() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for number in range(TRIES_PER_ADDRESS):
        now[0] = float(number)
        assert throttle.wait_seconds(address="a", account="x") == 0
        throttle.failed(address="a", account="x")
    assert throttle.wait_seconds(address="a", account="y") == WINDOW_SECONDS - 4 + 1
    assert throttle.wait_seconds(address="b", account="x") == 0
    now[0] = WINDOW_SECONDS
    assert throttle.wait_seconds(address="a", account="x") == 0
    throttle.failed(address="a", account="x")
    assert throttle.wait_seconds(address="a", account="x") == 2
    throttle.succeeded(address="a", account="x")
    assert throttle.wait_seconds(address="a", account="x") == 0


def test_a_flood_of_addresses_does_not_grow_the_book_for_ever() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for number in range(20_000):
        now[0] = float(number)
        throttle.failed(address=str(number), account=str(number))
    assert len(throttle._failures) < 10_000
