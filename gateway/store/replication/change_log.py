"""What the shared database does not have yet, on this gateway's side: read in the order of commits, ticked off later.

The verbs block; the worker calls them in a thread. Each is a transaction of its own, and each may be repeated: a
process that is killed between any two of them finds its place again (replicator.py tells how).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

from sqlalchemy import JSON, Connection, Table, delete, func, insert, null, select, update

from gateway.clock import WallClock, utc_now
from gateway.ids import new_id
from gateway.store.database import Places
from gateway.store.opened import OpenedToWrite
from gateway.store.replication.schema_replication import REPLICATED, TOLD, changes, replication
from gateway.store.schema import calls
from gateway.store.shop_document.shop_versions import gateway_id_of

LISTED_AT_ONCE = 1000
"""So many older rows are listed while nothing else can be committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far this gateway knows to be: the last batch that is in the shared database, and the one that may be."""

    gateway_id: str
    batch: int
    token: str
    next_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row to be sent as it is; `values` None: it is gone."""

    number: int
    table: str
    row_id: str
    values: dict[str, Any] | None
    told: dict[str, list[str]] | None = None
    """Of a call whose number is erased: the keys of what is still told of it, by table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits to be sent; `since` is the moment of the oldest change."""

    rows: int
    since: datetime | None


class ChangeLog(OpenedToWrite):
    """Used with `with`."""

    def __init__(self, places: Places, clock: WallClock = utc_now) -> None:
        super().__init__(places)
        self._clock = clock

    def begin(self) -> Standing:
        """Note changes from now on, if that is not done already, and list what is older. Raises DBAPIError."""
        with self._writing.begin() as connection:
            if connection.execute(select(replication.c.is_on)).scalar() is None:
                connection.execute(
                    insert(replication).values(
                        id=new_id(), gateway_id=gateway_id_of(connection, self._clock()), is_on=True, is_listed=False,
                        last_change=0, batch=0, token=new_id(),
                    )
                )  # fmt: skip
            else:
                connection.execute(update(replication).values(is_on=True))
        self._list()
        return self.standing()

    def end(self) -> None:
        """Note no changes any more, and forget those that were noted: it was switched off."""
        with self._writing.begin() as connection:
            if connection.execute(select(replication.c.id)).first() is not None:
                connection.execute(delete(replication))
                connection.execute(delete(changes))

    def standing(self) -> Standing:
        """As it was committed last."""
        with self._reading.begin() as connection:
            row = connection.execute(select(replication)).one()
        return Standing(gateway_id=row.gateway_id, batch=row.batch, token=row.token, next_token=row.next_token)

    def pending(self, most: int) -> tuple[list[Change], bool]:
        """The oldest changes, each with its row as it is now, all from one moment; and whether that is all of them."""
        with self._reading.begin() as connection:
            rows = connection.execute(select(changes).order_by(changes.c.number).limit(most + 1)).all()
            noted = rows[:most]
            content: dict[tuple[str, str], dict[str, Any]] = {}
            for name, table in REPLICATED.items():
                ids = [row.row_id for row in noted if row.of_table == name]
                if ids:
                    found = connection.execute(select(table).where(table.c.id.in_(ids))).mappings()
                    content |= {(name, str(row["id"])): dict(row) for row in found}
            erased = [
                key for (name, key), row in content.items() if name == calls.name and row["erased_at"] is not None
            ]
            told = {key: _told_of(connection, key) for key in erased}
        return [
            Change(
                number=row.number,
                table=row.of_table,
                row_id=row.row_id,
                values=content.get((row.of_table, row.row_id)),
                told=told.get(row.row_id) if row.of_table == calls.name else None,
            )
            for row in noted
        ], len(rows) <= most

    def will_send(self, token: str) -> None:
        """Remember the token of the batch that goes out now."""
        with self._writing.begin() as connection:
            connection.execute(update(replication).values(next_token=token))

    def was_sent(self, batch: int, token: str, sent: Sequence[Change]) -> None:
        """The batch is in the shared database; a row that has changed again since it was read stays noted."""
        with self._writing.begin() as connection:
            connection.execute(delete(changes).where(changes.c.number.in_([change.number for change in sent])))
            connection.execute(update(replication).values(batch=batch, token=token, next_token=None))

    def send_all_again(self, batch: int, token: str) -> None:
        """The shared database does not have what it had: every row goes there once more."""
        with self._writing.begin() as connection:
            connection.execute(update(replication).values(batch=batch, token=token, next_token=None, is_listed=False))
        self._list()

    def waiting(self) -> Waiting:
        """What is still to be sent."""
        with self._reading.begin() as connection:
            return waiting_in(connection)

    def take_back(self, name: str, theirs: Sequence[dict[str, Any]]) -> list[str]:
        """Rows of the shared database become ours, but for those that have changed here since they were last sent.

        What is taken back is no news, and is not sent again. Answers with the paths of recordings that are removed
        there and were still here.
        """
        table = REPLICATED[name]
        ids = [row["id"] for row in theirs]
        with self._writing.begin() as connection, _unnoted(connection):
            changed = _noted_among(connection, name, ids)
            found = connection.execute(select(table).where(table.c.id.in_(ids))).mappings()
            ours = {str(row["id"]): dict(row) for row in found}
            parents = _known_calls(connection, table, theirs)
            removed: list[str] = []
            for row in theirs:
                values = {column.name: row[column.name] for column in table.c if column.name in row}
                known = ours.get(row["id"])
                if row["id"] in changed or values == known:
                    continue
                if known is None and (parents is None or row["call_id"] in parents):
                    connection.execute(insert(table).values(_stored(table, values)))
                elif known is not None:
                    connection.execute(update(table).where(table.c.id == row["id"]).values(_stored(table, values)))
                    if known.get("path") and not values.get("path"):
                        removed.append(str(known["path"]))
            return removed

    def keep_told(self, call_id: str, told: dict[str, list[str]]) -> None:
        """Of a call whose number was erased, remove what is told of it in the shared database no more."""
        with self._writing.begin() as connection, _unnoted(connection):
            for table in TOLD:
                ours = list(connection.execute(select(table.c.id).where(table.c.call_id == call_id)).scalars())
                gone = set(ours) - set(told[table.name]) - _noted_among(connection, table.name, ours)
                connection.execute(delete(table).where(table.c.id.in_(gone)))

    def _list(self) -> None:
        """Note every row that is not noted yet, in pieces, so that a call need not wait for it."""
        with self._reading.begin() as connection:
            if connection.execute(select(replication.c.is_listed)).scalar():
                return
        for table in REPLICATED.values():
            after: str | None = ""
            while after is not None:
                after = self._list_some(table, after)
        with self._writing.begin() as connection:
            connection.execute(update(replication).values(is_listed=True))

    def _list_some(self, table: Table, after: str) -> str | None:
        with self._writing.begin() as connection:
            ids = list(
                connection.execute(
                    select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(LISTED_AT_ONCE)
                ).scalars()
            )
            if not ids:
                return None
            known = _noted_among(connection, table.name, ids)
            last, gateway_id = connection.execute(select(replication.c.last_change, replication.c.gateway_id)).one()
            now = self._clock()
            rows = [
                {
                    "id": f"{table.name}/{row_id}", "gateway_id": gateway_id, "of_table": table.name,
                    "row_id": row_id, "number": last + place, "at": now,
                }
                for place, row_id in enumerate((each for each in ids if each not in known), start=1)
            ]  # fmt: skip
            if rows:
                connection.execute(insert(changes), rows)
                connection.execute(update(replication).values(last_change=last + len(rows)))
            return str(ids[-1])


