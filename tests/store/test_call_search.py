"""Calls are found by the names of contacts and of orders' customers, though the calls know only numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from gateway.store.call_search import is_with
from gateway.store.schema import calls
from gateway.store.schema_contacts import contact_phones, contacts
from gateway.store.schema_orders import orders
from tests.fakes.direct_store import memory_writer

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MARIA, IVAN, OTHER = "+79165554433", "+79165554434", "+79165554435"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Мария", {"from-maria", "to-maria"}), ("мария", {"from-maria", "to-maria"}),
        ("МАРИЯ", {"from-maria", "to-maria"}),
        ("Иван Петров", {"from-ivan", "courier-to-ivan"}), ("петров", {"from-ivan", "courier-to-ivan"}),
        ("иван петров", {"from-ivan", "courier-to-ivan"}), ("Ольга", set()), ("%", set()),
    ],
)  # fmt: skip
def test_by_a_part_of_the_name(text: str, found: set[str]) -> None:
    call = {
        "gateway_id": "g", "started_at": NOW, "direction": "incoming", "caller_name": "", "flow": "",
        "talk_seconds": 0.0, "total_seconds": 0.0, "search": "",
    }  # fmt: skip
    parties = {
        "from-maria": (MARIA, "red"), "to-maria": ("101", MARIA), "from-ivan": (IVAN, "red"),
        "courier-to-ivan": ("2001", "1001"), "another": (OTHER, "red"), "another-order": ("2001", "1002"),
    }  # fmt: skip
    order = {
        "gateway_id": "g", "digits": "1", "stage": "accepted", "note": "", "created_at": NOW, "changed_at": NOW,
        "expires_at": NOW, "callback_required": 0,
    }  # fmt: skip
    writer = memory_writer()
    with writer.engine.begin() as connection:
        for call_id, (caller, called) in parties.items():
            connection.execute(insert(calls).values(**call, id=call_id, caller=caller, called=called))
        connection.execute(insert(contacts).values(
            id="k", gateway_id="g", name="Мария Иванова", sorted_by="мария", tags=[], note="",
            search="мария иванова " + MARIA, created_at=NOW, changed_at=NOW,
        ))  # fmt: skip
        connection.execute(insert(contact_phones).values(
            id="p", gateway_id="g", contact_id="k", number=MARIA, place=0
        ))  # fmt: skip
        connection.execute(insert(orders).values(**order, id="o1", number="1001", phone=IVAN, customer="Иван Петров"))
        connection.execute(
            insert(orders).values(**order, id="o2", number="1002", phone="+79990000000", customer="Семён")
        )
        condition = is_with(connection, text)
        ids = set() if condition is None else set(connection.execute(select(calls.c.id).where(condition)).scalars())
    assert ids == found
