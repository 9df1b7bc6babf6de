"""What visitors of the web site came to: where from, their calls, both legs' cost (C2, C3), and Metrica's rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.events import CallAnswered, CallEnded, CallStarted, EventBus, LegAnswered, LegEnded, LegStarted
from gateway.ids import new_id
from gateway.settings import Settings
from gateway.store.database import open_engine
from gateway.store.erasure import NumberErasure
from gateway.store.number_traces import TracedNumber
from gateway.store.queries import Queries
from gateway.store.site_report import SiteReports
from gateway.store.store import Store, open_store
from gateway.telephony.shop import NumberRules
from gateway.telephony.tariffs import TariffSettings
from gateway.telephony.widget import MARKS, SiteVisit
from tests.api.shapes import assert_fits
from tests.fakes.exchange_view import SHOP
from tests.store.conftest import HandClock
from tests.store.test_retention import an_hour

OLGA, IVAN, PETR = "+79035550001", "+79035550002", "+79035550003"
TARIFFS = (TariffSettings(way="red", per_minute="2"), TariffSettings(way="blue", per_minute="1.50"))


async def _visit(store: Store, clock: HandClock, number: str, **changes: object) -> str:
    visit = SiteVisit(
        id=new_id(), number=number, name="=Olga", origin="https://shop.example", asked_at=clock(), due_at=clock(),
        page_url="https://shop.example/tires", consent="I agree", marks={"ym_client_id": "133591247640966458"},
    )  # fmt: skip
    visit = replace(visit, **changes)  # type: ignore[arg-type]  # names of its fields
    assert await store.visits.admit(visit, address=number)
    clock.pass_by(seconds=20)
    return visit.id


def _call(bus: EventBus, clock: HandClock, *, number: str, seconds: int, visit_id: str | None) -> str:
    """An employee at a mobile by the line red, and the visitor by blue: both legs are paid for."""
    call_id, mobile, customer = new_id(), new_id(), new_id()
    bus.publish(
        CallStarted(
            call_id=call_id, direction="outgoing", caller="101", called=number, line=None, flow="return-call",
            visit_id=visit_id,
        )
    )  # fmt: skip
    for leg_id, way, peer in ((mobile, "red", "+79161112233"), (customer, "blue", number)):
        bus.publish(LegStarted(call_id=call_id, leg_id=leg_id, kind="gsm", direction="outgoing", peer=peer, line=way))
    bus.publish(LegAnswered(call_id=call_id, leg_id=mobile))
    clock.pass_by(seconds=10)
    if seconds:
        bus.publish(LegAnswered(call_id=call_id, leg_id=customer))
        bus.publish(CallAnswered(call_id=call_id, answered_by=number))
        clock.pass_by(seconds=seconds)
    for leg_id in (customer, mobile):
        bus.publish(
            LegEnded(
                call_id=call_id, leg_id=leg_id, cause="hung-up", ended_by_peer=True, frames_in=0, frames_out=0, lost=0,
                concealed=0,
            )
        )  # fmt: skip
    bus.publish(
        CallEnded(
            call_id=call_id, cause="hung-up", ended_by="callee", talk_seconds=float(seconds),
            total_seconds=10.0 + seconds,
        )
    )  # fmt: skip
    clock.pass_by(seconds=60)
    return call_id


async def test_the_report_is_the_sum_of_both_legs_and_the_file_is_as_metrica_documents_it(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    began = clock()
    async with open_store(places, clock, bus) as store:
        await store.save_shop(replace(SHOP, tariffs=TARIFFS), by="test")
        marks = {"ym_client_id": "133591247640966458", "utm_source": "ya", "yclid": "77"}
        olga = await _visit(store, clock, OLGA, marks=marks)
        vain = _call(bus, clock, number=OLGA, seconds=0, visit_id=olga)
        answered_at = clock()
        reached = _call(bus, clock, number=OLGA, seconds=80, visit_id=olga)
        other = _call(bus, clock, number=IVAN, seconds=30, visit_id=None)
        ivan = await _visit(store, clock, IVAN)
        _call(bus, clock, number=IVAN, seconds=0, visit_id=ivan)
        await _visit(store, clock, PETR, marks={"gclid": "x"})
    # Olga in vain: 10 s at the mobile; reached: 90 s there (two minutes) and 80 s with her (two minutes); Ivan in vain.
    expected = 2.0 + (4.0 + 3.0) + 2.0
    with SiteReports(places) as site, Queries(places) as queries:
        found = site.widget(began, clock())
        assert_fits(found, "WidgetReport")
        assert found["total"] == {"visitors": 3, "calls": 3, "reached": 1, "talk_seconds": 80.0, "cost": expected}
        assert [item["number"] for item in found["items"]] == [PETR, IVAN, OLGA]  # type: ignore[attr-defined]  # as the schema says
        call = queries.call(reached)
        assert call is not None
        assert_fits(call, "Call")
        assert call["visit"]["marks"] == marks  # type: ignore[index]  # as the schema says
        assert call["cost"] == 7.0
        plain = queries.call(other)
        assert plain is not None
        assert plain["visit"] is None
        columns, rows = site.metrica(began, clock(), "ClientId")
        assert columns == (
            "ClientId", "DateTime", "StaticCall", "PhoneNumber", "TalkDuration", "HoldDuration", "CallMissed", "Tag",
            "FirstTimeCaller", "URL",
        )  # fmt: skip
        assert rows[0] == [
            "133591247640966458", int(answered_at.timestamp()), 0, OLGA, 80, 10, 0, "callback-widget", 0,
            "https://shop.example/tires",
        ]  # fmt: skip
        assert [(row[3], row[6], row[8]) for row in rows] == [(OLGA, 0, 0), (IVAN, 1, 0)]
        assert [row[0] for row in site.metrica(began, clock(), "Yclid")[1]] == ["77"]
        assert site.metrica(began - timedelta(days=2), began, "ClientId")[1] == []
        with pytest.raises(KeyError):
            site.metrica(began, clock(), "UserId")
    assert vain


async def test_a_first_call_is_said_to_be_one(places: Settings, clock: HandClock, bus: EventBus) -> None:
    began = clock()
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        visit = await _visit(store, clock, OLGA)
        _call(bus, clock, number=OLGA, seconds=5, visit_id=visit)
    with SiteReports(places) as site:
        assert site.metrica(began, clock(), "ClientId")[1][0][8] == 1
        assert site.widget(began, clock())["total"]["cost"] is None  # type: ignore[index]  # no tariff fits


async def test_an_erased_number_leaves_no_visit(places: Settings, clock: HandClock, bus: EventBus) -> None:
    began = clock()
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        visit = await _visit(store, clock, OLGA)
        await _visit(store, clock, IVAN)
        _call(bus, clock, number=OLGA, seconds=5, visit_id=visit)
    engine = open_engine(places.database)
    erasure = NumberErasure(TracedNumber(OLGA, NumberRules()), places.recordings_dir)
    with engine.begin() as connection:
        for _, step in erasure.steps(erasure.find(connection, clock()), clock()):
            step(connection)
    engine.dispose()
    with SiteReports(places) as site:
        left = site.widget(began, clock())["items"]
    assert [each["number"] for each in left] == [IVAN]  # type: ignore[attr-defined]  # as the schema says


async def test_visits_are_forgotten_when_their_days_are_over(places: Settings, clock: HandClock, bus: EventBus) -> None:
    """Also when the widget is off by then and nobody asks any more."""
    began = clock()
    places.recordings_dir.mkdir(parents=True, exist_ok=True)

    def kept() -> list[object]:
        with SiteReports(places) as site:
            return [each["number"] for each in site.widget(began, clock())["items"]]  # type: ignore[attr-defined]  # as the schema says

    async with open_store(places, clock, bus) as store:
        retention = store.retention(places.recordings_dir, used=lambda _directory: 0.0)
        await _visit(store, clock, OLGA)
        clock.pass_by(days=89)
        await _visit(store, clock, IVAN)
        await retention.sweep()
        await an_hour(clock)
        await retention.sweep()
        assert kept() == [IVAN, OLGA]
        await an_hour(clock, 24)
        await retention.sweep()
        assert kept() == [IVAN]


def test_no_mark_can_carry_a_formula_into_the_file() -> None:
    forms: list[Callable[[str], object]] = [MARKS[name].fullmatch for name in ("ym_client_id", "yclid")]
    for form in forms:
        assert not any(form(text) for text in ("=1+1", "+7", "-1", "@x", "1,2", "1\n2", "", "٣"))
