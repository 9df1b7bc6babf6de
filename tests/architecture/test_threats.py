"""The page of threats names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
_ROW = re.compile(r"^\| (T-[WL][0-9]+) ", re.MULTILINE)


def test_every_threat_has_a_test_that_is_there() -> None:
    page = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
    wanted = [f"T-W{number}" for number in range(1, 13)] + [f"T-L{number}" for number in range(1, 12)]
    assert _ROW.findall(page) == wanted
    rows = [line for line in page.splitlines() if line.startswith("| T-")]
    missing = [
        f"{path}::{name}"
        for row in rows
        for path, name in _NAMED.findall(row) or [("nothing", row)]
        if not (ROOT / path).is_file() or f"def {name}" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert not missing, "\n".join(missing)
