"""What the doctor finds: one line of its report."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """GOOD needs nothing; a WARNING works with less; a PROBLEM keeps something from working."""

    GOOD = "ok"
    WARNING = "warning"
    PROBLEM = "PROBLEM"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; its sentences are in the catalogue, section `doctor`."""

    severity: Severity
    code: str
    values: dict[str, str] = field(default_factory=dict)
