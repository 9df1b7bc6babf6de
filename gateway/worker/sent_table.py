"""A long list as a table for a spreadsheet: all that the filters leave, sent piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import tzinfo
from typing import Any, TypeAlias

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from gateway.errors import StoreError
from gateway.messages import pick_language
from gateway.worker import asked
from gateway.worker.spreadsheet import as_csv

ROWS_AT_A_TIME = 500

Page: TypeAlias = Callable[[str | None, int], tuple[list[dict[str, Any]], str | None]]
"""Rows behind a cursor, at most so many, and the next cursor; it blocks."""
Titles: TypeAlias = Callable[[str], list[str]]
"""What stands above the columns, in that language."""
Cells: TypeAlias = Callable[[dict[str, Any], str, tzinfo], list[object]]
"""One row, in that language and by that time zone."""


async def send_table(
    request: web.Request, page: Page, *, filename: str, titles: Titles, cells: Cells
) -> web.StreamResponse:
    """The answer. Raises BadRequest for a time zone that is none, StoreError."""
    language = pick_language(request.headers.get("Accept-Language", ""))
    zone = asked.zone(request)
    rows, cursor = await _read(page, None)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Content-Language": language,
            "Cache-Control": "no-store",
        }
    )
    above: list[str] | None = titles(language)
    await response.prepare(request)
    while True:
        await response.write(as_csv(above, [cells(row, language, zone) for row in rows], language))
        above = None
        if cursor is None:
            break
        rows, cursor = await _read(page, cursor)
    await response.write_eof()
    return response


async def _read(page: Page, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    try:
        return await asyncio.to_thread(page, cursor, ROWS_AT_A_TIME)
    except DBAPIError as error:
        raise StoreError(f"The store cannot be read: {error.orig}.") from error
