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
from dataclasses import dataclass, field, replace

from gateway.sip.beacon import Beacon
from gateway.sip.dialog import ALLOW, SERVER_NAME, contact_at, our_via
from gateway.sip.digest import DigestClient
from gateway.sip.grammar import MalformedMessage
from gateway.sip.headers import NameAddress, sip_uri
from gateway.sip.message import Headers, Request, Response
from gateway.sip.transaction import LONGEST_SECONDS, new_tag
from gateway.sip.transport import Address, Flow, is_numeric
from gateway.sip.uri import SipUri
from gateway.sip.wire import Wire
from gateway.telephony.line import TrunkState

log = logging.getLogger(__name__)

ASKED_SECONDS = 300
"""What we ask for: short, so that a registrar that forgot us on its restart learns of us again soon."""
LONGEST_ASKED_SECONDS = 86_400
REFRESH_AT = 0.9
REFUSED_SECONDS = 600.0
STALE_SECONDS = 60.0
"""After a nonce that was too old twice in a row."""
LONGEST_BACK_OFF_SECONDS = 60.0
LONGEST_RETRY_AFTER_SECONDS = 3_600.0
ATTEMPT_SPACING_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE_PATIENCE_SECONDS = 4.0
PROBE_SECONDS = 2.0
PROBE_PATIENCE_SECONDS = 2.5

_MOST_ROUNDS = 8
"""Challenges and 423 of one attempt, together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one attempt came to. `reason` is a code for people, `wait_seconds` what the other side asks for."""

    state: TrunkState
    reason: str | None = None
    wait_seconds: float = 0.0
    """READY: the granted time. Else: Retry-After, 0 when there was none."""


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


@dataclass(slots=True)
class _Answers:
    """The credentials of one attempt, by the field that carries them, and what was answered already."""

    client: DigestClient
    fields: dict[str, str] = field(default_factory=dict)
    answered: set[tuple[str, str]] = field(default_factory=set)
    answered_stale: set[tuple[str, str]] = field(default_factory=set)

    def take(self, response: Response, uri: str) -> bool:
        """Answer a challenge; False when ours was answered before, or none can be: the password is wrong.

        A registrar and a proxy before it may both challenge, each in its own field. A stale nonce is
        answered once more (RFC 7616 section 3.3).
        """
        made = self.client.answer(response, "REGISTER", uri)
        if made is None:
            return False
        name, value = made
        challenges = [challenge for answer, challenge in response.challenges() if answer == name]
        key = (name, challenges[0].get("realm") or "")
        is_stale = any((challenge.get("stale") or "").lower() == "true" for challenge in challenges)
        if key in self.answered and (not is_stale or key in self.answered_stale):
            return False
        if key in self.answered:
            self.answered_stale.add(key)
        self.answered.add(key)
        self.fields[name] = value
        return True


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

    async def run(self) -> None:
        """Keep registered until cancelled."""
        failures = 0
        while True:
            outcome = await self._attempt()
            self._report(outcome.state, outcome.reason)
            match outcome.state:
                case TrunkState.READY:
                    failures = 0
                    if not await self._stay(outcome.wait_seconds * REFRESH_AT):
                        self._report(TrunkState.FAILED, "no-answer")
                case TrunkState.REFUSED:
                    await asyncio.sleep(max(REFUSED_SECONDS, outcome.wait_seconds) + random.uniform(0, 30))  # noqa: S311  # spreads load, keeps no secret
                case _:
                    failures += 1
                    await self._back_off(failures, outcome)

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
        if flow is None:
            return Outcome(state=TrunkState.FAILED, reason=self._why_no_way())
        try:
            outcome = await self._register(flow)
        except MalformedMessage as fault:
            log.debug("%s answered what cannot be understood: %s", self._place.host, fault)
            return Outcome(state=TrunkState.FAILED, reason="bad-answer")
        if outcome.reason == "no-answer":
            self._place.has_failed()
        return outcome

    def _why_no_way(self) -> str:
        if self._place.is_distrusted:
            return "bad-certificate"
        return "no-answer" if any(hop.transport != "UDP" for hop in self._place.hops) else "no-address"

    async def _register(self, flow: Flow) -> Outcome:
        answers = _Answers(DigestClient(self._user, self._password))
        for _ in range(_MOST_ROUNDS):
            request = self._request(flow, answers.fields)
            response = await self._ask(request, flow, LONGEST_SECONDS)
            if response.status == 408:
                return Outcome(state=TrunkState.FAILED, reason="no-answer")
            self._beacon.on_answer(flow.remote.host)
            self._seen_as = _seen_as(response, flow)
            outcome = self._judge(response, request, answers)
            if outcome is not None:
                return outcome
            if response.status == 423:
                await self._turns.take()
        return Outcome(state=TrunkState.FAILED, reason="too-many-challenges")

    def _judge(self, response: Response, request: Request, answers: _Answers) -> Outcome | None:
        """What a final response means for the attempt; None: ask again, with what was learned."""
        match response.status:
            case status if status < 300:
                return self._granted(response, request)
            case 401 | 407:
                return None if answers.take(response, str(request.uri)) else _unanswered(response)
            case 423:
                shortest = _number(response.headers.get("Min-Expires"))
                if not 0 < self._asked_seconds < shortest <= LONGEST_ASKED_SECONDS:
                    return _failed(response)
                self._asked_seconds = shortest
                return None
            case 403:
                return _refused(response, "forbidden")
            case _:
                return _failed(response)

    def _granted(self, response: Response, request: Request) -> Outcome:
        seconds = granted_seconds(response, sip_uri(request.contacts[0]), self._asked_seconds)
        if seconds < 1:
            return Outcome(state=TrunkState.FAILED, reason="not-granted")
        self._bound_until = asyncio.get_running_loop().time() + seconds
        return Outcome(state=TrunkState.READY, wait_seconds=float(seconds))

    async def _ask(self, request: Request, flow: Flow, patience_seconds: float) -> Response:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def receive(response: Response) -> None:
            if response.status >= 200 and not answer.done():
                answer.set_result(response)

        self._wire.transactions.ask(request, flow, receive, patience_seconds=patience_seconds)
        return await answer

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
        headers.add("Contact", NameAddress(self._contact(flow)))
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


