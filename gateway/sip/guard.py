"""The guard at the door: who is heard at all, how often, and who is shut out (T-S1, T-S11, T-S14).

Sources are hosts. Only failures that answered a nonce of ours are counted: a round trip proves the
address, so nobody can have an honest phone banned by forging its address.

All strangers share one allowance. Half of it is kept for those who have hardly been heard yet: a flood has used up
its part of that after a few packets from each of its addresses, while a phone that comes for the first time needs two
packets to show that it knows a password.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import islice

from gateway.sip.transport import is_private

FAILURES_TO_BAN = 5
FAILURE_WINDOW_SECONDS = 600.0
BAN_SECONDS = (60.0, 300.0, 1_800.0, 86_400.0)
ACCOUNT_FAILURES = 20
ACCOUNT_WINDOW_SECONDS = 3_600.0
KNOWN_SECONDS = 3_600.0

_STRANGER_BURST, _STRANGER_RATE = 40.0, 20.0
_KNOWN_BURST, _KNOWN_RATE = 2_000.0, 500.0
_ALL_STRANGERS_BURST, _ALL_STRANGERS_RATE = 400.0, 200.0
_KEPT_FOR_NEWCOMERS = 200.0
"""Tokens of all strangers that only those may take who have hardly been heard."""
_NEWCOMER_BURST, _NEWCOMER_RATE = 4.0, 0.2
"""A login is two packets; four, because the first answer may be lost, or the nonce too old."""
_MOST_SOURCES = 10_000
_IDLE_SECONDS = 30.0
"""By then every bucket of a stranger is full again: to forget it changes nothing."""
_MOST_LISTED = 200
_MOST_ACCOUNTS = 5
_LONGEST_ACCOUNT = 40
_MOST_FORGOTTEN = 500
"""In one go, so that a call that is running does not wait for it."""


@dataclass(slots=True)
class _Bucket:
    burst: float
    rate: float
    tokens: float = field(init=False)
    filled_at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float, *, leaving: float = 0.0) -> bool:
        """One token, when at least so many are left behind it."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1 + leaving:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class _Source:
    bucket: _Bucket
    first_words: _Bucket
    heard_at: float = 0.0
    failures: list[float] = field(default_factory=list)
    bans: int = 0
    banned_until: float = 0.0
    known_until: float = 0.0
    wrong: int = 0
    """Wrong passwords, those before a ban or a right one as well."""
    failed_at: float = 0.0
    banned_at: float = 0.0
    accounts: list[str] = field(default_factory=list)

    def note(self, account: str, now: float) -> None:
        """One more wrong password."""
        self.wrong += 1
        self.failed_at = now
        shown = account[:_LONGEST_ACCOUNT]
        self.accounts = [*(each for each in self.accounts if each != shown), shown][-_MOST_ACCOUNTS:]

    def is_worth_remembering(self, now: float) -> bool:
        """It was let in or shut out of late, or has failed; how often it was banned counts for as long as a ban."""
        return (
            max(self.known_until, self.banned_until) > now
            or (self.bans > 0 and now - self.banned_until < BAN_SECONDS[-1])
            or _drop_old(self.failures, now, FAILURE_WINDOW_SECONDS) > 0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingSource:
    """A host that has failed of late; times are those of the guard's clock."""

    host: str
    accounts: tuple[str, ...]
    failures: int
    last_at: float
    banned_at: float
    banned_until: float | None
    bans: int


class Guard:
    """Decides about a source before its bytes are looked at."""

    def __init__(
        self,
        now: Callable[[], float],
        *,
        trusted: Callable[[str], bool] = lambda _host: False,
        on_stranger: Callable[[str], None] = lambda _host: None,
    ) -> None:
        """`trusted` hosts (providers the owner configured) are heard though they are not private.

        `on_stranger` hears of each packet from any other one.
        """
        self._now = now
        self._trusted = trusted
        self._on_stranger = on_stranger
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self._account_failures: dict[str, list[float]] = {}
        self._strangers = _Bucket(_ALL_STRANGERS_BURST, _ALL_STRANGERS_RATE)

    def admits(self, host: str) -> bool:
        """True when a packet from `host` may be parsed now. Everybody else gets silence."""
        if not (is_private(host) or self._trusted(host)):
            self._on_stranger(host)
            return False
        now = self._now()
        source = self._source(host)
        if source.banned_until > now or not source.bucket.take(now):
            return False
        if source.known_until > now or self._strangers.take(now, leaving=_KEPT_FOR_NEWCOMERS):
            return True
        return self._strangers.tokens >= 1 and source.first_words.take(now) and self._strangers.take(now)

    def is_banned(self, host: str) -> bool:
        """True while the host is shut out."""
        source = self._sources.get(host)
        return source is not None and source.banned_until > self._now()

    def has_failed(self, host: str, account: str) -> float:
        """A wrong password in answer to our nonce; the seconds that the host is banned for by it, mostly none."""
        now = self._now()
        _count(self._account_failures.setdefault(account, []), now, ACCOUNT_WINDOW_SECONDS)
        if len(self._account_failures) > _MOST_SOURCES:
            del self._account_failures[next(iter(self._account_failures))]
        source = self._source(host)
        source.note(account, now)
        if _count(source.failures, now, FAILURE_WINDOW_SECONDS) < FAILURES_TO_BAN:
            return 0.0
        source.failures.clear()
        seconds = BAN_SECONDS[min(source.bans, len(BAN_SECONDS) - 1)]
        source.banned_at, source.banned_until = now, now + seconds
        source.bans += 1
        source.known_until = 0.0
        source.bucket = _Bucket(_STRANGER_BURST, _STRANGER_RATE)
        source.first_words = _Bucket(_NEWCOMER_BURST, _NEWCOMER_RATE, filled_at=now)
        return seconds

    def may_log_in(self, account: str, *, bound: bool) -> bool:
        """False while an account is guessed at from many hosts, unless the host is `bound` to it already."""
        failures = self._account_failures.get(account)
        if failures is None or bound:
            return True
        return _drop_old(failures, self._now(), ACCOUNT_WINDOW_SECONDS) < ACCOUNT_FAILURES

    def failing(self) -> list[FailingSource]:
        """Who has failed of late or is banned: the banned first, then by the last failure; two hundred at most."""
        now = self._now()
        found = (
            (source.banned_until > now, source.failed_at, host)
            for host, source in self._sources.items()
            if source.wrong and (source.banned_until > now or now - source.failed_at <= FAILURE_WINDOW_SECONDS)
        )
        return [self._told(host, is_banned=is_banned) for is_banned, _, host in nlargest(_MOST_LISTED, found)]

    def guesses_at(self, account: str) -> tuple[int, float | None]:
        """How often its password was wrong within the hour, and until when it is closed to hosts it is not bound to."""
        failures = self._account_failures.get(account, [])
        count = _drop_old(failures, self._now(), ACCOUNT_WINDOW_SECONDS)
        return count, failures[0] + ACCOUNT_WINDOW_SECONDS if count >= ACCOUNT_FAILURES else None

    def lift_ban(self, host: str) -> bool:
        """Hear the host again, as if it had never been banned; False: it is not."""
        if not self.is_banned(host):
            return False
        source = self._sources[host]
        source.banned_until, source.bans = 0.0, 0
        return True

    def open_account(self, account: str) -> bool:
        """Forget the guesses at an account; False: it is not closed."""
        if self.may_log_in(account, bound=False):
            return False
        del self._account_failures[account]
        return True

    def has_succeeded(self, host: str) -> None:
        """The host knows a password: it may send more from now on."""
        source = self._source(host)
        if source.known_until <= self._now():
            source.bucket = _Bucket(_KNOWN_BURST, _KNOWN_RATE, filled_at=self._now())
        source.known_until = self._now() + KNOWN_SECONDS
        source.failures.clear()

    def tidy(self) -> None:
        """Forget the sources of which there is nothing to remember, and accounts that are guessed at no more.

        To be called now and then; at most some hundreds are looked at in one go.
        """
        now = self._now()
        for host in list(islice(self._sources, _MOST_FORGOTTEN)):
            source = self._sources[host]
            if now - source.heard_at < _IDLE_SECONDS:
                break  # the others were heard later
            if source.is_worth_remembering(now):
                self._sources.move_to_end(host)
            else:
                del self._sources[host]
        for account in list(islice(self._account_failures, _MOST_FORGOTTEN)):
            if not _drop_old(self._account_failures[account], now, ACCOUNT_WINDOW_SECONDS):
                del self._account_failures[account]

    def _source(self, host: str) -> _Source:
        now = self._now()
        source = self._sources.get(host)
        if source is None:
            if len(self._sources) >= _MOST_SOURCES:
                self._forget_one()
            source = self._sources[host] = _Source(
                _Bucket(_STRANGER_BURST, _STRANGER_RATE, filled_at=now),
                _Bucket(_NEWCOMER_BURST, _NEWCOMER_RATE, filled_at=now),
            )
        else:
            self._sources.move_to_end(host)
        source.heard_at = now
        return source

    def _told(self, host: str, *, is_banned: bool) -> FailingSource:
        source = self._sources[host]
        return FailingSource(
            host=host, accounts=tuple(source.accounts), failures=source.wrong, last_at=source.failed_at,
            banned_at=source.banned_at, banned_until=source.banned_until if is_banned else None, bans=source.bans,
        )  # fmt: skip

    def _forget_one(self) -> None:
        """Room for another source: the one longest unheard of that is not banned, or else the oldest ban."""
        now = self._now()
        for host, source in self._sources.items():
            if source.banned_until <= now:
                del self._sources[host]
                return
        self._sources.popitem(last=False)


def _count(moments: list[float], now: float, window: float) -> int:
    moments.append(now)
    del moments[:-ACCOUNT_FAILURES]
    return _drop_old(moments, now, window)


def _drop_old(moments: list[float], now: float, window: float) -> int:
    moments[:] = [each for each in moments if now - each <= window]
    return len(moments)
