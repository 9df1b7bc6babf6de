"""Visitors of the shop's web site in virtual time: who is called, when, and how often at most (C1, C3; money first)."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from gateway.errors import CallBackLimit, NotWithinHours, NumberBarred
from gateway.events import CallStarted
from gateway.store.schema_site import site_visits
from gateway.store.site_visits import StoredVisits
from gateway.telephony.causes import Cause
from gateway.telephony.reception import CallBackFirst
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import CourierSettings, NumberRules, Shop
from gateway.telephony.site_desk import MOST_OPEN, SiteDesk
from gateway.telephony.widget import CONSENT, WidgetRules, slots
from tests.fakes.exchange import Scene, scene
from tests.flows.test_reception import CUSTOMER, SHOP, calls_shop, rings_at

SITE = "https://shop.example"
OPEN = replace(SHOP, widget=WidgetRules(on=True, origins=(SITE,)))
ABOUT = {
    "page_url": "https://shop.example/tires?x=1", "referrer": "https://ya.example/", "utm_source": "ya",
    "ym_client_id": "133591247640966458", "ga_client_id": "1234567890.1763719200", "gclid": "EAIaIQ-_x", "yclid": "77",
}  # fmt: skip


class Site:
    """The desk of a scene, and a visitor."""

    def __init__(self, s: Scene) -> None:
        self.scene = s
        visits = StoredVisits(s.writer, gateway_id="g", shop=lambda: s.shop, clock=s.clock)
        self.desk = SiteDesk(promises=s.call_backs, visits=visits, shop=lambda: s.shop, clock=s.clock)

    async def ask(
        self, number: str = CUSTOMER, at: datetime | None = None, address: str = "198.51.100.7", **about: object
    ) -> datetime:
        return await self.desk.ask(
            number=number, name="Olga", at=at, origin=SITE, address=address, language="ru", about={**ABOUT, **about}
        )  # fmt: skip

    def visits(self) -> list[dict[str, object]]:
        with self.scene.writer.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(select(site_visits))]


async def test_a_visitor_is_called_by_two_legs_the_employee_first() -> None:
    """C1, C3: the wish is a promised call-back, whose call names the visit."""
    async with scene(replace(OPEN, reception=replace(OPEN.reception, call_back_first=CallBackFirst.CUSTOMER))) as s:
        site = Site(s)
        await site.ask("8 (903) 555-00-01")
        (promise,) = s.call_backs.waiting()
        (visit,) = site.visits()
        assert (promise.number, promise.name, promise.visit_id) == (CUSTOMER, "Olga", visit["id"])
        assert visit["marks"] == {name: ABOUT[name] for name in ABOUT if not name.endswith(("url", "referrer"))}
        assert (visit["page_url"], visit["referrer"]) == (ABOUT["page_url"], ABOUT["referrer"])
        assert visit["consent"] == CONSENT["ru"]
        await s.after(5)
        assert s.trunks["provider"].legs == [], "nobody's number is rung before a person of the shop is there"
        rings_at(s, "101")[0].answers()
        await s.after(2)
        (customer,) = s.trunks["provider"].legs
        customer.answers()
        await s.after(1)
        customer.hangs_up()
        await s.after(1)
        (started,) = [event for event in s.events if isinstance(event, CallStarted)]
        assert (started.visit_id, started.called) == (visit["id"], CUSTOMER)
        assert s.call_backs.waiting() == []


async def test_when_the_shop_is_closed_it_is_when_it_opens_and_a_time_must_be_within_its_hours() -> None:
    hours = Schedule(monday=("09:00-18:00",), tuesday=("09:00-18:00",), thursday=("10:00-12:00",))
    async with scene(replace(OPEN, schedule=hours)) as s:
        now = s.clock()
        site = Site(s)
        opening = s.shop.schedule.state_at(now)
        due = await site.ask()
        assert due == (now if opening.is_open else opening.opens_at)
        (first, *_) = offered = list(slots(s.shop.schedule, now))
        assert all(s.shop.schedule.state_at(each).is_open and each > now for each in offered)
        assert await site.ask("+79035550002", at=first) == first
        for wrong in (first.replace(hour=0), now - timedelta(hours=1), now + timedelta(days=30)):
            with pytest.raises(NotWithinHours):
                await site.ask("+79035550003", at=wrong)
        s.call_backs.cancel(s.call_backs.waiting()[0].id)
        s.call_backs.cancel(s.call_backs.waiting()[0].id)


@pytest.mark.parametrize(
    "number",
    [
        "+88216012345", "+8835100", "+1 212 555 0100", "0044 20 7946 0958", "+380501234567", "+77012345678",
        "+37517", "112", "03",
        "8 809 123 45 67", "+78001234567", "+79540000001", "*21*0900#", "abc", "", "+7903555000", "٠٩٠٣٥٥٥٠٠٠١",
        "+79035550001;ext=1", "+79160000001", "+74951234567", "+79161234567", "+79161112233", "1" * 500, "\x00", "2001",
    ],
)  # fmt: skip
async def test_foreign_premium_and_own_numbers_are_never_called(number: str) -> None:
    """Also where the owner lets phones call abroad; couriers, staff and the shop itself are no customers."""
    courier = CourierSettings(extension="2001", name="Ivan", mobile="+79161234567", lines=("red",))
    phones = (replace(SHOP.phones[0], mobile="+79161112233"), SHOP.phones[1])
    numbers = NumberRules(country="RU", countries=("US", "GB", "UA", "KZ"))
    async with scene(replace(OPEN, couriers=(courier,), phones=phones, numbers=numbers)) as s:
        site = Site(s)
        with pytest.raises(NumberBarred):
            await site.ask(number)
        await s.after(60)
        assert site.visits() == []
        assert s.all_legs() == []


async def test_a_number_cannot_be_rung_again_and_again() -> None:
    """Somebody types another's number all day, from everywhere: promised twice a day, rung six times at most."""
    async with scene(OPEN) as s:
        site, refused = Site(s), 0
        for place in range(20):
            try:
                await site.ask(address=f"198.51.100.{place}")
            except CallBackLimit:
                refused += 1
            for leg in rings_at(s, "101"):
                leg.answers()
            await s.after(120)
            for leg in s.trunks["provider"].legs:
                leg.hangs_up(Cause.NO_ANSWER)
            await s.after(240)
        assert refused == 18
        assert len(s.trunks["provider"].legs) <= 6