class _unnoted:  # noqa: N801  # reads as the verb that it is
    """Within this part of a transaction, changes are not noted; nobody else can write meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute(update(replication).values(is_on=False))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._connection.execute(update(replication).values(is_on=True))


def waiting_in(connection: Connection) -> Waiting:
    """What is still to be sent, in a transaction of somebody else's."""
    rows, since = connection.execute(
        select(func.count(), func.min(changes.c.at, type_=changes.c.at.type)).select_from(changes)
    ).one()
    return Waiting(rows=rows, since=since)


def _noted_among(connection: Connection, name: str, ids: Sequence[str]) -> set[str]:
    noted = select(changes.c.row_id).where(changes.c.of_table == name, changes.c.row_id.in_(ids))
    return set(connection.execute(noted).scalars())


def _told_of(connection: Connection, call_id: str) -> dict[str, list[str]]:
    return {
        table.name: list(connection.execute(select(table.c.id).where(table.c.call_id == call_id)).scalars())
        for table in TOLD
    }


def _stored(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    """Nothing at all, in a column of JSON, is not the JSON word for nothing."""
    return {
        name: null() if value is None and isinstance(table.c[name].type, JSON) else value
        for name, value in values.items()
    }


def _known_calls(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> set[str] | None:
    """Of the calls that the rows are of, those that are here; None: they are of no calls."""
    if "call_id" not in table.c:
        return None
    wanted = {str(row["call_id"]) for row in rows}
    return set(connection.execute(select(calls.c.id).where(calls.c.id.in_(wanted))).scalars())
