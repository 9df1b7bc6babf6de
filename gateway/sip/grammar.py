"""The words of SIP's grammar that every header shares, and the one fault that all parsers raise.

All scanners here are single passes: their time grows with the length of the text and no faster (T-S10).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.sip.message import Request

_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PARAMETER_VALUE = re.compile(r"[^\x00-\x20\x7f\"<>;,=\\]+")

SPACE = " \t\r\n"
"""What may stand around the parts of a field (RFC 3261 section 25.1, `SWS`): other scripts have more, which is text."""
Parameters: TypeAlias = tuple[tuple[str, str | None], ...]
"""Header or URI parameters in their order; names in lower case; None: a flag without a value."""


class MalformedMessage(GatewayError):
    """A message or a part of it breaks the grammar, or cannot be written without breaking it.

    `status` is what a request is answered with (RFC 3261 section 21.4); `request` is what could be read
    of it, when that is enough to send the answer.
    """

    code: ClassVar[str] = "malformed-message"

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.request: Request | None = None


def is_token(text: str) -> bool:
    """RFC 3261 section 25.1, `token`."""
    return _TOKEN.fullmatch(text) is not None


def require_token(text: str, what: str) -> str:
    """The token itself; `what` names it in the fault."""
    if not is_token(text):
        raise MalformedMessage(f"The {what} is not a token: {text[:40]!r}.")
    return text


def refuse_controls(text: str) -> str:
    """The text itself; a control character in it (CR, LF, NUL ...) is a fault (T-S9)."""
    if _CONTROL.search(text):
        raise MalformedMessage(f"A control character may not be written: {text[:40]!r}.")
    return text


def quote(text: str) -> str:
    """A quoted-string (RFC 3261 section 25.1)."""
    return '"' + refuse_controls(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """The text inside of a quoted-string; what is no quoted-string is returned as it is."""
    if not text.startswith('"'):
        return text
    end = _end_of_quoted(text, 0)
    if end != len(text):
        raise MalformedMessage("Text follows a quoted string.")
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    parts = []
    position = 0
    while (escape := inner.find("\\", position)) >= 0:
        parts.append(inner[position:escape])
        parts.append(inner[escape + 1 : escape + 2])
        position = escape + 2
    parts.append(inner[position:])
    return "".join(parts)


def split_outside(text: str, separator: str) -> list[str]:
    """Split at `separator` where it stands outside of quoted strings and angle brackets; parts are stripped."""
    if '"' not in text and "<" not in text:
        return [part.strip(SPACE) for part in text.split(separator)]
    parts = []
    start = position = 0
    while position < len(text):
        character = text[position]
        if character == '"':
            position = _end_of_quoted(text, position)
            continue
        if character == "<":
            position = text.find(">", position)
            if position < 0:
                raise MalformedMessage("An angle bracket is not closed.")
        elif character == separator:
            parts.append(text[start:position].strip(SPACE))
            start = position + 1
        position += 1
    parts.append(text[start:].strip(SPACE))
    return parts


def _end_of_quoted(text: str, start: int) -> int:
    """The place after the closing quote of the quoted-string that begins at `start`."""
    position = start + 1
    while True:
        closing = text.find('"', position)
        if closing < 0:
            raise MalformedMessage("A quoted string is not closed.")
        escapes = 0
        while text[closing - 1 - escapes] == "\\" and closing - 1 - escapes > start:
            escapes += 1
        if escapes % 2 == 0:
            return closing + 1
        position = closing + 1


def parse_parameters(parts: list[str]) -> Parameters:
    """Parameters from the parts between the semicolons (RFC 3261 section 25.1, `generic-param`)."""
    parameters: list[tuple[str, str | None]] = []
    for part in parts:
        name, equals, value = part.partition("=")
        name = require_token(name.strip(SPACE), "parameter name").lower()
        if not equals:
            parameters.append((name, None))
            continue
        value = value.strip(SPACE)
        if value.startswith('"'):
            value = unquote(value)
        elif not _PARAMETER_VALUE.fullmatch(value):
            raise MalformedMessage(f"The value of parameter {name!r} is broken.")
        parameters.append((name, value))
    return tuple(parameters)


def write_parameters(parameters: Parameters) -> str:
    """The parameters with their semicolons; values that need quotes get them."""
    written = []
    for name, value in parameters:
        require_token(name, "parameter name")
        if value is None:
            written.append(f";{name}")
        elif _PARAMETER_VALUE.fullmatch(value):
            written.append(f";{name}={value}")
        else:
            written.append(f";{name}={quote(value)}")
    return "".join(written)


def parse_number(text: str, what: str, highest: int) -> int:
    """A decimal number from 0 to `highest`; anything else is a fault (RFC 4475 sections 3.1.2.3 to 3.1.2.5)."""
    if not (text.isascii() and text.isdigit()) or len(text.lstrip("0")) > 10 or int(text) > highest:
        raise MalformedMessage(f"The {what} is not a number between 0 and {highest}.")
    return int(text)
