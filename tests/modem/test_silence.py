"""A modem that hangs amid a long command is noticed within ten seconds (X-M3); one that is only slow comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.errors import NoFreeLine
from gateway.events import ModemChanged
from gateway.modem.fleet import ModemFleet
from gateway.modem.modem import SILENT, ModemState
from gateway.modem.silence import SILENT_SECONDS, SilenceWatch
from gateway.settings import ModemSettings
from gateway.telephony.causes import Cause
from gateway.telephony.line import LineState
from gateway.telephony.messages import PartOutcome, PartTaken, PartUnknown
from gateway.telephony.shop import LineSettings
from tests.fakes.numbers import dialable
from tests.fakes.transcript import TRANSCRIPTS, SilentPort, TranscriptModem, stories_of
from tests.modem.fleet_room import Room, room_for

COURIER = dialable("+79161234567")


async def test_silence_counts_from_the_last_sign_and_only_while_something_is_asked() -> None:
    news: list[bool] = []
    watch = SilenceWatch()
    watch.on_change = news.append
    await asyncio.sleep(60)
    watch.asked()
    for _ in range(5):
        await asyncio.sleep(SILENT_SECONDS - 1)
        watch.heard()
    watch.settled()
    await asyncio.sleep(60)
    assert news == []
    watch.asked()
    await asyncio.sleep(SILENT_SECONDS - 1)
    watch.asked()
    await asyncio.sleep(SILENT_SECONDS + 1)
    watch.settled()
    watch.asked()
    await asyncio.sleep(60)
    assert news == [True], "said once, however often it is asked"
    watch.heard()
    assert news == [True, False]
    watch.settled()


@asynccontextmanager
async def one_stick(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Room, ModemFleet, TranscriptModem]]:
    """A Huawei stick in service; it prompts for a message and takes it."""
    stories = stories_of(TRANSCRIPTS / "huawei-e1550.at")
    stick = TranscriptModem(stories["init"] + stories["at any time"], 10_000)
    monkeypatch.setattr("gateway.modem.session.SerialPort", stick.open)
    monkeypatch.setattr("gateway.modem.voice.tty_pcm.SerialPort", SilentPort)
    room = room_for(LineSettings(name="l0", modem="m0"))
    async with room.fleet((ModemSettings(name="m0", at="/dev/null", voice="/dev/null"),)) as fleet:
        await slowly(lambda: fleet.lines["l0"].state is LineState.READY)
        yield room, fleet, stick


def reasons(room: Room) -> list[tuple[str, str | None]]:
    return [(each.state, each.reason) for each in room.events if isinstance(each, ModemChanged)]


async def slowly(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event to wait on
            await asyncio.sleep(0.25)


async def send_to(fleet: ModemFleet, stick: TranscriptModem, *, after_body: Callable[[], None]) -> PartOutcome:
    """Send a message; what the stick does once it has its body is the test's."""
    loop = asyncio.get_running_loop()
    service = fleet.modems["m0"].service
    assert service is not None
    said = stick._host_said

    def host_said(line: str) -> None:
        if line.startswith("AT+CMGS="):
            loop.call_soon(stick.say_raw, "\r\n> ")
        elif line.startswith("00") and not stick.is_hung:
            after_body()
        else:
            said(line)

    assert stick.port is not None
    stick.port._host_said = host_said
    return await service.messages.send_part(COURIER, "x", reference=1, part=1)


async def test_it_hangs_with_a_message_in_its_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its line is out of service within ten seconds; the message is not sent again; and then it is mended as ever."""
    async with one_stick(monkeypatch) as (room, fleet, stick):
        loop = asyncio.get_running_loop()
        hung: list[float] = []

        def hang() -> None:
            stick.is_hung = True
            hung.append(loop.time())

        async with asyncio.TaskGroup() as work:
            sending = work.create_task(send_to(fleet, stick, after_body=hang))
            await slowly(lambda: bool(hung))
            await slowly(lambda: fleet.lines["l0"].state is LineState.FAULTY)
            assert loop.time() - hung[0] <= 10
            assert fleet.modems["m0"].reason == SILENT
            with pytest.raises(NoFreeLine):
                fleet.lines["l0"].dial(COURIER, call_id="c", extension=None)
            assert not room.alerts, "the network may be slow: nobody is woken for that"
        assert isinstance(sending.result(), PartUnknown)
        await slowly(lambda: "at-timeout" in room.alerts)
        stick.is_hung = False
        await slowly(lambda: fleet.lines["l0"].state is LineState.READY)
        assert not any(line.startswith("AT+CMGS=") for line in stick.said), "it may have gone out: never twice"


async def test_a_slow_network_costs_the_line_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async with one_stick(monkeypatch) as (room, fleet, stick):
        loop = asyncio.get_running_loop()

        def take_it_late() -> None:
            loop.call_later(25, stick.say, "+CMGS: 7", "OK")

        outcome = await send_to(fleet, stick, after_body=take_it_late)
        assert isinstance(outcome, PartTaken)
        assert reasons(room)[-2:] == [(ModemState.FAULTY, SILENT), (ModemState.READY, None)]
        assert fleet.lines["l0"].state is LineState.READY
        assert not room.alerts


async def test_news_in_the_midst_of_it_are_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    async with one_stick(monkeypatch) as (room, fleet, stick):
        loop = asyncio.get_running_loop()

        def speak() -> None:
            for second in range(5, 25, 5):
                loop.call_later(second, stick.say, "^RSSI:19")
            loop.call_later(25, stick.say, "+CMGS: 7", "OK")

        assert isinstance(await send_to(fleet, stick, after_body=speak), PartTaken)
        assert (ModemState.FAULTY, SILENT) not in reasons(room)


@pytest.mark.parametrize("answers", [True, False])
async def test_it_hangs_at_a_dial(monkeypatch: pytest.MonkeyPatch, answers: bool) -> None:
    """Who wants to call need not wait: his next line is tried. What the dial may yet have become is hung up."""
    async with one_stick(monkeypatch) as (room, fleet, stick):
        loop = asyncio.get_running_loop()
        stick.reactions[f"ATD{COURIER.digits};"] = lambda: setattr(stick, "is_hung", True)
        stick.answer("AT+CHUP", "OK")
        stick.answer("AT+CLCC", "OK")
        asked_at = loop.time()
        leg = fleet.lines["l0"].dial(COURIER, call_id="c", extension=None)
        assert await leg.ended(within=30) is Cause.MODEM_LOST
        assert loop.time() - asked_at <= 10
        assert (ModemState.FAULTY, SILENT) in reasons(room)
        said = len(stick.said)
        if answers:
            stick.is_hung = False
            stick.say("OK", "^ORIG:1,0")
        else:
            await slowly(lambda: "at-timeout" in room.alerts)
            stick.is_hung = False
        await slowly(lambda: fleet.lines["l0"].state is LineState.READY)
        assert "AT+CHUP" in stick.said[said:]
        assert room.budget.closed
