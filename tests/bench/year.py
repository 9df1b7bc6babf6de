"""A year of a busy shop in a store: calls with their legs and recordings, texts, contacts, orders."""

from __future__ import annotations

import random
import sqlite3
from collections import deque
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.ids import new_id
from gateway.store.schema import moment_text

DAYS = 365
LINES = ("red", "green", "blue")
STRANGERS = 15_000
RETURNED = 0.25
"""Of the calls that are made while somebody waits to be called back."""
FORGOTTEN = 0.02
"""Of the customers who were missed: nobody ever calls them back."""
NAMES = ("", "", "Иван", "Анна Петровна", "ООО «Шины и диски»")


class Rows:
    """What is to be put in, table by table: many rows of one form at a time are quick."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._tables: dict[str, list[dict[str, Any]]] = {}

    def add(self, table: str, **values: Any) -> None:
        """One row; rows of a table have the same columns."""
        self._tables.setdefault(table, []).append({"id": new_id(), "gateway_id": self._gateway, **values})

    def write(self, connection: sqlite3.Connection) -> None:
        """All of them."""
        for table, rows in self._tables.items():
            names, marks = ", ".join(f'"{name}"' for name in rows[0]), ", ".join(f":{name}" for name in rows[0])
            connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608  # all ours


def fill(database: Path, calls: int, seed: int, *, now: datetime) -> str:
    """Put them in, the newest an hour before `now`; the id of a call that was recorded.

    With 100,000 calls there are 200,000 legs, 33,334 recordings, 20,000 texts, 10,000 contacts and 10,000 orders. Of
    those whom nobody answered nearly all are called back, most within a few calls.
    """
    dice = random.Random(seed)
    newest = now.astimezone(UTC) - timedelta(hours=1)
    moments = sorted(newest - timedelta(days=DAYS) * dice.random() for _ in range(calls))
    numbers = [f"+7903{place:07}" for place in dice.sample(range(10_000_000), STRANGERS)]
    recorded = ""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        (gateway,) = connection.execute("SELECT id FROM gateways").fetchone()
        rows = Rows(gateway)
        waiting: deque[str] = deque()
        for place, moment in enumerate(moments):
            call_id = new_id()
            if waiting and dice.random() < RETURNED:
                _add_call(rows, call_id, waiting.popleft(), moment, dice, is_incoming=False, is_answered=True)
            else:
                number, is_incoming, is_answered = dice.choice(numbers), dice.random() < 0.7, dice.random() < 0.75
                _add_call(rows, call_id, number, moment, dice, is_incoming=is_incoming, is_answered=is_answered)
                if is_incoming and not is_answered and dice.random() > FORGOTTEN:
                    waiting.append(number)
            if place % 3 == 0:
                recorded, at = call_id, moment_text(moment)
                rows.add(
                    "recordings", call_id=call_id, path=f"{call_id}.wav", state="finished", started_at=at,
                    finished_at=at, seconds=55.0, kept=0, made_at=at, size_bytes=220_000, verdict="both-heard",
                )  # fmt: skip
        for moment in moments[::5]:
            number, text = dice.choice(numbers), dice.choice(("Where is my order?", "Ваш заказ у курьера."))
            rows.add(
                "messages", direction="incoming", line="red", peer=number, text=text, state="received",
                time=moment_text(moment), parts=1, search=f" {number} {text}".casefold(),
            )  # fmt: skip
        for place, (number, moment) in enumerate(zip(numbers, moments[:: max(1, calls // 10_000)], strict=False)):
            _add_customer(rows, place, number, moment, newest)
        rows.write(connection)
        connection.commit()
    return recorded


def _add_call(
    rows: Rows,
    call_id: str,
    number: str,
    moment: datetime,
    dice: random.Random,
    *,
    is_incoming: bool,
    is_answered: bool,
) -> None:
    line, name, phone = dice.choice(LINES), dice.choice(NAMES), "101"
    started, ended = moment_text(moment), moment_text(moment + timedelta(seconds=60))
    answered = moment_text(moment + timedelta(seconds=5)) if is_answered else None
    rows.add(
        "calls", id=call_id, started_at=started, direction="incoming" if is_incoming else "outgoing",
        caller=number if is_incoming else phone, caller_name=name, called=line if is_incoming else number, line=line,
        flow="ring-phones" if is_incoming else "to-outside",
        courier=dice.choice((None, None, "2001")), answered_at=answered,
        answered_by=(phone if is_incoming else number) if is_answered else None,
        ended_at=ended, cause="hung-up" if is_answered else "cancelled", ended_by="caller",
        talk_seconds=55.0 if is_answered else 0.0, total_seconds=60.0, cost=150,
        search=f" {number} {name} {line}".casefold(),
    )  # fmt: skip
    ways = ("incoming", "outgoing") if is_incoming else ("outgoing", "incoming")
    for kind, peer, direction in (("gsm", number, ways[0]), ("sip", phone, ways[1])):
        rows.add(
            "legs", call_id=call_id, kind=kind, direction=direction, peer=peer, line=line if kind == "gsm" else None,
            started_at=started, answered_at=answered, ended_at=ended, cause="hung-up",
        )  # fmt: skip


def _add_customer(rows: Rows, place: int, number: str, moment: datetime, newest: datetime) -> None:
    contact, name, at, is_open = new_id(), f"Customer {place}", moment_text(moment), place % 50 == 0
    rows.add(
        "contacts", id=contact, name=name, sorted_by=name.casefold(), tags="[]", note="",
        search=f" {name} {number}".casefold(), created_at=at, changed_at=at,
    )  # fmt: skip
    rows.add("contact_phones", contact_id=contact, number=number, place=0)
    rows.add(
        "orders", number=str(20_000 + place), digits=str(20_000 + place), phone=number, customer=name,
        courier="2001" if place % 2 else None, stage="with-courier" if is_open else "delivered", note="",
        created_at=at, changed_at=at, expires_at=moment_text(newest + timedelta(days=30)) if is_open else at,
        ended_at=None if is_open else at, closed_at=None if is_open else at, callback_required=0,
    )  # fmt: skip
