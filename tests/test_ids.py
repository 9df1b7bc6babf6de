"""Keys sort by the time of their making, also those of one millisecond."""

from __future__ import annotations

import threading
import time
import uuid

import pytest

from gateway.ids import Keys, new_id

NOW = 1_800_000_000_000


def test_a_key_is_a_uuid_of_version_7_and_holds_the_time() -> None:
    before = time.time_ns() // 1_000_000
    key = uuid.UUID(new_id())
    assert (key.version, key.variant) == (7, uuid.RFC_4122)
    assert before <= key.int >> 80 <= time.time_ns() // 1_000_000 + 1


@pytest.mark.parametrize("first", [0, (1 << 62) - 1, (1 << 74) - 1])
def test_keys_of_one_millisecond_come_in_their_order(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    keys = Keys()
    with monkeypatch.context() as patch:
        patch.setattr("gateway.ids.secrets.randbits", lambda _bits: first)
        made = [keys.next(NOW)]
    made += [keys.next(NOW) for _ in range(999)]
    assert made == sorted(set(made))
    assert {(key.version, key.variant) for key in made} == {(7, uuid.RFC_4122)}
    assert made[-1].int >> 80 <= NOW + 1
    assert keys.next(NOW + 5000) > made[-1]
    assert keys.next(NOW - 5000).int >> 80 == NOW - 5000  # the clock was set back: keys tell the time, not the order


def test_threads_never_make_the_same_key() -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend([new_id() for _ in range(500)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 2000