async def test_one_address_and_the_whole_site_have_bounds_that_outlive_a_restart() -> None:
    rules = replace(OPEN.widget, per_day=5)
    async with scene(replace(OPEN, widget=rules)) as s:
        s.phones.away = {"101", "102"}
        numbers = iter(f"+790355500{place:02}" for place in range(10, 99))
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3"):
            await Site(s).ask(next(numbers), address=address)
        with pytest.raises(CallBackLimit):
            await Site(s).ask(next(numbers), address="2001:db8:0:0:ffff::9")
        s.set_by = timedelta(minutes=61)
        await Site(s).ask(next(numbers), address="2001:db8::1")
        await Site(s).ask(next(numbers), address="not an address")
        with pytest.raises(CallBackLimit):
            await Site(s).ask(next(numbers), address="203.0.113.1")
        s.set_by = timedelta(days=1, minutes=1)
        await Site(s).ask(next(numbers), address="203.0.113.1")
        for promise in s.call_backs.waiting():
            s.call_backs.cancel(promise.id)


async def test_visitors_leave_room_for_those_who_call() -> None:
    async with scene(replace(OPEN, widget=replace(OPEN.widget, per_day=1000))) as s:
        s.phones.away = {"101", "102"}
        site = Site(s)
        for place in range(MOST_OPEN):
            await site.ask(f"+7903555{place:04}", address=f"203.0.113.{place}")
        with pytest.raises(CallBackLimit):
            await site.ask("+79035559999", address="203.0.113.200")
        assert len(site.visits()) == MOST_OPEN
        assert s.call_backs.can_promise("+79035559999"), "who calls is still offered it"
        for promise in s.call_backs.waiting():
            s.call_backs.cancel(promise.id)


