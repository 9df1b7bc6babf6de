"""The worker's report on visitors of the shop's web site, and the file of their calls for Yandex Metrica."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.worker.report_routes import LONGEST_PERIOD, read


class SiteArchive(Protocol):
    """Where the visits are; the store's Reports is one. The verbs block; they are called in threads."""

    def widget(self, since: datetime, until: datetime) -> dict[str, Any]:
        """The schema `WidgetReport`."""

    def metrica(self, since: datetime, until: datetime, key: str) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        """The columns and rows of a file of offline calls, visits being named by `key`. KeyError: not by that."""


class SiteRoutes:
    """The handlers."""

    def __init__(self, archive: SiteArchive) -> None:
        self._archive = archive

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/widget/report", self._get_report),
            web.get("/api/v1/widget/metrica", self._get_metrica),
        ]

    async def _get_report(self, request: web.Request) -> web.Response:
        since, until = _period(request)
        found = await read(lambda: self._archive.widget(since, until))
        return web.json_response(found, headers={"Cache-Control": "no-store"})

    async def _get_metrica(self, request: web.Request) -> web.Response:
        """As Metrica reads it: UTF-8 without a mark, commas, points, and numbers as they are."""
        since, until = _period(request)
        key = request.query.get("by") or "ClientId"
        try:
            columns, rows = await read(lambda: self._archive.metrica(since, until, key))
        except KeyError as fault:
            raise bodies.bad_request("'by' must be ClientId or Yclid.") from fault
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([columns, *rows])
        return web.Response(
            body=text.getvalue().encode(),
            headers={
                "Content-Type": "text/csv; charset=utf-8",
                "Content-Disposition": 'attachment; filename="metrica-calls.csv"',
                "Cache-Control": "no-store",
            },
        )


def _period(request: web.Request) -> tuple[datetime, datetime]:
    since, until = (bodies.moment(request.query, name) for name in ("since", "until"))
    if since is None or until is None or not since < until <= since + LONGEST_PERIOD:
        raise bodies.bad_request("'since' and 'until' must be times, at most 400 days apart.")
    return since, until
