"""SMS and phones: an extension writes by the line that names it, and is given what the line receives, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.errors import NumberBarred, TextNotAllowed
from gateway.events import Published, SmsReceived
from gateway.messaging.desk import MessageDesk
from gateway.modem.text_lines import count_parts
from gateway.telephony.shop import LineSettings, PhoneSettings, Shop
from tests.fakes.direct_store import DirectStore, direct_store, loop_clock
from tests.fakes.text_line import FakeTextLine

SHOP = Shop(
    lines=(LineSettings(name="red", modem="m0"), LineSettings(name="blue", modem="m1", texts=("101", "102"))),
    phones=tuple(PhoneSettings(extension=each, password="not-told-to-anybody") for each in ("101", "102", "103")),
)
COURIER = "+79161234567"


@dataclass
class Phones:
    """Take messages while they are `on`."""

    on: set[str] = field(default_factory=lambda: {"101", "102"})
    taken: list[tuple[str, str, str]] = field(default_factory=list)

    async def deliver(self, extension: str, *, sender: str, text: str) -> bool:
        if extension not in self.on:
            return False
        self.taken.append((extension, sender, text))
        return True


@dataclass
class Room:
    store: DirectStore
    phones: Phones
    lines: dict[str, FakeTextLine]
    desk: MessageDesk

    def receive(self, text: str | None, line: str = "blue", message_id: str = "m1") -> None:
        event = SmsReceived(message_id=message_id, line=line, sender="MegaFon", text=text, parts=1)
        self.desk.follow(Published(1, loop_clock(), event))


@asynccontextmanager
async def room(directory: Path) -> AsyncIterator[Room]:
    phones, lines = Phones(), {name: FakeTextLine(name) for name in ("red", "blue")}
    with direct_store(directory) as store:
        desk = MessageDesk(
            store, lines, phones=phones, shop=lambda: SHOP, count_parts=count_parts, publish=store.events.append,
            clock=loop_clock,
        )  # fmt: skip
        async with desk:
            await asyncio.sleep(0)
            yield Room(store, phones, lines, desk)


async def test_a_phone_writes_by_the_line_that_names_it(tmp_path: Path) -> None:
    async with room(tmp_path) as r:
        message_id = await r.desk.texts_of_phones.send("102", COURIER, "Еду")
        await asyncio.sleep(60)
        assert [text for _, _, text in r.lines["blue"].sent] == ["Еду"]
        assert not r.lines["red"].sent
        assert r.store.rows(f"SELECT by FROM messages WHERE id = '{message_id}'") == [("102",)]  # noqa: S608  # our id


async def test_nobody_else_writes(tmp_path: Path) -> None:
    async with room(tmp_path) as r:
        with pytest.raises(TextNotAllowed):
            await r.desk.texts_of_phones.send("103", COURIER, "x")
        with pytest.raises(NumberBarred):
            await r.desk.texts_of_phones.send("101", "+88213000000", "x")
        await asyncio.sleep(600)
        assert r.store.rows("SELECT count(*) FROM messages") == [(0,)]


async def test_what_a_line_receives_goes_to_its_phones_once(tmp_path: Path) -> None:
    async with room(tmp_path) as r:
        for _ in range(2):
            r.receive("Баланс 5 р.")
        r.receive("by another line", line="red", message_id="m2")
        r.receive(None, message_id="m3")
        await asyncio.sleep(3600)
        assert sorted(r.phones.taken) == [("101", "MegaFon", "Баланс 5 р."), ("102", "MegaFon", "Баланс 5 р.")]


async def test_a_phone_that_is_off_gets_it_when_it_is_back_also_after_a_restart(tmp_path: Path) -> None:
    async with room(tmp_path) as r:
        r.phones.on = {"101"}
        r.receive("later")
        await asyncio.sleep(3600)
        assert r.phones.taken == [("101", "MegaFon", "later")]
    async with room(tmp_path) as r:
        await asyncio.sleep(120)
        assert r.phones.taken == [("102", "MegaFon", "later")]


async def test_what_a_flow_has_promised_is_sent_once(tmp_path: Path) -> None:
    async with room(tmp_path) as r:
        promised = r.desk.jobs.promise("send-sms", {"number": COURIER, "text": "We will call you", "by": "reception"})
        await promised.kept()
        await asyncio.sleep(120)
        assert sum(len(line.sent) for line in r.lines.values()) == 1
        assert r.store.rows("SELECT id, by FROM messages") == [(promised.job_id, "reception")]


async def test_the_same_word_of_a_missed_call_goes_out_once_an_hour(tmp_path: Path) -> None:
    async with room(tmp_path) as r:
        for minutes in (10, 10, 10, 40):
            r.desk.promise_text(COURIER, "The customer of order 1001 called you.", "2001")
            await asyncio.sleep(60 * minutes)
        sent = [text for line in r.lines.values() for _, _, text in line.sent]
        assert sent == ["The customer of order 1001 called you."]
        r.desk.promise_text(COURIER, "The customer of order 1001 called you.", "2001")
        r.desk.promise_text(COURIER, "The customer of order 1002 called you.", "2001")
        await asyncio.sleep(600)
        assert len([text for line in r.lines.values() for _, _, text in line.sent]) == 3
