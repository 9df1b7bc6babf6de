"""The phone, against a registrar and against another phone, over real sockets."""

from __future__ import annotations

import array
import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.emulator import sound
from gateway.emulator.g711 import codec
from gateway.emulator.media_clock import MediaClock
from gateway.emulator.progress import CallEndedEarly, CallState
from gateway.emulator.sip_call import PhoneCall
from gateway.emulator.sip_endpoint import Address
from gateway.emulator.sip_message import SipMessage
from gateway.emulator.sip_phone import SipPhone, SipRefused
from tests.emulator.registrar import start_registrar

pytestmark = pytest.mark.real_time

ANY = ("127.0.0.1", 0)
NOWHERE = ("127.0.0.1", 9)


def ramp(count: int) -> array.array[int]:
    """Samples that G.711 mu-law gives back as they are: each is different from its neighbours."""
    octets = bytes((7 * n + 3) % 251 for n in range(count))
    return codec("PCMU").decode(octets)


@asynccontextmanager
async def two_phones(
    *, codecs: tuple[str, ...] = ("PCMU", "PCMA")
) -> AsyncIterator[tuple[SipPhone, SipPhone, Callable[[], PhoneCall]]]:
    clock = MediaClock()
    clock.start()
    try:
        async with (
            SipPhone(ANY, NOWHERE, "101", "x", clock=clock) as one,
            SipPhone(ANY, NOWHERE, "102", "x", clock=clock, codecs=codecs) as other,
        ):
            uri = f"sip:102@127.0.0.1:{other.endpoint.address[1]}"
            yield one, other, lambda: one.call(uri)
    finally:
        clock.stop()


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_registers_with_either_digest(algorithm: str) -> None:
    registrar = await start_registrar()
    async with SipPhone(ANY, registrar.address, "101", "secret", algorithm=algorithm) as phone:
        assert await phone.register() == 120
        states = [phone.is_registered]
        await phone.unregister()
        states.append(phone.is_registered)
    registrar.close()
    assert states == [True, False]
    assert registrar.accepted == [algorithm, algorithm]
    assert "Expires: 0\r\n" in registrar.requests[-1]


async def test_prefers_the_stronger_digest() -> None:
    registrar = await start_registrar(algorithms=("MD5", "SHA-256"))
    async with SipPhone(ANY, registrar.address, "101", "secret") as phone:
        await phone.register()
    registrar.close()
    assert registrar.accepted == ["SHA-256"]


async def test_a_wrong_password_is_refused_once() -> None:
    registrar = await start_registrar(password="another")
    async with SipPhone(ANY, registrar.address, "101", "secret") as phone:
        with pytest.raises(SipRefused) as refused:
            await phone.register()
    registrar.close()
    assert refused.value.status == 403
    assert len(registrar.requests) == 2


async def test_asks_again_when_a_datagram_is_lost() -> None:
    registrar = await start_registrar(loses=lambda count: count in (1, 3))
    async with SipPhone(ANY, registrar.address, "101", "secret") as phone:
        await phone.register()
    registrar.close()
    assert registrar.requests[0] == registrar.requests[1]
    assert registrar.requests[2] == registrar.requests[3]


@pytest.mark.parametrize("codecs", [("PCMU",), ("PCMA",)])
async def test_both_hear_each_other_from_the_first_sample(codecs: tuple[str, ...]) -> None:
    async with two_phones(codecs=codecs) as (_, other, dial):
        call = dial()
        incoming = await other.incoming()
        incoming.ring()
        await call.ringing()
        mine, theirs = ramp(8000), ramp(4000)[::-1]
        call.play(mine)
        incoming.play(theirs)
        incoming.answer()
        await call.answered()
        await asyncio.sleep(1.2)
        call.hang_up()
        await incoming.ended()
    assert incoming.peer == "101"
    assert incoming.ended_by == "peer"
    assert call.ended_by == "phone"
    assert call.codec == incoming.codec == codecs[0]
    if codecs == ("PCMU",):
        assert incoming.heard()[:16000] == sound.to_bytes(mine)
        assert call.heard()[:8000] == sound.to_bytes(theirs)
    assert len(incoming.heard()) >= 2 * 8000


