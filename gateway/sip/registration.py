"""Registration at a provider: kept up through expiries, refusals and outages (RFC 3261 section 10.2).

One attempt is a REGISTER with all the answers to its challenges. What follows is decided by its outcome:

- granted: refreshed when nine tenths of the granted time have passed; an OPTIONS now and then keeps the
  way open (through a NAT, too) and notices when the registrar is gone; a connection that ends is noticed at once;
- no answer, or a fault of the other side: tried again after 1 to 60 s, never before Retry-After; while
  nobody answers at all, an OPTIONS every few seconds finds out at once that somebody does again (X-N1);
- refused (403, or the password is wrong): no storm that would get our address banned, but one attempt
  every ten minutes (X-N3).

Credentials go nowhere but to the address of the configured host, in a REGISTER that we began (T-S6).
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Callable
from dataclasses import replace

from gateway.sip.beacon import Beacon
from gateway.sip.dialog import ALLOW, SERVER_NAME, contact_at, our_via
from gateway.sip.digest import DigestClient
from gateway.sip.grammar import MalformedMessage
from gateway.sip.headers import NameAddress, sip_uri
from gateway.sip.message import Headers, Request, Response
from gateway.sip.registrar_answers import (
    Answers,
    Outcome,
    failed,
    granted_seconds,
    number_of,
    refused,
    seen_as,
    unanswered,
)
from gateway.sip.transaction import new_tag
from gateway.sip.transport import Address, Flow
from gateway.sip.uri import SipUri
from gateway.sip.wire import Wire
from gateway.telephony.line import TrunkState

log = logging.getLogger(__name__)

ASKED_SECONDS = 300
"""What we ask for: short, so that a registrar that forgot us on its restart learns of us again soon."""
LONGEST_ASKED_SECONDS = 86_400
REFRESH_AT = 0.9
REFUSED_SECONDS = 600.0
LONGEST_BACK_OFF_SECONDS = 60.0
ATTEMPT_SPACING_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE_PATIENCE_SECONDS = 4.0
PROBE_SECONDS = 2.0
PROBE_PATIENCE_SECONDS = 2.5

_MOST_ROUNDS = 8
"""Challenges and 423 of one attempt, together."""


class Turns:
    """Attempts of all registrations, one a second at most: many accounts at one PBX are no storm."""

    def __init__(self) -> None:
        self._next_at = 0.0

    async def take(self) -> None:
        """Wait for the next turn."""
        now = asyncio.get_running_loop().time()
        turn_at = max(now, self._next_at)
        self._next_at = turn_at + ATTEMPT_SPACING_SECONDS
        if turn_at > now:
            await asyncio.sleep(turn_at - now)


class Registration:
    """One account at one registrar."""

    def __init__(
        self,
        wire: Wire,
        beacon: Beacon,
        turns: Turns,
        *,
        user: str,
        password: str,
        report: Callable[[TrunkState, str | None], None],
    ) -> None:
        """`report` hears of every outcome."""
        self._wire = wire
        self._beacon = beacon
        self._place = beacon.place
        self._turns = turns
        self._user = user
        self._password = password
        self._report = report
        self._call_id = secrets.token_hex(12)
        self._tag = new_tag()
        self._number = 0
        self._asked_seconds = ASKED_SECONDS
        self._seen_as: Address | None = None
        """Our address as the registrar sees it, where a NAT has changed it (RFC 3581)."""
        self._bound_until = 0.0
        """By the loop's time: so long the registrar sends calls to us."""
        self._bound: SipUri | None = None
        """Where it sends them."""
        self._former: SipUri | None = None
        """Where it may send them still, though we are there no more."""
        self._scope = asyncio.timeout(None)
        self._spoken_from: Address | None = None
        """Our end in the last attempt; without a host when there was no way."""

    @property
    def seen_at(self) -> str | None:
        """The host that the registrar sees us at, where that is none of ours."""
        return None if self._seen_as is None else self._seen_as.host

    async def run(self) -> None:
        """Keep registered until cancelled."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(None) as self._scope:
                    failures = await self._attempt_and_wait(failures)
            except TimeoutError:
                if not self._scope.expired():
                    raise
                log.info("%s is told that we have another address.", self._place.host)
                failures, self._seen_as = 0, None
                self._former = self._bound if asyncio.get_running_loop().time() < self._bound_until else None

    def look_round(self, *, is_new: bool) -> None:
        """Our own address may be another one by now: what is waited for is not worth waiting any more (X-N4).

        `is_new`: this machine has got an address.
        """
        flow = self._place.flow
        has_moved = flow is not None and self._spoken_from not in (None, flow.local)
        waits_in_vain = is_new and asyncio.get_running_loop().time() >= self._bound_until
        if (has_moved or waits_in_vain) and self._spoken_from is not None and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def _attempt_and_wait(self, failures: int) -> int:
        """One attempt, and the time until the next one. Takes and returns how many have failed in a row."""
        outcome = await self._attempt()
        self._report(outcome.state, outcome.reason)
        match outcome.state:
            case TrunkState.READY:
                if not await self._stay(outcome.wait_seconds * REFRESH_AT):
                    self._report(TrunkState.FAILED, "no-answer")
                return 0
            case TrunkState.REFUSED:
                await asyncio.sleep(max(REFUSED_SECONDS, outcome.wait_seconds) + random.uniform(0, 30))  # noqa: S311  # spreads load, keeps no secret
                return failures
            case _:
                await self._back_off(failures + 1, outcome)
                return failures + 1

    async def try_once(self, *, stays: bool) -> Outcome:
        """One attempt, for somebody who waits; what was granted is given back at once unless it `stays`."""
        outcome = await self._attempt()
        if not stays:
            await self.sign_off()
        return outcome

    async def sign_off(self) -> None:
        """Tell a registrar that still sends us calls to do so no more (RFC 3261 section 10.2.2). `run` is over."""
        flow = self._place.flow
        if flow is None or asyncio.get_running_loop().time() >= self._bound_until:
            return
        self._asked_seconds = self._bound_until = 0
        try:
            await self._register(flow)
        except MalformedMessage as fault:
            log.debug("%s answered what cannot be understood: %s", self._place.host, fault)

    # One attempt.

    async def _attempt(self) -> Outcome:
        await self._place.look_up()
        await self._turns.take()
        flow = await self._place.open()
        self._spoken_from = Address("", 0) if flow is None else flow.local
        if flow is None:
            return Outcome(state=TrunkState.FAILED, reason=self._why_no_way())
        try:
            outcome = await self._register(flow)
        except MalformedMessage as fault:
            log.debug("%s answered what cannot be understood: %s", self._place.host, fault)
            return Outcome(state=TrunkState.FAILED, reason="bad-answer")
        finally:
            self._former = None
        if outcome.reason == "no-answer":
            self._place.has_failed()
        return outcome

    def _why_no_way(self) -> str:
        if self._place.is_distrusted:
            return "bad-certificate"
        return "no-answer" if any(hop.transport != "UDP" for hop in self._place.hops) else "no-address"

    async def _register(self, flow: Flow) -> Outcome:
        answers = Answers(DigestClient(self._user, self._password))
        for _ in range(_MOST_ROUNDS):
            request = self._request(flow, answers.fields)
            response, was_repeated = await self._ask(request, flow)
            if response.status == 408:
                return Outcome(state=TrunkState.FAILED, reason="no-answer")
            self._beacon.on_answer(flow.remote.host)
            self._seen_as = seen_as(response, flow)
            if was_repeated:
                answers.forget()
            outcome = self._judge(response, request, answers)
            if outcome is not None:
                return outcome
            if response.status == 423:
                await self._turns.take()
        return Outcome(state=TrunkState.FAILED, reason="too-many-challenges")

    def _judge(self, response: Response, request: Request, answers: Answers) -> Outcome | None:
        """What a final response means for the attempt; None: ask again, with what was learned."""
        match response.status:
            case status if status < 300:
                return self._granted(response, request)
            case 401 | 407:
                return None if answers.take(response, str(request.uri)) else unanswered(response)
            case 423:
                shortest = number_of(response.headers.get("Min-Expires"))
                if not 0 < self._asked_seconds < shortest <= LONGEST_ASKED_SECONDS:
                    return failed(response)
                self._asked_seconds = shortest
                return None
            case 403:
                return refused(response, "forbidden")
            case _:
                return failed(response)

    def _granted(self, response: Response, request: Request) -> Outcome:
        seconds = granted_seconds(response, sip_uri(request.contacts[0]), self._asked_seconds)
        if seconds < 1:
            return Outcome(state=TrunkState.FAILED, reason="not-granted")
        self._bound_until = asyncio.get_running_loop().time() + seconds
        self._bound = sip_uri(request.contacts[0])
        return Outcome(state=TrunkState.READY, wait_seconds=float(seconds))

    async def _ask(self, request: Request, flow: Flow) -> tuple[Response, bool]:
        """The final response, and whether it may be that of a repetition."""
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def receive(response: Response) -> None:
            if response.status >= 200 and not answer.done():
                answer.set_result(response)

        transaction = self._wire.transactions.ask(request, flow, receive)
        return await answer, transaction.was_repeated

    # Between attempts.

    async def _stay(self, seconds: float) -> bool:
        """Wait for the refresh; False as soon as a registrar that used to answer OPTIONS does so no longer."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while until - loop.time() > KEEP_ALIVE_SECONDS:
            if self._place.flow is None or not await self._answers():
                return False
            if await self._place.is_lost_within(min(until - loop.time(), KEEP_ALIVE_SECONDS)):
                return False
        return not await self._place.is_lost_within(max(0.0, until - loop.time()))

    async def _answers(self) -> bool:
        """False only for a registrar that used to answer OPTIONS and has left two of them unanswered."""
        for since in (KEEP_ALIVE_SECONDS * 0.8, 0.0):  # what another account has just heard will do the first time
            lives = await self._beacon.lives(KEEP_ALIVE_PATIENCE_SECONDS, since_seconds=since)
            if lives or not self._beacon.answers_options:
                return True
        return False

    async def _back_off(self, failures: int, outcome: Outcome) -> None:
        longest = min(LONGEST_BACK_OFF_SECONDS, 2.0 ** min(failures, 10))
        seconds = max(1.0, longest * random.uniform(0.5, 1.0), outcome.wait_seconds)  # noqa: S311  # spreads load, keeps no secret
        if outcome.reason != "no-answer":
            await asyncio.sleep(seconds)
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            await asyncio.sleep(min(left, PROBE_SECONDS))
            if loop.time() < until and await self._beacon.lives(PROBE_PATIENCE_SECONDS):
                return

    # What is sent.

    def _request(self, flow: Flow, credentials: dict[str, str]) -> Request:
        self._number += 1
        us = NameAddress(SipUri(self._place.host, self._place.given_port, self._user))
        headers = Headers()
        headers.add("Via", our_via(flow))
        headers.add("Max-Forwards", "70")
        headers.add("From", us.with_parameter("tag", self._tag))
        headers.add("To", us)
        headers.add("Call-ID", self._call_id)
        headers.add("CSeq", f"{self._number} REGISTER")
        contact = self._contact(flow)
        headers.add("Contact", NameAddress(contact))
        if self._former not in (None, contact):
            # No call is to be sent there any more, and it is to take nobody's place.
            headers.add("Contact", f"<{self._former}>;expires=0")
        headers.add("Allow", ALLOW)
        headers.add("User-Agent", SERVER_NAME)
        headers.add("Expires", self._asked_seconds)
        for name, value in credentials.items():
            headers.add(name, value)
        return Request(headers, method="REGISTER", uri=SipUri(self._place.host, self._place.given_port))

    def _contact(self, flow: Flow) -> SipUri:
        """Where the registrar reaches us: on a connection that is its own end of it, whatever a NAT has made of it."""
        ours = sip_uri(contact_at(flow, self._user))
        return ours if self._seen_as is None else replace(ours, host=self._seen_as.host, port=self._seen_as.port)
