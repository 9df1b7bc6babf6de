"""What the kernel tells of devices: a look at once, and hardly any while it says nothing."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from gateway.modem import discovery
from gateway.modem.bus_news import BusNews, kernel_socket
from gateway.modem.discovery import BusWatch, UsbBus

TTY = b"add@/devices/platform/usb1/1-1/ttyUSB0\0ACTION=add\0SUBSYSTEM=tty\0SEQNUM=847\0"
BATTERY = b"change@/devices/battery\0ACTION=change\0SUBSYSTEM=power_supply\0SEQNUM=848\0"


@pytest.mark.real_time
async def test_a_device_is_news_and_a_battery_is_not() -> None:
    kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    with kernel, BusNews(ours) as news:
        kernel.send(BATTERY)
        assert not await news.came(within=0.1)
        kernel.send(BATTERY)
        kernel.send(TTY)
        kernel.send(TTY)
        assert await news.came(within=10)
        assert not await news.came(within=0.1), "a flurry is told once"
        kernel.send(TTY)
        assert await news.came(within=10)


@pytest.mark.real_time
async def test_the_bus_is_looked_at_when_the_kernel_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "BUSY_SECONDS", 0.0)
    kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    with kernel, BusNews(ours) as news:
        watch = BusWatch(UsbBus(tmp_path, tmp_path), lambda _: None, news)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await watch.worth_a_look()
        began = time.monotonic()
        kernel.send(TTY)
        async with asyncio.timeout(10):
            await watch.worth_a_look()
        assert time.monotonic() - began < 3


async def test_without_the_kernels_word_it_is_looked_at_every_second(tmp_path: Path) -> None:
    watch = BusWatch(UsbBus(tmp_path, tmp_path), lambda _: None)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await watch.worth_a_look()
    assert loop.time() - began == pytest.approx(1.0)


def test_a_copy_of_sysfs_has_no_kernel_behind_it(tmp_path: Path) -> None:
    assert kernel_socket(tmp_path) is None


def test_the_kernel_is_listened_to_where_it_speaks() -> None:
    source = kernel_socket(Path("/sys"))
    if source is not None:  # in a container of its own users nothing is ever said, and the bus is looked at instead
        with source:
            assert source.getblocking() is False
            assert source.getsockname()[1] == 1
