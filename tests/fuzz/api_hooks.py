"""What schemathesis must know of this API; it loads the file by itself (SCHEMATHESIS_HOOKS).

Bodies that are not JSON go out as they are; half of the ids in paths are of things that exist; and an answer above 499
is a fault of ours unless it tells of a modem, a line or a voice that is not there.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import Any
from urllib.parse import urlencode

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response, SerializationContext

NOT_OURS = frozenset({"no-free-line", "no-speech", "modem-lost", "at-refused", "at-timeout"})
"""Codes of answers above 499 that a gateway without a free line, a voice or a working modem must give."""

LONGEST_QUERY = 6_000
"""Characters, as they are sent."""
KNOWN: dict[str, list[str]] = json.loads(os.environ.get("SIMBRIDGE_FUZZ_KNOWN", "{}"))
"""Name of a parameter in paths -> values that lead somewhere."""


@schemathesis.serializer(
    "application/toml", "application/octet-stream", "message/sip", "audio/wav", "text/csv", "text/vcard",
    "text/calendar",
)  # fmt: skip
def as_it_is(context: SerializationContext, value: Any) -> bytes:
    """The body of a request that is no JSON."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", errors="surrogatepass")


@schemathesis.hook
def map_path_parameters(context: HookContext, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Every second value becomes one that leads somewhere, chosen by its own checksum, so that a seed repeats it."""
    return (
        {name: _known(name, value) for name, value in path_parameters.items()} if path_parameters else path_parameters
    )


@schemathesis.hook
def filter_query(context: HookContext, query: dict[str, Any] | None) -> bool:
    """A line of over 8 KiB is refused in plain text by the HTTP server itself, before anything here sees it."""
    return len(urlencode(query or {}, doseq=True, errors="surrogatepass")) < LONGEST_QUERY


@schemathesis.check
def no_fault_of_ours(context: CheckContext, response: Response, case: Case[Any]) -> None:
    """Fails for an answer above 499 that is not about something outside of the gateway."""
    if response.status_code >= 500:
        code = _code_of(response)
        assert code in NOT_OURS, f"answered {response.status_code} {code}"


def _known(name: str, value: Any) -> Any:
    choice = zlib.crc32(repr(value).encode("utf-8", errors="surrogatepass"))
    return KNOWN[name][choice // 2 % len(KNOWN[name])] if name in KNOWN and choice % 2 else value


def _code_of(response: Response) -> str:
    try:
        return str(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        return "without a code"
