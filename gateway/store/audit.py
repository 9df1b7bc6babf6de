"""Who did what: rows that are chained by their hashes, so that a changed or removed one shows (T-L10)."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from sqlalchemy import Connection, insert, select

from gateway.ids import new_id
from gateway.store.schema import moment_text
from gateway.store.schema_access import audit

FIRST_DIGEST = "0" * 64


def add_audit(
    connection: Connection,
    *,
    gateway_id: str,
    now: datetime,
    by: str,
    action: str,
    subject: str,
    details: dict[str, object],
) -> None:
    """Add a row behind the last one. `details` must hold no secret."""
    last = connection.execute(
        select(audit.c.number, audit.c.digest)
        .where(audit.c.gateway_id == gateway_id)
        .order_by(audit.c.number.desc())
        .limit(1)
    ).first()
    number, previous = (last.number + 1, last.digest) if last is not None else (1, FIRST_DIGEST)
    connection.execute(
        insert(audit).values(
            id=new_id(),
            gateway_id=gateway_id,
            number=number,
            time=now,
            by=by,
            action=action,
            subject=subject,
            details=details,
            previous_digest=previous,
            digest=_digest(previous, [number, moment_text(now), by, action, subject, details]),
        )
    )


def first_broken(connection: Connection, gateway_id: str) -> int | None:
    """The number of the first row that was changed, or follows a removed one; None when the chain is whole."""
    previous = FIRST_DIGEST
    rows = connection.execute(select(audit).where(audit.c.gateway_id == gateway_id).order_by(audit.c.number))
    for number, row in enumerate(rows, start=1):
        digest = _digest(previous, [number, moment_text(row.time), row.by, row.action, row.subject, row.details])
        if (row.number, row.previous_digest, row.digest) != (number, previous, digest):
            return number
        previous = digest
    return None


def _digest(previous: str, content: list[object]) -> str:
    return hashlib.sha256(json.dumps([previous, *content], sort_keys=True).encode()).hexdigest()
