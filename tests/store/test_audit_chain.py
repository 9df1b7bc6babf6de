"""T-L10: of a thousand actions on record none can be changed, removed, exchanged or slipped in without its showing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import Connection, text

from gateway.store.audit import add_audit, first_broken
from tests.fakes.direct_store import memory_writer

ACTIONS = 1_000
ACTS = ("recording.listened", "recording.downloaded", "shop.exported", "contact.erased")
BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _set(column: str, value: object) -> Callable[[Connection, int], None]:
    def change(connection: Connection, number: int) -> None:
        statement = text(f'UPDATE audit SET "{column}" = :value WHERE number = :number')  # noqa: S608  # names of ours
        connection.execute(statement, {"value": value, "number": number})

    return change


def _remove(connection: Connection, number: int) -> None:
    connection.execute(text("DELETE FROM audit WHERE number = :number"), {"number": number})


def _exchange(connection: Connection, number: int) -> None:
    """The row and the one behind it, each in the other's place."""
    for former, now in ((number, -1), (number + 1, number), (-1, number + 1)):
        connection.execute(
            text("UPDATE audit SET number = :now WHERE number = :former"), {"now": now, "former": former}
        )


TAMPERED: dict[str, Callable[[Connection, int], None]] = {
    "by": _set("by", "somebody else"),
    "action": _set("action", "nothing"),
    "subject": _set("subject", "another"),
    "digest": _set("digest", "0" * 64),
    "link": _set("previous_digest", "0" * 64),
    "time": _set("time", "2026-03-02T08:00:00.000000Z"),
    "details": _set("details", json.dumps({"address": "10.0.0.9"})),
    "removed": _remove,
    "exchanged": _exchange,
}


async def test_what_was_tampered_with_shows(seed: int) -> None:
    choice, writer = Random(seed), memory_writer()

    def act(connection: Connection) -> None:
        for number in range(ACTIONS):
            add_audit(
                connection,
                gateway_id="g",
                now=BEGAN + timedelta(seconds=number),
                by=choice.choice(("anna", "boris")),
                action=choice.choice(ACTS),
                subject=f"r{number}",
                details={"address": f"10.0.0.{number % 5 + 100}"},
            )

    await writer.write(act)
    with writer.engine.connect() as connection:
        assert first_broken(connection, "g") is None
        for how, tamper in TAMPERED.items():
            place = choice.randrange(1, ACTIONS)
            tamper(connection, place)
            assert first_broken(connection, "g") == place, how
            connection.rollback()
        assert first_broken(connection, "g") is None