def _seen_as(response: Response, flow: Flow) -> Address | None:
    """Our address as the Via of an answer shows it; None when that is what we think ourselves."""
    via = response.via
    host = via.parameter("received") or via.host
    port = via.parameter("rport") or ""
    if not is_numeric(host) or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        return None
    seen = Address(host, int(port))
    return None if seen == flow.local else seen


def granted_seconds(response: Response, contact: SipUri, asked: int) -> int:
    """How long a 200 to a REGISTER lets us stay (RFC 3261 section 10.2.4).

    Our own Contact's `expires` counts; a registrar that shows us by another address (NAT) names one only.
    """
    contacts = response.contacts
    own = [
        each
        for each in contacts
        if isinstance(each.uri, SipUri)
        and (each.uri.user, each.uri.host, each.uri.port or 5060) == (contact.user, contact.host, contact.port or 5060)
    ]
    for each in own or (contacts if len(contacts) == 1 else []):
        expires = each.parameter("expires")
        if expires is not None and expires.isascii() and expires.isdigit():
            return _number(expires)
    header = response.headers.get("Expires")
    return _number(header) if header is not None else asked


def _refused(response: Response, reason: str) -> Outcome:
    return Outcome(state=TrunkState.REFUSED, reason=reason, wait_seconds=_retry_after(response))


def _failed(response: Response, least_seconds: float = 0.0) -> Outcome:
    seconds = max(least_seconds, _retry_after(response))
    return Outcome(state=TrunkState.FAILED, reason=f"status-{response.status}", wait_seconds=seconds)


def _unanswered(response: Response) -> Outcome:
    """A challenge that came once more. Stale: the password was right, the nonce too old or used already.

    That happens when an answer was lost, and our repetition meets a registrar that has forgotten it.
    """
    stale = any((challenge.get("stale") or "").lower() == "true" for _, challenge in response.challenges())
    return _failed(response, STALE_SECONDS) if stale else _refused(response, "wrong-password")


def _retry_after(response: Response) -> float:
    """Seconds; comments and parameters are dropped (RFC 3261 section 20.33)."""
    text = (response.headers.get("Retry-After") or "").partition("(")[0].partition(";")[0].strip()
    return min(float(_number(text)), LONGEST_RETRY_AFTER_SECONDS)


def _number(text: str | None) -> int:
    """A number of seconds; 0 for what is none."""
    if text is None or not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text[:12]), 2**31 - 1)
