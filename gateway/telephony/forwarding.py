"""Where a call goes when a phone does not want it: do not disturb, and forwarding.

Pure rules. What a forwarded call costs is on the phone that forwards it, and the number passes the same policy
as one that this phone dials (T-F4); the flow sees to both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg
from gateway.telephony.shop import PhoneSettings, Shop


class Feature(StrEnum):
    """What a phone can be told; the value is the name of the setting."""

    DO_NOT_DISTURB = "do_not_disturb"
    FORWARD_ALWAYS = "forward_always"
    FORWARD_BUSY = "forward_busy"
    FORWARD_NO_ANSWER = "forward_no_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneChange:
    """A feature of a phone, on or off. `target` is where calls go: an extension, or a number as it is dialled."""

    feature: Feature
    is_on: bool
    target: str | None = None

    def applied(self, phone: PhoneSettings) -> PhoneSettings:
        """The phone with it."""
        match self.feature:
            case Feature.DO_NOT_DISTURB:
                return replace(phone, do_not_disturb=self.is_on)
            case Feature.FORWARD_ALWAYS:
                return replace(phone, forward_always=self.target)
            case Feature.FORWARD_BUSY:
                return replace(phone, forward_busy=self.target)
            case Feature.FORWARD_NO_ANSWER:
                return replace(phone, forward_no_answer=self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """The phone `by` wants its call to go to `target` instead."""

    by: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who is rung and for how long at most; with nobody to ring, `forward` or `cause` say what happens instead."""

    rings: tuple[str, ...] = ()
    ring_seconds: float | None = None
    forward: Forward | None = None
    cause: Cause = Cause.BUSY


_CODES = {
    "*78": (Feature.DO_NOT_DISTURB, True),
    "*79": (Feature.DO_NOT_DISTURB, False),
    "*72": (Feature.FORWARD_ALWAYS, True),
    "*73": (Feature.FORWARD_ALWAYS, False),
    "*90": (Feature.FORWARD_BUSY, True),
    "*91": (Feature.FORWARD_BUSY, False),
    "*92": (Feature.FORWARD_NO_ANSWER, True),
    "*93": (Feature.FORWARD_NO_ANSWER, False),
}
"""The vertical service codes of North America, which phones of every make are preset to."""
_WITH_TARGET = re.compile(r"\*?(\+?[0-9]{1,20})#?", re.ASCII)


def change_by_code(text: str) -> PhoneChange | None:
    """What a dialled code asks for; None: it is no code of these. `*72101`, `*72*101` and `*72101#` are the same."""
    feature, is_on = _CODES.get(text[:3], (None, False))
    rest = text[3:]
    if feature is None:
        return None
    if not is_on or feature is Feature.DO_NOT_DISTURB:
        return PhoneChange(feature=feature, is_on=is_on) if rest in ("", "#") else None
    target = _WITH_TARGET.fullmatch(rest)
    return None if target is None else PhoneChange(feature=feature, is_on=True, target=target[1])


def plan_ringing(shop: Shop, extensions: tuple[str, ...]) -> Plan:
    """Who of them rings.

    One phone alone follows its forwarding. In a group, phones that do not want to ring are left out, so that
    one of them cannot take the calls of all; when nobody is left, the first that forwards decides.
    """
    phones = [phone for phone in (shop.phone(each) for each in extensions) if phone is not None]
    wanted = {phone.extension for phone in phones if phone.do_not_disturb or phone.forward_always}
    rings = tuple(each for each in extensions if each not in wanted)
    alone = phones[0] if len(phones) == len(extensions) == 1 else None
    if rings:
        after = alone.forward_after_seconds if alone is not None and alone.forward_no_answer else None
        return Plan(rings=rings, ring_seconds=after)
    for phone in phones:
        if phone.forward_always:
            return Plan(forward=Forward(by=phone.extension, target=phone.forward_always))
    return Plan(forward=_forward(alone, Cause.BUSY))


def forward_after(shop: Shop, legs: tuple[Leg, ...], cause: Cause) -> Forward | None:
    """Where the call goes after these phones were rung and nobody answered."""
    for leg in legs:
        if leg.redirected_to:
            return Forward(by=leg.peer, target=leg.redirected_to)
    return forward_by_rules(shop, tuple(leg.peer for leg in legs), cause)


def forward_by_rules(shop: Shop, extensions: tuple[str, ...], cause: Cause) -> Forward | None:
    """Where a phone that was rung alone forwards what it did not answer for that cause."""
    return _forward(shop.phone(extensions[0]), cause) if len(extensions) == 1 else None


def mailbox_of(shop: Shop, extensions: tuple[str, ...]) -> PhoneSettings | None:
    """The phone that takes messages from whoever has called it alone."""
    phone = shop.phone(extensions[0]) if len(extensions) == 1 else None
    return phone if phone is not None and phone.voicemail else None


def _forward(phone: PhoneSettings | None, cause: Cause) -> Forward | None:
    if phone is None:
        return None
    busy = cause in (Cause.BUSY, Cause.REJECTED)
    target = phone.forward_busy if busy else phone.forward_no_answer if cause in _NOBODY_THERE else None
    return None if target is None else Forward(by=phone.extension, target=target)


_NOBODY_THERE = frozenset({Cause.NO_ANSWER, Cause.UNREACHABLE})
