"""The phone against sipp, which knows SIP from nobody here."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.demo.free_port import free_port
from gateway.emulator import sound
from gateway.emulator.sip_phone import SipPhone

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

ANY = ("127.0.0.1", 0)


@asynccontextmanager
async def sipp(directory: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        "sipp", "-i", "127.0.0.1", "-nostdin", "-m", "1", *arguments,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=directory,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_calls_sipp_and_hears_its_own_echo(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    words = sound.tone((500, 900), 0.3)
    async with (
        sipp(
            tmp_path, "-sn", "uas", "-p", str(port), "-mp", str(free_port(socket.SOCK_DGRAM) & ~1), "-rtp_echo"
        ) as uas,
        SipPhone(ANY, ("127.0.0.1", port), "101", "secret") as phone,
    ):
        await asyncio.sleep(0.5)
        call = phone.call("2001")
        call.play(words)
        async with asyncio.timeout(10):
            await call.answered()
            await asyncio.sleep(0.7)
            call.hang_up()
            await uas.wait()
    assert uas.returncode == 0
    assert call.codec == "PCMU"
    heard = sound.from_bytes(call.heard())[: len(words)]
    assert len(heard) == len(words)
    assert all(abs(a - b) <= max(16, abs(b) // 16) for a, b in zip(heard, words, strict=True))


async def test_is_called_by_sipp(tmp_path: Path) -> None:
    async with SipPhone(ANY, ("127.0.0.1", 9), "101", "secret") as phone:
        target = f"127.0.0.1:{phone.endpoint.address[1]}"
        async with sipp(
            tmp_path, "-sn", "uac", "-p", str(free_port(socket.SOCK_DGRAM)), "-d", "400", "-s", "101", target
        ) as uac:
            async with asyncio.timeout(10):
                call = await phone.incoming()
                call.ring()
                call.answer()
                await call.ended()
                await uac.wait()
    assert uac.returncode == 0
    assert call.peer == "sipp"
    assert call.ended_by == "peer"
    assert call.progress.seconds == pytest.approx(0.4, abs=0.15)
