"""The page of faults names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAULTS = {"M": 10, "T": 2, "P": 7, "N": 8, "C": 5, "D": 8}
_NAMED = re.compile(r"`((?:tests|systemd)/[\w/.]+)(?:::(\w+))?`")
_ROW = re.compile(r"^\| (X-[MTPNCD][0-9]+) ", re.MULTILINE)
NOT_TRIED = {"X-C3", "X-C5"}
"""On a Raspberry Pi only."""


def test_every_fault_has_a_test_that_is_there() -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    assert set(_ROW.findall(page)) == {
        f"X-{kind}{number}" for kind, last in FAULTS.items() for number in range(1, last + 1)
    }
    rows = {line: line.split()[1] for line in page.splitlines() if line.startswith("| X-")}
    assert {fault for row, fault in rows.items() if not _NAMED.search(row)} == NOT_TRIED
    missing = [
        f"{path}::{name}"
        for path, name in _NAMED.findall(page)
        if not (ROOT / path).is_file() or f"def {name}" * bool(name) not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert not missing, "\n".join(missing)
