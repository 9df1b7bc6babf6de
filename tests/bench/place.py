"""The bench's place: a site with so many lines, phones and couriers, and the processes that serve and use it."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.demo.free_port import free_port
from gateway.demo.shop_api import ShopApi
from gateway.demo.site import Ports, Site
from gateway.emulator.client import EmulatorClient, RemoteModem, RemotePhone, running_emulator

START_SECONDS = 40.0
STOP_SECONDS = 25.0
MIXED = ("401", "402", "403")
"""Extensions of three phones that talk beside the measured calls, where that is wanted."""
_RTP_PORTS = (24_000, 25_999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a site is to have: one line, phone and courier for each family that is named."""

    families: tuple[str, ...]
    calls: str = "all"
    """What is recorded: "all", or "none"."""
    notice: str = "none"
    panel: bool = False
    """Whether the panel runs as well, and the three phones of `MIXED` are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where calls are played: the same index is a line, its modem, its phone and its courier."""

    site: Site
    wanted: Wanted
    emulator: EmulatorClient
    phone_network: EmulatorClient
    """Of the phones' process."""
    modems: list[RemoteModem]
    phones: list[RemotePhone]
    mixed: list[RemotePhone]
    api: ShopApi
    daemon: int
    """Its process."""


def courier_mobile(index: int) -> str:
    """The mobile of the courier with extension 2001 + index."""
    return f"+7916700{index:04d}"


def stranger_mobile(index: int) -> str:
    """Whoever calls the SIM of line `index`, without being known to the shop."""
    return f"+7903700{index:04d}"


@asynccontextmanager
async def place(directory: Path, wanted: Wanted) -> AsyncIterator[Place]:
    """Modems, phones, daemon and worker, each a process of its own, ready for calls.

    The phones run in a second emulator process without modems, so that their work does not blur the modems' ticks.
    Raises RuntimeError, with the end of its log, when the daemon does not come up.
    """
    site = _prepare(directory, wanted)
    async with (
        running_emulator(site.emulator, modems=wanted.families) as emulator,
        running_emulator(directory / "phones") as phone_network,
    ):
        config = ("--config", str(site.config))
        async with _process(directory, "setup", "shop", "import", str(site.shop), *config) as setup:
            if await setup.wait() != 0:
                raise _failure(directory, "setup")
        async with (
            _process(directory, "daemon", "run", *config) as daemon,
            _process(directory, "worker", "worker", *config),
            _process(directory, "panel", "web", *config) if wanted.panel else nullcontext(),
        ):
            await _serving(site.ports.api, directory, daemon)
            if wanted.panel:
                await _serving(site.ports.web, directory, daemon)
            async with ShopApi(site) as api:
                await api.until("/snapshot", _all_lines_ready, within=START_SECONDS)
                yield Place(
                    site=site,
                    wanted=wanted,
                    emulator=emulator,
                    phone_network=phone_network,
                    modems=await emulator.modems(),
                    phones=await _phones(site, phone_network, len(wanted.families)),
                    mixed=[await _phone(site, phone_network, each) for each in MIXED] if wanted.panel else [],
                    api=api,
                    daemon=daemon.pid,
                )


async def _phones(site: Site, network: EmulatorClient, count: int) -> list[RemotePhone]:
    phones = [await _phone(site, network, str(301 + index)) for index in range(count)]
    await _warm_up(phones[0])
    return phones


async def _phone(site: Site, network: EmulatorClient, extension: str) -> RemotePhone:
    phone = await network.phone(extension, site.phone_password, port=site.ports.sip)
    await phone.register()
    return phone


async def _warm_up(phone: RemotePhone) -> None:
    """The first call of the phones' process makes its tables: not while a call through the gateway is measured."""
    await phone.call(f"sip:{phone.port}@127.0.0.1:{phone.port}")
    itself = await phone.incoming(within=START_SECONDS)
    await itself.answer()
    await itself.hang_up()


@asynccontextmanager
async def _process(directory: Path, name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m gateway ...`, ended at the end; its log is NAME.log."""
    with (directory / f"{name}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=asyncio.subprocess.STDOUT,
            start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _serving(port: int, directory: Path, daemon: asyncio.subprocess.Process) -> None:
    """Wait until somebody listens there."""
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                if daemon.returncode is not None:
                    raise _failure(directory, "daemon")
                try:
                    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.1)
                    continue
                writer.close()
                return
    except TimeoutError:
        raise _failure(directory, "daemon") from None


def _failure(directory: Path, name: str) -> RuntimeError:
    end = (directory / f"{name}.log").read_text(errors="replace").splitlines()[-15:]
    return RuntimeError(f"The {name} did not start. The end of its log in {directory}:\n" + "\n".join(end))


def _all_lines_ready(snapshot: Any) -> bool:
    return all(line["state"] == "ready" for line in snapshot["lines"])


def _prepare(directory: Path, wanted: Wanted) -> Site:
    (directory / "emulator").mkdir(parents=True)
    ports = Ports(sip=free_port(socket.SOCK_DGRAM), api=free_port(), web=free_port())
    site = Site(directory=directory, ports=ports, phone_password=secrets.token_urlsafe(15))
    site.config.write_text(_gateway_toml(site, len(wanted.families)), encoding="utf-8")
    site.shop.write_text(_shop_toml(site, wanted), encoding="utf-8")
    return site


def _gateway_toml(site: Site, count: int) -> str:
    modems = "".join(
        f"""
[[modems]]
name = "m{index}"
at = "{site.emulator}/m{index}-at"
voice = "{site.emulator}/m{index}-voice"
dialect = "auto"
"""
        for index in range(count)
    )
    return f"""data_dir = "data"
[discovery]
enabled = false

[sip]
bind = ["127.0.0.1"]
port = {site.ports.sip}
rtp_ports = [{_RTP_PORTS[0]}, {_RTP_PORTS[1]}]
[api]
bind = "127.0.0.1:{site.ports.api}"
[web]
bind = "127.0.0.1:{site.ports.web}"
{modems}"""


def _shop_toml(site: Site, wanted: Wanted) -> str:
    people = "".join(
        f"""
[[lines]]
name = "line{index}"
modem = "m{index}"
number = "+7916{index + 1:07d}"
rings = ["{301 + index}"]
[[phones]]
extension = "{301 + index}"
name = "Desk {index}"
password = "{site.phone_password}"
[[couriers]]
extension = "{2001 + index}"
name = "Courier {index}"
mobile = "{courier_mobile(index)}"
lines = ["line{index}"]
"""
        for index in range(len(wanted.families))
    )
    for extension in MIXED if wanted.panel else ():
        people += f'\n[[phones]]\nextension = "{extension}"\npassword = "{site.phone_password}"\n'
    return f"""[shop]
name = "Bench"
language = "en"
time_zone = "Europe/Moscow"
currency = "RUB"
{people}
[recording]
calls = "{wanted.calls}"
notice = "{wanted.notice}"
keep_days = 1
[numbers]
country = "RU"
"""
