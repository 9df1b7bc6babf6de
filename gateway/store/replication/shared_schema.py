"""The tables of the shared database: those of every gateway that are replicated, and one about the gateways.

The same columns as in a store, with what PostgreSQL needs: texts of any length, whole numbers of 64 bits, no references
(a batch may bring a leg before the call that has changed since), and texts that are compared byte by byte, so that
moments and keys sort as they do in a store.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from gateway.store.replication.schema_replication import REPLICATED
from gateway.store.schema import Moment

shared = MetaData()

shared_gateways = Table(
    "gateways",
    shared,
    Column("id", Text(collation="C"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("token", Text, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("caught_up_at", Moment),
)
"""`caught_up_at`: everything that had happened at that gateway until then is here, by its own clock."""


def _mirrored(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    match kind:
        case Moment():
            return kind
        case JSON():
            return JSON(none_as_null=True)
        case String():
            return Text(collation="C")
        case Boolean() | Float() | LargeBinary():
            return kind
        case Integer():
            return BigInteger()
        case _:
            raise TypeError(f"{kind!r} is not replicated yet")


def _mirror(table: Table) -> Table:
    return Table(
        table.name,
        shared,
        *(Column(column.name, _mirrored(column.type), primary_key=column.primary_key) for column in table.c),
    )


SHARED = {name: _mirror(table) for name, table in REPLICATED.items()}
"""By name, in the order of REPLICATED."""

shared_calls, shared_legs, shared_events = SHARED["calls"], SHARED["legs"], SHARED["call_events"]
shared_notes, shared_recordings = SHARED["call_notes"], SHARED["recordings"]

Index("ix_calls_newest", shared_calls.c.started_at, shared_calls.c.id)
Index("ix_calls_gateway", shared_calls.c.gateway_id, shared_calls.c.started_at, shared_calls.c.id)
for _table in (shared_legs, shared_events, shared_notes, shared_recordings):
    Index(f"ix_{_table.name}_call_id", _table.c.call_id)
for _table in SHARED.values():
    Index(f"ix_{_table.name}_of_gateway", _table.c.gateway_id, _table.c.id)
