"""A pyVoIP 1.6.8 phone: other servers cut its calls after 32 s (docs/decisions/lenient-ack.md)."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from tests.fakes.sip import PASSWORD, SipWorld, answer_and_echo

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

TALK_SECONDS = 45

PHONE = """
import sys, time
from pyVoIP.VoIP import CallState, VoIPPhone
server, port, password, seconds = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
ports = {"sipPort": port, "rtpPortLow": 32000, "rtpPortHigh": 32100}
phone = VoIPPhone("127.0.0.1", server, "102", password, myIP="127.0.0.1", **ports)
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


async def test_its_call_is_still_up_after_45_seconds() -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        arguments = [str(world.server.addresses[0].port), str(port), PASSWORD, str(TALK_SECONDS)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", PHONE, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            await asyncio.sleep(TALK_SECONDS - 1)
            assert world.legs[0].state is LegState.UP
            output, _ = await asyncio.wait_for(process.communicate(), 20)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert "PhoneStatus.REGISTERED\nCallState.ANSWERED\n" in output.decode()
        assert world.legs[0].cause is Cause.HUNG_UP
        assert world.legs[0].ended_by_peer
        assert world.legs[0].port.counters.frames_in > 45 * 40
