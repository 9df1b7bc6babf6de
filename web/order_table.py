"""Orders as a table for a spreadsheet, with the columns in which the panel takes orders from one.

As spreadsheets expect it: a byte order mark for UTF-8, semicolons in Russian, and no text that becomes a formula
(OWASP, CSV injection): an apostrophe stands before it, telephone numbers among them, and is no part of it afterwards.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

ROWS_AT_A_TIME = 200
_COLUMNS = (
    "number", "phone", "customer", "courier", "stage", "note", "delivery_on", "delivery_from", "delivery_to",
)  # fmt: skip
_TITLES = {
    "en": ("number", "phone", "customer", "courier", "stage", "note", "delivery", "from", "to"),
    "ru": ("номер", "телефон", "клиент", "курьер", "этап", "примечание", "доставка", "с", "до"),
}
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")  # the wide ones too


def order_table(page_at: Callable[[str | None], dict[str, Any]], language: str) -> Iterator[bytes]:
    """The table, piece by piece. The first page is asked for at once, so that a refusal is one of the whole table."""
    return _pieces(page_at(None), page_at, language)


def _pieces(page: dict[str, Any], page_at: Callable[[str | None], dict[str, Any]], language: str) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + _lines([_TITLES[language]], language)
    while True:
        yield _lines([[order[name] or "" for name in _COLUMNS] for order in page["items"]], language)
        if page["next"] is None:
            break
        page = page_at(page["next"])


def _lines(rows: list[Any], language: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if language == "ru" else ",", lineterminator="\r\n")
    for row in rows:
        writer.writerow([f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_SIGNS) else cell for cell in row])
    return text.getvalue().encode("utf-8")
