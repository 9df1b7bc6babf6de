"""The guard at the door: who is heard at all, how often, and who is shut out (T-S1, T-S11, T-S14).

Sources are hosts. Only failures that answered a nonce of ours are counted: a round trip proves the
address, so nobody can have an honest phone banned by forging its address.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

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
_MOST_SOURCES = 10_000


@dataclass(slots=True)
class _Bucket:
    burst: float
    rate: float
    tokens: float = field(init=False)
    filled_at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class _Source:
    bucket: _Bucket
    failures: deque[float] = field(default_factory=deque)
    bans: int = 0
    banned_until: float = 0.0
    known_until: float = 0.0


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
        self._account_failures: dict[str, deque[float]] = {}
        self._strangers = _Bucket(_ALL_STRANGERS_BURST, _ALL_STRANGERS_RATE)

    def admits(self, host: str) -> bool:
        """True when a packet from `host` may be parsed now. Everybody else gets silence."""
        if not (is_private(host) or self._trusted(host)):
            self._on_stranger(host)
            return False
        now = self._now()
        source = self._source(host)
        if source.banned_until > now:
            return False
        known = source.known_until > now
        return source.bucket.take(now) and (known or self._strangers.take(now))

    def is_banned(self, host: str) -> bool:
        """True while the host is shut out."""
        source = self._sources.get(host)
        return source is not None and source.banned_until > self._now()

    def has_failed(self, host: str, account: str) -> float:
        """A wrong password in answer to our nonce; the seconds that the host is banned for by it, mostly none."""
        now = self._now()
        _count(self._account_failures.setdefault(account, deque()), now, ACCOUNT_WINDOW_SECONDS)
        if len(self._account_failures) > _MOST_SOURCES:
            del self._account_failures[next(iter(self._account_failures))]
        source = self._source(host)
        if _count(source.failures, now, FAILURE_WINDOW_SECONDS) < FAILURES_TO_BAN:
            return 0.0
        source.failures.clear()
        seconds = BAN_SECONDS[min(source.bans, len(BAN_SECONDS) - 1)]
        source.banned_until = now + seconds
        source.bans += 1
        source.known_until = 0.0
        source.bucket = _Bucket(_STRANGER_BURST, _STRANGER_RATE)
        return seconds

    def may_log_in(self, account: str, *, bound: bool) -> bool:
        """False while an account is guessed at from many hosts, unless the host is `bound` to it already."""
        failures = self._account_failures.get(account)
        if failures is None or bound:
            return True
        return _drop_old(failures, self._now(), ACCOUNT_WINDOW_SECONDS) < ACCOUNT_FAILURES

    def has_succeeded(self, host: str) -> None:
        """The host knows a password: it may send more from now on."""
        source = self._source(host)
        if source.known_until <= self._now():
            source.bucket = _Bucket(_KNOWN_BURST, _KNOWN_RATE, filled_at=self._now())
        source.known_until = self._now() + KNOWN_SECONDS
        source.failures.clear()

    def _source(self, host: str) -> _Source:
        source = self._sources.get(host)
        if source is None:
            if len(self._sources) >= _MOST_SOURCES:
                self._forget_one()
            source = self._sources[host] = _Source(_Bucket(_STRANGER_BURST, _STRANGER_RATE, filled_at=self._now()))
        else:
            self._sources.move_to_end(host)
        return source

    def _forget_one(self) -> None:
        """Room for another source: the one longest unheard of that is not banned, or else the oldest ban."""
        now = self._now()
        for host, source in self._sources.items():
            if source.banned_until <= now:
                del self._sources[host]
                return
        self._sources.popitem(last=False)


def _count(moments: deque[float], now: float, window: float) -> int:
    moments.append(now)
    return _drop_old(moments, now, window)


def _drop_old(moments: deque[float], now: float, window: float) -> int:
    while moments and now - moments[0] > window:
        moments.popleft()
    return len(moments)
