"""The way out: paced, limited, tried again, given up, and never twice; in virtual time on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import OutboxFull, SmsLimitReached, StoreError
from gateway.events import AlertCleared, AlertRaised, SmsChanged
from gateway.messaging import outbox as outbox_module
from gateway.messaging.outbox import SmsOutbox
from gateway.modem.text_lines import count_parts
from gateway.telephony.ledger import DeliveryReport
from gateway.telephony.messages import PartOutcome, PartRefused, PartTaken, PartUnknown
from gateway.telephony.shop import LineSettings, Shop
from tests.fakes.direct_store import DirectStore, direct_store, loop_clock
from tests.fakes.text_line import FakeTextLine

COURIER = "+79161234567"
LONG = "Заказ 1001 готов, заберите его до восьми вечера. " * 4
BUSY = PartRefused("sms-network-busy", is_final=False)


@dataclass
class Room:
    store: DirectStore
    lines: dict[str, FakeTextLine]
    shop: Shop
    outbox: SmsOutbox = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = SmsOutbox(
            self.store.outbox, self.lines, shop=lambda: self.shop, count_parts=count_parts,
            publish=self.store.events.append, clock=loop_clock,
        )  # fmt: skip

    @property
    def states(self) -> list[str]:
        """What a person sees of all messages, in order."""
        return [event.state for event in self.store.events if isinstance(event, SmsChanged)]

    def state(self, message_id: str) -> tuple[str, str | None]:
        found = self.store.rows(f"SELECT state, failure FROM messages WHERE id = '{message_id}'")  # noqa: S608  # our id
        return found[0][0], found[0][1]

    async def until(self, message_id: str, state: str, within: float = 3600.0) -> None:
        async with asyncio.timeout(within):
            while self.state(message_id)[0] != state:  # noqa: ASYNC110  # the database has no event to wait on
                await asyncio.sleep(max(0.5, within / 2000))


def shop(**settings: Any) -> Shop:
    names = ("red", "blue")
    return Shop(lines=tuple(LineSettings(name=name, modem=name, **settings) for name in names))


@asynccontextmanager
async def room(
    directory: Path, rules: Shop | None = None, *, lines: dict[str, FakeTextLine] | None = None, crash: bool = False
) -> AsyncIterator[Room]:
    """An outbox that runs; `crash`: it is thrown away at the end without a word."""
    lines = lines or {name: FakeTextLine(name) for name in ("red", "blue")}
    with direct_store(directory) as store:
        r = Room(store, lines, rules or shop())
        running = asyncio.create_task(r.outbox.run())
        await asyncio.sleep(0)
        try:
            yield r
        finally:
            store.writer.is_away = crash
            outbox_module.FAREWELL_SECONDS = 0.0 if crash else 6.0
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            outbox_module.FAREWELL_SECONDS = 6.0


async def test_a_message_goes_out_and_is_reported(tmp_path: Path) -> None:
    async with room(tmp_path) as r:
        message = await r.outbox.send("8 916 123-45-67", "Привет, мир!", by="anna")
        assert (message.to, message.parts) == (COURIER, 1)
        await r.until(message.id, "sent")
        carried = next(line for line in r.lines.values() if line.sent)
        assert [(to, text) for _, to, text in carried.sent] == [(COURIER, "Привет, мир!")]
        await r.store.inbox.report(DeliveryReport(imsi=carried.imsi, reference=1, recipient=COURIER, status=0x30))
        assert r.state(message.id) == ("sent", None)
        await r.store.inbox.report(DeliveryReport(imsi=carried.imsi, reference=1, recipient=COURIER, status=0))
        assert r.state(message.id) == ("delivered", None)
        assert r.states == ["queued", "sending", "sent", "delivered"]


async def test_what_may_cost_money_is_on_disk_before_the_modem_is_told(tmp_path: Path) -> None:
    seen: list[list[tuple[object, ...]]] = []
    async with room(tmp_path) as r:
        for line in r.lines.values():
            line.before = lambda: seen.append(r.store.rows("SELECT part, state, local_day FROM outgoing_parts"))
        message = await r.outbox.send(COURIER, "x", by="anna")
        await r.until(message.id, "sent")
    assert seen == [[(1, "sending", "2026-03-02")]]


async def test_a_long_text_goes_in_parts_by_one_line_and_is_delivered_when_all_are(tmp_path: Path) -> None:
    async with room(tmp_path) as r:
        message = await r.outbox.send(COURIER, LONG, by="anna")
        assert message.parts == 3
        await r.until(message.id, "sent")
        (line,) = [line for line in r.lines.values() if line.sent]
        assert "".join(text for _, _, text in line.sent) == LONG
        for reference in (3, 1):
            await r.store.inbox.report(DeliveryReport(imsi=line.imsi, reference=reference, recipient=COURIER, status=0))
            assert r.state(message.id)[0] == "sent"
        await r.store.inbox.report(DeliveryReport(imsi=line.imsi, reference=2, recipient=COURIER, status=1))
        assert r.state(message.id)[0] == "delivered"


async def test_a_part_that_is_not_delivered_fails_the_message(tmp_path: Path) -> None:
    async with room(tmp_path) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await r.until(message.id, "sent")
        await r.store.inbox.report(DeliveryReport(imsi="other", reference=1, recipient=COURIER, status=0x41))
        assert r.state(message.id) == ("sent", None)
        imsi = r.lines["red"].imsi
        await r.store.inbox.report(DeliveryReport(imsi=imsi, reference=1, recipient=COURIER, status=0x41))
        assert r.state(message.id) == ("failed", "not-delivered")


async def test_no_sim_sends_more_than_its_pace_in_any_minute(tmp_path: Path) -> None:
    async with room(tmp_path, shop(sms_per_minute=6)) as r:
        messages = [await r.outbox.send(COURIER, f"{number}", by="anna") for number in range(30)]
        for message in messages:
            await r.until(message.id, "sent")
        for line in r.lines.values():
            moments = [at for at, _, _ in line.sent]
            assert len(moments) == 15
            assert all(later - earlier >= 59.9 for earlier, later in zip(moments, moments[6:], strict=False))


async def test_the_pace_holds_across_a_restart(tmp_path: Path) -> None:
    lines = {"red": FakeTextLine("red", seconds=0.1)}
    async with room(tmp_path, lines=lines) as r:
        for number in range(6):
            await r.until((await r.outbox.send(COURIER, f"{number}", by="anna", line="red")).id, "sent")
        restarted_at = asyncio.get_running_loop().time()
    async with room(tmp_path, lines=lines) as r:
        message = await r.outbox.send(COURIER, "7", by="anna", line="red")
        await r.until(message.id, "sent")
    assert lines["red"].sent[-1][0] - restarted_at > 59


async def test_the_limit_of_the_day_holds_and_is_told(tmp_path: Path) -> None:
    rules = shop(sms_per_day=2, sms_per_minute=60)
    async with room(tmp_path, rules) as r:
        sent = [await r.outbox.send(COURIER, f"{number}", by="anna") for number in range(4)]
        for message in sent:
            await r.until(message.id, "sent")
        with pytest.raises(SmsLimitReached):
            await r.outbox.send(COURIER, "one more", by="anna")
    async with room(tmp_path, rules) as r:
        with pytest.raises(SmsLimitReached):
            await r.outbox.send(COURIER, "one more", by="anna")
        await asyncio.sleep(24 * 3600)
        message = await r.outbox.send(COURIER, "a new day", by="anna")
        await r.until(message.id, "sent")


async def test_what_was_accepted_and_meets_the_limit_waits_with_an_alert(tmp_path: Path) -> None:
    async with room(tmp_path, shop(sms_per_day=1, sms_per_minute=60)) as r:
        messages = [await r.outbox.send(COURIER, f"{number}", by="anna", line="red") for number in range(2)]
        await r.until(messages[0].id, "sent")
        await asyncio.sleep(60)
        assert r.state(messages[1].id)[0] == "queued"
        await r.until(messages[1].id, "sent", within=24 * 3600)
        alerts = [event for event in r.store.events if isinstance(event, AlertRaised | AlertCleared)]
        assert [(type(each).__name__, each.code) for each in alerts] == [
            ("AlertRaised", "sms-limit"), ("AlertCleared", "sms-limit"),
        ]  # fmt: skip


async def test_a_busy_network_is_tried_again_by_another_line(tmp_path: Path) -> None:
    lines = {"red": FakeTextLine("red", signal_dbm=-51, outcomes=[BUSY]), "blue": FakeTextLine("blue")}
    async with room(tmp_path, lines=lines) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await asyncio.sleep(5)
        assert r.state(message.id) == ("queued", "sms-network-busy")
        await r.until(message.id, "sent", within=60)
        assert sum(len(line.sent) for line in lines.values()) == 1
        assert r.store.rows("SELECT count(*) FROM outgoing_parts") == [(1,)]


async def test_the_rest_of_a_message_goes_by_the_line_that_began_it(tmp_path: Path) -> None:
    lines = {"red": FakeTextLine("red", signal_dbm=-51, outcomes=[PartTaken(9), BUSY]), "blue": FakeTextLine("blue")}
    async with room(tmp_path, lines=lines) as r:
        message = await r.outbox.send(COURIER, LONG, by="anna")
        await r.until(message.id, "sent")
        assert "".join(text for _, _, text in lines["red"].sent) == LONG
        assert not lines["blue"].sent


@pytest.mark.parametrize("outcome", [PartRefused("sms-number-wrong", is_final=True)])
async def test_what_cannot_become_better_is_not_tried_again(tmp_path: Path, outcome: PartOutcome) -> None:
    async with room(tmp_path, lines={"red": FakeTextLine("red", outcomes=[outcome])}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await r.until(message.id, "failed")
        await asyncio.sleep(3600)
        assert r.state(message.id) == ("failed", "sms-number-wrong")
        assert not r.lines["red"].sent
        assert await r.store.outbox.used("2026-03-02") == {}


async def test_an_unknown_outcome_is_shown_and_not_sent_again_until_somebody_says_so(tmp_path: Path) -> None:
    async with room(tmp_path, lines={"red": FakeTextLine("red", outcomes=[PartUnknown("modem-lost")])}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await r.until(message.id, "unknown")
        await asyncio.sleep(2 * 24 * 3600)
        assert r.state(message.id) == ("unknown", "outcome-unknown")
        assert not r.lines["red"].sent
        assert await r.outbox.send_again(message.id)
        assert not await r.outbox.send_again(message.id)
        await r.until(message.id, "sent")


async def test_a_delivery_report_settles_an_unknown_outcome(tmp_path: Path) -> None:
    async with room(tmp_path, lines={"red": FakeTextLine("red", outcomes=[PartUnknown("at-timeout")])}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await r.until(message.id, "unknown")
        imsi = r.lines["red"].imsi
        await r.store.inbox.report(DeliveryReport(imsi=imsi, reference=200, recipient=COURIER, status=0))
        assert r.state(message.id) == ("delivered", None)


@pytest.mark.parametrize(("status", "state"), [(0, "delivered"), (0x41, "failed"), (0x30, "sent")])
async def test_a_report_may_be_quicker_than_the_modems_own_word(tmp_path: Path, status: int, state: str) -> None:
    async with room(tmp_path, lines={"red": FakeTextLine("red")}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await asyncio.sleep(1.5)
        imsi = r.lines["red"].imsi
        await r.store.inbox.report(DeliveryReport(imsi=imsi, reference=1, recipient=COURIER, status=status))
        assert r.state(message.id)[0] == "sending"
        await asyncio.sleep(3)
        assert r.state(message.id)[0] == state
        assert r.states[-1] == state


async def test_a_report_may_be_quicker_than_the_loss_of_the_modem(tmp_path: Path) -> None:
    async with room(tmp_path, lines={"red": FakeTextLine("red", outcomes=[PartUnknown("modem-lost")])}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await asyncio.sleep(1.5)
        imsi = r.lines["red"].imsi
        await r.store.inbox.report(DeliveryReport(imsi=imsi, reference=77, recipient=COURIER, status=0))
        await asyncio.sleep(3)
        assert r.state(message.id) == ("delivered", None)
        assert r.states == ["queued", "sending", "delivered"]


async def test_of_several_without_a_reference_the_networks_clock_decides_or_nobody(tmp_path: Path) -> None:
    outcomes: list[PartOutcome] = [PartUnknown("at-timeout"), PartUnknown("modem-lost")]
    async with room(tmp_path, lines={"red": FakeTextLine("red", outcomes=outcomes)}) as r:
        began = loop_clock()
        messages = []
        for text in ("lost", "lost too", "x"):
            messages.append(await r.outbox.send(COURIER, text, by="anna"))
            await asyncio.sleep(20)
        imsi = r.lines["red"].imsi

        async def report(reference: int, **after: float) -> None:
            sent_at = began + timedelta(**after)
            await r.store.inbox.report(
                DeliveryReport(imsi=imsi, reference=reference, recipient=COURIER, status=0, sent_at=sent_at)
            )

        assert [r.state(each.id)[0] for each in messages] == ["unknown", "unknown", "sent"]
        await report(200, days=-30)  # a clock that is wrong
        assert [r.state(each.id)[0] for each in messages] == ["unknown", "unknown", "sent"]
        await report(201, seconds=24)
        assert [r.state(each.id)[0] for each in messages] == ["unknown", "delivered", "sent"]
        await report(1, seconds=44)  # its reference is known: the clock does not matter
        assert [r.state(each.id)[0] for each in messages] == ["unknown", "delivered", "delivered"]
        await report(202, days=-30)  # there is only one left that it can be
        assert [r.state(each.id)[0] for each in messages] == ["delivered", "delivered", "delivered"]


async def test_a_crash_before_the_last_word_of_a_reported_message(tmp_path: Path) -> None:
    line = FakeTextLine("red")
    async with room(tmp_path, lines={"red": line}, crash=True) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await asyncio.sleep(1.5)
        await r.store.inbox.report(DeliveryReport(imsi=line.imsi, reference=1, recipient=COURIER, status=0))
    async with room(tmp_path, lines={"red": line}) as r:
        await asyncio.sleep(60)
        assert r.state(message.id) == ("delivered", None)
    assert not line.sent


@pytest.mark.parametrize("seconds", [0.5, 2.9, 3.5, 5.9, 6.5, 8.9])
async def test_after_a_crash_no_part_goes_out_twice(tmp_path: Path, seconds: float) -> None:
    """What was on its way is unknown; what had not begun goes on where it stopped."""
    line = FakeTextLine("red")
    async with room(tmp_path, lines={"red": line}, crash=True) as r:
        message = await r.outbox.send(COURIER, LONG, by="anna")
        waiting = await r.outbox.send(COURIER, "another", by="anna")
        await asyncio.sleep(seconds)
    begun = len(line.sent)
    async with room(tmp_path, lines={"red": line}) as r:
        assert r.state(message.id) == ("unknown", "cut-off")
        assert r.states[:1] == ["unknown"]
        await r.until(waiting.id, "sent")
        assert [text for _, _, text in line.sent[begun:]] == ["another"]


async def test_a_crash_between_two_parts_sends_the_rest(tmp_path: Path) -> None:
    line = FakeTextLine("red", seconds=1.0)
    rules = shop(sms_per_minute=2)
    async with room(tmp_path, rules, lines={"red": line}, crash=True) as r:
        message = await r.outbox.send(COURIER, LONG, by="anna")
        await asyncio.sleep(30)  # two parts are out, the third waits for the pace
    assert len(line.sent) == 2
    async with room(tmp_path, rules, lines={"red": line}) as r:
        await r.until(message.id, "sent")
    assert "".join(text for _, _, text in line.sent) == LONG


async def test_an_orderly_stop_lets_a_part_come_to_its_end(tmp_path: Path) -> None:
    line = FakeTextLine("red")
    async with room(tmp_path, lines={"red": line}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await asyncio.sleep(1)
    async with room(tmp_path, lines={"red": line}) as r:
        assert r.state(message.id) == ("sent", None)
    assert len(line.sent) == 1


async def test_what_no_line_can_send_waits_and_expires(tmp_path: Path) -> None:
    line = FakeTextLine("red", can_text=False)
    async with room(tmp_path, lines={"red": line}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await asyncio.sleep(23 * 3600)
        assert r.state(message.id)[0] == "queued"
        await asyncio.sleep(2 * 3600)
        assert r.state(message.id) == ("expired", "too-late")
        line.can_text = True
        await asyncio.sleep(600)
        assert not line.sent
        assert await r.outbox.send_again(message.id)
        await r.until(message.id, "sent")


async def test_a_line_that_comes_back_is_used_at_once(tmp_path: Path) -> None:
    line = FakeTextLine("red", can_text=False)
    async with room(tmp_path, lines={"red": line}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        await asyncio.sleep(1000)
        line.can_text = True
        r.outbox.lines_changed()
        await r.until(message.id, "sent", within=4)


async def test_a_message_that_waits_can_be_taken_back(tmp_path: Path) -> None:
    async with room(tmp_path, lines={"red": FakeTextLine("red", can_text=False)}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        assert await r.outbox.cancel(message.id)
        assert not await r.outbox.cancel(message.id)
        assert r.state(message.id) == ("cancelled", None)
    async with room(tmp_path) as r:
        await asyncio.sleep(600)
        assert not r.lines["red"].sent


async def test_a_disk_that_is_away_sends_nothing(tmp_path: Path) -> None:
    async with room(tmp_path, lines={"red": FakeTextLine("red", can_text=False)}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        r.store.writer.is_away = True
        with pytest.raises(StoreError):
            await r.outbox.send(COURIER, "y", by="anna")
        r.lines["red"].can_text = True
        await asyncio.sleep(120)
        assert not r.lines["red"].sent
        r.store.writer.is_away = False
        await r.until(message.id, "sent")


async def test_the_queue_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.messaging.outbox.MOST_WAITING", 3)
    async with room(tmp_path, lines={"red": FakeTextLine("red", can_text=False)}) as r:
        for number in range(3):
            await r.outbox.send(COURIER, f"{number}", by="anna")
        with pytest.raises(OutboxFull):
            await r.outbox.send(COURIER, "x", by="anna")


async def test_a_message_with_a_known_id_is_the_same_message(tmp_path: Path) -> None:
    async with room(tmp_path) as r:
        for _ in range(2):
            await r.outbox.send(COURIER, "x", by="flow", message_id="job-1")
        await r.until("job-1", "sent")
        await asyncio.sleep(600)
        assert sum(len(line.sent) for line in r.lines.values()) == 1
