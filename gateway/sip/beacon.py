"""Whether a provider lives: an OPTIONS now and then, asked once for all accounts that we have there."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from gateway.sip.dialog import SERVER_NAME, contact_at, our_via
from gateway.sip.headers import NameAddress
from gateway.sip.message import Headers, Request, Response
from gateway.sip.place import Place
from gateway.sip.transaction import new_tag
from gateway.sip.transport import Flow
from gateway.sip.uri import SipUri
from gateway.sip.wire import Wire

SAME_ANSWER_SECONDS = 1.5
"""So long an answer holds for the other accounts."""


class Beacon:
    """One provider, as all accounts there see it."""

    def __init__(self, wire: Wire, place: Place, on_answer: Callable[[str], None]) -> None:
        """`on_answer` gets the host whenever the provider has spoken."""
        self.place = place
        self.answers_options = False
        """It has ever done so: then its silence means something."""
        self.on_answer = on_answer
        self._wire = wire
        self._asked_at = -SAME_ANSWER_SECONDS
        self._answer: asyncio.Future[bool] | None = None

    async def lives(self, patience_seconds: float, *, since_seconds: float = SAME_ANSWER_SECONDS) -> bool:
        """Whether the provider answers an OPTIONS, with whatever status; the last answer holds for `since_seconds`."""
        loop = asyncio.get_running_loop()
        answer = self._answer
        if answer is None or (answer.done() and loop.time() - self._asked_at >= since_seconds):
            flow = await self.place.open()
            if flow is None:
                return False
            self._asked_at = loop.time()
            answer = self._answer = loop.create_future()
            self._ask(flow, answer, patience_seconds)
        return await asyncio.shield(answer)

    def _ask(self, flow: Flow, answer: asyncio.Future[bool], patience_seconds: float) -> None:
        def receive(response: Response) -> None:
            if response.status < 200 or answer.done():
                return
            lives = response.status != 408
            if lives:
                self.answers_options = True
                self.on_answer(flow.remote.host)
            answer.set_result(lives)

        self._wire.transactions.ask(self._options(flow), flow, receive, patience_seconds=patience_seconds)

    def _options(self, flow: Flow) -> Request:
        place = self.place
        us = NameAddress(SipUri(place.host, place.given_port, SERVER_NAME))
        headers = Headers()
        headers.add("Via", our_via(flow))
        headers.add("Max-Forwards", "70")
        headers.add("From", us.with_parameter("tag", new_tag()))
        headers.add("To", NameAddress(SipUri(place.host, place.given_port)))
        headers.add("Call-ID", secrets.token_hex(12))
        headers.add("CSeq", "1 OPTIONS")
        headers.add("Contact", contact_at(flow, None))
        headers.add("User-Agent", SERVER_NAME)
        return Request(headers, method="OPTIONS", uri=SipUri(place.host, place.given_port))
