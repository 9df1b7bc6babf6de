"""SIP programs from Debian as phones of ours: sipp by its scenarios, baresip by its control port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.demo.free_port import free_port
from tests.fakes.sip import PASSWORD

SCENARIOS = Path(__file__).parent / "sipp"
MODULES = "/usr/lib/baresip/modules"
CONFIG = """
sip_listen 127.0.0.1:{port}
module_path {module_path}
module g711.so
{modules}
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
audio_player aubridge,one
audio_source {source}
snd_path {directory}
audio_alert aubridge,two
ringback_disabled yes
rtp_ports 31000-31900
"""


def _free_sip_port() -> int:
    """One that is free for UDP and TCP, and the next one for TLS: baresip takes all three."""
    while True:
        port = free_port(socket.SOCK_DGRAM)
        try:
            for each in (port, port + 1):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
        except OSError:
            continue
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
async def baresip(
    server: tuple[str, int],
    directory: Path,
    *,
    user: str = "101",
    modules: Sequence[str] = (),
    account: str = "",
    source: str = "aubridge,one",
    ca_file: Path | None = None,
) -> AsyncIterator[Baresip]:
    """baresip as a phone of the gateway at `server`; its log is `directory`/log.

    `modules` are loaded beside the usual ones, `account` adds parameters to its account, and `source` is what it
    says: what it hears, unless something else is named. With a `ca_file` it speaks TLS with a server that the file
    vouches for.
    """
    host, server_port = server
    control = free_port(socket.SOCK_STREAM)
    port = _free_sip_port()
    (directory / "config").write_text(
        CONFIG.format(
            port=port,
            control=control,
            module_path=MODULES,
            modules="\n".join(f"module {each}.so" for each in modules),
            source=source,
            directory=directory,
        )
        + ("" if ca_file is None else f"sip_cafile {ca_file}\nsip_certificate {ca_file.with_suffix('.phone')}\n")
    )
    way = "" if ca_file is None else ";transport=tls"
    (directory / "accounts").write_text(
        f"<sip:{user}@{host}:{server_port}{way}>;auth_pass={PASSWORD};regint=60;answermode=auto{account}\n"
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


async def sipp(
    server: tuple[str, int],
    scenario: str,
    directory: Path,
    *,
    port: int = 0,
    calls: int = 1,
    rate: int = 10,
    keys: Mapping[str, str] | None = None,
) -> int:
    """Run a scenario to its end; its exit status, 0 when every call went as written. `keys` stand in it in brackets."""
    arguments = ["-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-m", str(calls), "-r", str(rate)]
    if port:
        arguments += ["-p", str(port)]
    for name, value in (keys or {}).items():
        arguments += ["-key", name, value]
    process = await asyncio.create_subprocess_exec(
        "sipp",
        f"{server[0]}:{server[1]}",
        *arguments,
        *("-timeout", "20s", "-timeout_error", "-trace_err", "-nostdin"),
        cwd=directory,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await asyncio.wait_for(process.wait(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def errors(directory: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in directory.glob("*errors.log"))
