"""Pauses and left messages on disk, and the rules of the queue in shop.toml."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import SettingsError
from gateway.events import (
    CallAnswered,
    CallEnded,
    CallStarted,
    Event,
    EventBus,
    MailboxChanged,
    MessageLeft,
    RecordingFinished,
    RecordingStarted,
)
from gateway.store.journal import Journal
from gateway.store.mailboxes import StoredMailboxes
from gateway.store.pauses import StoredPauses
from gateway.store.shop_document.queue_settings import with_queue
from gateway.store.shop_document.shop_file import read_shop, write_shop
from gateway.telephony.on_duty import Pause
from gateway.telephony.queue_rules import NamedQueue, Overflow, QueueRules, Strategy
from tests.fakes.direct_store import memory_writer
from tests.store.conftest import HandClock, small_shop

MORNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def pause(number: int, begins: float, seconds: float | None, reason: str = "lunch") -> Pause:
    began_at = MORNING + timedelta(seconds=begins)
    ended_at = None if seconds is None else began_at + timedelta(seconds=seconds)
    return Pause(id=f"p{number}", extension="101", reason=reason, by="101", began_at=began_at, ended_at=ended_at)


# Pauses.


async def test_times_of_pauses_are_cut_off_at_both_ends(clock: HandClock) -> None:
    stored = StoredPauses(memory_writer(), gateway_id="g", clock=clock)
    clock.now = MORNING + timedelta(hours=3)
    for each in (pause(1, -100, 200), pause(2, 3600, 60), pause(3, 7000, 400, "store"), pause(4, 9000, None)):
        await stored.keep(each)
    day = await stored.times(MORNING, MORNING + timedelta(seconds=7200))
    assert [(each.reason, each.pauses, each.seconds) for each in day] == [("lunch", 2, 160.0), ("store", 1, 200.0)]
    later = await stored.times(MORNING + timedelta(seconds=7200), MORNING + timedelta(days=1))
    assert [(each.reason, each.pauses, each.seconds) for each in later] == [("lunch", 1, 1800.0), ("store", 1, 200.0)]
    assert [each.id for each in await stored.load()] == ["p4"]


async def test_what_phones_have_answered_today_is_counted(clock: HandClock) -> None:
    bus, writer = EventBus(clock), memory_writer()
    bus.subscribe(Journal(writer, gateway_id="g"))
    stored = StoredPauses(writer, gateway_id="g", clock=clock)
    for number, (direction, by) in enumerate(
        (("incoming", "101"), ("incoming", "101"), ("internal", "101"), ("incoming", "102"), ("incoming", None))
    ):
        call(bus, f"c{number}", direction=direction, answered_by=by)
        clock.pass_by(minutes=1)
    found = {each.extension: (each.calls, each.last_at) for each in await stored.answered_since(MORNING)}
    assert found == {
        "101": (2, MORNING + timedelta(hours=3, minutes=1)),
        "102": (1, MORNING + timedelta(hours=3, minutes=3)),
    }


def call(bus: EventBus, call_id: str, *, direction: str = "incoming", answered_by: str | None = None) -> None:
    bus.publish(
        CallStarted(
            call_id=call_id, direction=direction, caller="+79035550001", caller_name="Ivan", called="red",
            line="red", flow="reception",
        )
    )  # fmt: skip
    if answered_by is not None:
        bus.publish(CallAnswered(call_id=call_id, answered_by=answered_by))


# Messages.


class Boxes:
    """The mailboxes with what fills them."""

    def __init__(self, clock: HandClock) -> None:
        self.bus, self.writer = EventBus(clock), memory_writer()
        self.changed: list[tuple[str, int, int]] = []
        self.bus.subscribe(Journal(self.writer, gateway_id="g"))
        self.stored = self.new()
        self.bus.subscribe(self.stored.follow)
        self.bus.subscribe(lambda published: self._note(published.event))

    def new(self) -> StoredMailboxes:
        return StoredMailboxes(self.writer, gateway_id="g", clock=lambda: MORNING, publish=self.bus.publish)

    def _note(self, event: Event) -> None:
        if isinstance(event, MailboxChanged):
            self.changed.append((event.mailbox, event.unheard, event.heard))

    def leave(self, number: int, mailbox: str, seconds: float = 5.0) -> None:
        names = {"call_id": f"c{number}", "recording_id": f"r{number}", "path": f"{number}.wav"}
        call(self.bus, f"c{number}")
        self.bus.publish(RecordingStarted(**names))
        self.bus.publish(MessageLeft(call_id=f"c{number}", mailbox=mailbox, seconds=seconds))
        self.bus.publish(RecordingFinished(**names, seconds=seconds, size_bytes=1000, verdict="both"))
        self.bus.publish(
            CallEnded(call_id=f"c{number}", cause="hung-up", ended_by="caller", talk_seconds=0.0, total_seconds=9.0)
        )


async def test_messages_are_counted_listed_and_heard(clock: HandClock) -> None:
    boxes = Boxes(clock)
    boxes.leave(1, "101")
    clock.pass_by(minutes=1)
    boxes.leave(2, "101")
    boxes.leave(3, "")
    boxes.leave(4, "101", seconds=0.5)
    assert boxes.changed == [("101", 1, 0), ("101", 2, 0), ("", 1, 0)], "who says nothing has left nothing"
    found = await boxes.stored.messages(("101",), limit=10, only_unheard=True)
    assert [(each.call_id, each.caller, each.caller_name, each.recording_id) for each in found] == [
        ("c2", "+79035550001", "Ivan", "r2"), ("c1", "+79035550001", "Ivan", "r1"),
    ]  # fmt: skip
    assert await boxes.stored.mark_heard(found[0].id, by="101")
    assert not await boxes.stored.mark_heard("unknown", by="101")
    assert boxes.changed[-1] == ("101", 1, 1)
    await boxes.stored.has_heard_recording("r1", by="anna")
    await boxes.stored.has_heard_recording("r1", by="boris")
    assert boxes.changed[-1] == ("101", 0, 2)
    assert boxes.stored.unheard == 1
    every = await boxes.stored.messages(None, limit=10, only_unheard=False)
    assert [(each.mailbox, each.heard_by) for each in every] == [("", None), ("101", "101"), ("101", "anna")]


async def test_counts_outlive_a_restart_and_go_with_the_sound(clock: HandClock) -> None:
    boxes = Boxes(clock)
    boxes.leave(1, "queue")
    boxes.leave(2, "queue")
    anew = boxes.new()
    await anew.load()
    assert (anew.counts("queue").unheard, anew.counts("101").unheard) == (2, 0)
    with boxes.writer.engine.begin() as connection:
        connection.exec_driver_sql("update recordings set deleted_at = '2026-03-02T06:00:00.000000Z' where id = 'r1'")
    await anew.load()
    assert anew.counts("queue").unheard == 1
    assert [each.recording_id for each in await anew.messages(None, limit=10, only_unheard=False)] == ["r2"]


# Rules.


def test_the_rules_travel_in_shop_toml() -> None:
    rules = QueueRules(
        strategy=Strategy.LEAST_RECENT, step_seconds=10, wrap_up_seconds=20, pause_reasons=("lunch",),
        announce_seconds=30, overflow=Overflow.PHONES, overflow_callers=5, overflow_seconds=300,
        overflow_phones=("102",), message_phones=("101",),
    )  # fmt: skip
    written = write_shop(with_queue(small_shop(), {"strategy": "round-robin"}))
    assert 'strategy = "round-robin"' in written
    shop = replace(small_shop(), queue=rules)
    assert read_shop(write_shop(shop), shop).queue == rules


def test_a_value_that_is_taken_away_is_as_never_set() -> None:
    shop = with_queue(with_queue(small_shop(), {"wrap_up_seconds": 20}), {"wrap_up_seconds": None})
    assert shop.queue == QueueRules()


def test_named_queues_travel_too_and_may_send_callers_to_one_another() -> None:
    shop = small_shop()
    phone = shop.phones[0].extension
    sales = NamedQueue(
        name="sales", title="Sales", extension="81", phones=(phone,), strategy=Strategy.IN_ORDER, wrap_up_seconds=20,
        overflow=Overflow.NUMBER, overflow_number="82", overflow_seconds=60, message_phones=(phone,),
    )  # fmt: skip
    workshop = NamedQueue(name="workshop", extension="82", phones=(phone,))
    line = replace(shop.lines[0], queue="sales")
    several = replace(shop, queues=(sales, workshop), lines=(line, *shop.lines[1:]))
    again = read_shop(write_shop(several), several)
    assert (again.queues, again.lines[0].queue) == ((sales, workshop), "sales")


PHONE = '[[phones]]\nextension = "101"\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[queue]\nstep_seconds = 2\n", 2),
        ('[queue]\nstrategy = "random"\n', 2),
        ('[queue]\noverflow = "number"\noverflow_number = "112"\n', 3),
        ('[queue]\nmessage_phones = ["999"]\n', 2),
        ('[codes]\npause = "74"\n', 2),
        ('[[queues]]\nname = "Sales"\nphones = ["101"]\n' + PHONE, 2),
        ('[[queues]]\nname = "sales"\n', 1),
        ('[[queues]]\nname = "sales"\nphones = ["999"]\n', 3),
        ('[[queues]]\nname = "sales"\nphones = ["101"]\nextension = "101"\n' + PHONE, 4),
        ('[[queues]]\nname = "sales"\nphones = ["101"]\nextension = "112"\n' + PHONE, 4),
        ('[[queues]]\nname = "sales"\nphones = ["101"]\nstep_seconds = 1\n' + PHONE, 4),
        (
            '[[queues]]\nname = "sales"\nextension = "81"\nphones = ["101"]\noverflow = "number"\n'
            'overflow_number = "81"\n' + PHONE, 6,
        ),
        ('[[lines]]\nname = "red"\nmodem = "m0"\nqueue = "sales"\n', 4),
        ('[[branches]]\nname = "North"\nqueue = "sales"\n', 3),
        ('[[queues]]\nname = "a"\nphones = ["101"]\n[[queues]]\nname = "a"\nphones = ["101"]\n' + PHONE, 2),
    ],
)  # fmt: skip
def test_every_mistake_is_named_with_its_line(text: str, line: int) -> None:
    with pytest.raises(SettingsError, match=f"shop.toml:{line}:"):
        read_shop(text)
