"""Digest credentials of a client (RFC 2617, RFC 7616, RFC 8760)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence

_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
_STRONGEST_FIRST = ("SHA-256", "MD5")


def parse_challenge(value: str) -> dict[str, str]:
    """The parameters of one WWW-Authenticate or Proxy-Authenticate; empty when it is no Digest."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "digest":
        return {}
    pairs = re.findall(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))', rest)
    return {name.lower(): quoted or plain for name, quoted, plain in pairs}


def choose(values: Sequence[str], only: str | None = None) -> dict[str, str] | None:
    """The strongest challenge that can be answered (or the one of the algorithm `only`); None: there is none."""
    challenges = [parsed for value in values if (parsed := parse_challenge(value))]
    for algorithm in (only,) if only else _STRONGEST_FIRST:
        for challenge in challenges:
            if challenge.get("algorithm", "MD5").upper() == algorithm:
                return challenge
    return None


def credentials(challenge: dict[str, str], *, user: str, password: str, method: str, uri: str, count: int = 1) -> str:
    """The value of Authorization or Proxy-Authorization that answers the challenge.

    LookupError for an algorithm that is not known here.
    """
    algorithm = challenge.get("algorithm", "MD5").upper()
    realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
    secret = _digest(algorithm, f"{user}:{realm}:{password}")
    action = _digest(algorithm, f"{method}:{uri}")
    fields = [
        f'username="{user}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{uri}"', f"algorithm={algorithm}",
    ]  # fmt: skip
    if "auth" in [each.strip() for each in challenge.get("qop", "").split(",")]:
        client_nonce = secrets.token_hex(8)
        response = _digest(algorithm, f"{secret}:{nonce}:{count:08x}:{client_nonce}:auth:{action}")
        fields += ["qop=auth", f"nc={count:08x}", f'cnonce="{client_nonce}"']
    else:
        response = _digest(algorithm, f"{secret}:{nonce}:{action}")
    if "opaque" in challenge:
        fields.append(f'opaque="{challenge["opaque"]}"')
    return "Digest " + ", ".join([*fields, f'response="{response}"'])


def _digest(algorithm: str, text: str) -> str:
    return hashlib.new(_HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()
