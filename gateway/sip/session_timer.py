"""Session timers (RFC 4028): a session that nobody refreshes any more is over, whatever became of its BYE."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.sip.extensions import TIMER, Refreshing, min_se_of, refreshing_of
from gateway.sip.message import Headers, Request, Response

SESSION_SECONDS = 1_800
"""What we ask for (section 4)."""
SHORTEST_SECONDS = 90
"""Below that, a session would do little but refresh itself (section 4)."""


class SessionTimer:
    """The timer of one session. Until something is agreed it does nothing."""

    def __init__(self, refresh: Callable[[], None], expire: Callable[[], None]) -> None:
        """`refresh`: it is for us to refresh the session now. `expire`: it was not refreshed."""
        self.seconds = SESSION_SECONDS
        """What was agreed, or what we ask for."""
        self.we_refresh = False
        self._refresh = refresh
        self._expire = expire
        self._timers: list[asyncio.TimerHandle] = []

    @property
    def runs(self) -> bool:
        """Somebody refreshes this session."""
        return bool(self._timers)

    def stop(self) -> None:
        """The session is over."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def answer(self, request: Request, response: Response) -> None:
        """Agree to what an INVITE or UPDATE asks for, in our 2xx (section 9); the time begins anew."""
        asked = refreshing_of(request)
        if asked is None:
            return
        knows = TIMER in request.headers.tokens("Supported")
        seconds = max(asked.seconds, SHORTEST_SECONDS)
        refresher = asked.refresher if knows and asked.refresher in ("uac", "uas") else ("uac" if knows else "uas")
        response.headers.add("Session-Expires", f"{seconds};refresher={refresher}")
        if refresher == "uac":
            response.headers.add("Require", TIMER)
        self._begin(seconds, we_refresh=refresher == "uas")

    def take_answer(self, response: Response) -> None:
        """The peer's 2xx to our INVITE or UPDATE says what is agreed (section 7.2); silent: there is no timer."""
        agreed = refreshing_of(response)
        self.stop()
        if agreed is not None:
            self._begin(max(agreed.seconds, SHORTEST_SECONDS), we_refresh=agreed.refresher != "uas")

    def ask(self, headers: Headers) -> None:
        """The fields of a request of ours that refreshes the session."""
        if self.runs:
            headers.add("Session-Expires", f"{self.seconds};refresher={'uac' if self.we_refresh else 'uas'}")
            headers.add("Min-SE", SHORTEST_SECONDS)

    def _begin(self, seconds: int, *, we_refresh: bool) -> None:
        self.stop()
        self.seconds, self.we_refresh = seconds, we_refresh
        loop = asyncio.get_running_loop()
        # The end is a little early, so that the other side does not wait in vain (section 10).
        self._timers.append(loop.call_later(seconds - min(32.0, seconds / 3), self._has_expired))
        if we_refresh:
            self._timers.append(loop.call_later(seconds / 2, self._refresh))

    def _has_expired(self) -> None:
        self.stop()
        self._expire()


def too_short(request: Request) -> bool:
    """A peer that knows session timers asks for a shorter time than we take: 422 (section 9)."""
    asked: Refreshing | None = refreshing_of(request)
    return asked is not None and asked.seconds < SHORTEST_SECONDS and TIMER in request.headers.tokens("Supported")


def longer(response: Response, seconds: int) -> int:
    """What to ask for after a 422; 0: the peer does not say, or it is what was asked for already (section 7.3)."""
    wanted = min_se_of(response)
    return wanted if seconds < wanted <= 24 * 3600 else 0
