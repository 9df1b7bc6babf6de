"""Provisional responses that must not be lost (RFC 3262), from the side that answers."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable

from gateway.sip.extensions import RELIABLE, rack_of
from gateway.sip.message import Request, Response
from gateway.sip.transaction import LONGEST_SECONDS, T1_SECONDS, ServerTransaction


class ReliableResponses:
    """The provisional responses to one INVITE: each is repeated until its PRACK comes, then the next one goes out."""

    def __init__(self, transaction: ServerTransaction, on_silence: Callable[[], None]) -> None:
        """`on_silence`: no PRACK came in 32 seconds; the INVITE must be refused (section 3)."""
        self._transaction = transaction
        self._on_silence = on_silence
        self._number = secrets.randbelow(2**31 - 1) + 1
        self._waiting: deque[Response] = deque()
        """The first one is on the wire."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def describes(self) -> bool:
        """A description of ours is on its way: the INVITE may not be accepted before its PRACK (section 3)."""
        return any(response.body for response in self._waiting)

    def send(self, response: Response) -> None:
        """Send it, as soon as those before it have arrived."""
        response.headers.add("Require", RELIABLE)
        response.headers.add("RSeq", self._number)
        self._number += 1
        self._waiting.append(response)
        if len(self._waiting) == 1:
            self._begin()

    def is_answered_by(self, prack: Request) -> bool:
        """A PRACK is for the one that waits."""
        if not self._waiting:
            return False
        invite = self._transaction.request.cseq
        return rack_of(prack) == (int(self._waiting[0].headers.get("RSeq") or 0), invite.number, invite.method)

    def go_on(self) -> Response:
        """The one that waited has arrived, and is returned: the next one."""
        arrived = self._waiting.popleft()
        self._stop_timer()
        if self._waiting:
            self._begin()
        return arrived

    def stop(self) -> None:
        """Repeat nothing more: a final response goes out."""
        self._waiting.clear()
        self._stop_timer()

    def _begin(self) -> None:
        self._transaction.respond(self._waiting[0])
        self._again_after(T1_SECONDS, asyncio.get_running_loop().time() + LONGEST_SECONDS)

    def _again_after(self, seconds: float, deadline: float) -> None:
        def again() -> None:
            if asyncio.get_running_loop().time() >= deadline - T1_SECONDS / 2:
                self.stop()
                self._on_silence()
                return
            self._transaction.respond(self._waiting[0])
            self._again_after(2 * seconds, deadline)

        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(min(loop.time() + seconds, deadline), again)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
