"""Requests that cost money are carried out once: Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

A repetition with the same key gets the answer of the first; one that comes while the first runs, or after it died in a
crash, is told so, and nothing is done twice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiohttp import web

from gateway.api.auth import PRINCIPAL
from gateway.api.bodies import bad_request
from gateway.api.problems import KeyInUse, KeyReused, problem_of
from gateway.errors import GatewayError
from gateway.messages import pick_language

_KEY = re.compile(r"[!-~]{8,100}", re.ASCII)


class Known(Protocol):
    """A key that was used before."""

    @property
    def same_request(self) -> bool:
        """It was this request."""

    @property
    def status(self) -> int | None:
        """The status of its answer; None while it runs, or when it died in a crash."""

    @property
    def response(self) -> object:
        """The body of its answer."""


class Answers(Protocol):
    """Where keys and answers are kept; the store's StoredAnswers is one."""

    async def begin(self, principal: str, key: str, request_digest: str) -> Known | None:
        """Commit that the request is about to be carried out; what is known of it when it is not the first."""

    async def finish(self, principal: str, key: str, *, status: int, response: object) -> None:
        """Keep the answer."""


async def carried_out_once(
    request: web.Request,
    body: Mapping[str, object],
    answers: Answers,
    action: Callable[[], Awaitable[tuple[int, object]]],
) -> web.Response:
    """The answer of `action`, which is called for the first request with this key only.

    Raises BadRequest without a usable key, KeyReused and KeyInUse; a fault of the action is kept as its answer too.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise bad_request("The header Idempotency-Key must have 8 to 100 visible characters, new for each request.")
    principal = request[PRINCIPAL].user_id
    said = json.dumps([request.method, request.path, dict(body)], sort_keys=True, ensure_ascii=False)
    known = await answers.begin(principal, key, hashlib.sha256(said.encode()).hexdigest())
    if known is not None:
        if not known.same_request:
            raise KeyReused("That Idempotency-Key belongs to another request.")
        if known.status is None:
            raise KeyInUse("That request is being carried out, or its outcome is not known.")
        return _response(known.status, known.response)
    try:
        status, response = await action()
    except GatewayError as fault:
        refusal = problem_of(fault, pick_language(request.headers.get("Accept-Language", "")))
        await answers.finish(principal, key, status=refusal.status, response=json.loads(refusal.text or "{}"))
        return refusal
    await answers.finish(principal, key, status=status, response=response)
    return _response(status, response)


def _response(status: int, body: object) -> web.Response:
    content_type = "application/problem+json" if status >= 400 else "application/json"
    return web.json_response(body, status=status, content_type=content_type, headers={"Cache-Control": "no-store"})
