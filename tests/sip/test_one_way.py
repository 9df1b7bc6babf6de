"""RTP that stops one way (X-N5): an alarm within three seconds, the end at thirty, and nothing of both on hold."""

from __future__ import annotations

import asyncio

from gateway.audio.frame import FRAME_SECONDS, SILENCE
from gateway.events import AlertCleared, AlertRaised, AudioReturned, AudioStopped, CallEnded, LegEnded
from gateway.telephony.causes import Cause
from tests.fakes.sip_exchange import SipExchange, sip_exchange
from tests.fakes.sip_peer import Peer

FRAME = SILENCE + 1_000


async def speak(seconds: float, *speakers: Peer) -> None:
    for _ in range(round(seconds / FRAME_SECONDS)):
        for each in speakers:
            each.media.send_frame(FRAME)
        await asyncio.sleep(FRAME_SECONDS)


def told(x: SipExchange) -> list[tuple[str, str]]:
    said = []
    for event in x.world.events:
        match event:
            case AudioStopped() | AudioReturned():
                said.append((event.type_name(), event.peer))
            case AlertRaised(code="one-way-audio") | AlertCleared(code="one-way-audio"):
                said.append((event.type_name(), event.subject))
            case _:
                pass
    return said


async def test_rtp_that_stops_is_told_at_3_s_and_ends_the_call_at_30() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        await x.talk(desk, store, "one")
        await speak(5, desk, store)
        assert told(x) == []
        await speak(2.2, desk)
        assert told(x) == []
        await speak(0.8, desk)
        alarm = [("audio.stopped", "102"), ("alert.raised", "102")]
        assert told(x) == alarm
        await speak(1, desk, store)
        back = [*alarm, ("alert.cleared", "102"), ("audio.returned", "102")]
        assert told(x) == back
        await speak(3, desk)
        assert told(x) == [*back, *alarm]
        await speak(25, desk)
        assert not any(isinstance(each, CallEnded) for each in x.world.events)
        await speak(5, desk)
        (record,) = [each for each in x.world.events if isinstance(each, CallEnded)]
        assert (record.cause, record.verdict) == (Cause.NO_AUDIO, "both-heard")
        assert told(x)[-1] == ("alert.cleared", "102")
        sounds = [each.sound for each in x.world.events if isinstance(each, LegEnded)]
        assert all(each is not None and each.codec == "pcmu" and each.voice_seconds for each in sounds)


async def test_on_hold_nothing_is_told_and_nothing_ends_for_a_quarter_of_an_hour() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        calling, _ = await x.talk(desk, store, "one")
        await speak(1, desk, store)
        await calling.offer("inactive")
        for _ in range(88):
            store.media.send_frame(FRAME)  # whoever waits goes on sending; the one who holds sends nothing
            await asyncio.sleep(10)
        assert told(x) == []
        assert not any(isinstance(each, CallEnded) for each in x.world.events)
