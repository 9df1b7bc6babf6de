"""What a number is, as its digits or the owner say, and what that changes: guard, reception, advice (E3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import MenuFirst
from gateway.store.shop_document.shop_file import read_shop, write_shop
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.reception_advice import AdviceCode, advice_on, new_menus
from gateway.telephony.shop import LineSettings, PhoneSettings, Shop, TrunkSettings
from tests.fakes.exchange import scene


def shop_with(number: str, kind: NumberKind | None, *, asks_extension: bool = False) -> Shop:
    """One provider with that number."""
    trunk = TrunkSettings(name="way", host="sip.example.net", number=number, kind=kind, asks_extension=asks_extension)
    return Shop(trunks=(trunk,), phones=(PhoneSettings(extension="101", password="a-long-password"),))


@pytest.mark.parametrize(
    ("number", "kind", "found"),
    [
        ("+74951234567", None, NumberKind.CITY),
        ("+79161234567", None, NumberKind.MOBILE),
        ("+78001234567", None, NumberKind.TOLL_FREE),
        ("+74951234567", NumberKind.TOLL_FREE, NumberKind.TOLL_FREE),
        ("+78001234567", NumberKind.CITY, NumberKind.CITY),
        ("+79161234567", NumberKind.INTERNAL, NumberKind.INTERNAL),
    ],
)
def test_the_owner_goes_before_the_digits(number: str, kind: NumberKind | None, found: NumberKind) -> None:
    shop = shop_with(number, kind)
    assert kind_of_way(shop, "way") is found
    assert read_shop(write_shop(shop, with_secrets=True)).trunks[0].kind is kind


@pytest.mark.parametrize(
    ("number", "kind", "codes"),
    [
        ("+79161234567", None, [AdviceCode.MOBILE_AS_MAIN]),
        ("+79161234567", NumberKind.CITY, []),
        ("+79161234567", NumberKind.INTERNAL, []),
        ("+74951234567", NumberKind.MOBILE, [AdviceCode.MOBILE_AS_MAIN]),
        ("+74951234567", NumberKind.TOLL_FREE, [AdviceCode.TOLL_FREE_NOT_GREETED]),
        ("+78001234567", NumberKind.CITY, []),
    ],
)
def test_the_advice_goes_by_the_kind(number: str, kind: NumberKind | None, codes: list[AdviceCode]) -> None:
    assert [advice.code for advice in advice_on(shop_with(number, kind))] == codes


def test_a_number_for_inside_may_ask_for_digits_first() -> None:
    shop = shop_with("+74951234567", NumberKind.INTERNAL, asks_extension=True)
    assert list(advice_on(shop)) == []
    public = LineSettings(name="red", modem="m0", number="+79161234567")
    assert [each.subject for each in advice_on(Shop(trunks=shop.trunks, lines=(public,)))] == ["red"]


async def test_a_number_that_is_called_toll_free_is_guarded_and_not_greeted() -> None:
    async with scene(shop_with("+74951234567", NumberKind.TOLL_FREE)) as s:
        caller = s.call_to_trunk("way", "+79035550001", "+74951234567")
        await s.after(60)
        assert (caller.told, s.prompts_played) == (["ringing"], [])
        caller.hangs_up()
        await s.after(1)
        rules = replace(s.shop.toll_free, number_at_once=1)
        s.shop = replace(s.shop, toll_free=rules)
        second, third = (s.call_to_trunk("way", each, "+74951234567") for each in ("+79035550002", "+79035550003"))
        await s.after(1)
        assert (second.told, third.told) == (["ringing"], ["hangup busy"])
        second.hangs_up()


def test_a_new_menu_before_anybody_rings_must_be_meant() -> None:
    """A9."""
    main, other = LineSettings(name="red", modem="m0", number="+79160000001"), "+79160000002"
    plain = Shop(lines=(main, LineSettings(name="blue", modem="m1", number=other)))
    asking = replace(plain, lines=(replace(main, asks_extension=True), plain.lines[1]))
    with pytest.raises(MenuFirst, match="red"):
        new_menus(plain, asking, accepted=False)
    assert new_menus(plain, asking, accepted=True) == ("red",)
    assert new_menus(asking, asking, accepted=False) == (), "it was accepted before"
    assert new_menus(asking, plain, accepted=False) == ()
    elsewhere = replace(plain, lines=(main, replace(plain.lines[1], asks_extension=True)))
    assert new_menus(plain, elsewhere, accepted=False) == (), "not the main number"
