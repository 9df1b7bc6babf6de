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
from tests.fakes.legs import FakeLeg
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


@pytest.mark.parametrize(("caller", "dialled"), [("+79035550001", "*97"), ("101", "*97102"), ("101", "*96")])
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


PIN = "482913"


def with_pin() -> Shop:
    desk, store = SHOP.phones
    return replace(SHOP, phones=(desk, replace(store, voicemail_pin=PIN)))


async def types(s: Scene, phone: FakeLeg, *entries: str) -> None:
    """Each answer a moment after the prompt that asks for it."""
    for keys in entries:
        await s.after(2)
        phone.presses(keys)


async def test_another_phone_hears_them_by_extension_and_pin() -> None:
    async with scene(with_pin()) as s:
        with_boxes(s)
        leave(s, 1, "102")
        leave(s, 2, "101")
        phone = s.call_from_phone("101", "*98")
        await types(s, phone, "102#", PIN + "#")
        await s.after(20)
        assert s.prompts_played[:3] == ["enter-extension", "enter-pin", "new-message"]
        assert s.prompts_played[-1] == "no-more-messages"
        assert (counts(s, "102"), counts(s, "101")) == ((0, 1), (1, 0))
        with s.writer.engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT heard_by FROM left_messages WHERE mailbox = '102'").all() == [
                ("101",)
            ]
            assert connection.exec_driver_sql("SELECT * FROM pin_guesses").all() == [], "a right PIN is no guess"


async def test_a_phone_without_a_pin_is_opened_by_nothing_and_told_by_nothing() -> None:
    """Neither an empty one nor that of another phone; a phone that is not there sounds the same."""
    for asked, typed in (("101#", "0000#"), ("101#", "101#"), ("101#", PIN + "#"), ("999#", PIN + "#")):
        async with scene(with_pin()) as s:
            with_boxes(s)
            leave(s, 1, "101")
            phone = s.call_from_phone("102", "*98")
            for _ in range(3):
                await types(s, phone, asked, typed)
                await s.after(1.5)
            await s.after(5)
            assert s.prompts_played == ["enter-extension", "enter-pin", "wrong-pin"] * 3 + ["goodbye"]
            assert counts(s, "101") == (1, 0)


async def test_guessing_ends_for_the_day_and_the_right_pin_too() -> None:
    """T-F7: five tries of a phone, whatever box they are for."""
    async with scene(with_pin()) as s:
        with_boxes(s)
        leave(s, 1, "102")
        for number in range(3):
            phone = s.call_from_phone("101", "*98")
            for _ in range(3 if number == 0 else 2):
                await types(s, phone, "102#", "111111#")
                await s.after(1.5)
            await s.after(15)
        s.prompts_played.clear()
        phone = s.call_from_phone("101", "*98")
        await types(s, phone, "102#", PIN + "#")
        await s.after(15)
        assert s.prompts_played == ["enter-extension", "enter-pin", "goodbye"]
        assert counts(s, "102") == (1, 0)


async def test_who_types_nothing_hears_nothing() -> None:
    async with scene(with_pin()) as s:
        phone = s.call_from_phone("101", "*98")
        await s.after(30)
        assert s.prompts_played == ["enter-extension", "goodbye"]
        assert phone.state is LegState.ENDED
        other = s.call_from_phone("101", "*98")
        await types(s, other, "102#")
        await s.after(30)
        assert s.prompts_played[2:] == ["enter-extension", "enter-pin", "goodbye"]


async def test_that_code_can_be_none() -> None:
    async with scene(replace(with_pin(), codes=replace(SHOP.codes, messages_elsewhere=""))) as s:
        s.call_from_phone("101", "*98")
        await s.after(5)
        assert "enter-extension" not in s.prompts_played


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
