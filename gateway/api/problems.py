"""Errors of the API: RFC 9457 problem details, with a stable code and sentences in the asker's language."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import ClassVar

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.errors import GatewayError
from gateway.messages import error_advice, error_detail, error_title, pick_language, retold

log = logging.getLogger(__name__)


class ApiError(GatewayError):
    """A request that is not served; `status` is the HTTP status."""

    status: ClassVar[int] = 400
    headers: Mapping[str, str] = {}


class BadRequest(ApiError):
    """The request's form is wrong; `values["problem"]` says where."""

    code = "bad-request"


class NotSignedIn(ApiError):
    """No token, or one that is not good any more."""

    code = "not-signed-in"
    status = 401
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class WrongCredentials(ApiError):
    """Name or password; which of them is not told."""

    code = "wrong-credentials"
    status = 403


class WrongCode(ApiError):
    """Not the code that the second step asks for, or one that was used already."""

    code = "wrong-code"
    status = 403


class SecondStepNeeded(ApiError):
    """The role needs a second step at sign-in, and nothing else may be done until it is set up."""

    code = "second-step-needed"
    status = 403


class WrongSetupCode(ApiError):
    """Not the one-time code."""

    code = "wrong-setup-code"
    status = 403


class Forbidden(ApiError):
    """The token lacks the scope `values["scope"]`."""

    code = "forbidden"
    status = 403


class SetupDone(ApiError):
    """There is an owner already."""

    code = "setup-done"
    status = 409


class SetupNeeded(ApiError):
    """There is no owner yet."""

    code = "setup-needed"
    status = 409


class WeakPassword(ApiError):
    """Too short, or too common."""

    code = "weak-password"
    status = 422


class TooManyTries(ApiError):
    """The throttle; `values["seconds"]` until the next try."""

    code = "too-many-tries"
    status = 429


class NotFound(ApiError):
    """No such route, or nothing of that id."""

    code = "not-found"
    status = 404


class NotNow(ApiError):
    """What was asked for does not fit the state that the thing is in."""

    code = "not-now"
    status = 409


class FormTooOld(ApiError):
    """The form's token was issued too long ago, is used, or is none of ours."""

    code = "form-too-old"
    status = 409


class KeyReused(ApiError):
    """An Idempotency-Key that another request had."""

    code = "key-reused"
    status = 422


class KeyInUse(ApiError):
    """The first request with this Idempotency-Key has no answer (yet)."""

    code = "key-in-use"
    status = 409


class RangeNotSatisfiable(ApiError):
    """The recording is shorter."""

    code = "range-not-satisfiable"
    status = 416


class RecordingAway(ApiError):
    """The row is there, its file is not."""

    code = "recording-away"
    status = 410


class PackTooLarge(ApiError):
    """More recordings than one file holds: `values["recordings"]`, or `values["gigabytes"]`."""

    code = "pack-too-large"
    status = 422


class TooManyStreams(ApiError):
    """The audience of the event stream is full."""

    code = "too-many-streams"
    status = 503


class WorkerAway(ApiError):
    """Nobody answers on the worker's socket."""

    code = "worker-away"
    status = 503


