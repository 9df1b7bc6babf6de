"""A phone listens to the messages that callers have left: its own, and the shop's where the owner wants that."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gateway.events import CallStarted, MailboxChanged, MessageLeft, RecordingStarted
from gateway.store.journal import Journal
from gateway.telephony.leg import LegState
from gateway.telephony.queue_rules import QueueRules
from gateway.telephony.shop import PhoneSettings, Shop
from tests.fakes.exchange import Scene, scene
from tests.faults import rounds

SHOP = Shop(
    phones=(
        PhoneSettings(extension="101", name="Front desk", password="a-long-password"),
        PhoneSettings(extension="102", name="Store", password="a-long-password"),
    ),
    queue=QueueRules(message_phones=("101",)),
)
SECONDS = 3.0


def leave(s: Scene, number: int, mailbox: str) -> None:
    """Somebody has left a message of three seconds."""
    s.bus.publish(
        CallStarted(
            call_id=f"m{number}", direction="incoming", caller=f"+7{number}", called="red", line="red", flow="voicemail"
        )
    )
    s.bus.publish(RecordingStarted(call_id=f"m{number}", recording_id=f"r{number}", path=f"{number}.wav"))
    s.bus.publish(MessageLeft(call_id=f"m{number}", mailbox=mailbox, seconds=SECONDS))
    s.sounds[f"r{number}"] = np.ones(int(8000 * SECONDS), dtype="<i2").tobytes()


def with_boxes(s: Scene) -> None:
    s.bus.subscribe(Journal(s.writer, gateway_id="g"))


def counts(s: Scene, mailbox: str) -> tuple[int, int]:
    found = s.mailboxes.counts(mailbox)
    return found.unheard, found.heard


async def test_nobody_has_left_anything() -> None:
    async with scene(SHOP) as s:
        with_boxes(s)
        phone = s.call_from_phone("101", "*97")
        await s.after(3)
        assert s.prompts_played == ["no-new-messages"]
        assert phone.state is LegState.ENDED


async def test_new_messages_are_played_the_oldest_first_and_are_heard() -> None:
    async with scene(SHOP) as s:
        with_boxes(s)
        for number, mailbox in enumerate(("101", "queue", "", "102"), start=1):
            leave(s, number, mailbox)
            await s.after(1)
        s.call_from_phone("101", "*97")
        await s.after(60)
        said = [each for each in s.prompts_played if each.startswith("digit-")]
        assert said == ["digit-7", "digit-1", "digit-7", "digit-2", "digit-7", "digit-3"], "who called, each time"
        assert s.prompts_played[-1] == "no-more-messages"
        assert [counts(s, each) for each in ("101", "queue", "", "102")] == [(0, 1), (0, 1), (0, 1), (1, 0)]
        told = [(event.mailbox, event.unheard) for event in s.events if isinstance(event, MailboxChanged)]
        assert told[-3:] == [("101", 0), ("queue", 0), ("", 0)], "the lamps go out one after the other"


async def test_a_phone_that_is_not_named_hears_its_own_alone() -> None:
    async with scene(SHOP) as s:
        with_boxes(s)
        leave(s, 1, "queue")
        s.call_from_phone("102", "*97")
        await s.after(3)
        assert s.prompts_played == ["no-new-messages"]
        assert counts(s, "queue") == (1, 0)


async def test_one_plays_it_again() -> None:
    async with scene(SHOP) as s:
        with_boxes(s)
        leave(s, 1, "101")
        phone = s.call_from_phone("101", "*97")
        await s.after(8)
        assert s.prompts_played[-1] == "message-keys"
        phone.presses("1")
        await s.after(5)
        assert s.prompts_played.count("recording-beep") == 2
        phone.presses("2")
        await s.after(3)
        assert s.prompts_played[-1] == "no-more-messages"


async def test_two_in_the_midst_goes_on_at_once() -> None:
    async with scene(SHOP) as s:
        with_boxes(s)
        leave(s, 1, "101")
        phone = s.call_from_phone("101", "*97")
        await s.after(5)
        assert s.prompts_played[-1] == "recording-beep"
        phone.presses("2")
        await s.after(0.5)
        assert s.prompts_played[-1] == "no-more-messages"
        assert counts(s, "101") == (0, 1), "passed over is heard"
        await s.after(3)


async def test_what_cannot_be_played_stays_new() -> None:
    async with scene(SHOP) as s:
        with_boxes(s)
        leave(s, 1, "101")
        s.sounds.clear()
        s.call_from_phone("101", "*97")
        await s.after(10)
        assert counts(s, "101") == (1, 0)


@pytest.mark.parametrize(("caller", "dialled"), [("+79035550001", "*97"), ("101", "*97102"), ("101", "*98")])
async def test_nobody_else_gets_at_messages(caller: str, dialled: str) -> None:
    async with scene(SHOP) as s:
        with_boxes(s)
        leave(s, 1, "102")
        phone = s.call_from_phone(caller, dialled)
        await s.after(5)
        assert not {"new-message", "no-new-messages"} & set(s.prompts_played)
        assert phone.state is LegState.ENDED


async def test_the_code_can_be_another_or_none() -> None:
    codes: Any = replace(SHOP.codes, messages="")
    async with scene(replace(SHOP, codes=codes)) as s:
        s.call_from_phone("101", "*97")
        await s.after(5)
        assert "no-new-messages" not in s.prompts_played


async def test_who_listens_hangs_up_here(seed: int) -> None:
    """What was not played to its end stays new; nothing is left, whenever that is."""
    moments = range(1, 20)
    for half_seconds in random.Random(seed).sample(moments, rounds(4, len(moments))):
        async with scene(SHOP) as s:
            with_boxes(s)
            leave(s, 1, "101")
            phone = s.call_from_phone("101", "*97")
            await s.after(half_seconds / 2)
            is_heard = counts(s, "101") == (0, 1)
            phone.hangs_up()
            await s.after(1)
            assert (counts(s, "101") == (0, 1)) is is_heard
