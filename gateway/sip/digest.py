"""Digest authentication, both sides (RFC 7616, RFC 8760, RFC 3261 section 22).

The server keeps no state for a stranger: a nonce proves itself by its HMAC (T-S5). It tells an unknown
user and a wrong password apart in no way (T-S2).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gateway.sip.headers import Authentication
from gateway.sip.message import Request, Response

REALM = "simbridge"
NONCE_SECONDS = 60.0
_ALGORITHMS: dict[str, Callable[[bytes], hashlib._Hash]] = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
"""The better one first: that is the order in which our client chooses."""
_OFFERED = ("MD5", "SHA-256")
"""RFC 8760 section 2.4 wants the better one first, but many phones read the first challenge only, and know
only MD5 (docs/decisions/digest-order.md). A client that reads both chooses the better one by itself."""
_MD5_ONLY_AGENTS = ("baresip v0.", "baresip v1.", "baresip v2.0")
"""Programs that give up when any of several challenges is not MD5 (libre before 2.1; found with Debian 12's)."""
_MAC_BYTES = 16


class Verdict(StrEnum):
    """What the credentials of a request are worth."""

    ACCEPTED = "accepted"
    ABSENT = "absent"
    """None for our realm, or none that answer a nonce of ours: nothing was tried."""
    STALE = "stale"
    """Right, but the nonce is too old or was used: the client may answer a new one at once."""
    WRONG = "wrong"
    """An answer to our nonce, from where it was sent to, by one who does not know the password."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A verdict, and the user the credentials name (not proven unless ACCEPTED)."""

    verdict: Verdict
    user: str = ""


class DigestServer:
    """Challenges strangers and checks their answers."""

    def __init__(self, now: Callable[[], float], password_of: Callable[[str], str | None]) -> None:
        """`now` is the loop's time; `password_of` gives None for an unknown user."""
        self._now = now
        self._password_of = password_of
        self._key = secrets.token_bytes(32)
        self._nobodys_password = secrets.token_hex(16)
        self._counter = 0
        self._used: OrderedDict[tuple[str, str], float] = OrderedDict()

    def challenge(self, response: Response, source: str, *, agent: str = "", stale: bool = False) -> None:
        """Add one challenge per algorithm to a 401; `source` is the host that may answer, `agent` its User-Agent."""
        nonce = self._new_nonce(source)
        for algorithm in ("MD5",) if agent.startswith(_MD5_ONLY_AGENTS) else _OFFERED:
            values = [("realm", REALM), ("nonce", nonce), ("algorithm", algorithm), ("qop", "auth")]
            if stale:
                values.append(("stale", "true"))
            response.headers.add("WWW-Authenticate", Authentication("Digest", tuple(values)))

    def check(self, request: Request, source: str) -> Checked:
        """What the request's credentials are worth, coming from the host `source`."""
        for given in request.credentials("Authorization"):
            if given.scheme.lower() == "digest" and given.get("realm") == REALM:
                return self._check(given, request.method, source)
        return Checked(Verdict.ABSENT)

    def _check(self, given: Authentication, method: str, source: str) -> Checked:
        nonce, user = given.get("nonce") or "", given.get("username") or ""
        algorithm = (given.get("algorithm") or "MD5").upper()
        age = self._age(nonce, source)
        if age is None or algorithm not in _ALGORITHMS or given.get("qop") not in (None, "auth"):
            return Checked(Verdict.ABSENT, user)
        password = self._password_of(user)
        expected = _response(
            _ALGORITHMS[algorithm], given, user, self._nobodys_password if password is None else password, method
        )
        right = hmac.compare_digest(expected.encode(), (given.get("response") or "").lower().encode())
        if not right or password is None:
            return Checked(Verdict.WRONG, user)
        count = given.get("nc") if given.get("qop") else ""
        if age > NONCE_SECONDS or (nonce, count or "") in self._used:
            return Checked(Verdict.STALE, user)
        self._remember(nonce, count or "")
        return Checked(Verdict.ACCEPTED, user)

    def _new_nonce(self, source: str) -> str:
        self._counter += 1
        stamp = struct.pack(">dQ", self._now(), self._counter)
        return urlsafe_b64encode(stamp + self._mac(stamp, source)).decode()

    def _age(self, nonce: str, source: str) -> float | None:
        """How old one of our nonces is; None when it is not ours, or was made for another host."""
        try:
            raw = urlsafe_b64decode(nonce.encode("ascii", "replace"))
        except (Base64Error, ValueError):
            return None
        stamp, mac = raw[:16], raw[16:]
        if len(mac) != _MAC_BYTES or not hmac.compare_digest(mac, self._mac(stamp, source)):
            return None
        if urlsafe_b64encode(raw).decode() != nonce:
            return None  # another spelling of the same bytes would be another key of what was used
        made_at: float = struct.unpack(">dQ", stamp)[0]
        return self._now() - made_at

    def _mac(self, stamp: bytes, source: str) -> bytes:
        return hmac.digest(self._key, stamp + source.encode(), "sha256")[:_MAC_BYTES]

    def _remember(self, nonce: str, count: str) -> None:
        now = self._now()
        self._used[nonce, count] = now
        while self._used and now - next(iter(self._used.values())) > 2 * NONCE_SECONDS:
            self._used.popitem(last=False)


@dataclass(slots=True)
class DigestClient:
    """Answers the challenges of one provider or PBX."""

    user: str
    password: str
    nonce_count: int = 0
    last_nonce: str = ""

    def answer(self, response: Response, method: str, uri: str) -> tuple[str, str] | None:
        """Field name and value that answer a 401 or 407; None when no challenge can be answered.

        The best algorithm we know is taken, whatever the order (RFC 7616 section 3.7).
        """
        usable = [
            (list(_ALGORITHMS).index(algorithm), name, challenge)
            for name, challenge in response.challenges()
            if (algorithm := (challenge.get("algorithm") or "MD5").upper()) in _ALGORITHMS
            and challenge.scheme.lower() == "digest"
            and challenge.get("nonce") is not None
        ]
        if not usable:
            return None
        _, name, challenge = min(usable, key=lambda each: each[0])
        return name, str(self._credentials(challenge, method, uri))

    def _credentials(self, challenge: Authentication, method: str, uri: str) -> Authentication:
        algorithm = (challenge.get("algorithm") or "MD5").upper()
        nonce = challenge.get("nonce") or ""
        self.nonce_count = self.nonce_count + 1 if nonce == self.last_nonce else 1
        self.last_nonce = nonce
        values = [
            ("username", self.user),
            ("realm", challenge.get("realm") or ""),
            ("nonce", nonce),
            ("uri", uri),
            ("algorithm", algorithm),
        ]
        offered = [word.strip().lower() for word in (challenge.get("qop") or "").split(",")]
        if "auth" in offered:
            values += [("qop", "auth"), ("nc", f"{self.nonce_count:08x}"), ("cnonce", secrets.token_hex(8))]
        opaque = challenge.get("opaque")
        if opaque is not None:
            values.append(("opaque", opaque))
        bare = Authentication("Digest", tuple(values))
        answer = _response(_ALGORITHMS[algorithm], bare, self.user, self.password, method)
        return Authentication("Digest", (*values, ("response", answer)))


def _response(
    algorithm: Callable[[bytes], hashlib._Hash], given: Authentication, user: str, password: str, method: str
) -> str:
    """RFC 7616 section 3.4.1; without qop the form of RFC 2069."""

    def hashed(*parts: str) -> str:
        return algorithm(":".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

    secret = hashed(user, given.get("realm") or "", password)
    asked = hashed(method, given.get("uri") or "")
    nonce = given.get("nonce") or ""
    if given.get("qop"):
        return hashed(secret, nonce, given.get("nc") or "", given.get("cnonce") or "", "auth", asked)
    return hashed(secret, nonce, asked)
