"""The shared database: one PostgreSQL that has the rows of every gateway. The verbs block, within bounds.

A network that is silent ends a verb with an error after some ten seconds; whoever calls tries again later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Table, create_engine, delete, make_url, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.schema import CreateColumn

from gateway.store.opened import Opened
from gateway.store.replication.change_log import Change
from gateway.store.replication.schema_replication import TOLD
from gateway.store.replication.shared_schema import SHARED, shared, shared_gateways

SILENCE_SECONDS = 10
STATEMENT_MS = 60_000
_TABLES_LOCK = 0x51B1D6E
"""Two gateways do not make the tables at the same time."""


class SharedPlace(Protocol):
    """Where it is; ReplicationSettings is one."""

    @property
    def database(self) -> str | None:
        """postgresql://user@host:port/name, with options of libpq after a `?`."""

    @property
    def database_password_file(self) -> str | None:
        """Holds the password, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the shared database knows of a gateway: the number and the token of its last batch."""

    batch: int
    token: str


def open_shared(place: SharedPlace) -> Engine:
    """An engine; nothing is connected yet. Raises OSError when the password cannot be read."""
    url = make_url(place.database or "").set(drivername="postgresql+psycopg")
    if place.database_password_file is not None:
        url = url.set(password=Path(place.database_password_file).read_text(encoding="utf-8").strip())
    return create_engine(
        url,
        pool_size=1,
        max_overflow=2,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": SILENCE_SECONDS,
            "tcp_user_timeout": SILENCE_SECONDS * 1000,
            "keepalives_idle": SILENCE_SECONDS,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            "options": f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={STATEMENT_MS}"
            " -c idle_in_transaction_session_timeout=300000",
        },
    )


class SharedStore(Opened):
    """One gateway's way there. Used with `with`; the verbs raise DBAPIError."""

    def __init__(self, engine: Engine, *, gateway_id: str, name: str) -> None:
        super().__init__(engine)
        self._engine = engine
        self._gateway_id = gateway_id
        self._name = name

    def prepare(self) -> None:
        """Make the tables that are missing, and the columns that a later release has brought."""
        with self._engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TABLES_LOCK})
            shared.create_all(connection)
            for table in shared.tables.values():
                known = set(
                    connection.execute(
                        text("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:name) AND attnum > 0"),
                        {"name": table.name},
                    ).scalars()
                )
                for column in table.c:
                    if column.name not in known:
                        form = CreateColumn(column).compile(dialect=connection.dialect)
                        connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {form}"))

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """A transaction in which no other batch of this gateway can be written."""
        with self._engine.begin() as connection:
            yield Batch(connection, self._gateway_id, self._name)

    def be_seen(self, now: datetime) -> None:
        """Everything that has happened until now is there already."""
        with self._engine.begin() as connection:
            connection.execute(
                update(shared_gateways)
                .where(shared_gateways.c.id == self._gateway_id)
                .values(seen_at=now, caught_up_at=now, name=self._name)
            )

    def rows(self, name: str, after: str, most: int) -> list[dict[str, Any]]:
        """The gateway's own rows of a table, from the key `after` on."""
        table = SHARED[name]
        query = (
            select(table)
            .where(table.c.gateway_id == self._gateway_id, table.c.id > after)
            .order_by(table.c.id)
            .limit(most)
        )
        with self._engine.begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def told(self, call_id: str) -> dict[str, list[str]]:
        """The keys of what is told of a call, by table."""
        with self._engine.begin() as connection:
            return {
                table.name: list(
                    connection.execute(
                        select(SHARED[table.name].c.id).where(SHARED[table.name].c.call_id == call_id)
                    ).scalars()
                )
                for table in TOLD
            }


class Batch:
    """What is written of one gateway at once."""

    def __init__(self, connection: Connection, gateway_id: str, name: str) -> None:
        self._connection = connection
        self._gateway_id = gateway_id
        self._name = name

    def sent(self) -> Sent | None:
        """The last batch that is there, held until the end of this one; None: there is none yet."""
        row = self._connection.execute(
            select(shared_gateways).where(shared_gateways.c.id == self._gateway_id).with_for_update()
        ).first()
        return None if row is None else Sent(batch=row.batch, token=row.token)

    def put(self, changes: Sequence[Change]) -> None:
        """Have the rows as the gateway has them; written twice, it comes to the same."""
        for name, table in SHARED.items():
            rows = [change.values for change in changes if change.table == name and change.values is not None]
            gone = [change.row_id for change in changes if change.table == name and change.values is None]
            if gone:
                self._connection.execute(delete(table).where(table.c.id.in_(gone), self._is_mine(table)))
            if rows:
                self._upsert(table, [{key: _sendable(value) for key, value in row.items()} for row in rows])
        for change in changes:
            for name, known in (change.told or {}).items():
                told = SHARED[name]
                gone_too = (told.c.call_id == change.row_id, told.c.id.not_in(known), self._is_mine(told))
                self._connection.execute(delete(told).where(*gone_too))

    def close(self, batch: int, token: str, now: datetime, *, caught_up_at: datetime | None) -> None:
        """Give it its number. `caught_up_at`: everything until then is there; None: not everything is."""
        values = {"name": self._name, "batch": batch, "token": token, "seen_at": now}
        if caught_up_at is not None:
            values["caught_up_at"] = caught_up_at
        statement = insert(shared_gateways).values(id=self._gateway_id, **values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))

    def _upsert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        statement = insert(table)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["id"],
                set_={column.name: statement.excluded[column.name] for column in table.c if not column.primary_key},
                where=self._is_mine(table),
            ),
            rows,
        )

    def _is_mine(self, table: Table) -> Any:
        return table.c.gateway_id == self._gateway_id


def _sendable(value: Any) -> Any:
    """PostgreSQL has no texts with a zero in them."""
    return value.replace("\0", "") if isinstance(value, str) else value
