"""Where media may go (T-S8)."""

from __future__ import annotations

import pytest

from gateway.sip.latch import media_host


@pytest.mark.parametrize(
    ("described", "signalling", "trusted", "expected"),
    [
        ("10.0.0.5", "10.0.0.5", False, "10.0.0.5"),
        ("203.0.113.9", "10.0.0.5", False, "10.0.0.5"),
        ("203.0.113.9", "203.0.113.1", True, "203.0.113.9"),
        ("10.0.0.9", "10.0.0.1", True, "10.0.0.9"),
        ("10.0.0.9", "203.0.113.1", True, "203.0.113.1"),
        ("127.0.0.1", "203.0.113.1", True, "203.0.113.1"),
        ("127.0.0.2", "127.0.0.1", True, "127.0.0.2"),
        ("127.0.0.99", "127.0.0.1", False, "127.0.0.1"),
        ("::1", "2001:db8::1", True, "2001:db8::1"),
        ("224.0.0.1", "203.0.113.1", True, "203.0.113.1"),
        ("0.0.0.0", "203.0.113.1", True, "203.0.113.1"),
        ("media.example", "203.0.113.1", True, "203.0.113.1"),
    ],
)
def test_where_media_may_go(described: str, signalling: str, trusted: bool, expected: str) -> None:
    """T-S8."""
    assert media_host(described, signalling, trusted=trusted) == expected
