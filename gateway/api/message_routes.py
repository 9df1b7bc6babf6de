"""SMS, USSD and balances: what costs money or asks an operator. Lists of messages come from the worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.once import Answers, carried_out_once
from gateway.api.problems import NotFound, NotNow
from gateway.clock import wire_time

LONGEST_TEXT = 2000
"""More than fits into the parts that one message may have."""


class Sent(Protocol):
    """A message that was accepted."""

    @property
    def id(self) -> str:
        """The message's key."""

    @property
    def to(self) -> str:
        """The number, E.164."""

    @property
    def parts(self) -> int:
        """How many are paid."""


class Outgoing(Protocol):
    """Messages on their way out."""

    async def send(self, to: str, text: str, *, by: str, line: str | None = None) -> Sent:
        """Keep a message to be sent; committed when this returns."""

    async def cancel(self, message_id: str) -> bool:
        """Take back a message that waits; False when it does not."""

    async def send_again(self, message_id: str) -> bool:
        """Let one that came to nothing, or to nobody knows what, wait again; False when it cannot."""


class Answered(Protocol):
    """What a network says to a USSD code."""

    @property
    def text(self) -> str:
        """For a person."""

    @property
    def wants_answer(self) -> bool:
        """The session waits for a reply."""


class Ussd(Protocol):
    """USSD by the owner's list."""

    async def ask(self, name: str, text: str) -> Answered:
        """Send a listed code, or a listed answer in an open session, by that line."""

    async def end(self, name: str) -> None:
        """End the session of that line."""


class BalanceRow(Protocol):
    """What an operator said of a line's money."""

    @property
    def line(self) -> str:
        """The line's name."""

    @property
    def time(self) -> datetime:
        """When it was asked."""

    @property
    def code(self) -> str:
        """What was asked."""

    @property
    def text(self) -> str | None:
        """What was said."""

    @property
    def value(self) -> float | None:
        """The amount, where one was found."""

    @property
    def failure(self) -> str | None:
        """A code of the error catalogue."""


class Balances(Protocol):
    """The lines' money."""

    def last(self, name: str) -> BalanceRow | None:
        """What was told last."""

    async def check(self, name: str) -> BalanceRow:
        """Ask now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What the routes are given."""

    outgoing: Outgoing
    ussd: Ussd
    balances: Balances
    answers: Answers


class MessageRoutes:
    """The handlers."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.post("/api/v1/messages", self._post_message),
            web.post("/api/v1/messages/{id}/cancel", self._post_cancel),
            web.post("/api/v1/messages/{id}/again", self._post_again),
            web.post("/api/v1/lines/{name}/ussd", self._post_ussd),
            web.delete("/api/v1/lines/{name}/ussd", self._delete_ussd),
            web.get("/api/v1/lines/{name}/balance", self._get_balance),
            web.post("/api/v1/lines/{name}/balance", self._post_balance),
        ]

    async def _post_message(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"to", "text", "line"}))
        to = bodies.string(body, "to", shortest=1, longest=64)
        text = bodies.prose(body, "text", shortest=1, longest=LONGEST_TEXT)
        line = bodies.string(body, "line", shortest=1, longest=64) if body.get("line") is not None else None

        async def send() -> tuple[int, object]:
            sent = await self._texts.outgoing.send(to, text, by=request[PRINCIPAL].name, line=line)
            return 202, {"id": sent.id, "to": sent.to, "parts": sent.parts}

        return await carried_out_once(request, body, self._texts.answers, send)

    async def _post_cancel(self, request: web.Request) -> web.Response:
        if not await self._texts.outgoing.cancel(request.match_info["id"]):
            raise NotNow("That message does not wait (any more).")
        return web.Response(status=204)

    async def _post_again(self, request: web.Request) -> web.Response:
        if not await self._texts.outgoing.send_again(request.match_info["id"]):
            raise NotNow("That message cannot be sent again.")
        return web.Response(status=202)

    async def _post_ussd(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"text"}))
        text = bodies.string(body, "text", shortest=1, longest=100)
        answer = await self._texts.ussd.ask(request.match_info["name"], text)
        return web.json_response(
            {"text": answer.text, "wants_answer": answer.wants_answer}, headers={"Cache-Control": "no-store"}
        )

    async def _delete_ussd(self, request: web.Request) -> web.Response:
        await self._texts.ussd.end(request.match_info["name"])
        return web.Response(status=204)

    async def _get_balance(self, request: web.Request) -> web.Response:
        balance = self._texts.balances.last(request.match_info["name"])
        if balance is None:
            raise NotFound("The balance of that line was never asked for.")
        return _balance(balance)

    async def _post_balance(self, request: web.Request) -> web.Response:
        return _balance(await self._texts.balances.check(request.match_info["name"]))


def _balance(balance: BalanceRow) -> web.Response:
    return web.json_response(
        {
            "line": balance.line,
            "time": wire_time(balance.time),
            "code": balance.code,
            "text": balance.text,
            "value": balance.value,
            "failure": balance.failure,
        },
        headers={"Cache-Control": "no-store"},
    )
