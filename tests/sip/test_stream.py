"""SIP over TCP: phones on it, and slow, broken and greedy clients (T-S12)."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.demo.free_port import free_port
from gateway.events import PhoneRegistered, PhoneUnregistered
from gateway.sip.stream import IDLE_SECONDS, MESSAGE_SECONDS, MOST_CONNECTIONS, MOST_PER_SOURCE, StreamEndpoint
from gateway.sip.transport import Address, Flow
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import Caller
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_peer import Peer


class StreamPeer(Peer):
    """A phone whose signalling goes by one TCP connection."""

    transport = b"TCP"

    async def connect(self, source: str = "127.0.0.1") -> None:
        self.reader, self.writer = await asyncio.open_connection(*self.server, local_addr=(source, 0))
        self._pump = asyncio.get_running_loop().create_task(self._read_stream())

    async def disconnect(self) -> None:
        self._pump.cancel()
        self.writer.transport.abort()
        await asyncio.gather(self._pump, return_exceptions=True)

    def send_raw(self, data: bytes) -> None:
        self.writer.write(data.replace(b"SIP/2.0/UDP", b"SIP/2.0/" + self.transport))

    async def _read_stream(self) -> None:
        while True:
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")
            )
            self.take(head + await self.reader.readexactly(length))


async def connected(world: SipWorld) -> StreamPeer:
    peer = StreamPeer(world.server.addresses[0])
    await peer.connect()
    return peer


async def closed_after(reader: asyncio.StreamReader) -> float:
    """The seconds until the other side ends the connection; what it says before is not looked at."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    try:
        while await reader.read(4096):
            pass
    except ConnectionResetError:
        pass
    return loop.time() - before


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_phone_registers_calls_and_is_called_by_one_connection() -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        phone = await connected(world)
        await phone.register(extra=())
        assert world.server.phones.is_reachable("101")
        answer = await phone.call("2001")
        assert str(answer.contacts[0].uri).endswith(";transport=tcp")
        await asyncio.sleep(0.1)
        assert world.legs[0].state is LegState.UP
        world.legs[0].hangup()
        bye = await phone.asked("BYE")
        assert bye.via.transport == "TCP"
        phone.respond(bye, 200, "OK")
        leg = world.server.phones.dial("101", caller=Caller(number="102"))
        invite = await phone.asked("INVITE")
        phone.respond(invite, 200, "OK", body=phone.media.offer())
        await phone.asked("ACK")
        await asyncio.sleep(0.1)
        assert leg.state is LegState.UP
        await asyncio.sleep(20)
        assert not phone.received, "nothing is repeated on a reliable way"
        leg.hangup()
        await phone.asked("BYE")
        await phone.disconnect()
        phone.close()


async def test_a_phone_whose_connection_is_gone_is_not_rung_until_it_comes_again() -> None:
    world = SipWorld()
    async with world.server:
        phone = await connected(world)
        await phone.register()
        await phone.disconnect()
        await asyncio.sleep(0.1)
        assert [each.reason for each in world.events if isinstance(each, PhoneUnregistered)] == ["connection-lost"]
        assert world.server.phones.dial("101", caller=Caller(number="102")).cause is Cause.UNREACHABLE
        await phone.connect()
        await phone.register()
        assert len([each for each in world.events if isinstance(each, PhoneRegistered)]) == 2
        leg = world.server.phones.dial("101", caller=Caller(number="102"))
        await phone.asked("INVITE")
        leg.hangup()
        await phone.disconnect()
        phone.close()


async def test_a_ping_is_answered_and_keeps_no_message_waiting() -> None:
    """RFC 5626 section 4.4.1."""
    world = SipWorld()
    async with world.server:
        reader, writer = await asyncio.open_connection(*world.server.addresses[0])
        writer.write(b"\r\n\r\n")
        assert await reader.readexactly(2) == b"\r\n"
        writer.transport.abort()
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OPTIONS sip:a@b SIP/2.0",
        b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c\r\n",
        b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 60000\r\n\r\nhalf of it",
        b"\r\n",
    ],
)
async def test_what_never_becomes_a_message_is_closed_after_thirty_seconds(data: bytes) -> None:
    world = SipWorld()
    async with world.server:
        reader, writer = await asyncio.open_connection(*world.server.addresses[0])
        writer.write(data)
        assert await closed_after(reader) == pytest.approx(MESSAGE_SECONDS, abs=0.5)
        writer.close()


async def test_dripping_bytes_win_no_time() -> None:
    world = SipWorld()
    async with world.server:
        reader, writer = await asyncio.open_connection(*world.server.addresses[0])
        ending = asyncio.get_running_loop().create_task(closed_after(reader))
        for byte in b"OPTIONS sip:a@b SIP/2.0\r\nSubject: a long one, and a very slow one too\r\n":
            writer.write(bytes([byte]))
            await asyncio.sleep(1)
            if ending.done():
                break
        assert await ending == pytest.approx(MESSAGE_SECONDS, abs=0.5)
        writer.close()


