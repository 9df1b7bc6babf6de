"""What is done by the command line is on record like what is done in the panel."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from gateway.store.audit import add_audit
from gateway.store.shop_document.shop_versions import gateway_id_of

BY_COMMAND = "command line"
"""Who did it: whoever may write to the data directory."""


def note_command(connection: Connection, now: datetime, *, action: str, subject: str) -> None:
    """Have it on record."""
    add_audit(
        connection, gateway_id=gateway_id_of(connection, now), now=now, by=BY_COMMAND, action=action, subject=subject,
        details={},
    )  # fmt: skip
