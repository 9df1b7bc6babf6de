"""Who somebody is who begins something: proven by a password, counted by the guard (T-S1 to T-S5)."""

from __future__ import annotations

from collections.abc import Callable

from gateway.sip.digest import Checked, DigestServer, Verdict
from gateway.sip.guard import Guard
from gateway.sip.message import Request, serialise
from gateway.sip.stranger_alerts import StrangerAlerts
from gateway.sip.transport import Flow
from gateway.sip.tunnel import TunnelFlow
from gateway.sip.wire import decline
from gateway.telephony.shop import ShopView


class Authentication:
    """Challenges, and judges the answers. Nothing is kept of a challenge."""

    def __init__(
        self,
        guard: Guard,
        alerts: StrangerAlerts,
        shop: ShopView,
        *,
        now: Callable[[], float],
        is_bound: Callable[[str, str], bool],
        bound_at: Callable[[str], tuple[str, ...]],
        tag: Callable[[Request], str],
    ) -> None:
        """`is_bound` says whether an extension is registered from a host, `bound_at` which ones are."""
        self._guard = guard
        self._alerts = alerts
        self._shop = shop
        self._digest = DigestServer(now, self._password_of)
        self._is_bound = is_bound
        self._bound_at = bound_at
        self._now = now
        self._tag = tag

    def proven(self, request: Request, flow: Flow, back: Flow) -> str | None:
        """The extension whose password the sender knows; None: it was challenged, or has got no answer at all."""
        if isinstance(flow, TunnelFlow):
            if self._shop().phone(flow.extension) is not None:
                return flow.extension
            back.send(serialise(decline(request, 403, "Forbidden", tag=self._tag(request))))  # it is no more
            return None
        host = flow.remote.host
        checked = self._digest.check(request, host)
        bound = self._is_bound(checked.user, host)
        if checked.verdict is Verdict.WRONG:
            banned_seconds = self._guard.has_failed(host, checked.user)
            self._tell_if_closed(checked.user)
            if banned_seconds:
                self._alerts.has_banned(host, checked.user, banned_seconds, self._bound_at(host))
                return None
        if checked.verdict is not Verdict.ACCEPTED or not self._guard.may_log_in(checked.user, bound=bound):
            self._challenge(request, checked, host, back)
            return None
        self._guard.has_succeeded(host)
        return checked.user

    def _tell_if_closed(self, user: str) -> None:
        _, closed_until = self._guard.guesses_at(user)
        if closed_until is not None and self._shop().phone(user) is not None:
            self._alerts.has_closed(user, closed_until - self._now())

    def _challenge(self, request: Request, checked: Checked, host: str, back: Flow) -> None:
        """401, the same for everyone, and nothing is kept of it (T-S2, T-S11)."""
        response = decline(request, 401, "Unauthorized", tag=self._tag(request))
        agent = request.headers.get("User-Agent") or ""
        self._digest.challenge(response, host, agent=agent, stale=checked.verdict is Verdict.STALE)
        back.send(serialise(response))

    def _password_of(self, user: str) -> str | None:
        phone = self._shop().phone(user)
        return None if phone is None else phone.password
