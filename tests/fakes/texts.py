"""Messages, USSD and balances as the API sees them, in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.api.message_routes import Texts
from gateway.errors import NoFreeLine, RecipientBarred, UssdNotListed
from gateway.store.idempotency import KnownRequest
from gateway.telephony.ledger import Balance
from gateway.telephony.messages import UssdAnswer


@dataclass(frozen=True)
class SentText:
    id: str
    to: str
    parts: int
    text: str
    by: str
    line: str | None


@dataclass
class FakeTexts:
    """What was asked for; `gate` holds a message back while it is being accepted."""

    sent: list[SentText] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    ussd: list[tuple[str, str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    known: dict[str, Balance] = field(default_factory=dict)
    keys: dict[tuple[str, str], KnownRequest] = field(default_factory=dict)
    digests: dict[tuple[str, str], str] = field(default_factory=dict)
    gate: asyncio.Event | None = None

    @property
    def texts(self) -> Texts:
        return Texts(outgoing=self, ussd=FakeUssd(self), balances=self, answers=self)

    async def send(self, to: str, text: str, *, by: str, line: str | None = None) -> SentText:
        if self.gate is not None:
            await self.gate.wait()
        if not to.lstrip("+").isdigit():
            raise RecipientBarred("Not there.", number=to, reason="not-a-number")
        message = SentText(f"m{len(self.sent) + 1}", to, 1 + len(text) // 70, text, by, line)
        self.sent.append(message)
        self.waiting.add(message.id)
        return message

    async def cancel(self, message_id: str) -> bool:
        was_there = message_id in self.waiting
        self.waiting.discard(message_id)
        return was_there

    async def send_again(self, message_id: str) -> bool:
        return message_id in self.finished

    def last(self, name: str) -> Balance | None:
        return self.known.get(name)

    async def check(self, name: str) -> Balance:
        if name not in ("red", "blue"):
            raise NoFreeLine(f"There is no line {name}.", line=name)
        self.known[name] = Balance(
            line=name, time=datetime(2027, 1, 31, 12, tzinfo=UTC), code="*100#", text="Баланс: 123,45 р.", value=123.45
        )
        return self.known[name]

    async def begin(self, principal: str, key: str, request_digest: str) -> KnownRequest | None:
        if (principal, key) in self.keys:
            known = self.keys[principal, key]
            same = self.digests[principal, key] == request_digest
            return KnownRequest(same_request=same, status=known.status, response=known.response)
        self.digests[principal, key] = request_digest
        self.keys[principal, key] = KnownRequest(same_request=True, status=None, response=None)
        return None

    async def finish(self, principal: str, key: str, *, status: int, response: object) -> None:
        self.keys[principal, key] = KnownRequest(same_request=True, status=status, response=response)


@dataclass
class FakeUssd:
    """Knows one code, which asks for one answer."""

    texts: FakeTexts

    async def ask(self, name: str, text: str) -> UssdAnswer:
        if text not in ("*100#", "1"):
            raise UssdNotListed("Not on the list.", text=text)
        self.texts.ussd.append((name, text))
        return UssdAnswer("1 - balance", text == "*100#")

    async def end(self, name: str) -> None:
        self.texts.ended.append(name)
