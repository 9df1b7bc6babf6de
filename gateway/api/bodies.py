"""Request bodies, checked: what is not as the contract says never reaches a handler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from gateway.api.problems import BadRequest


async def json_object(request: web.Request, *, allowed: frozenset[str]) -> dict[str, object]:
    """The body as an object with no other keys than `allowed`. Raises BadRequest, or 415."""
    _require_type(request, "application/json")
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise bad_request("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise bad_request("The body is not a JSON object.")
    unknown = sorted(body.keys() - allowed)
    if unknown:
        raise bad_request(f"There is no field {unknown[0]!r} here.")
    return body


async def text(request: web.Request, *, media_type: str) -> str:
    """The body as UTF-8 text. Raises BadRequest, or 415."""
    _require_type(request, media_type)
    try:
        return (await request.read()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad_request("The body is not UTF-8.") from error


def string(body: Mapping[str, object], name: str, *, longest: int, shortest: int = 0) -> str:
    """A required string of the body. Control characters and lone surrogates are refused."""
    value = body.get(name)
    if not isinstance(value, str):
        raise bad_request(f"The field {name!r} must be a string.")
    if not shortest <= len(value) <= longest:
        raise bad_request(f"The field {name!r} must have {shortest} to {longest} characters.")
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise bad_request(f"The field {name!r} holds characters that cannot be shown.")
    return value


def prose(body: Mapping[str, object], name: str, *, longest: int, shortest: int = 0) -> str:
    """A required text of several lines; a line ends with one line feed, whatever was typed."""
    value = body.get(name)
    if not isinstance(value, str):
        raise bad_request(f"The field {name!r} must be a string.")
    lines = value.replace("\r\n", "\n").split("\n")
    for line in lines:
        string({name: line}, name, longest=longest)
    text = "\n".join(lines)
    if not shortest <= len(text) <= longest:
        raise bad_request(f"The field {name!r} must have {shortest} to {longest} characters.")
    return text


def flag(body: Mapping[str, object], name: str, default: bool | None = None) -> bool:
    """True or false; without a `default` it is required."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise bad_request(f"The field {name!r} must be true or false.")
    return value


def strings(body: Mapping[str, object], name: str, *, choices: frozenset[str]) -> frozenset[str]:
    """A required list of one or more different words out of `choices`."""
    value = body.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each in choices for each in value):
        raise bad_request(f"The field {name!r} must be a list of: {', '.join(sorted(choices))}.")
    if len(set(value)) != len(value):
        raise bad_request(f"The field {name!r} names something twice.")
    return frozenset(value)


def moment(body: Mapping[str, object], name: str) -> datetime | None:
    """An optional RFC 3339 time with its offset, in UTC."""
    value = body.get(name)
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(str(value))
        in_utc = parsed.astimezone(UTC) if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        in_utc = None
    if in_utc is None:
        raise bad_request(f"The field {name!r} must be a time such as 2027-01-31T12:00:00Z.")
    return in_utc


def _require_type(request: web.Request, media_type: str) -> None:
    if request.content_type != media_type:
        raise web.HTTPUnsupportedMediaType


def bad_request(problem: str) -> BadRequest:
    """A request whose form is wrong; `problem` is the sentence that says where."""
    return BadRequest(problem, problem=problem)
