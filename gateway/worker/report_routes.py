"""The worker's reports: statistics and missed customers, as JSON or as CSV for a spreadsheet."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from gateway.api import bodies
from gateway.errors import StoreError
from gateway.messages import pick_language, words
from gateway.store.overview import Overview
from gateway.store.waits import TWO_RINGS_SECONDS
from gateway.worker import asked
from gateway.worker.comparison import compared
from gateway.worker.spreadsheet import as_csv

GROUPINGS = ("day", "hour", "week-hour", "phone", "courier", "line", "queue")
TABLES = ("rows", "comparison", "concurrency", "peaks")
LONGEST_WAIT_SECONDS = 600
LONGEST_PERIOD = timedelta(days=400)
MOST_LISTED = 200
COLUMNS = (
    "calls", "incoming", "answered", "missed", "missed_share", "answered_within", "service_level", "seconds_to_answer",
    "outgoing", "reached", "answer_seizure_ratio", "talk_seconds", "average_talk_seconds", "cost", "busy_seconds",
    "occupancy",
)  # fmt: skip
_OF_LINES = ("busy_seconds", "occupancy")


class ReportArchive(Protocol):
    """Where the figures are; the store's Reports is one. The verbs block; they are called in threads."""

    def statistics(
        self, since: datetime, until: datetime, by: str, *, within_seconds: int, is_compared: bool
    ) -> dict[str, Any]:
        """The schema `Statistics`; `is_compared`: with the period before."""

    def overview(self) -> Overview:
        """What the dashboard shows."""

    def missed(
        self, *, since: datetime | None = None, until: datetime | None = None, limit: int | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        """Rows as the schema `MissedCustomer`, at most `limit`, and how many there are.

        Those who wait now, or (with `since`) all who tried in that time.
        """


class ReportRoutes:
    """The handlers."""

    def __init__(self, reports: ReportArchive) -> None:
        self._reports = reports

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/statistics", self._get_statistics),
            web.get("/api/v1/missed", self._get_missed),
        ]

    async def _get_statistics(self, request: web.Request) -> web.Response:
        since, until = (bodies.moment(request.query, name) for name in ("since", "until"))
        if since is None or until is None or not since < until <= since + LONGEST_PERIOD:
            raise bodies.bad_request("'since' and 'until' must be times, at most 400 days apart.")
        by = _choice(request, "by", GROUPINGS)
        table = _choice(request, "table", TABLES) if _is_csv(request) else None
        found = await read(
            lambda: self._reports.statistics(
                since,
                until,
                by,
                within_seconds=asked.number(request, "within", 1, LONGEST_WAIT_SECONDS, TWO_RINGS_SECONDS),
                is_compared=table == "comparison" or _choice(request, "compare", ("none", "before")) == "before",
            )
        )
        match table:
            case None:
                return web.json_response(found, headers={"Cache-Control": "no-store"})
            case "comparison":
                rows = compared(found, words(_language(request))["statistics"])
                return _csv(request, "comparison.csv", ("figure", "period", "before", "change"), rows)
            case "concurrency" if found["concurrency"] is not None:
                seconds = found["concurrency"]["seconds"]
                return _csv(request, "busy-lines.csv", ("busy_at_once", "busy_seconds"), list(enumerate(seconds)))
            case "peaks" if found["concurrency"] is not None:
                peaks = [[f"{hour:02}", most] for hour, most in enumerate(found["concurrency"]["peaks"])]
                return _csv(request, "busy-by-hour.csv", ("hour", "busy_at_once"), peaks)
            case "rows":
                columns = [name for name in COLUMNS if by == "line" or name not in _OF_LINES]
                table_rows = [[each["key"], *(each[name] for name in columns)] for each in found["rows"]]
                return _csv(request, f"statistics-{by}.csv", (by, *columns), table_rows)
            case _:
                raise bodies.bad_request(f"The table {table!r} is of lines: ask for it with 'by=line'.")

    async def _get_missed(self, request: web.Request) -> web.Response:
        since, until = (bodies.moment(request.query, name) for name in ("since", "until"))
        is_csv = _is_csv(request)
        limit = None if is_csv else _limit(request)
        found, count = await read(lambda: self._reports.missed(since=since, until=until, limit=limit))
        if not is_csv:
            return web.json_response({"items": found, "count": count}, headers={"Cache-Control": "no-store"})
        causes = words(_language(request))["causes"]
        table = [
            [
                *(each[name] for name in ("number", "name", "first_at", "last_at")),
                len(each["tries"]),
                causes[last]["title"] if (last := each["tries"][-1]["cause"]) in causes else last,
                *_ending(each),
            ]
            for each in found
        ]
        return _csv(request, "missed.csv", ("number", "name", "first_at", "last_at", "tries", "cause", *_ENDING), table)


_ENDING = ("ended_at", "ended_by", "reason")


def _ending(customer: dict[str, Any]) -> list[object]:
    ended = customer["ended"]
    return [None, None, None] if ended is None else [ended["at"], ended["by"], ended["reason"]]


def _csv(request: web.Request, filename: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> web.Response:
    language = _language(request)
    titles = words(language)["statistics"]
    return web.Response(
        body=as_csv([titles[name]["title"] for name in columns], rows, language),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Content-Language": language,
            "Cache-Control": "no-store",
        },
    )


def _language(request: web.Request) -> str:
    return pick_language(request.headers.get("Accept-Language", ""))


def _is_csv(request: web.Request) -> bool:
    return _choice(request, "format", ("json", "csv")) == "csv"


def _choice(request: web.Request, name: str, choices: tuple[str, ...]) -> str:
    """One of them; the first when nothing is said."""
    value = request.query.get(name) or choices[0]
    if value not in choices:
        raise bodies.bad_request(f"{name!r} must be one of: {', '.join(choices)}.")
    return value


def _limit(request: web.Request) -> int:
    text = request.query.get("limit") or str(MOST_LISTED)
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= MOST_LISTED:
        raise bodies.bad_request(f"'limit' must be a number from 1 to {MOST_LISTED}.")
    return int(text)


async def read(verb: Callable[[], Any]) -> Any:
    """Use the store in a thread. Raises StoreError where it cannot be read."""
    try:
        return await asyncio.to_thread(verb)
    except DBAPIError as error:
        raise StoreError(f"The store cannot be read: {error.orig}.") from error