async def test_who_calls_meanwhile_is_not_called_back() -> None:
    async with scene(OPEN) as s:
        site = Site(s)
        s.phones.away = {"101"}
        await site.ask(at=s.clock() + timedelta(hours=1))
        caller = calls_shop(s)
        await s.after(1)
        s.phones.legs["102"][0].answers()
        await s.after(3)
        caller.hangs_up()
        await s.after(1)
        assert s.call_backs.waiting() == []


async def test_whatever_is_typed_nothing_breaks(seed: int) -> None:
    """Random texts in every field: a promise for an ordinary number, or one of three refusals, and only known marks."""
    dice = random.Random(seed)
    alphabet = "0123456789+-()*#;=?&'\"<>javascript:\x00\x7f\u202eЖ🙂 \n"

    def text() -> str:
        return "".join(dice.choices(alphabet, k=dice.choice((0, 3, 11, 40, 300))))

    async with scene(replace(OPEN, widget=replace(OPEN.widget, per_day=1000))) as s:
        s.phones.away = {"101", "102"}
        site = Site(s)
        about: dict[str, object] = {name: text() for name in (*ABOUT, "landing_url", "utm_term", "ymclid", "other")}
        for _ in range(100):
            about[dice.choice(list(about))] = dice.choice((text(), None, 7, ["x"], "https://a.example/" + text()))
            number = dice.choice((CUSTOMER, text(), "+7903" + text()))
            with suppress(NumberBarred, CallBackLimit, NotWithinHours):
                await site.ask(number, None, text(), **about)
        for visit in site.visits():
            assert str(visit["number"]).startswith("+7")
            urls = [str(visit[name]) for name in ("page_url", "landing_url", "referrer")]
            assert all(not url or url.startswith(("https://", "http://")) for url in urls)
            assert all(url.isprintable() and url.isascii() for url in urls)
            assert isinstance(visit["marks"], dict)
            assert "other" not in visit["marks"]
            assert all(each.isprintable() for each in visit["marks"].values())
        for promise in s.call_backs.waiting():
            s.call_backs.cancel(promise.id)


async def test_the_widget_is_off_until_the_owner_names_the_site() -> None:
    async with scene(SHOP) as s:
        site = Site(s)
        assert not site.desk.is_served(SITE)
        assert not site.desk.is_served("")
        s.shop = OPEN
        assert site.desk.is_served(SITE)
        for foreign in ("https://shop.example.evil.example", "http://shop.example", "null", ""):
            assert not site.desk.is_served(foreign)
        s.shop = replace(OPEN, widget=replace(OPEN.widget, on=False))
        assert not site.desk.is_served(SITE)


def test_half_hours_are_offered_within_the_hours_alone() -> None:
    shop = Shop(schedule=Schedule(monday=("09:15-11:00",), wednesday=("22:00-01:00",)), time_zone="Europe/Moscow")
    sunday = datetime.fromisoformat("2027-01-31T12:00:00+03:00")
    told = [f"{each.astimezone(sunday.tzinfo):%a %H:%M}" for each in slots(shop.schedule, sunday)]
    assert told == [
        "Mon 09:30", "Mon 10:00", "Mon 10:30", "Wed 22:00", "Wed 22:30", "Wed 23:00", "Wed 23:30", "Thu 00:00",
        "Thu 00:30",
    ]  # fmt: skip
    assert len(list(slots(Shop().schedule, sunday))) == 48
    never = Shop(schedule=Schedule(exceptions=(), monday=("09:00-10:00",)))
    assert len(list(slots(never.schedule, sunday))) == 2
