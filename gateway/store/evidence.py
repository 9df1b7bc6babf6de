"""Recordings as evidence: held for a dispute, and who has listened (B8, T-L10).

A held recording is never removed, neither when its days are over nor for room on the disk, until somebody
releases it. Every verb leaves a row of the audit; so does every listening and every download, before the
first byte goes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, update

from gateway.clock import WallClock
from gateway.store.audit import add_audit
from gateway.store.number_traces import TracedNumber
from gateway.store.schema import calls, recordings
from gateway.store.schema_access import audit
from gateway.store.schema_orders import orders
from gateway.store.writer import Writer
from gateway.telephony.shop import ShopView

SAME_LISTENING = timedelta(minutes=10)
"""A player asks for a recording in many pieces; what the same person fetches within this is one listening."""
_NOTED_AT_ONCE = 50
"""So that what a call must have on disk never waits long."""
HEARD_ACTIONS = ("recording.listened", "recording.downloaded")


class StoredEvidence:
    """Holds, and who has listened. Every verb raises StoreError when the disk does not take it."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock, shop: ShopView) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._shop = shop
        self._heard: dict[tuple[str, str, bool], datetime] = {}

    async def hold_call(self, call_id: str, *, by: str, why: str) -> int | None:
        """Hold the recordings of a call; how many are held now. None: there is no such call."""
        return await self._of_call(call_id, by=by, why=why)

    async def release_call(self, call_id: str, *, by: str) -> int | None:
        """Let them be removed again when their time comes; how many were held. None: there is no such call."""
        return await self._of_call(call_id, by=by, why=None)

    async def hold_number(self, number: str, *, by: str, why: str) -> int:
        """Hold every recording that there is of a number; how many are held now. Raises ValueError."""
        return await self._of_number(number, by=by, why=why)

    async def release_number(self, number: str, *, by: str) -> int:
        """Release them; how many were held. Raises ValueError."""
        return await self._of_number(number, by=by, why=None)

    async def hold_order(self, order: str, *, by: str, why: str) -> int:
        """Hold every recording that there is of an order's calls; how many are held now."""
        return await self._of_order(order, by=by, why=why)

    async def release_order(self, order: str, *, by: str) -> int:
        """Release them; how many were held."""
        return await self._of_order(order, by=by, why=None)

    async def note_listening(
        self, recording_id: str, *, by: str, address: str, is_download: bool, is_elsewhere: bool = False
    ) -> None:
        """Have it on record who is given the sound of a recording, if there is one of that id here, or elsewhere."""
        now, key = self._clock(), (by, recording_id, is_download)
        self._heard = {each: last for each, last in self._heard.items() if abs(now - last) < SAME_LISTENING}
        if key in self._heard:
            return
        action = HEARD_ACTIONS[is_download]

        def note(connection: Connection) -> None:
            mine = select(recordings.c.id).where(recordings.c.id == recording_id)
            if is_elsewhere or connection.execute(mine).scalar():
                add_audit(
                    connection, gateway_id=self._gateway_id, now=now, by=by, action=action, subject=recording_id,
                    details={"address": address},
                )  # fmt: skip

        await self._writer.write_or_keep(note)
        self._heard[key] = now

    async def note_evidence(self, order: str, *, by: str, address: str) -> bool:
        """Have it on record who is given the evidence pack of an order, each recording of it among it.

        False: there is no such order.
        """
        now = self._clock()

        def note(connection: Connection) -> bool:
            if connection.execute(select(orders.c.id).where(orders.c.number == order)).scalar() is None:
                return False
            sounds = connection.execute(sounds_of_order(order)).all()
            for action, subject in (("order.evidence", order), *((HEARD_ACTIONS[True], each.id) for each in sounds)):
                add_audit(
                    connection, gateway_id=self._gateway_id, now=now, by=by, action=action, subject=subject,
                    details={"address": address},
                )  # fmt: skip
            return True

        return await self._writer.write(note)

    async def note_pack(self, recording_ids: Sequence[str], *, by: str, address: str) -> None:
        """Have it on record, of each of these recordings, who downloads it; `together` is how many at once."""
        details: dict[str, object] = {"address": address, "together": len(recording_ids)}

        def note(connection: Connection, some: Sequence[str]) -> None:
            for recording_id in some:
                add_audit(
                    connection, gateway_id=self._gateway_id, now=self._clock(), by=by, action=HEARD_ACTIONS[True],
                    subject=recording_id, details=details,
                )  # fmt: skip

        for first in range(0, len(recording_ids), _NOTED_AT_ONCE):
            await self._writer.write_or_keep(partial(note, some=recording_ids[first : first + _NOTED_AT_ONCE]))

    async def note_joining(self, call_id: str, *, by: str, address: str, extension: str, mode: str) -> None:
        """Have it on record who has a phone join a running call: to listen, whisper, barge in or confer."""
        details: dict[str, object] = {"address": address, "extension": extension, "mode": mode}
        await self._writer.write(
            lambda connection: add_audit(
                connection, gateway_id=self._gateway_id, now=self._clock(), by=by, action="call.joined",
                subject=call_id, details=details,
            )
        )  # fmt: skip

    async def note_phone(self, extension: str, *, by: str, address: str) -> None:
        """Have it on record who is a phone of the shop in a browser: its calls are that person's."""
        await self._writer.write(
            lambda connection: add_audit(
                connection, gateway_id=self._gateway_id, now=self._clock(), by=by, action="phone.in-browser",
                subject=extension, details={"address": address},
            )
        )  # fmt: skip

    async def _of_call(self, call_id: str, *, by: str, why: str | None) -> int | None:
        def change(connection: Connection) -> int | None:
            if connection.execute(select(calls.c.id).where(calls.c.id == call_id)).scalar() is None:
                return None
            return self._change(connection, recordings.c.call_id == call_id, by, why)

        return await self._writer.write(change)

    async def _of_number(self, number: str, *, by: str, why: str | None) -> int:
        traced = TracedNumber(number, self._shop().numbers)
        which = recordings.c.call_id.in_(traced.call_ids())
        return await self._writer.write(lambda connection: self._change(connection, which, by, why))

    async def _of_order(self, order: str, *, by: str, why: str | None) -> int:
        which = recordings.c.call_id.in_(select(calls.c.id).where(calls.c.order == order))
        return await self._writer.write(lambda connection: self._change(connection, which, by, why))

    def _change(self, connection: Connection, which: ColumnElement[bool], by: str, why: str | None) -> int:
        return change_hold(connection, which, gateway_id=self._gateway_id, now=self._clock(), by=by, why=why)


