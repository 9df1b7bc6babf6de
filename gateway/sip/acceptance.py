"""A 2xx to an INVITE, repeated until its ACK comes (RFC 3261 section 13.3.1.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.sip.message import Request, Response
from gateway.sip.transaction import LONGEST_SECONDS, T1_SECONDS, T2_SECONDS, ServerTransaction


class Acceptance:
    """One 2xx on its way."""

    def __init__(
        self,
        transaction: ServerTransaction,
        response: Response,
        *,
        on_ack: Callable[[Request], None],
        on_silence: Callable[[], None],
    ) -> None:
        self.number = transaction.request.cseq.number
        self.is_waiting = True
        self._transaction = transaction
        self._response = response
        self._on_ack = on_ack
        self._on_silence = on_silence
        self._interval = T1_SECONDS
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + LONGEST_SECONDS
        transaction.respond(response)
        self._timer = loop.call_later(self._interval, self._again)

    def acknowledge(self, ack: Request) -> None:
        """The ACK is here."""
        if self.is_waiting:
            self.stop()
            self._on_ack(ack)

    def stop(self) -> None:
        """Repeat no more."""
        self.is_waiting = False
        self._timer.cancel()

    def _again(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._deadline - T1_SECONDS / 2:
            self.stop()
            self._on_silence()
            return
        self._transaction.respond(self._response)
        self._interval = min(2 * self._interval, T2_SECONDS)
        self._timer = loop.call_at(min(loop.time() + self._interval, self._deadline), self._again)