async def test_a_second_message_may_not_drip_either_and_silence_ends_later() -> None:
    world = SipWorld()
    async with world.server:
        first, second = await connected(world), await connected(world)
        for phone in (first, second):
            phone.request("OPTIONS", "x", call_id=f"o{phone.port}", number=1)
            await phone.response(401)
        first.send_raw(b"OPTIONS sip:a@b SIP/2.0\r\n")
        await asyncio.sleep(MESSAGE_SECONDS + 1)
        assert first.reader.at_eof() or first.reader.exception()
        assert not second.reader.at_eof()
        assert not second.reader.exception()
        await asyncio.sleep(IDLE_SECONDS)
        assert second.reader.at_eof() or second.reader.exception()
        for phone in (first, second):
            await phone.disconnect()
            phone.close()


async def test_a_registered_phone_may_be_silent_as_long_as_it_likes() -> None:
    world = SipWorld()
    async with world.server:
        phone = await connected(world)
        await phone.register(expires=7000)
        await asyncio.sleep(5 * IDLE_SECONDS)
        assert not phone.reader.at_eof()
        await phone.disconnect()
        phone.close()


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"OPTIONS a SIP/2.0\r\nContent-Length: 1000000000\r\n\r\n"]
)
async def test_what_is_no_sip_is_closed_at_once(data: bytes) -> None:
    world = SipWorld()
    async with world.server:
        reader, writer = await asyncio.open_connection(*world.server.addresses[0])
        writer.write(data)
        assert await closed_after(reader) < 1
        writer.close()


async def test_two_hundred_slow_clients_are_gone_in_forty_seconds_and_udp_lives_on() -> None:
    """T-S12: no more than 20 of a source, and 200 in all; afterwards nothing is left of them."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as honest:
            await honest.register()
            before = open_descriptors()
            clients = []
            for index in range(220):
                source = f"127.0.1.{index // 20 + 1}"
                clients.append(await asyncio.open_connection(*world.server.addresses[0], local_addr=(source, 0)))
            greedy = [
                await asyncio.open_connection(*world.server.addresses[0], local_addr=("127.0.1.1", 0)) for _ in range(5)
            ]
            ends = [asyncio.get_running_loop().create_task(closed_after(reader)) for reader, _ in [*clients, *greedy]]
            for _, writer in clients:
                writer.write(b"OPTIONS sip:")
            await asyncio.sleep(1)
            ended = [each.done() for each in ends]
            assert ended.count(False) == MOST_CONNECTIONS, "those above the limit are refused at once"
            assert all(ended[-5:]), "and so is the 21st of one source"
            assert ended[:MOST_PER_SOURCE] == [False] * MOST_PER_SOURCE
            for _ in range(8):
                await honest.register()
                await asyncio.sleep(5)
            assert all(each.done() for each in ends)
            assert max(each.result() for each in ends) < 40
            for _, writer in [*clients, *greedy]:
                writer.close()
            await asyncio.sleep(0.1)
            assert open_descriptors() == before
            late = await connected(world)
            late.request("OPTIONS", "x", call_id="late", number=1)
            await late.response(401)
            await late.disconnect()
            late.close()


async def test_torture_over_tcp_kills_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """RFC 4475, each message whole on a connection of its own: an answer, or an end, and no trace in the log."""
    world = SipWorld()
    async with world.server:
        for path in sorted((Path(__file__).parents[1] / "data" / "rfc4475").glob("*.dat")):
            _, writer = await asyncio.open_connection(*world.server.addresses[0])
            writer.write(path.read_bytes())
            await asyncio.sleep(3)
            writer.transport.abort()
            await asyncio.sleep(0.1)
        assert not [each for each in caplog.records if each.levelname in ("WARNING", "ERROR", "CRITICAL")]
        assert not world.legs
        phone = await connected(world)
        await phone.register()
        await phone.disconnect()
        phone.close()


async def test_who_does_not_read_is_given_up() -> None:
    lost: list[Address] = []
    flows: list[Flow] = []
    endpoint = StreamEndpoint(lambda _data, flow: flows.append(flow), lambda _host: True, lambda _remote: True)
    endpoint.on_lost = lost.append
    port = free_port(socket.SOCK_STREAM)
    await endpoint.open("127.0.0.1", port)
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(b"OPTIONS sip:a SIP/2.0\r\n\r\n")
        await asyncio.sleep(0.1)
        remote = Address(*silent.getsockname())
        for _ in range(200):
            flows[0].send(b"x" * 65_536)
            await asyncio.sleep(0.01)
        assert lost == [remote]
    endpoint.close()


async def test_a_flood_of_pings_ends_the_connection() -> None:
    world = SipWorld()
    async with world.server:
        reader, writer = await asyncio.open_connection(*world.server.addresses[0])
        writer.write(b"\r\n\r\n" * 10_000)
        assert await closed_after(reader) < 1
        writer.close()


async def test_a_tcp_port_that_is_taken_does_not_keep_udp_from_serving() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        world = SipWorld(port=other.getsockname()[1])
        async with world.server:
            with Peer(world.server.addresses[0]) as phone:
                await phone.register()
                other.close()
                await asyncio.sleep(6)
                late = await connected(world)
                await late.register()
                await late.disconnect()
                late.close()
