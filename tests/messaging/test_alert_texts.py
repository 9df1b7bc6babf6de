"""Alerts by SMS while the network is gone: first that it is, each once an hour, and not for ever."""

from __future__ import annotations

import asyncio

from gateway.events import AlertCleared, AlertRaised, Event, Published, ShopChanged
from gateway.messaging.alert_targets import AlertTargets
from gateway.messaging.alert_texts import MOST_IN_A_DAY, AlertTexts
from gateway.telephony.shop import Shop
from tests.fakes.direct_store import loop_clock

GONE = AlertRaised(code="network-gone", subject="network", values={})
BACK = AlertCleared(code="network-gone", subject="network")
DISK = AlertRaised(code="store-error", subject="disk", values={"detail": "database or disk is full"})
DISK_BACK = AlertCleared(code="store-error", subject="disk")
LOST = AlertRaised(code="modem-lost", subject="m0", values={"modem": "m0", "port": "/dev/ttyUSB0"})


class Sent:
    """An alert's way to two numbers."""

    def __init__(self, *numbers: str, language: str = "en", always: bool = False) -> None:
        self.texts: list[tuple[str, str, str]] = []
        self.past_disk: list[tuple[str, str, str]] = []
        shop = Shop(name="Flowers", language=language)
        targets = AlertTargets(sms=numbers, sms_always=always)
        self._alerts = AlertTexts(
            lambda: targets,
            lambda *text: self.texts.append(text),
            past_disk=lambda *text: self.past_disk.append(text),
            shop=lambda: shop,
        )

    def happens(self, *events: Event) -> None:
        for event in events:
            self._alerts(Published(1, loop_clock(), event))


async def test_with_a_network_nothing_is_paid_for() -> None:
    sent = Sent("+79161234567")
    sent.happens(LOST, ShopChanged(by="anna"))
    sent.happens(GONE, BACK, LOST)
    assert [text for _, text, _ in sent.texts if "Flowers" in text] == [text for _, text, _ in sent.texts[:1]]


async def test_without_a_network_every_alert_goes_to_every_number_once_an_hour() -> None:
    sent = Sent("+79161234567", "+79160000002")
    sent.happens(GONE, LOST, LOST)
    assert [(number, by) for number, _, by in sent.texts] == [
        ("+79161234567", "alerts"), ("+79160000002", "alerts"), ("+79161234567", "alerts"), ("+79160000002", "alerts"),
    ]  # fmt: skip
    assert sent.texts[0][1] == "Flowers: The gateway is cut off from the network. (network)"
    assert "m0" in sent.texts[2][1]
    await asyncio.sleep(3599)
    sent.happens(LOST)
    assert len(sent.texts) == 4
    await asyncio.sleep(2)
    sent.happens(LOST)
    assert len(sent.texts) == 6


async def test_who_wants_them_always_gets_them_with_a_network_too() -> None:
    sent = Sent("+79161234567", always=True)
    sent.happens(AlertRaised(code="budget-spent", subject="line red", values={}), ShopChanged(by="anna"), BACK)
    assert [text for _, text, _ in sent.texts] == ["Flowers: Today's minutes are used up. (line red)"]


async def test_a_day_has_its_limit() -> None:
    sent = Sent("+79161234567", language="ru")
    sent.happens(GONE)
    for number in range(30):
        sent.happens(AlertRaised(code="modem-lost", subject=f"m{number}", values={}))
    assert len(sent.texts) == MOST_IN_A_DAY
    assert sent.texts[0][1].startswith("Flowers: Шлюз отрезан от сети.")
    await asyncio.sleep(86_401)
    sent.happens(LOST)
    assert len(sent.texts) == MOST_IN_A_DAY + 1
    assert max(len(text) for _, text, _ in sent.texts) <= 134


async def test_nobody_is_named_and_nothing_is_sent() -> None:
    sent = Sent()
    sent.happens(GONE, LOST)
    assert sent.texts == []


async def test_a_disk_that_takes_nothing_is_told_past_it() -> None:
    """X-P5: once, with a network too; nothing is promised that cannot be kept."""
    sent = Sent("+79161234567")
    sent.happens(DISK, LOST, DISK)
    assert [text for _, text, _ in sent.past_disk] == [sent.past_disk[0][1]]
    assert "Flowers: " in sent.past_disk[0][1]
    sent.happens(GONE)
    assert (len(sent.past_disk), sent.texts) == (2, [])
    sent.happens(DISK_BACK, LOST)
    assert (len(sent.past_disk), len(sent.texts)) == (2, 1)
