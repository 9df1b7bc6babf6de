"""Programs made for real modems take the emulated ones for such."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.emulator.client import RemoteModem, running_emulator

pytestmark = [pytest.mark.interop, pytest.mark.real_time, pytest.mark.timeout(180)]

FRIEND = "+79161234567"
STRANGER = "+79031112233"
LONG_TEXT = "Заказ 4711: два пакета, третий этаж, домофон не работает. " * 3


async def output_of(*command: str, within: float = 60.0) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(within):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, out.decode()
    return out.decode()


def gammu_config(directory: Path, modem: RemoteModem) -> str:
    path = directory / f"{modem.name}.gammu"
    path.write_text(f"[gammu]\nport = {modem.at}\nconnection = at115200\n")
    return str(path)


async def test_gammu_identifies_every_family(tmp_path: Path) -> None:
    async with running_emulator(tmp_path, modems=["huawei", "quectel", "simcom", "generic"]) as emulator:
        modems = await emulator.modems()
        async with asyncio.TaskGroup() as all_of_them:
            answers = [
                all_of_them.create_task(output_of("gammu", "-c", gammu_config(tmp_path, modem), "identify"))
                for modem in modems
            ]
    for modem, answer in zip(modems, answers, strict=True):
        assert modem.imei in answer.result()
        assert modem.imsi in answer.result()


async def test_gammu_sends_and_reads_messages(tmp_path: Path) -> None:
    async with running_emulator(tmp_path, modems=["huawei"]) as emulator:
        (modem,) = await emulator.modems()
        friend = await emulator.subscriber(FRIEND)
        config = gammu_config(tmp_path, modem)
        await emulator.send_sms(STRANGER, modem.number, LONG_TEXT)
        await output_of("gammu", "-c", config, "sendsms", "TEXT", FRIEND, "-unicode", "-text", "Привет, курьер!")
        (message,) = await friend.messages(at_least=1, within=5)
        assert (message["text"], message["sender"]) == ("Привет, курьер!", modem.number)
        listed = await output_of("gammu", "-c", config, "getallsms")
    assert STRANGER in listed
    assert "part 3 of 3" in listed
    assert LONG_TEXT[:60] in listed


async def test_smstools_sends_and_receives(tmp_path: Path) -> None:
    for name in ("outgoing", "incoming", "failed", "checked", "sent"):
        (tmp_path / "spool" / name).mkdir(parents=True)
    async with running_emulator(tmp_path, modems=["huawei"]) as emulator:
        (modem,) = await emulator.modems()
        friend = await emulator.subscriber(FRIEND)
        await emulator.send_sms(STRANGER, modem.number, "for the daemon")
        (tmp_path / "spool/outgoing/one").write_text(f"To: {FRIEND[1:]}\n\nfrom the daemon\n")
        process = await asyncio.create_subprocess_exec(
            "smsd", "-c", str(smsd_config(tmp_path, modem)), "-t", stdout=asyncio.subprocess.DEVNULL
        )
        try:
            (message,) = await friend.messages(at_least=1, within=30)
            assert message["text"] == "from the daemon"
            received = await first_file(tmp_path / "spool/incoming")
        finally:
            process.terminate()
            await process.wait()
    assert f"From: {STRANGER[1:]}" in received
    assert received.endswith("for the daemon")


def smsd_config(directory: Path, modem: RemoteModem) -> Path:
    spool = directory / "spool"
    settings = {
        "devices": "GSM1",
        "logfile": directory / "smsd.log",
        "infofile": directory / "smsd.info",
        "pidfile": directory / "smsd.pid",
        "delaytime": 1,
        **{name: spool / name for name in ("outgoing", "incoming", "failed", "checked", "sent")},
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    lines += ["[GSM1]", f"device = {modem.at}", "incoming = yes", "baudrate = 115200", "rtscts = no"]
    path = directory / "smsd.conf"
    path.write_text("\n".join([*lines, "check_memory_method = 1", ""]))
    return path


async def first_file(directory: Path) -> str:
    await until(lambda: any(directory.iterdir()), within=30)
    return await asyncio.to_thread(lambda: next(directory.iterdir()).read_text())


async def test_python_gsmmodem_connects_sends_and_receives(tmp_path: Path) -> None:
    async with running_emulator(tmp_path, modems=["huawei"], log=True) as emulator:
        (modem,) = await emulator.modems()
        friend = await emulator.subscriber(FRIEND)
        received: list[Any] = []
        with open_gsmmodem(modem.at, received.append) as connect:
            device = await asyncio.to_thread(connect)
            assert device.imei == modem.imei
            assert device.manufacturer == "huawei"
            assert device.imsi == modem.imsi
            await asyncio.to_thread(device.sendSms, FRIEND, "from the library", waitForDeliveryReport=True)
            (message,) = await friend.messages(at_least=1, within=5)
            assert message["text"] == "from the library"
            await emulator.send_sms(STRANGER, modem.number, "to the library")
            await until(lambda: len(received) == 1)
            assert (received[0].number, received[0].text) == (STRANGER, "to the library")
            # It deletes what it has read, in a thread of its own.
            await until(lambda: modem_was_told(tmp_path / "m0-at.log", "AT+CMGD="))
            await until(lambda: not any("Notification" in each.name for each in threading.enumerate()))


async def test_python_gsmmodem_makes_a_call(tmp_path: Path) -> None:
    async with running_emulator(tmp_path, modems=["huawei"]) as emulator:
        (modem,) = await emulator.modems()
        friend = await emulator.subscriber(FRIEND, ring_seconds=0.2)
        with open_gsmmodem(modem.at, None) as connect:
            device = await asyncio.to_thread(connect)
            dialled = await asyncio.to_thread(device.dial, FRIEND)
            call = await friend.next_call(within=5)
            await call.answered(within=5)
            await until(lambda: bool(dialled.answered))
            await asyncio.to_thread(dialled.hangup)
            assert (await call.ended(within=5)).ended_by == "modem"


@contextlib.contextmanager
def open_gsmmodem(port: str, on_sms: Callable[[Any], None] | None) -> Iterator[Callable[[], Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gsmmodem.modem import GsmModem
    device = GsmModem(port, 115200, smsReceivedCallbackFunc=on_sms, requestDelivery=True)

    def connect() -> Any:
        device.connect()
        return device

    try:
        yield connect
    finally:
        device.close()


def modem_was_told(log: Path, command: str) -> bool:
    return f"> '{command}" in log.read_text()


async def until(holds: Callable[[], bool], within: float = 10.0) -> None:
    for _ in range(round(within / 0.05)):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError
