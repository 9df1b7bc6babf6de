"""What was tried on emulated modems goes, whole: calls, their sound and story, SMS, minutes.

Nobody of flesh and blood was in them, so nothing stays behind that figures and reports would count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, delete, or_, select

from gateway.store.retention import unlink
from gateway.store.schema import (
    alerts,
    balances,
    budget_minutes,
    call_events,
    calls,
    legs,
    message_parts,
    messages,
    outgoing_parts,
    recordings,
    reservations,
)
from gateway.store.schema_call_backs import call_backs
from gateway.store.schema_contacts import call_notes
from gateway.store.schema_missed import missed_closures
from gateway.store.schema_queue import left_messages
from gateway.store.schema_toll_free import toll_free_calls

AT_ONCE = 10
"""So many calls are removed while nothing else can be committed."""


def remove_calls(
    connection: Connection, recordings_dir: Path, lines: Sequence[str], courier: str, now: datetime
) -> int:
    """Remove some calls that went by these lines, or to that courier; how many: 0 when none is left.

    A running call stays. The files of recordings go first, so that a crash leaves no orphan. Raises OSError.
    """
    ran_by = select(legs.c.call_id).where(legs.c.line.in_(lines))
    to_courier = [calls.c.courier == courier] if courier else []
    concerned = or_(calls.c.line.in_(lines), calls.c.id.in_(ran_by), *to_courier)
    chosen = select(calls.c.id).where(concerned, calls.c.ended_at.is_not(None)).limit(AT_ONCE)
    ids = list(connection.execute(chosen).scalars())
    sounds = select(recordings.c.path).where(recordings.c.call_id.in_(ids), recordings.c.path != "")
    unlink(recordings_dir, list(connection.execute(sounds).scalars()), now)
    paid = select(reservations.c.id).where(reservations.c.call_id.in_(ids))
    connection.execute(delete(budget_minutes).where(budget_minutes.c.reservation_id.in_(paid)))
    of_calls = (reservations, left_messages, call_backs, call_notes, recordings, call_events, legs)
    for table in of_calls:
        connection.execute(delete(table).where(table.c.call_id.in_(ids)))
    connection.execute(delete(toll_free_calls).where(toll_free_calls.c.id.in_(ids)))
    connection.execute(delete(calls).where(calls.c.id.in_(ids)))
    return len(ids)


def remove_the_rest(connection: Connection, lines: Sequence[str], people: Sequence[str]) -> None:
    """Remove SMS of these lines or with these people, balances, and what was said of the modems."""
    texts = select(messages.c.id).where(
        or_(messages.c.line.in_(lines), messages.c.asked_line.in_(lines), messages.c.peer.in_(people))
    )
    for table in (message_parts, outgoing_parts):
        connection.execute(delete(table).where(table.c.message_id.in_(texts)))
    connection.execute(delete(messages).where(messages.c.id.in_(texts)))
    connection.execute(delete(missed_closures).where(missed_closures.c.number.in_(people)))
    connection.execute(delete(balances).where(balances.c.line.in_(lines)))
    connection.execute(delete(alerts).where(alerts.c.subject.in_(lines), alerts.c.cleared_at.is_not(None)))
