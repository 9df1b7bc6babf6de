"""What the running daemon last said of each modem and of the SIM in it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from gateway.doctor.finding import Finding, Severity
from gateway.settings import Settings
from gateway.store.opened import transaction
from gateway.store.schema import modems


def sim_findings(settings: Settings) -> Iterator[Finding]:
    """One for each modem that the daemon has met, as it stands now; of use only while the daemon runs."""
    if not settings.database.exists():
        return
    try:
        with transaction(settings.database, read_only=True) as connection:
            rows = connection.execute(
                select(modems.c.name, modems.c.line, modems.c.state).order_by(modems.c.name)
            ).all()
    except SQLAlchemyError:
        return  # told of as a store that cannot be read
    for row in rows:
        values = {"modem": row.name, "line": row.line or "-"}
        match row.state:
            case "ready":
                yield Finding(Severity.GOOD, "sim-ready", values)
            case "no-sim":
                yield Finding(Severity.PROBLEM, "sim-missing", values)
            case "locked":
                yield Finding(Severity.PROBLEM, "sim-needs-pin", values)
            case "searching":
                yield Finding(Severity.WARNING, "sim-without-network", values)
            case "faulty":
                yield Finding(Severity.PROBLEM, "modem-misbehaves", values)
            case "lost" | "absent":
                yield Finding(Severity.WARNING, "modem-away", values)
