"""What visitors of the web site came to: their calls and what these cost (C2), and a file for Yandex Metrica (C3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from gateway.store.opened import OpenedToRead
from gateway.store.row_wire import wire
from gateway.store.schema import calls
from gateway.store.schema_site import site_visits
from gateway.store.shop_document.shop_versions import load_shop
from gateway.store.site_visits import visit_wire

METRICA_COLUMNS = (
    "DateTime", "StaticCall", "PhoneNumber", "TalkDuration", "HoldDuration", "CallMissed", "Tag", "FirstTimeCaller",
    "URL",
)  # fmt: skip
"""Behind the column that says whose visit it was: offline calls, as Yandex Metrica documents them."""
METRICA_KEYS = {"ClientId": "ym_client_id", "Yclid": "yclid"}
"""Its columns that can say whose visit it was, and our marks."""
_TAG = "callback-widget"


class SiteReports(OpenedToRead):
    """The store, opened to read. Used with `with`."""

    def widget(self, since: datetime, until: datetime) -> dict[str, object]:
        """The schema `WidgetReport`: visitors who asked in that time."""
        with self._reading.connect() as connection, connection.begin():
            _, shop, _ = load_shop(connection)
            return report(connection, since, until, shop.currency)

    def metrica(self, since: datetime, until: datetime, key: str) -> tuple[tuple[str, ...], list[list[object]]]:
        """The columns and rows of a file of offline calls, visits being named by `key`. KeyError: not by that."""
        if key not in METRICA_KEYS:
            raise KeyError(key)
        with self._reading.connect() as connection, connection.begin():
            return (key, *METRICA_COLUMNS), metrica_rows(connection, since, until, key)


def report(connection: Connection, since: datetime, until: datetime, currency: str) -> dict[str, object]:
    """The schema `WidgetReport`: visitors who asked in that time, the newest first, and what it came to."""
    visits, theirs = _visits(connection, since, until)
    items = [
        {
            **visit_wire(row),
            "calls": [
                {
                    "id": call.id, "started_at": wire(call.started_at), "answered": call.answered_at is not None,
                    "talk_seconds": call.talk_seconds, "cost": _money(call.cost),
                }
                for call in theirs[row.id]
            ],
        }
        for row in visits
    ]  # fmt: skip
    all_calls = [call for row in visits for call in theirs[row.id]]
    costs = [call.cost for call in all_calls if call.cost is not None]
    return {
        "currency": currency,
        "total": {
            "visitors": len(visits),
            "calls": len(all_calls),
            "reached": sum(any(call.answered_at is not None for call in theirs[row.id]) for row in visits),
            "talk_seconds": round(sum(call.talk_seconds for call in all_calls), 3),
            "cost": sum(costs) / 100 if costs else None,
        },
        "items": items,
    }


def metrica_rows(connection: Connection, since: datetime, until: datetime, key: str) -> list[list[object]]:
    """Rows for METRICA_COLUMNS behind the value of `key`, one of METRICA_KEYS: each visitor whom it names, once.

    The call that reached the visitor, else the last one. Nothing that a visitor has typed gets into it but what has
    the form of a number or of an address of the web.
    """
    visits, theirs = _visits(connection, since, until)
    rows: list[list[object]] = []
    for row in reversed(visits):
        identity = row.marks.get(METRICA_KEYS[key])
        if not identity or not theirs[row.id]:
            continue
        reached = [call for call in theirs[row.id] if call.answered_at is not None]
        call = (reached or theirs[row.id])[-1]
        rows.append(
            [
                identity, int(call.started_at.timestamp()), 0, row.number, round(call.talk_seconds),
                max(0, round(call.total_seconds - call.talk_seconds)), 0 if reached else 1, _TAG,
                int(_is_first(connection, row.number, call.started_at)), row.page_url,
            ]
        )  # fmt: skip
    return rows


def _visits(
    connection: Connection, since: datetime, until: datetime
) -> tuple[Sequence[Row[Any]], defaultdict[str, list[Row[Any]]]]:
    """Those of that time, the newest first, and the calls of each, the oldest first."""
    asked = (site_visits.c.asked_at >= since, site_visits.c.asked_at < until)
    visits = connection.execute(
        select(site_visits).where(*asked).order_by(site_visits.c.asked_at.desc(), site_visits.c.id)
    ).all()
    theirs: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    wanted = (
        select(calls).where(calls.c.visit_id.in_(select(site_visits.c.id).where(*asked))).order_by(calls.c.started_at)
    )
    for call in connection.execute(wanted):
        theirs[call.visit_id].append(call)
    return visits, theirs


def _is_first(connection: Connection, number: str, at: datetime) -> bool:
    """Nobody has called that number, nor it the shop, before."""
    for column in (calls.c.caller, calls.c.called):
        before = select(func.count()).select_from(calls).where(column == number, calls.c.started_at < at)
        if connection.execute(before).scalar_one():
            return False
    return True


def _money(hundredths: int | None) -> float | None:
    return None if hundredths is None else hundredths / 100
