"""The dashboard: the day beside the days before, what needs attention, SIM cards, room, budget and the machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from gateway.doctor.vitals import Vitals, Voltage
from gateway.events import AlertAcknowledged, AlertRaised, ModemChanged, PhoneRegistered, TrunkChanged
from gateway.store.figures import Figures
from gateway.store.overview import Counted
from gateway.store.recording_room import RecordingRate
from gateway.telephony.shop import TrunkSettings
from gateway.telephony.toll_free import TollFreeRules
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.reports import missed_row
from web.parts import PARTS

CALM = Vitals(
    processors=4, load=0.52, memory_bytes=4_000_000_000, free_memory_bytes=1_000_000_000, up_seconds=86400.0,
    degrees=61.5, voltage=Voltage.GOOD,
)  # fmt: skip


def test_the_day_stands_beside_the_seven_before(owner: FlaskClient, gateway: GatewayThread) -> None:
    """12 calls; 4 of 8 callers within two rings, 80 % before; 3 of 8 lost, 10 % before."""
    gateway.reports.customers = [missed_row(), missed_row("+79031112244")]
    text = owner.get("/parts/today").text
    assert "<strong>12</strong>" in text
    assert "8 incoming, 4 outgoing" in text
    assert "<strong>50\u00a0%</strong>" in text
    assert "−30 points <b>worse</b></span> · 7 days before: 80\u00a0%" in text
    assert "<strong>38\u00a0%</strong>" in text
    assert "+28 points <b>worse</b></span> · 7 days before: 10\u00a0%" in text
    assert "Call them back; the longest has waited since" in text
    gateway.reports.today = Counted(figures=Figures(), quick=0)
    text = owner.get("/parts/today").text
    assert text.count("<strong>–</strong>") == 2
    assert "worse" not in text
    owner.set_cookie("language", "ru")
    text = owner.get("/parts/today").text
    assert "Отвечено за два гудка" in text
    assert "за 7 дней до этого: 80\u00a0%" in text


def test_it_is_shown_anew_when_a_call_ends_and_nothing_of_the_store_is_asked_when_a_phone_rings() -> None:
    assert {"history", "missed"} <= set(PARTS["today"].topics)
    assert "calls" not in PARTS["today"].topics
    assert {"calls", "lines", "phones", "queue"} <= set(PARTS["tiles"].topics)


def test_lines_are_free_busy_or_need_care(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.publish(ModemChanged(modem="m0", line="red", state="ready", reason=None))
    text = owner.get("/parts/tiles").text
    assert "1 free, 0 in a call. 1 line needs care" in text
    assert "1 is not registered" in text


def test_promised_call_backs_are_told_with_the_next_one(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "Promised call-backs" not in owner.get("/parts/tiles").text
    due = datetime.now(UTC) + timedelta(days=3)
    gateway.call_backs.add("+79035550001", due_at=due)
    gateway.call_backs.add("+79035550002", due_at=due + timedelta(hours=1))
    text = owner.get("/parts/tiles").text
    assert "Promised call-backs</span><strong>2</strong>" in text
    assert f"{due + timedelta(hours=3):%H:%M}" in text, "by the shop's clock, which is Moscow's"


def test_what_needs_attention_says_why(owner: FlaskClient, gateway: GatewayThread) -> None:
    provider = TrunkSettings(name="city", host="sip.example.net", number="+74951234567")
    gateway.shop = replace(gateway.shop, trunks=(provider,), phones=gateway.shop.phones[:1])
    gateway.publish(
        ModemChanged(modem="m0", line="red", state="ready", reason=None),
        ModemChanged(modem="m1", line="blue", state="searching", reason="no-network"),
        AlertRaised(code="no-network", subject="line blue", values={}),
        TrunkChanged(trunk="city", state="failed", reason="wrong-password"),
    )
    text = owner.get("/parts/attention").text
    assert text.count('<li class="bad">') == 2
    assert text.count("Line blue") == 1, "the alert says it of the line"
    assert "Provider city" in text
    assert "password" in text
    assert "1 phone is not registered" in text
    extension = gateway.shop.phones[0].extension
    gateway.shop = replace(gateway.shop, trunks=(), lines=gateway.shop.lines[:1])
    gateway.publish(
        AlertAcknowledged(code="no-network", subject="line blue", by="anna"),
        PhoneRegistered(extension=extension, contact="sip:1@192.168.1.2", expires_seconds=60, user_agent="x"),
    )
    text = owner.get("/parts/attention").text
    assert '<li class="bad">' not in text
    assert "seen by anna" in text
    assert "phone is not registered" not in text


def test_nothing_needs_attention(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.shop = replace(gateway.shop, trunks=(), lines=(), phones=(), couriers=())
    assert "Nothing needs attention" in owner.get("/parts/attention").text


def test_sim_cards_are_a_table(owner: FlaskClient, gateway: GatewayThread) -> None:
    text = owner.get("/parts/sims").text
    for line in gateway.shop.lines:
        assert f'href="/lines#line-{line.name}"' in text
    gateway.shop = replace(gateway.shop, lines=())
    assert "No lines yet" in owner.get("/parts/sims").text


def test_room_for_recordings_is_days_or_enough(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "Nothing has been recorded lately" in owner.get("/parts/today").text
    gateway.reports.rate = RecordingRate(kept_bytes=10**18, bytes_per_day=1000)
    assert "for all that is kept for 90 days" in owner.get("/parts/today").text
    gateway.reports.rate = RecordingRate(kept_bytes=0, bytes_per_day=10**18)
    text = owner.get("/parts/today").text
    assert "<strong>0 days</strong>" in text
    assert "then the oldest recordings go before their time" in text


@pytest.mark.parametrize(
    ("vitals", "said", "warns"),
    [
        (CALM, "All is well", False),
        (replace(CALM, degrees=82.0), "Too hot", True),
        (replace(CALM, voltage=Voltage.LOW, degrees=82.0), "Too little power", True),
        (replace(CALM, voltage=Voltage.WAS_LOW), "Power was too low", True),
        (replace(CALM, free_memory_bytes=1_000_000), "Too little memory", True),
        (replace(CALM, load=9.0), "Overloaded", True),
    ],
)
def test_the_machine_is_told(
    owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, vitals: Vitals, said: str, *, warns: bool
) -> None:
    monkeypatch.setattr("gateway.worker.overview_routes.read_vitals", lambda: vitals)
    text = owner.get("/parts/today").text
    tile = text[text.rindex('<li><a class="tile') :]
    assert f'<strong class="words">{said}</strong>' in tile
    assert ('class="tile warn"' in tile) is warns
    assert f"{vitals.degrees:.0f} °C" in tile
    assert 'href="/system"' in tile


def test_the_budget_of_a_toll_free_number_is_a_bar_for_who_may_see_it(
    owner: FlaskClient, gateway: GatewayThread
) -> None:
    free = TrunkSettings(name="free", host="sip.example.net", number="+78001234567")
    gateway.shop_file.shop = replace(gateway.shop_file.shop, trunks=(free,))
    assert "budget" not in owner.get("/parts/today").text
    rules = TollFreeRules(per_minute="3.50", bills_ringing=True, daily_budget=500)
    gateway.shop_file.shop = replace(gateway.shop_file.shop, toll_free=rules)
    text = owner.get("/parts/today").text
    assert "0.00 of 500 RUB spent" in text
    assert '<progress max="500" value="0' in text
