"""Whom a regular customer's call rings before it goes the usual way, in order (A6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.telephony.forwarding import plan_ringing
from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.shop import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """Phones that ring together, or one number outside, for so many seconds at most."""

    extensions: tuple[str, ...] = ()
    number: Dialable | None = None
    seconds: float


def before_the_usual_way(shop: Shop, manager: str) -> Iterator[Rung]:
    """The manager's phone, the manager's mobile, the colleagues; a phone that does not want to ring is not rung.

    The mobile's number passes the policy as any other.
    """
    rules = shop.contacts
    colleagues = tuple(each for each in rules.colleagues if each != manager)
    own, others = (plan_ringing(shop, each).rings for each in ((manager,), colleagues))
    if own:
        yield Rung(extensions=own, seconds=rules.manager_seconds)
    phone = shop.phone(manager)
    number = NumberPolicy(shop.numbers).check(phone.mobile) if phone is not None and phone.mobile else None
    if isinstance(number, Dialable) and not number.emergency:
        yield Rung(number=number, seconds=rules.mobile_seconds)
    if others:
        yield Rung(extensions=others, seconds=rules.colleague_seconds)
