"""Orders as a table that a spreadsheet writes: CSV with a heading, in English or Russian, all or nothing."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import OrdersInvalid
from gateway.store.csv_lines import csv_lines

MOST_ROWS = 5000
_COLUMNS = {
    "number": "number", "order": "number", "номер": "number", "заказ": "number",
    "phone": "phone", "телефон": "phone",
    "customer": "customer", "name": "customer", "клиент": "customer", "имя": "customer",
    "courier": "courier", "курьер": "courier",
    "stage": "stage", "status": "stage", "этап": "stage", "статус": "stage",
    "note": "note", "comment": "note", "примечание": "note", "комментарий": "note",
    "delivery": "delivery_on", "delivery_on": "delivery_on", "доставка": "delivery_on", "дата доставки": "delivery_on",
    "from": "delivery_from", "delivery_from": "delivery_from", "с": "delivery_from", "время": "delivery_from",
    "to": "delivery_to", "delivery_to": "delivery_to", "до": "delivery_to",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A line of the file and what it says; a column that the file lacks is not among `values`."""

    line: int
    values: Mapping[str, str]


def read_rows(text: str) -> list[OrderRow]:
    """The rows of a file; commas, semicolons or tabs between the columns. Raises OrdersInvalid."""
    try:
        lines = csv_lines(text)
    except csv.Error as error:
        raise _invalid(f"The file is not CSV: {error}.") from error
    if not lines:
        raise _invalid("The file is empty.")
    columns = [_COLUMNS.get(title.strip().casefold()) for title in lines[0]]
    missing = {"number", "phone"} - set(columns)
    if missing:
        raise _invalid(f"The first line must name the columns; missing: {', '.join(sorted(missing))}.")
    if len(lines) > MOST_ROWS:
        raise _invalid(f"More than {MOST_ROWS} orders at once are too many.")
    rows = []
    for place, cells in enumerate(lines[1:], start=2):
        # An apostrophe keeps a spreadsheet from taking a text for a formula, and is no part of it.
        values = {
            name: cell.strip().removeprefix("'") for name, cell in zip(columns, cells, strict=False) if name is not None
        }
        if any(values.values()):
            rows.append(OrderRow(place, values))
    return rows


def _invalid(problem: str) -> OrdersInvalid:
    return OrdersInvalid(problem, problem=problem)
