"""What an owner should think over before customers call: three mistakes that cost calls or money (A9, E5, E7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import MenuFirst
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.shop import Shop


class AdviceCode(StrEnum):
    """What about."""

    MENU_FIRST = "menu-first"
    """Who calls the main number, or one that the shop pays for, is asked for digits before anybody rings."""
    TOLL_FREE_NOT_GREETED = "toll-free-not-greeted"
    """A toll-free number is rung through to a person: the greeting would be paid by the shop, also for the lost."""
    MOBILE_AS_MAIN = "mobile-as-main"
    """The only number that customers can call is a mobile's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A piece of it; `subject` is the name of a line or provider, `number` its number."""

    code: AdviceCode
    subject: str
    number: str


def new_menus(before: Shop, after: Shop, *, accepted: bool) -> tuple[str, ...]:
    """The lines and providers where a change of the shop has callers asked for digits before anybody rings.

    Raises MenuFirst for them, unless whoever makes the change has accepted that.
    """
    known, found = (
        {each.subject for each in advice_on(shop) if each.code is AdviceCode.MENU_FIRST} for shop in (before, after)
    )
    new = tuple(sorted(found - known))
    if new and not accepted:
        raise MenuFirst(f"Callers of {', '.join(new)} would be asked for digits before anybody rings.")
    return new


def advice_on(shop: Shop) -> Iterator[Advice]:
    """What there is to say about how this shop is called."""
    numbered = [(trunk.name, trunk.number) for trunk in shop.trunks if trunk.number]
    numbered += [(line.name, line.number) for line in shop.lines if line.number]
    numbered = [each for each in numbered if kind_of_way(shop, each[0]) is not NumberKind.INTERNAL]
    for name, number in numbered:
        if shop.reception.on and kind_of_way(shop, name) is NumberKind.TOLL_FREE:
            yield Advice(code=AdviceCode.TOLL_FREE_NOT_GREETED, subject=name, number=number)
    main = next(iter(numbered), None)
    if main is None:
        return
    name, number = main
    if kind_of_way(shop, name) is NumberKind.MOBILE:
        yield Advice(code=AdviceCode.MOBILE_AS_MAIN, subject=name, number=number)
    for name, number in numbered:
        way = shop.line(name) or shop.trunk(name)
        is_costly = number == main[1] or kind_of_way(shop, name) is NumberKind.TOLL_FREE
        has_menu = way is not None and (way.asks_extension or name in shop.order_status.ways)
        if has_menu and is_costly:
            yield Advice(code=AdviceCode.MENU_FIRST, subject=name, number=number)
