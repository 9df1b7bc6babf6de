"""All that is kept of one order, for whoever must judge a dispute: calls, recordings, SMS, who has listened (B8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from gateway.store.evidence import Listening, listenings, sounds_of_order
from gateway.store.schema import calls, messages
from gateway.store.schema_orders import orders


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvidence:
    """Rows of the tables, oldest first; `recordings` are those whose sound is still there."""

    order: Row[Any]
    calls: list[Row[Any]]
    recordings: list[Row[Any]]
    messages: list[Row[Any]]
    listenings: list[Listening]


def evidence_of(connection: Connection, number: str) -> OrderEvidence | None:
    """What there is of the order of that number; None: there is no such order.

    Its calls are those that it led to. Its SMS are those with its customer from the order's beginning to its end.
    """
    order = connection.execute(select(orders).where(orders.c.number == number)).first()
    if order is None:
        return None
    ends = order.closed_at or order.expires_at
    of_calls = connection.execute(select(calls).where(calls.c.order == number).order_by(calls.c.started_at)).all()
    sounds = connection.execute(sounds_of_order(number)).all()
    texts = connection.execute(
        select(messages)
        .where(messages.c.peer == order.phone, messages.c.time >= order.created_at, messages.c.time <= ends)
        .order_by(messages.c.time)
    ).all()
    return OrderEvidence(
        order=order,
        calls=list(of_calls),
        recordings=list(sounds),
        messages=list(texts),
        listenings=listenings(connection, [row.id for row in sounds]),
    )
