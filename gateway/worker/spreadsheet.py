"""Tables as CSV that a spreadsheet opens by itself, and in which no text becomes a formula.

The byte order mark says that it is UTF-8; columns and fractions are parted as spreadsheets of the language expect:
Russian ones by semicolon and comma, English ones by comma and point. A text that a spreadsheet would read as a formula
has an apostrophe before it (OWASP, CSV injection), telephone numbers among them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

BYTE_ORDER_MARK = "\ufeff"
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")  # the wide ones too


def as_csv(titles: Sequence[str] | None, rows: Iterable[Sequence[object]], language: str) -> bytes:
    """The table; a cell is a text, a number or None. `titles` None: more rows of a table that has begun."""
    text = io.StringIO()
    separator, point = (";", ",") if language == "ru" else (",", ".")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    for row in ([titles] if titles is not None else []) + list(rows):
        writer.writerow([_cell(each, point) for each in row])
    return (("" if titles is None else BYTE_ORDER_MARK) + text.getvalue()).encode("utf-8")


def _cell(value: object, point: str) -> str:
    match value:
        case None:
            return ""
        case int():
            return str(value)
        case float():
            return f"{value:.4f}".rstrip("0").rstrip(".").replace(".", point)
        case _:
            text = str(value).replace("\0", "")
            return "'" + text if text.lstrip(" ").startswith(_FORMULA_SIGNS) else text
