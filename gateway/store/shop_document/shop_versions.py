"""The shop as it is kept: a new version for each change, the last ten kept, any process may add one.

A daemon that runs notices a version that the command line has added within a second: its writer
watches SQLite's `data_version`, which changes when another connection has committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from gateway.ids import new_id
from gateway.store.audit import add_audit
from gateway.store.schema import gateways, shop_versions
from gateway.store.shop_document.shop_file import plain, shop_of_plain
from gateway.telephony.shop import Shop

VERSIONS_KEPT = 10
BY_A_PHONE = "phone "
"""Begins the name of a phone that has changed its own wishes by a code."""


def gateway_id_of(connection: Connection, now: datetime) -> str:
    """The id of this gateway, made at the first call."""
    known = connection.execute(select(gateways.c.id)).scalar()
    if known is not None:
        return str(known)
    made = new_id()
    connection.execute(insert(gateways).values(id=made, created_at=now))
    return made


def newest_number(connection: Connection) -> int:
    """The number of the newest version; 0 while there is none."""
    return int(connection.execute(select(func.coalesce(func.max(shop_versions.c.number), 0))).scalar_one())


def load_shop(connection: Connection) -> tuple[int, Shop, str]:
    """The newest version: its number, the shop, and who saved it; the empty shop while there is none."""
    row = connection.execute(select(shop_versions).order_by(shop_versions.c.number.desc()).limit(1)).first()
    return (row.number, shop_of_plain(row.document), row.saved_by) if row is not None else (0, Shop(), "")


def add_shop(connection: Connection, shop: Shop, *, gateway_id: str, by: str, now: datetime) -> int:
    """Keep a new version and a line of the audit; returns its number, or the newest one's when nothing changed."""
    number, former, former_by = load_shop(connection)
    if former == shop and number > 0:
        return number
    connection.execute(
        insert(shop_versions).values(
            id=new_id(), gateway_id=gateway_id, number=number + 1, document=plain(shop), saved_at=now, saved_by=by
        )
    )
    if by.startswith(BY_A_PHONE) and former_by.startswith(BY_A_PHONE):
        # Codes that phones dial all day do not push out the versions that the owner has made.
        connection.execute(delete(shop_versions).where(shop_versions.c.number == number))
    kept = select(shop_versions.c.number).order_by(shop_versions.c.number.desc()).limit(VERSIONS_KEPT)
    connection.execute(delete(shop_versions).where(shop_versions.c.number.not_in(kept)))
    add_audit(
        connection,
        gateway_id=gateway_id,
        now=now,
        by=by,
        action="shop.saved",
        subject=f"version {number + 1}",
        details={"changed": changed_parts(former, shop)},
    )
    return number + 1


@dataclass(frozen=True, slots=True)
class ShopVersion:
    """A version that is kept. `changed` are the parts in which it differs from the one before; None: that is gone."""

    number: int
    saved_at: datetime
    saved_by: str
    changed: tuple[str, ...] | None


def kept_versions(connection: Connection) -> list[ShopVersion]:
    """The newest first."""
    rows = connection.execute(select(shop_versions).order_by(shop_versions.c.number)).all()
    shops = [shop_of_plain(row.document) for row in rows]
    before: list[Shop | None] = [None, *shops]
    found = [
        ShopVersion(
            row.number, row.saved_at, row.saved_by,
            None if former is None else tuple(changed_parts(former, shop)),
        )
        for row, shop, former in zip(rows, shops, before, strict=False)
    ]  # fmt: skip
    return found[::-1]


def shop_of_version(connection: Connection, number: int) -> Shop | None:
    """The shop as that version had it; None: it is not kept."""
    document = connection.execute(select(shop_versions.c.document).where(shop_versions.c.number == number)).scalar()
    return shop_of_plain(document) if document is not None else None


def changed_parts(former: Shop, shop: Shop) -> list[str]:
    """Which parts of the shop differ: names of its tables and keys, no values."""
    before, after = plain(former), plain(shop)
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
