"""What a request to the worker asks for, as typed values; anything else is refused in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web

from gateway.api.problems import BadRequest
from gateway.telephony.messages import MessageState
from gateway.worker.seams import CallFilter, MessageFilter

_DIRECTIONS = ("incoming", "outgoing", "internal")
_OUTCOMES = ("answered", "missed")


def calls_wanted(request: web.Request) -> CallFilter:
    """Which calls. Every verb here raises BadRequest."""
    return CallFilter(
        direction=choice(request, "direction", _DIRECTIONS),
        outcome=choice(request, "outcome", _OUTCOMES),
        courier=text(request, "courier"),
        line=text(request, "line"),
        search=text(request, "search"),
        recorded={"true": True, "false": False, None: None}[choice(request, "recorded", ("true", "false"))],
        tag=text(request, "tag"),
        since=moment(request, "since"),
        until=moment(request, "until"),
    )


def messages_wanted(request: web.Request) -> MessageFilter:
    """Which SMS."""
    return MessageFilter(
        line=text(request, "line"),
        search=text(request, "search"),
        direction=choice(request, "direction", ("incoming", "outgoing")),
        state=choice(request, "state", tuple(MessageState)),
        peer=text(request, "peer"),
    )


def text(request: web.Request, name: str) -> str | None:
    """A short text; None: nothing."""
    value = request.query.get(name, "").strip()
    if len(value) > 64 or "\0" in value:
        raise bad(f"{name!r} is too long, or holds characters that cannot be searched for.")
    return value or None


def choice(request: web.Request, name: str, choices: tuple[str, ...]) -> str | None:
    """One of them; None: nothing."""
    value = request.query.get(name) or None
    if value is not None and value not in choices:
        raise bad(f"{name!r} must be one of: {', '.join(choices)}.")
    return value


def number(request: web.Request, name: str, least: int, most: int, default: int) -> int:
    """A whole number within these bounds."""
    given = request.query.get(name) or str(default)
    if not re.fullmatch(r"\d{1,9}", given, re.ASCII) or not least <= int(given) <= most:
        raise bad(f"{name!r} must be a number from {least} to {most}.")
    return int(given)


def moment(request: web.Request, name: str) -> datetime | None:
    """A time with its offset, in UTC; None: nothing."""
    given = request.query.get(name)
    if not given:
        return None
    try:
        found = datetime.fromisoformat(given)
        in_utc = found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        in_utc = None
    if in_utc is None:
        raise bad(f"{name!r} must be a time such as 2027-01-31T12:00:00Z.")
    return in_utc


def zone(request: web.Request) -> tzinfo:
    """The time zone that times are written by; UTC when none is named."""
    name = request.query.get("zone", "UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise bad("'zone' must be a time zone such as Europe/Moscow.") from fault


def bad(problem: str) -> BadRequest:
    """To be raised: the sentence says what is wrong."""
    return BadRequest(problem, problem=problem)
