"""Our own requests that keep a session alive: UPDATE, or INVITE again where the peer does not know it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.sip.digest import DigestClient
from gateway.sip.message import Request, Response
from gateway.sip.renegotiation import OpenOffer
from gateway.sip.sdp import CONTENT_TYPE
from gateway.sip.session_timer import longer
from gateway.sip.transport import Flow

if TYPE_CHECKING:
    from gateway.sip.session import Session

log = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
"""After a refusal that says nothing better."""


class Refresher:
    """One request at a time; when it meets one of the peer's, both wait for different times (RFC 3261 section 14.1)."""

    def __init__(self, session: Session, account: DigestClient | None, lost: Callable[[], None]) -> None:
        """`account` answers a provider that challenges within a call; `lost`: the peer knows the call no more."""
        self._session = session
        self._account = account
        self._lost = lost
        self._takes_update = False
        self._we_called = False
        self._pending: Request | None = None
        self._must_describe = False
        """The peer has to learn where our media is now: that takes an offer."""
        self._was_challenged = False
        self._ack: tuple[Request, Flow] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def learn(self, message: Request | Response, *, we_called: bool) -> None:
        """From the INVITE or its answer: what the peer understands, and who made the Call-ID."""
        self._takes_update = "update" in message.headers.tokens("Allow")
        self._we_called = we_called

    def start(self) -> None:
        """Refresh the session now, unless that is going on."""
        self._stop_timer()
        if self._pending is None and self._session.dialog is not None and not self._session.has_ended:
            self._was_challenged = False
            self._ask(None)

    def tell_of_move(self) -> None:
        """Our address is another one; what is under way was said at the old one, and will not be answered."""
        self._pending = None
        self._must_describe = True
        self.start()

    def stop(self) -> None:
        """The session is over."""
        self._stop_timer()

    def _ask(self, credentials: tuple[str, str] | None) -> None:
        session, dialog = self._session, self._session.dialog
        if dialog is None:
            return
        if self._takes_update and not self._must_describe and not session.is_answering:
            request = dialog.request("UPDATE")
        else:
            request = dialog.request("INVITE", session.current_offer(), CONTENT_TYPE)
            session.open_offer = OpenOffer.OURS  # one of the peer's must wait (RFC 3261 section 14.2)
        if credentials is not None:
            request.headers.add(*credentials)
        session.timer.ask(request.headers)
        self._pending = request
        self._ack = None
        session.wire.transactions.ask(request, dialog.next_hop(), lambda response: self._receive(request, response))

    def _receive(self, request: Request, response: Response) -> None:
        session, dialog = self._session, self._session.dialog
        if response.status < 200 or dialog is None:
            return
        if request.method == "INVITE" and response.status < 300:
            if self._ack is None:
                self._ack = (dialog.acknowledge(request.cseq.number), dialog.next_hop())
            session.wire.send(*self._ack)
        if not self._is_news(request) or session.has_ended:
            return
        match response.status:
            case status if status < 300:
                self._must_describe = self._must_describe and request.method != "INVITE"
                dialog.refresh_target(response)
                session.timer.take_answer(response)
                session.take_answer(response)
            case 408 | 481:
                log.info("The peer knows the call no more (%d); it is ended", response.status)
                self._lost()
            case 491:
                self._again_after(self._glare_seconds())
            case 401 | 407:
                self._answer_challenge(request, response)
            case 422 if longer(response, session.timer.seconds):
                session.timer.seconds = longer(response, session.timer.seconds)
                self._ask(None)
            case 405 | 501 if request.method == "UPDATE":
                self._takes_update = False
                self._ask(None)
            case _:
                self._again_after(_retry_after(response) or AGAIN_SECONDS)

    def _is_news(self, request: Request) -> bool:
        """The final response has come; False: the same 2xx comes again, because its ACK was lost."""
        if self._pending is not request:
            return False
        self._pending = None
        if request.method == "INVITE":
            self._session.open_offer = OpenOffer.NONE
        return True

    def _answer_challenge(self, request: Request, response: Response) -> None:
        if self._account is None or self._was_challenged:
            return
        credentials = self._account.answer(response, request.method, str(request.uri))
        if credentials is not None:
            self._was_challenged = True
            self._ask(credentials)

    def _glare_seconds(self) -> float:
        """In units of 10 ms: later for the one who made the Call-ID (RFC 3261 section 14.1)."""
        lowest, highest = (210, 400) if self._we_called else (0, 200)
        return random.randint(lowest, highest) / 100  # noqa: S311  # parts two peers, keeps no secret

    def _again_after(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.start)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _retry_after(response: Response) -> float:
    text = (response.headers.get("Retry-After") or "").partition(";")[0].partition("(")[0].strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0.0
