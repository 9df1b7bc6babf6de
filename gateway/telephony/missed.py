"""Who called and was not talked to: once each, until somebody talks to that number or says why nobody will (A14).

Whoever is to be called about an order is one of them (C7). Who showed no number that can be called (it was withheld,
or is no telephone number) is nobody whom the next call could be told to come from: each such call stands for itself,
until a person marks it.

Nothing is kept up to date here: the list is worked out anew from the calls that are on record, so that it is right
after a crash too, and whoever was talked to by whatever way is on it no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from gateway.telephony.shop import Shop

SELF_SERVED = "order-status"
"""The flow of a call in which a machine told the caller what was asked for; with an order, it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A call of a customer that is over, in which nobody talked to them; or an order that wants a call."""

    number: str
    call_id: str
    """Empty: it is an order."""
    at: datetime
    line: str | None = None
    name: str = ""
    """What the caller's side said of itself."""
    order: str | None = None
    """The number of the order."""
    cause: str | None = None
    """Why the call came to nothing, a telephony.causes.Cause; None: it is an order."""
    waited_seconds: float | None = None
    """How long the caller has waited; None: it is an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """Somebody has talked to that number, whoever called whom. `by` is who it was: an extension or a number."""

    number: str
    at: datetime
    call_id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A person has said that nobody need call back, and why."""

    number: str
    """Empty: it is about the call `call_id` alone."""
    at: datetime
    by: str
    reason: str
    call_id: str = ""


Ending: TypeAlias = Talk | Closure


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedCustomer:
    """One customer's tries, the first one first, and what has ended them; None: nothing has."""

    number: str
    """As it was shown; empty: it was withheld."""
    tries: tuple[Try, ...]
    ended: Ending | None

    @property
    def can_be_called(self) -> bool:
        """There is a number to call back."""
        return can_be_called(self.number)

    @property
    def first_at(self) -> datetime:
        """When the customer tried first."""
        return self.tries[0].at

    @property
    def last_at(self) -> datetime:
        """When the customer tried last."""
        return self.tries[-1].at

    @property
    def name(self) -> str:
        """What the caller's side said of itself last; empty: nothing."""
        return next((each.name for each in reversed(self.tries) if each.name), "")

    @property
    def seconds_to_return(self) -> float | None:
        """From the first try until somebody talked to the customer; None: nobody has."""
        return (self.ended.at - self.first_at).total_seconds() if isinstance(self.ended, Talk) else None


def missed_customers(tries: Iterable[Try], endings: Iterable[Ending]) -> list[MissedCustomer]:
    """Every customer who was missed, by the first try; one who was missed again after an ending comes once more."""
    steps: defaultdict[str, list[Try | Ending]] = defaultdict(list)
    for step in tries:
        steps[_whose(step)].append(step)
    for ending in endings:
        whose = _whose(ending)
        if whose in steps:
            steps[whose].append(ending)
    found = [customer for of_one in steps.values() for customer in _story(of_one)]
    return sorted(found, key=lambda customer: (customer.first_at, customer.number))


def still_missed(customers: Iterable[MissedCustomer]) -> list[MissedCustomer]:
    """Those whom somebody must call back."""
    return [customer for customer in customers if customer.ended is None]


def can_be_called(number: str) -> bool:
    """It is a number of the telephone network (E.164), as which every other one is shown that can be."""
    return number.startswith("+")


def is_customer(number: str, shop: Shop) -> bool:
    """Whoever called with that number, or with none, may be a customer: it is nobody's of the shop."""
    return number not in numbers_of(shop)


def numbers_of(shop: Shop) -> frozenset[str | None]:
    """Whoever calls with one of these is no customer: the couriers' mobiles, the lines' numbers and the providers'."""
    mobiles = (courier.mobile for courier in shop.couriers)
    return frozenset((*mobiles, *(line.number for line in shop.lines), *(trunk.number for trunk in shop.trunks)))


def _whose(step: Try | Ending) -> str:
    """The number; of a call that shows none that can be called, the call."""
    return step.number if can_be_called(step.number) else step.call_id


def _story(steps: Sequence[Try | Ending]) -> Iterable[MissedCustomer]:
    """The steps of one number, told in their order; a try comes before an ending of the same moment."""
    tries: list[Try] = []
    for step in sorted(steps, key=lambda step: (step.at, not isinstance(step, Try))):
        if isinstance(step, Try):
            tries.append(step)
        elif tries:
            yield MissedCustomer(number=tries[0].number, tries=tuple(tries), ended=step)
            tries = []
    if tries:
        yield MissedCustomer(number=tries[0].number, tries=tuple(tries), ended=None)
