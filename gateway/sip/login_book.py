"""What the guard has counted, as the owner reads it; and the end of a ban before its time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from gateway.clock import WallClock
from gateway.sip.guard import Guard
from gateway.sip.stranger_alerts import StrangerAlerts
from gateway.telephony.failed_logins import FailedHost, GuessedPhone
from gateway.telephony.shop import ShopView


class LoginBook:
    """Implements FailedLogins. `bound_at` says which extensions are registered from a host."""

    def __init__(
        self,
        guard: Guard,
        alerts: StrangerAlerts,
        shop: ShopView,
        *,
        now: Callable[[], float],
        clock: WallClock,
        bound_at: Callable[[str], tuple[str, ...]],
    ) -> None:
        self._guard = guard
        self._alerts = alerts
        self._shop = shop
        self._now = now
        self._clock = clock
        self._bound_at = bound_at

    def hosts(self) -> Sequence[FailedHost]:
        """As the Protocol."""
        return [
            FailedHost(
                host=each.host, accounts=each.accounts, failures=each.failures, last_at=self._time(each.last_at),
                banned_at=None if each.banned_until is None else self._time(each.banned_at),
                banned_until=None if each.banned_until is None else self._time(each.banned_until),
                bans=each.bans, phones=self._bound_at(each.host),
            )
            for each in self._guard.failing()
        ]  # fmt: skip

    def phones(self) -> Sequence[GuessedPhone]:
        """As the Protocol."""
        guessed = []
        for phone in sorted(self._shop().phones, key=lambda each: each.extension):
            failures, closed_until = self._guard.guesses_at(phone.extension)
            if failures:
                until = None if closed_until is None else self._time(closed_until)
                guessed.append(GuessedPhone(extension=phone.extension, failures=failures, closed_until=until))
        return guessed

    def lift_ban(self, host: str) -> bool:
        """As the Protocol."""
        lifted = self._guard.lift_ban(host)
        if lifted:
            self._alerts.has_lifted(host)
        return lifted

    def open_phone(self, extension: str) -> bool:
        """As the Protocol."""
        opened = self._guard.open_account(extension)
        if opened:
            self._alerts.has_opened(extension)
        return opened

    def _time(self, moment: float) -> datetime:
        return self._clock() + timedelta(seconds=moment - self._now())
