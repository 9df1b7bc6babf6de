"""baresip as a phone: it registers, calls and is called; its own audio comes back to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import Caller
from tests.fakes.sip import PASSWORD, SipWorld, answer_and_echo

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

MODULES = "/usr/lib/baresip/modules"
CONFIG = """
sip_listen 127.0.0.1:{port}
module_path {modules}
module g711.so
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
audio_player aubridge,one
audio_source aubridge,one
audio_alert aubridge,two
ringback_disabled yes
rtp_ports 31000-31100
"""


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Baresip:
    """A running baresip and its control port."""

    def __init__(self, process: asyncio.subprocess.Process, control: int) -> None:
        self.process = process
        self.control = control

    async def command(self, name: str, parameters: str = "") -> None:
        """ctrl_tcp takes a JSON object as a netstring."""
        text = f'{{"command":"{name}","params":"{parameters}"}}'
        for _ in range(50):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.control)
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)
        writer.write(f"{len(text)}:{text},".encode())
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def baresip(world: SipWorld, directory: Path) -> AsyncIterator[Baresip]:
    server = world.server.addresses[0]
    control = free_port(socket.SOCK_STREAM)
    port = free_port(socket.SOCK_DGRAM)
    (directory / "config").write_text(CONFIG.format(port=port, control=control, modules=MODULES))
    (directory / "accounts").write_text(
        f"<sip:101@{server.host}:{server.port}>;auth_pass={PASSWORD};regint=60;answermode=auto\n"
    )
    for name in ("contacts", "uuid"):
        (directory / name).touch()
    with (directory / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "baresip",
            *("-f", str(directory)),
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        yield Baresip(process, control)
    finally:
        process.terminate()
        await process.wait()


async def until(condition: Callable[[], bool], seconds: float = 8.0) -> bool:
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if condition():
            return True
        await asyncio.sleep(0.05)
    return False


async def test_it_registers_calls_and_hears_itself(tmp_path: Path) -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server, baresip(world, tmp_path) as phone:
        assert await until(lambda: world.server.phones.is_reachable("101")), (tmp_path / "log").read_text()
        await phone.command("dial", f"2001@127.0.0.1:{world.server.addresses[0].port}")
        assert await until(lambda: bool(world.legs) and world.legs[0].state is LegState.UP)
        leg = world.legs[0]
        assert await until(lambda: leg.port.counters.frames_in > 50)
        await phone.command("hangup")
        assert await leg.ended(within=5) is Cause.HUNG_UP
        assert leg.port.counters.lost == 0
        assert leg.port.counters.frames_out >= 50


async def test_it_is_called_and_we_hang_up(tmp_path: Path) -> None:
    world = SipWorld()
    async with world.server:
        async with baresip(world, tmp_path) as phone:
            assert await until(lambda: world.server.phones.is_reachable("101")), (tmp_path / "log").read_text()
            leg = world.server.phones.dial("101", caller=Caller(number="+79161234567", name="Анна"))
            assert await leg.up(within=8), (tmp_path / "log").read_text()
            leg.port.hear(leg.port)
            assert await until(lambda: leg.port.counters.frames_in > 50)
            leg.hangup()
            await asyncio.sleep(0.3)
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            assert await leg.up(within=8)
            await phone.command("hangup")
            assert await leg.ended(within=5) is Cause.HUNG_UP
            assert leg.ended_by_peer
        assert await until(lambda: not world.server.phones.is_reachable("101"))  # it signs off when it stops