def sounds_of_order(order: str) -> Select[Any]:
    """The finished recordings of an order's calls whose sound is still there, oldest first."""
    of_order = recordings.c.call_id.in_(select(calls.c.id).where(calls.c.order == order))
    return (
        select(recordings)
        .where(of_order, recordings.c.deleted_at.is_(None), recordings.c.finished_at.is_not(None))
        .order_by(recordings.c.started_at)
    )


def change_hold(
    connection: Connection,
    which: ColumnElement[bool],
    *,
    gateway_id: str,
    now: datetime,
    by: str,
    why: str | None,
) -> int:
    """Hold (`why`), or release (None), the recordings that are still there; how many it concerns."""
    holds = why is not None
    there = select(recordings.c.id, recordings.c.kept).where(which, recordings.c.deleted_at.is_(None))
    rows = connection.execute(there).all()
    changing = [row.id for row in rows if row.kept is not holds]
    values: dict[str, object] = {"kept": holds, "held_by": None, "held_at": None, "held_why": None}
    if holds:
        values |= {"held_by": by, "held_at": now, "held_why": why}
    for recording_id in changing:
        connection.execute(update(recordings).where(recordings.c.id == recording_id).values(values))
        add_audit(
            connection, gateway_id=gateway_id, now=now, by=by,
            action="recording.held" if holds else "recording.released", subject=recording_id,
            details={"why": why} if holds else {},
        )  # fmt: skip
    return len(rows) if holds else len(changing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Somebody was given the sound of a recording."""

    time: datetime
    by: str
    recording_id: str
    downloaded: bool


def listenings(connection: Connection, recording_ids: list[str]) -> list[Listening]:
    """Who was given the sound of these recordings, oldest first."""
    rows = connection.execute(
        select(audit.c.time, audit.c.by, audit.c.action, audit.c.subject)
        .where(audit.c.subject.in_(recording_ids), audit.c.action.in_(HEARD_ACTIONS))
        .order_by(audit.c.number)
    )
    return [
        Listening(time=row.time, by=row.by, recording_id=row.subject, downloaded=row.action == HEARD_ACTIONS[True])
        for row in rows
    ]