async def test_speech_begins_at_the_moment_that_was_asked_for() -> None:
    async with two_phones() as (_, other, dial):
        call = dial()
        incoming = await other.incoming()
        incoming.answer()
        await call.answered()
        start = asyncio.get_running_loop().time() + 0.15
        call.play(sound.tone((1000,), 0.1), at=start)
        await asyncio.sleep(0.5)
        call.hang_up()
    heard = sound.from_bytes(call.track.spoken_bytes())
    first = next(index for index, sample in enumerate(heard) if sample != 0) - 1
    block = call.track.spoken[first // 160]
    assert block.at + (first % 160) / 8000 == pytest.approx(start, abs=0.0002)


async def test_keys_travel_as_events() -> None:
    async with two_phones() as (_, other, dial):
        call = dial()
        incoming = await other.incoming()
        incoming.answer()
        await call.answered()
        call.press("12#", tone_seconds=0.06, gap_seconds=0.04)
        incoming.press("*", tone_seconds=0.06)
        await asyncio.sleep(0.6)
        call.hang_up()
    assert [digit for _, digit in incoming.rtp.keys_heard] == ["1", "2", "#"]
    assert [digit for _, digit in call.rtp.keys_heard] == ["*"]
    events = [packet for packet in incoming.rtp.packets if packet.payload_type == 101]
    assert sum(packet.marker for packet in events) == 3
    assert len(events) == 3 * (3 + 2)


async def test_refusal_is_told_with_its_status() -> None:
    async with two_phones() as (_, other, dial):
        call = dial()
        (await other.incoming()).reject(486, "Busy Here")
        with pytest.raises(CallEndedEarly):
            await call.answered()
        assert (call.status, call.reason, call.ended_by) == (486, "Busy Here", "peer")
        await asyncio.sleep(0.1)  # its ACK stops the repetitions
    assert [status for _, status in call.statuses] == [100, 486]


async def test_hanging_up_while_it_rings_cancels() -> None:
    async with two_phones() as (_, other, dial):
        call = dial()
        incoming = await other.incoming()
        incoming.ring()
        await call.ringing()
        call.hang_up()
        await incoming.ended()
        await call.ended()
    assert incoming.state is CallState.ENDED
    assert incoming.status == 487
    assert (call.status, call.ended_by) == (487, "phone")


async def test_the_called_side_can_hang_up() -> None:
    async with two_phones() as (_, other, dial):
        call = dial()
        incoming = await other.incoming()
        incoming.answer()
        await call.answered()
        incoming.hang_up()
        await call.ended()
    assert call.ended_by == "peer"


async def test_nobody_there_is_a_timeout() -> None:
    async with SipPhone(ANY, NOWHERE, "101", "secret") as phone:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.7):
                await phone.register()


async def test_packets_come_every_20_ms() -> None:
    async with two_phones() as (_, other, dial):
        call = dial()
        incoming = await other.incoming()
        incoming.answer()
        await call.answered()
        await asyncio.sleep(1.0)
        call.hang_up()
    packets = incoming.rtp.packets
    assert 45 <= len(packets) <= 55
    assert {later.sequence - sooner.sequence & 0xFFFF for sooner, later in itertools.pairwise(packets)} == {1}
    steps = {later.timestamp - sooner.timestamp & 0xFFFFFFFF for sooner, later in itertools.pairwise(packets)}
    assert steps == {160}
    # Absolute deadlines: no drift over the second, whatever single packets do.
    span = packets[-1].at - packets[0].at
    assert span == pytest.approx(0.02 * (len(packets) - 1), abs=0.015)


@pytest.mark.parametrize("side", ["caller", "called"])
async def test_any_one_datagram_may_be_lost(side: str) -> None:
    """INVITE 100 180 200 ACK BYE 200: each of them is lost once, in calls that run side by side."""
    async with asyncio.TaskGroup() as calls:
        for lost in range(6):
            calls.create_task(call_that_loses(side, lost))


async def call_that_loses(side: str, lost: int) -> None:
    async with two_phones() as (one, other, dial):
        lose_one(one if side == "caller" else other, lost)
        call = dial()
        incoming = await other.incoming()
        incoming.ring()
        await asyncio.sleep(0.05)
        incoming.answer()
        async with asyncio.timeout(8):
            await call.answered()
            await asyncio.sleep(0.2)
            call.hang_up()
            await incoming.ended()
        assert incoming.ended_by == "peer"
        assert len(other.calls) == 1


def lose_one(phone: SipPhone, lost: int) -> None:
    endpoint, transmit = phone.endpoint, phone.endpoint.transmit
    sent = 0

    def lossy(message: SipMessage, address: Address) -> None:
        nonlocal sent
        sent += 1
        if sent != lost + 1:
            transmit(message, address)

    endpoint.transmit = lossy  # type: ignore[method-assign]  # a wire that loses one
