"""A phone in a browser: its calls are sealed from the first packet to the last, and nobody else gets an answer."""

from __future__ import annotations

import asyncio
import socket
import struct
import subprocess
import sys

import pytest

from gateway.audio.frame import Frame
from gateway.sip.message import Request
from gateway.sip.rtp_port import RtpPort
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Caller
from tests.fakes.browser import Browser, browser, check_bytes
from tests.fakes.sip import SipWorld
from tests.fakes.sip_peer import Peer


def packet(index: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 0, index, 160 * index, 7) + bytes([0x55]) * 160


async def registered(one: Browser) -> None:
    one.request("REGISTER", one.extension, number=1, call_id=f"r-{one.extension}")
    await one.next(200)


async def call(one: Browser, **said: str) -> bytes:
    """Its call is answered: our description."""
    one.request("INVITE", "2001", number=1, body=one.media.description(**said))
    answer = await one.next(200)
    one.request("ACK", "2001", number=1, to_tag=str(answer.recipient.tag))
    return answer.body


def kinds(world: SipWorld) -> list[str]:
    return [type(event).__name__ for event in world.events]


def answering(heard: list[Frame]) -> SipWorld:
    def answer(leg: Leg) -> None:
        leg.ring()
        leg.answer()
        leg.port.listen(lambda frame, _position: heard.append(frame))
        leg.port.hear(leg.port)

    return SipWorld(on_leg=answer)


async def test_a_call_is_sealed_both_ways() -> None:
    heard: list[Frame] = []
    world = answering(heard)
    async with world.server, browser(world.server.tunnels, "101") as one:
        await one.sealed(await call(one))
        for index in range(20):
            one.media.say(packet(index))
            await asyncio.sleep(0.02)
        assert len(heard) == 20
        assert len(one.media.heard) >= 19
        assert one.media.heard[-1][12:] == bytes([0x55]) * 160
        assert one.media.unsealed == []
        assert one.media.answers
        port = world.legs[0].port
        assert isinstance(port, RtpPort)
        assert port.is_sealed
        one.request("BYE", "2001", number=2, to_tag="x")
        world.legs[0].hangup()


async def test_before_there_are_keys_nothing_is_heard_and_nothing_is_said() -> None:
    heard: list[Frame] = []
    world = answering(heard)
    async with world.server, browser(world.server.tunnels, "101") as one:
        one.media.takes_part = False
        one.media.check(one.media.learn(await call(one)))
        for index in range(100):
            one.media.send(packet(index))  # in the clear
            await asyncio.sleep(0.02)
        assert heard == []
        assert one.media.heard == []
        assert one.media.unsealed == []
        world.legs[0].hangup()


async def test_another_certificate_than_the_one_announced_gets_no_voice(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Frame] = []
    world = answering(heard)
    async with world.server, browser(world.server.tunnels, "101") as one:
        wrong = (
            "AA:" + one.media.fingerprint[3:]
            if one.media.fingerprint[:2] != "AA"
            else "BB:" + one.media.fingerprint[3:]
        )
        await one.sealed(await call(one, fingerprint=wrong))
        for index in range(10):
            one.media.say(packet(index))
            await asyncio.sleep(0.02)
        await asyncio.sleep(3)
        assert heard == []
        assert one.media.heard == []
        assert "not the one that was announced" in caplog.text
        world.legs[0].hangup()


async def test_a_check_with_wrong_names_gets_silence_and_so_does_the_port_of_a_plain_call() -> None:
    world = answering([])
    async with world.server, browser(world.server.tunnels, "101") as one:
        said = one.media.learn(await call(one))
        one.media.check(said, password="x" * 24)
        one.media.check(said, user=f"{said['ice-ufrag']}:else")
        one.media.check(said, user=f"else:{one.media.fragment}")
        await asyncio.sleep(0.2)
        assert one.media.answers == []
        one.media.check(said)
        await asyncio.sleep(0.05)
        assert len(one.media.answers) == 1
        with Peer(world.server.addresses[0], "102") as phone:
            answer = await phone.call("2001")
            port = int(answer.body.split(b"m=audio ")[1].split()[0])
            phone.media.remote = ("127.0.0.1", port)
            phone.media.send_raw(check_bytes(f"{said['ice-ufrag']}:{one.media.fragment}", said["ice-pwd"]))
            await asyncio.sleep(0.1)
            assert not [each for each in phone.media.raw if each[0] < 4]
        for leg in world.legs:
            leg.hangup()


