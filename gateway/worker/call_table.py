"""The list of calls as a table for a spreadsheet: all that the filters leave, sent piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any, TypeAlias

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from gateway.errors import StoreError
from gateway.messages import pick_language, words
from gateway.worker import asked
from gateway.worker.spreadsheet import as_csv

COLUMNS = (
    "started_at", "direction", "caller", "caller_name", "called", "line", "courier", "order", "answered_by",
    "seconds_to_answer", "talk_seconds", "cost", "cause", "recordings",
    "tags",
)  # fmt: skip
ROWS_AT_A_TIME = 500

Page: TypeAlias = Callable[[str | None, int], tuple[list[dict[str, Any]], str | None]]
"""Rows as the schema `CallSummary` behind a cursor, at most so many, and the next cursor; it blocks."""


async def send_calls(request: web.Request, page: Page) -> web.StreamResponse:
    """The answer. Raises BadRequest for a time zone that is none, StoreError."""
    language = pick_language(request.headers.get("Accept-Language", ""))
    zone = asked.zone(request)
    rows, cursor = await _read(page, None)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="calls.csv"',
            "Content-Language": language,
            "Cache-Control": "no-store",
        }
    )
    titles: list[str] | None = call_titles(language)
    await response.prepare(request)
    while True:
        await response.write(as_csv(titles, [call_cells(row, language, zone) for row in rows], language))
        titles = None
        if cursor is None:
            break
        rows, cursor = await _read(page, cursor)
    await response.write_eof()
    return response


def call_titles(language: str) -> list[str]:
    """What stands above the columns."""
    return [words(language)["statistics"][name]["title"] for name in COLUMNS]


def call_cells(call: dict[str, Any], language: str, zone: tzinfo) -> list[object]:
    """One call, given as the schema `CallSummary`."""
    known = words(language)
    started = datetime.fromisoformat(call["started_at"])
    answered = datetime.fromisoformat(call["answered_at"]) if call["answered_at"] else None
    return [
        f"{started.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        known["statistics"][call["direction"]]["title"],
        *(call[name] for name in ("caller", "caller_name", "called", "line", "courier", "order", "answered_by")),
        round((answered - started).total_seconds(), 1) if answered is not None else None,
        call["talk_seconds"],
        call["cost"],
        known["causes"][call["cause"]]["title"] if call["cause"] in known["causes"] else call["cause"],
        len(call["recordings"]),
        ", ".join(call["tags"]),
    ]


async def _read(page: Page, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    try:
        return await asyncio.to_thread(page, cursor, ROWS_AT_A_TIME)
    except DBAPIError as error:
        raise StoreError(f"The store cannot be read: {error.orig}.") from error
