"""Calls in which nobody was to answer: a machine told what was asked for (A18), or the caller's number is blocked."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, or_

from gateway.store.schema import calls
from gateway.telephony.blocked import TURNED_AWAY
from gateway.telephony.missed import SELF_SERVED


def was_for_people(of: Table = calls) -> ColumnElement[bool]:
    """The condition on calls, here or in the shared database: all others."""
    flow, cause = TURNED_AWAY
    return and_(
        or_(of.c.flow != SELF_SERVED, of.c.order.is_(None)),
        or_(of.c.flow != flow, of.c.cause.is_(None), of.c.cause != str(cause)),
    )
