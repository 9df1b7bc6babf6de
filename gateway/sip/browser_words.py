"""What a description says where one side is a browser: names for checks, a fingerprint, who begins (RFC 8829, 8839)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gateway.sip.ice import IceNames
from gateway.sip.transport import Address

BROWSER_PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP")
_TOKEN = re.compile(r"[\w.\-]{1,32}", re.ASCII)
_FRAGMENT = re.compile(r"[A-Za-z0-9+/]{4,256}", re.ASCII)
_SHA_256 = re.compile(r"sha-256 +((?:[0-9A-F]{2}:){31}[0-9A-F]{2})", re.ASCII | re.IGNORECASE)
_HOST_PRIORITY = 2_130_706_431
"""RFC 8445 section 5.1.2.1: an address of the machine's own, and the only one."""


@dataclass(frozen=True, slots=True)
class BrowserSide:
    """What a browser's description says of itself."""

    fragment: str
    """What it is called in checks."""
    fingerprint: str
    """Of its certificate: SHA-256, pairs of capital hexadecimal digits with colons between."""
    mid: str = ""
    """What it calls the section."""


@dataclass(frozen=True, slots=True)
class BrowserWords:
    """The attributes of one section, as far as they have been read."""

    mid: str = ""
    fragment: str = ""
    fingerprint: str = ""
    setup: str = ""

    @property
    def side(self) -> BrowserSide | None:
        """All of it; None where something is missing, or the browser wants to begin the handshake itself."""
        if not self.fragment or not self.fingerprint or self.setup not in ("actpass", "passive"):
            return None
        return BrowserSide(self.fragment, self.fingerprint, self.mid)

    def and_also(self, name: str, value: str) -> BrowserWords:
        """With one more attribute (RFC 5888, RFC 4145, RFC 8839, RFC 8122); another, or a broken one, adds nothing."""
        match name:
            case "mid" if _TOKEN.fullmatch(value):
                return replace(self, mid=value)
            case "setup":
                return replace(self, setup=value.lower())
            case "ice-ufrag" if _FRAGMENT.fullmatch(value):
                return replace(self, fragment=value)
            case "fingerprint" if (match := _SHA_256.fullmatch(value)) is not None:
                return replace(self, fingerprint=match[1].upper())
        return self


def browser_lines(ours: IceNames, local: Address, mid: str) -> list[str]:
    """Our side of a section: one way, no questions of our own, and the handshake is ours to begin."""
    return [
        *([f"a=mid:{mid}"] if mid else []),
        "a=rtcp-mux",
        f"a=ice-ufrag:{ours.fragment}",
        f"a=ice-pwd:{ours.password}",
        f"a=fingerprint:sha-256 {our_fingerprint()}",
        "a=setup:active",
        f"a=candidate:1 1 udp {_HOST_PRIORITY} {local.host} {local.port} typ host",
        "a=end-of-candidates",
    ]


def our_fingerprint() -> str:
    """Of our certificate, as in a description."""
    from gateway.sip.dtls import our_identity  # noqa: PLC0415  # only who carries a browser's call needs OpenSSL's

    return our_identity().fingerprint
