"""What emulated modems bring into a shop, and that nothing of it is left afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.telephony.emulated import NAMES, Brought, has_real_lines
from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.shop import CourierSettings, LineSettings, NumberRules, PhoneSettings, Shop
from gateway.telephony.tariffs import TariffSettings

NEW = Shop(name="My shop", language="ru", phones=(PhoneSettings(extension="2001", password="a-long-password"),))


def test_a_new_shop_gets_lines_and_a_courier_and_loses_them_again() -> None:
    brought = Brought.to(NEW)
    shop = brought.added_to(NEW)
    assert tuple(line.name for line in shop.lines) == tuple(line.modem for line in shop.lines) == NAMES
    (courier,) = shop.couriers
    assert (courier.extension, courier.name) == ("2002", "Эмулированный курьер"), "2001 is a phone"
    assert not has_real_lines(shop)
    assert brought.added_to(shop) == shop, "what is there already stays"
    assert Brought.of(brought.kept()) == brought
    assert brought.taken_from(shop) == NEW


def test_couriers_of_the_shop_stay_and_forget_the_lines() -> None:
    own = CourierSettings(extension="2001", mobile="+79165550001")
    shop = replace(NEW, phones=(), couriers=(own,))
    brought = Brought.to(shop)
    during = brought.added_to(shop)
    assert during.couriers == (own,), "no other one is needed"
    tied = replace(own, lines=("emulated-1",))
    changed = replace(during, couriers=(tied,), tariffs=(TariffSettings(way="emulated-2"),))
    assert brought.taken_from(changed) == shop


def test_who_names_the_courier_as_the_next_one_does_so_no_more() -> None:
    brought = Brought.to(NEW)
    during = brought.added_to(NEW)
    other = CourierSettings(extension="2009", mobile="+79165550001", then=brought.courier)
    after = brought.taken_from(replace(during, couriers=(*during.couriers, other)))
    assert after.couriers == (replace(other, then=None),)


def test_a_line_of_a_real_modem_is_one() -> None:
    assert has_real_lines(replace(NEW, lines=(LineSettings(name="red", modem="m0"),)))


@pytest.mark.parametrize("country", ["RU", "DE", "US", "FR", "KZ", "BY", "GB"])
def test_its_numbers_may_be_called_there(country: str) -> None:
    brought = Brought.to(replace(NEW, numbers=NumberRules(country=country)))
    numbers = (*brought.sims, brought.courier_mobile, brought.customer)
    assert len(set(numbers)) == 5
    policy = NumberPolicy(NumberRules(country=country))
    assert all(isinstance(policy.check(number), Dialable) for number in numbers)
