"""Takes the wishes of visitors of the shop's web site to be called, and turns each into a promised call-back (C1, C3).

Anybody can type anybody's number, and each call costs money: only ordinary numbers of the home country are called, of
each at most so often, and an employee is always rung first, so that no visitor can have a number rung by a machine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from gateway.clock import WallClock
from gateway.errors import CallBackLimit, NotWithinHours, NumberBarred
from gateway.ids import new_id
from gateway.telephony.missed import is_customer
from gateway.telephony.number_kind import NumberKind, kind_of_number
from gateway.telephony.numbers import BarredReason, NumberPolicy
from gateway.telephony.shop import NumberRules, Shop, ShopView
from gateway.telephony.widget import CONSENT, DAYS_AHEAD, SiteVisit, known_marks, known_url

MOST_OPEN = 30
"""So many visitors wait at most: most of the promises are for people who have called."""


class SitePromises(Protocol):
    """What promises are made with; the call-back desk is one."""

    @property
    def open_visits(self) -> int:
        """How many visitors wait."""

    def can_promise(self, number: str) -> bool:
        """Whether that number can be called back at all."""

    def promise(
        self,
        *,
        number: str,
        name: str,
        called: str,
        extensions: tuple[str, ...],
        call_id: str,
        due_at: datetime | None,
        visit_id: str = "",
    ) -> Awaitable[None]:
        """Promise, at once and for good; done once it is on the disk. Raises StoreError there."""  # fmt: skip


class VisitLedger(Protocol):
    """Where visits are kept; the store's StoredVisits is one."""

    async def admit(self, visit: SiteVisit, *, address: str) -> bool:
        """Commit the visit, unless the address, the number or the shop has had as many as the owner allows."""


class SiteDesk:
    """One for all visitors."""

    def __init__(self, *, promises: SitePromises, visits: VisitLedger, shop: ShopView, clock: WallClock) -> None:
        self._promises = promises
        self._visits = visits
        self._shop = shop
        self._clock = clock

    def is_served(self, origin: str) -> bool:
        """The owner lets that site show the widget."""
        rules = self._shop().widget
        return rules.on and origin in rules.origins

    async def ask(
        self, *, number: str, name: str, at: datetime | None, origin: str, address: str, language: str,
        about: Mapping[str, object],
    ) -> datetime:  # fmt: skip
        """Promise to call that number, now (or when the shop opens), or at a time within its hours; when, in UTC.

        `about` holds `page_url`, `landing_url`, `referrer` and the marks of the visit, of which nothing need be true.
        Raises NumberBarred, NotWithinHours, CallBackLimit, StoreError.
        """
        shop, now = self._shop(), self._clock()
        digits = _callable(number, shop)
        due_at = _due(shop, at, now)
        if self._promises.open_visits >= MOST_OPEN or not self._promises.can_promise(digits):
            raise CallBackLimit("Too many wait to be called back.")
        visit = SiteVisit(
            id=new_id(), number=digits, name=name, origin=origin, asked_at=now, due_at=due_at,
            page_url=known_url(about.get("page_url")), landing_url=known_url(about.get("landing_url")),
            referrer=known_url(about.get("referrer")), marks=known_marks(about),
            consent=consent_of(shop, language),
        )  # fmt: skip
        if not await self._visits.admit(visit, address=address):
            raise CallBackLimit("So many wishes to be called back are not taken.")
        await self._promises.promise(
            number=digits, name=name, called="", extensions=shop.widget.rings, call_id="", due_at=due_at,
            visit_id=visit.id,
        )  # fmt: skip
        return due_at


def consent_of(shop: Shop, language: str) -> str:
    """What a visitor agrees to."""
    return shop.widget.consent or CONSENT.get(language, CONSENT["en"])


def _callable(text: str, shop: Shop) -> str:
    """The number in E.164. Raises NumberBarred unless it is a customer's, and an ordinary one of the home country."""
    number = NumberPolicy(NumberRules(country=shop.numbers.country)).require(text)
    digits = number.digits
    is_ours = not is_customer(digits, shop) or any(phone.mobile == digits for phone in shop.phones)
    if number.emergency or is_ours or kind_of_number(digits) is NumberKind.TOLL_FREE:
        raise NumberBarred(f"The number {digits} is not called back.", number=digits, reason=BarredReason.KIND)
    return digits


def _due(shop: Shop, at: datetime | None, now: datetime) -> datetime:
    if at is None:
        opening = shop.schedule.state_at(now)
        return now if opening.is_open else opening.opens_at or now
    if not now <= at <= now + timedelta(days=DAYS_AHEAD) or not shop.schedule.state_at(at).is_open:
        raise NotWithinHours("The shop is not open then.")
    return at