_STATUS_OF_CODE = {
    "settings-invalid": 422,
    "menu-first-not-accepted": 422,
    "no-free-line": 503,
    "no-such-way": 422,
    "phone-not-free": 409,
    "call-back-limit": 429,
    "not-within-hours": 422,
    "backup-unusable": 422,
    "passphrase-elsewhere": 409,
    "certificate-unreadable": 422,
    "certificate-over": 422,
    "certificate-too-early": 422,
    "certificate-nameless": 422,
    "certificate-chain-broken": 422,
    "backup-foreign": 422,
    "backup-passphrase-wrong": 422,
    "backup-damaged": 422,
    "backup-too-new": 422,
    "prompt-unusable": 422,
    "prompt-too-long": 422,
    "no-speech": 503,
    "recording-key-missing": 410,
    "number-barred": 403,
    "recipient-barred": 403,
    "budget-spent": 402,
    "month-spent": 402,
    "night-lock": 403,
    "too-many-calls": 429,
    "too-many-at-once": 429,
    "store-error": 503,
    "leg-ended": 409,
    "try-later": 503,
    "text-not-allowed": 403,
    "sms-limit": 402,
    "outbox-full": 503,
    "ussd-not-listed": 403,
    "pdu-invalid": 422,
    "text-refused": 422,
    "at-refused": 502,
    "at-timeout": 504,
    "modem-in-call": 409,
    "pin-not-wanted": 409,
    "pin-tried-before": 409,
    "last-pin-try": 409,
    "pin-wrong": 422,
    "modem-lost": 503,
    "name-taken": 409,
    "calendar-invalid": 422,
    "ranges-invalid": 422,
    "orders-invalid": 422,
    "order-exists": 409,
    "contacts-invalid": 422,
    "tags-invalid": 422,
    "number-not-blockable": 422,
    "contact-phone-taken": 409,
    "owners-only": 403,
    "not-yourself": 409,
}

_CODE_OF_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    416: "range-not-satisfiable",
}


def problem(
    code: str, *, status: int, language: str, values: Mapping[str, object], detail: str | None = None
) -> web.Response:
    """The response for a code. `detail` is what to say when the catalogue has no sentence with the values."""
    body: dict[str, object] = {
        "type": f"urn:simbridge:problem:{code}",
        "title": error_title(code, language),
        "status": status,
        "code": code,
    }
    detail = error_detail(code, language, values) or (None if detail is None else retold(detail, language))
    if detail is not None:
        body["detail"] = detail
    advice = error_advice(code, language)
    if advice is not None:
        body["advice"] = advice
    return web.Response(
        status=status,
        body=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/problem+json", "Content-Language": language, "Cache-Control": "no-store"},
    )


def problem_of(error: GatewayError, language: str) -> web.Response:
    """The response for one of our faults."""
    if isinstance(error, ApiError):
        response = problem(error.code, status=error.status, language=language, values=error.values)
        response.headers.update(error.headers)
        return response
    status = _STATUS_OF_CODE.get(error.code, 500)
    return problem(error.code, status=status, language=language, values=error.values, detail=str(error))


def answer_with_problems(app: web.Application) -> None:
    """Whatever goes wrong in a handler of `app` becomes a problem; an answer that has begun is broken off.

    That is all that can be done then: a problem behind half a body would be taken for the rest of it.
    """
    app.middlewares.append(_problems)
    app.on_response_prepare.append(_has_begun)


_BEGUN = web.RequestKey("begun", web.StreamResponse)


async def _has_begun(request: web.Request, answer: web.StreamResponse) -> None:
    request[_BEGUN] = answer


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    language = pick_language(request.headers.get("Accept-Language", ""))
    try:
        answer = await _answer_of(request, handler, language)
    except Exception as fault:  # one of the few named places (rule 4): a request must not hurt the daemon
        if not (isinstance(fault, ConnectionError) and _BEGUN in request):  # else who asked has gone meanwhile
            log.exception("%s %s failed", request.method, request.path)
        answer = problem("internal-error", status=500, language=language, values={})
    begun: web.StreamResponse | None = request.get(_BEGUN)
    if begun is None or answer is begun:
        return answer
    if request.transport is not None:
        request.transport.abort()
    return begun


async def _answer_of(request: web.Request, handler: Handler, language: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except GatewayError as error:
        if _BEGUN in request:
            log.info("The answer to %s is broken off: %s", request.path, error)
        return problem_of(error, language)
    except web.HTTPException as error:
        code = _CODE_OF_STATUS.get(error.status, "bad-request")
        response = problem(code, status=error.status, language=language, values={"problem": error.reason})
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
