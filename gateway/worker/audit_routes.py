"""The worker's answers about who did what: pages, a table for a spreadsheet, and whether the chain is whole."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from gateway.api import bodies
from gateway.errors import StoreError
from gateway.messages import pick_language, words
from gateway.settings import Settings
from gateway.store.audit_list import AuditList, AuditWanted
from gateway.worker.spreadsheet import as_csv

T = TypeVar("T")

MOST_OF_A_PAGE = 200
MOST_OF_A_TABLE = 50_000
_USUAL = 100
_COLUMNS = ("number", "time", "by", "action", "subject", "details")


class AuditRoutes:
    """The handlers."""

    def __init__(self, settings: Settings) -> None:
        self._list = AuditList(settings)

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/audit", self._get_audit),
            web.get("/api/v1/audit/check", self._get_check),
        ]

    async def _get_audit(self, request: web.Request) -> web.Response:
        since, until = (bodies.moment(request.query, name) for name in ("since", "until"))
        wanted = AuditWanted(search=request.query.get("search", "").strip()[:64], since=since, until=until)
        before, limit = _number(request, "cursor", None, 10**15), _number(request, "limit", _USUAL, MOST_OF_A_PAGE)
        form = request.query.get("format", "json")
        if form == "csv":
            rows, _ = await _read(lambda: self._list.rows(wanted, before=None, limit=MOST_OF_A_TABLE))
            return _table(request, rows)
        if form != "json":
            raise bodies.bad_request("'format' must be one of: json, csv.")
        items, rest = await _read(lambda: self._list.rows(wanted, before=before, limit=limit or _USUAL))
        page = {"items": items, "next": str(rest) if rest is not None else None}
        return web.json_response(page, headers={"Cache-Control": "no-store"})

    async def _get_check(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(await _read(self._list.check), headers={"Cache-Control": "no-store"})


def _table(request: web.Request, rows: list[dict[str, object]]) -> web.Response:
    language = pick_language(request.headers.get("Accept-Language", ""))
    catalogue = words(language)["audit"]
    for row in rows:
        row["action"] = catalogue.get(str(row["action"]), {"title": row["action"]})["title"]
        row["details"] = json.dumps(row["details"], ensure_ascii=False) if row["details"] else None
    titles = [catalogue[f"column-{name}"]["title"] for name in _COLUMNS]
    return web.Response(
        body=as_csv(titles, [[row[name] for name in _COLUMNS] for row in rows], language),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="audit.csv"',
            "Content-Language": language,
            "Cache-Control": "no-store",
        },
    )


def _number(request: web.Request, name: str, usual: int | None, most: int) -> int | None:
    text = request.query.get(name)
    if text is None:
        return usual
    if not re.fullmatch(r"[0-9]{1,16}", text) or not 1 <= int(text) <= most:
        raise bodies.bad_request(f"{name!r} must be a number from 1 to {most}.")
    return int(text)


async def _read(verb: Callable[[], T]) -> T:
    """Use the store in a thread. Raises StoreError where it cannot be read."""
    try:
        return await asyncio.to_thread(verb)
    except DBAPIError as error:
        raise StoreError(f"The store cannot be read: {error.orig}.") from error
