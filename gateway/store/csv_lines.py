"""The cells of a table that a spreadsheet writes as CSV."""

from __future__ import annotations

import csv
import io


def csv_lines(text: str) -> list[list[str]]:
    """Its lines; commas, semicolons or tabs between the columns, as the first line has them. Raises csv.Error."""
    text = text.removeprefix("\ufeff")
    delimiter = max(";,\t", key=text.partition("\n")[0].count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
