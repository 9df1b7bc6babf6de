"""Whatever a shop's program answers is read without a fault, and nothing is made up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.telephony.order_reading import SourceTrouble, read_answer, value_at
from gateway.telephony.order_status import OrderSource
from tests.fakes.exchange_view import SHOP

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SOURCE = OrderSource(
    url="https://x/{number}", stage="a", phone="b.0", delivery_on="b.1", delivery_from="c", delivery_to="a"
)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text() | some.just("shipped"),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from("abc"), inner),
    max_leaves=5,
)


@settings(max_examples=40)
@given(some.dictionaries(some.sampled_from("abc"), VALUES) | VALUES)
def test_any_json(document: object) -> None:
    reading = read_answer(json.dumps(document).encode(), "1001", replace(SHOP, order_source=SOURCE), NOW)
    assert (reading.status is None) is (reading.trouble not in (None, SourceTrouble.DELIVERY_UNCLEAR))
    if reading.status is not None:
        assert isinstance(document, dict)
        assert str(document["a"]).strip()


@settings(max_examples=50)
@given(some.binary(max_size=60))
def test_any_bytes(body: bytes) -> None:
    reading = read_answer(body, "1001", replace(SHOP, order_source=SOURCE), NOW)
    assert reading.status is None
    assert reading.trouble is not None


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", "x"), ("a.c.0", "1"), ("a.c.1", "2.5"), ("a.c.2", None), ("a.c.x", None), ("a.c.-1", None), ("a", None),
        ("a.d", None), ("a.e", None), ("a.b.c", None), ("z", None), ("", None), ("a.c.999999999", None),
    ],
)  # fmt: skip
def test_a_path(path: str, found: str | None) -> None:
    assert value_at({"a": {"b": " x ", "c": [1, 2.5], "d": None, "e": True}}, path) == found


def test_a_number_of_any_length_is_no_fault() -> None:
    assert read_answer(b'{"a": ' + b"9" * 5000 + b"}", "1", replace(SHOP, order_source=SOURCE), NOW).status is None
