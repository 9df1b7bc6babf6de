"""What the owner lets a phone or provider speak: which codecs, and how secretly."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.audio.codec import Codec
from gateway.audio.coder import available_codecs
from gateway.telephony.shop import PhoneSettings, Srtp, TrunkSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaTerms:
    """What we are willing to speak with a peer.

    `codecs` are tried in their order; with none named every codec is spoken, the narrow ones first and otherwise in
    the peer's order: a wide one costs computing time, and a call by a SIM cannot use it. `speaks_wide` off leaves
    them out then.
    """

    codecs: tuple[Codec, ...] = ()
    speaks_wide: bool = True
    srtp: Srtp = Srtp.OFF
    is_browser: bool = False
    """The peer is a browser, which speaks sealed only, and agrees on the keys by a handshake (RFC 8827)."""

    @property
    def spoken(self) -> tuple[Codec, ...]:
        """What can be agreed on this machine, ours to offer in this order."""
        able = available_codecs()
        wanted = self.codecs or tuple(each for each in able if self.speaks_wide or not each.is_wide)
        return tuple(each for each in wanted if each in able)


DEFAULT_TERMS = MediaTerms()


def phone_terms(phone: PhoneSettings | None, *, is_browser: bool = False) -> MediaTerms:
    """For a phone of ours; None, one that has just left the shop."""
    if phone is None:
        return DEFAULT_TERMS
    return MediaTerms(codecs=phone.codecs, srtp=phone.srtp, is_browser=is_browser)


def trunk_terms(trunk: TrunkSettings) -> MediaTerms:
    """For a provider, with whom nothing wide is spoken unless the owner says so."""
    return MediaTerms(codecs=trunk.codecs, speaks_wide=False, srtp=trunk.srtp)
