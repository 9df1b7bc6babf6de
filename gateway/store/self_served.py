"""Calls in which a machine told the caller what was asked for: nobody was missed, and nobody was to answer (A18)."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_

from gateway.store.schema import calls
from gateway.telephony.missed import SELF_SERVED


def not_self_served() -> ColumnElement[bool]:
    """The condition on calls: all others."""
    return or_(calls.c.flow != SELF_SERVED, calls.c.order.is_(None))
