"""Programs of other people as phone 101, against a whole gateway: they reach the courier, and are reached."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from gateway.demo.free_port import free_port
from gateway.demo.judge import RATE, judge
from gateway.demo.site import COURIER, SIM_NUMBERS, STRANGER
from gateway.emulator.demo_people import COURIER_VOICE
from gateway.emulator.sound import load_wav
from tests.end_to_end.house import House, house
from tests.fakes.sip import PASSWORD
from tests.interop.programs import baresip, errors, sipp

pytestmark = [pytest.mark.interop, pytest.mark.real_time]


def known_password(shop: str) -> str:
    """The scenarios of sipp have the password of 101 written in."""
    return re.sub(r'(?m)^password = ".*"$', f'password = "{PASSWORD}"', shop)


def server(stack: House) -> tuple[str, int]:
    return "127.0.0.1", stack.site.ports.sip


async def registered(stack: House, *, within: float = 10.0) -> None:
    await stack.api.until("/phones", lambda page: bool(page["items"][0]["contacts"]), within=within)


async def test_sipp_calls_and_is_called_and_either_side_hangs_up(tmp_path: Path) -> None:
    """One gateway for all four: its start takes longer than their calls."""
    async with house(tmp_path / "site", shop=known_password) as stack:
        courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.3)
        assert await sipp(server(stack), "call_and_hang_up", tmp_path) == 0, errors(tmp_path)
        mobile = await courier.next_call(within=5)
        assert (await mobile.ended(within=5)).ended_by == "modem"
        row, *_ = await stack.ended_calls(1)
        assert (row["caller"], row["called"], row["cause"], row["ended_by"]) == ("101", "2001", "hung-up", "caller")

        await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.3, hangs_up_after_seconds=1.0)
        assert await sipp(server(stack), "call_until_hung_up", tmp_path) == 0, errors(tmp_path)
        row, *_ = await stack.ended_calls(2)
        assert (row["cause"], row["ended_by"]) == ("hung-up", "callee")

        port = free_port(socket.SOCK_DGRAM)
        assert await sipp(server(stack), "register", tmp_path, port=port) == 0, errors(tmp_path)
        stranger = await stack.emulator.subscriber(STRANGER)
        for count, scenario in ((3, "is_called"), (4, "is_called_and_hangs_up")):
            phone = asyncio.ensure_future(sipp(server(stack), scenario, tmp_path, port=port))
            await asyncio.sleep(0.5)
            mobile = await stranger.call_in(SIM_NUMBERS["green"])
            await mobile.answered(within=10)
            if scenario == "is_called":
                await mobile.hang_up()
            await mobile.ended(within=10)
            assert await phone == 0, errors(tmp_path)
            row, *_ = await stack.ended_calls(count)
            assert row["ended_by"] == ("caller" if scenario == "is_called" else "callee")


async def test_baresip_calls_the_courier_and_is_called_from_a_mobile(tmp_path: Path) -> None:
    (tmp_path / "baresip").mkdir()
    async with (
        house(tmp_path / "site", shop=known_password) as stack,
        baresip(server(stack), tmp_path / "baresip") as phone,
    ):
        await registered(stack)
        courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.3)
        await phone.command("dial", f"2001@127.0.0.1:{stack.site.ports.sip}")
        mobile = await courier.next_call(within=10)
        await mobile.answered(within=10)
        await asyncio.sleep(1.0)
        await mobile.speak(Path(COURIER_VOICE))
        await asyncio.sleep(1.0)
        await phone.command("hangup")
        await mobile.ended(within=5)
        likenesses = _own_voice_in((await mobile.heard()).data)
        assert likenesses[len(likenesses) // 2] > 0.9, likenesses

        stranger = await stack.emulator.subscriber(STRANGER)
        mobile = await stranger.call_in(SIM_NUMBERS["blue"])
        await mobile.answered(within=10)
        await asyncio.sleep(0.5)
        await phone.command("hangup")
        assert (await mobile.ended(within=5)).ended_by == "modem"
        row, *_ = await stack.ended_calls(2)
        assert (row["answered_by"], row["ended_by"]) == ("101", "callee")


def _own_voice_in(data: bytes) -> list[float]:
    """How like the courier's words are what came back, in order of size.

    baresip plays and records by clocks of its own: the voice comes back in pieces that shift, each judged alone.
    """
    heard = np.frombuffer(data, dtype="<i2").astype(np.int16)
    said = np.array(load_wav(COURIER_VOICE), dtype=np.int16)
    pieces = [said[start : start + RATE // 2] for start in range(0, len(said) - RATE // 2, RATE // 2)]
    loud = [piece for piece in pieces if np.abs(piece.astype(int)).mean() > 500]
    return sorted(judge(piece, heard).correlation for piece in loud)


PYVOIP_SECONDS = 36
PYVOIP = """
import sys, time
from pyVoIP.VoIP import VoIPPhone
server, port, password, seconds = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
phone = VoIPPhone(
    "127.0.0.1", server, "101", password, myIP="127.0.0.1", sipPort=port, rtpPortLow=32000, rtpPortHigh=32100
)
phone.start()
time.sleep(1.5)
print(phone.get_status(), flush=True)
call = phone.call("2001")
ends = time.time() + seconds
while time.time() < ends:
    time.sleep(0.02)
    call.write_audio(bytes([0x80]) * 160)
print(call.state, flush=True)
call.hangup()
time.sleep(0.5)
phone.stop()
"""


async def test_a_pyvoip_phone_calls_the_courier_and_the_call_is_up_after_36_seconds(tmp_path: Path) -> None:
    """Other servers cut its calls after 32 s (docs/decisions/lenient-ack.md)."""
    async with house(tmp_path, shop=known_password) as stack:
        courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.3)
        arguments = [str(stack.site.ports.sip), str(free_port(socket.SOCK_DGRAM)), PASSWORD, str(PYVOIP_SECONDS)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PYVOIP, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            mobile = await courier.next_call(within=20)
            await mobile.answered(within=10)
            await asyncio.sleep(PYVOIP_SECONDS - 2)
            assert (await mobile.facts()).state == "active"
            output, _ = await asyncio.wait_for(process.communicate(), 30)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert "PhoneStatus.REGISTERED\nCallState.ANSWERED\n" in output.decode()
        assert (await mobile.ended(within=5)).ended_by == "modem"
        (row,) = await stack.ended_calls(1)
        assert row["ended_by"] == "caller"
        assert row["talk_seconds"] > PYVOIP_SECONDS - 5