async def test_who_has_made_no_check_is_not_heard_and_cannot_begin_a_handshake() -> None:
    heard: list[Frame] = []
    world = answering(heard)
    async with world.server, browser(world.server.tunnels, "101") as one, browser(world.server.tunnels, "102") as other:
        description = await call(one)
        other.media.learn(description)
        other.media.shake_hands()
        await asyncio.sleep(2)
        assert not other.media.is_sealed
        await one.sealed(description)
        one.media.say(packet(0))
        await asyncio.sleep(0.05)
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with stranger:
            stranger.sendto(packet(1), one.media._remote)
        await asyncio.sleep(0.05)
        assert len(heard) == 1
        world.legs[0].hangup()


async def test_a_browser_is_rung_answers_and_is_gone_with_its_page() -> None:
    world = SipWorld()
    async with world.server:
        async with browser(world.server.tunnels, "101") as one:
            await registered(one)
            assert kinds(world)[-1] == "PhoneRegistered"
            leg = world.server.phones.dial("101", caller=Caller(number="+79161234567", name="Anna"))
            invite = await one.next("INVITE")
            assert isinstance(invite, Request)
            assert b"UDP/TLS/RTP/SAVPF" in invite.body
            assert b"a=setup:active" in invite.body
            assert b"a=ice-lite" in invite.body
            one.respond(invite, 180)
            one.respond(invite, 200, one.media.description(setup="passive", formats="0 101"))
            assert await leg.up(within=5)
            await one.sealed(invite.body)
            heard: list[Frame] = []
            leg.port.listen(lambda frame, _position: heard.append(frame))
            leg.port.hear(leg.port)
            for index in range(10):
                one.media.say(packet(index))
                await asyncio.sleep(0.02)
            assert len(heard) == 10
            assert len(one.media.heard) >= 9
            leg.hangup()
            await one.next("BYE")
        assert kinds(world)[-1] == "PhoneUnregistered"
        assert not world.server.phones.is_reachable("101")
        leg = world.server.phones.dial("101", caller=Caller(number="102", name=""))
        assert leg.state is LegState.ENDED


async def test_a_tunnel_speaks_as_its_own_phone_and_for_its_own_person() -> None:
    world = SipWorld(on_leg=lambda leg: leg.answer())
    async with world.server, browser(world.server.tunnels, "101") as one:
        one.request("REGISTER", "102", number=1)
        await one.next(403)
        one.owner = "another"
        assert not one.request("REGISTER", "101", number=2)
        one.owner = "anna"
        world.shop = type(world.shop)(phones=world.shop.phones[1:])
        one.request("REGISTER", "101", number=3)
        await one.next(403)


async def test_only_so_many_browsers_are_phones() -> None:
    world = SipWorld()
    async with world.server:
        opened = [world.server.tunnels.open("101", "127.0.0.1", "anna") for _ in range(16)]
        assert world.server.tunnels.is_full
        world.server.tunnels.close(opened[0].id)
        world.server.tunnels.close(opened[0].id)
        assert not world.server.tunnels.is_full


@pytest.mark.real_time
async def test_a_handshake_whose_beginning_was_lost_is_begun_again() -> None:
    """OpenSSL has a clock of its own, and waits for a second."""
    world = answering([])
    async with world.server, browser(world.server.tunnels, "101") as one:
        one.media.takes_part = False
        one.media.check(one.media.learn(await call(one)))
        await asyncio.sleep(0.1)
        one.media.takes_part = True
        assert not one.media.is_sealed
        async with asyncio.timeout(20):
            await one.media.has_keys.wait()
        world.legs[0].hangup()


_WITHOUT_EXECUTABLE_MEMORY = """
import ctypes
refuse_gain = (65, 1, 0, 0, 0)  # PR_SET_MDWE of <linux/prctl.h>: as systemd's MemoryDenyWriteExecute, by a newer way
ctypes.CDLL(None).prctl(*refuse_gain)
import asyncio
from gateway.sip.dtls import DtlsClient
async def begin():
    sent = []
    client = DtlsClient("AA", send=sent.append, on_keys=print)
    client.begin()
    client.stop()
    assert sent and sent[0][0] == 22, "a handshake record (RFC 6347 section 4.1)"
asyncio.run(begin())
"""


def test_a_handshake_needs_no_memory_that_can_be_written_and_executed() -> None:
    """The unit of the daemon forbids it. A kernel before 6.3 does not know how to be asked, and shows nothing here."""
    subprocess.run([sys.executable, "-c", _WITHOUT_EXECUTABLE_MEMORY], check=True)
