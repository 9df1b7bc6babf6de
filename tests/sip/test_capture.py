"""A pcap of a running call, read back by tshark: its SIP and its RTP, and no secret of them."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from gateway.audio.frame import FRAME_SECONDS, SILENCE
from gateway.clock import utc_now
from gateway.sip.capture import Capture, capture_call
from gateway.sip.transport import Address
from tests.fakes.sip_exchange import SipExchange, sip_exchange
from tests.fakes.sip_peer import Peer


def read(path: Path, *fields: str, rtp: tuple[int, ...] = ()) -> list[list[str]]:
    """What tshark finds in each packet."""
    options = [word for port in rtp for word in ("-d", f"udp.port=={port},rtp")]
    shown = [word for field in fields for word in ("-e", field)]
    command = ["tshark", "-r", str(path), "-o", "ip.check_checksum:TRUE", *options, "-T", "fields", *shown]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [line.split("\t") for line in done.stdout.splitlines()]


async def captured(x: SipExchange, desk: Peer, store: Peer) -> bytes:
    (call,) = x.switchboard.calls()
    traces = x.world.server.traces
    local = x.world.server.addresses[0]
    capturing = asyncio.ensure_future(capture_call(x.switchboard.legs_of(call.id), traces, local, utc_now, seconds=2))
    for _ in range(50):
        desk.media.send_frame(SILENCE)
        store.media.send_frame(SILENCE)
        await asyncio.sleep(FRAME_SECONDS)
    return await capturing


async def test_the_packets_of_a_call_are_read_back(tmp_path: Path) -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        calling, _ = await x.talk(desk, store, "one")
        asyncio.get_running_loop().call_later(0.5, calling.ask, "OPTIONS")
        data = await captured(x, desk, store)
        ports = desk.media.port, store.media.port
        await desk.response(200)
    path = tmp_path / "call.pcap"
    path.write_bytes(data)
    rows = await asyncio.to_thread(
        read, path, "rtp.p_type", "rtp.ssrc", "udp.dstport", "sip.Method", "sip.Status-Code", "ip.checksum.status",
        rtp=ports,
    )  # fmt: skip
    assert all(row[5] == "1" for row in rows), "every IP checksum is good"
    voices = [row for row in rows if row[0] == "0"]
    assert len({(row[1], row[2]) for row in voices}) == 4, "two phones, each in both directions"
    assert sum(row[2] == str(ports[0]) for row in voices) >= 48
    assert [row[3] or row[4] for row in rows if row[3] or row[4]] == ["OPTIONS", "200"]


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_what_is_secret_is_blotted_out(tmp_path: Path, host: str) -> None:
    capture = Capture(utc_now)
    message = (
        b"INVITE sip:102@x SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n"
        b'Authorization: Digest response="0123456789"\r\nContent-Type: application/sdp\r\n\r\n'
        b"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\n"
    )
    capture.add_signalling(message, Address(host, 5060), Address(host, 5070))
    capture.add(b"x", Address(host, 1), Address("no-number", 2))
    path = tmp_path / "call.pcap"
    path.write_bytes(capture.file())
    (row,) = read(path, "sip.Method", "udp.checksum.status", "frame.protocols")
    assert row[0] == "INVITE"
    assert b"0123456789" not in capture.file()
    assert b"c2VjcmV0" not in capture.file()
    assert b"AES_CM_128_HMAC_SHA1_80 inline:********\r\n" in capture.file()


def test_a_capture_is_bounded() -> None:
    capture = Capture(utc_now)
    for _ in range(7_000):
        capture.add(bytes(1_400), Address("192.0.2.1", 1), Address("192.0.2.2", 2))
    assert capture.is_full
    assert len(capture.file()) < 8_100_000
