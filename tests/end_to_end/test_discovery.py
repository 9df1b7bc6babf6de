"""The whole gateway without one [[modems]] entry: it finds its modems at the USB sockets of a copied sysfs tree."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from gateway.demo.site import COURIER
from tests.end_to_end.house import House, house
from tests.fakes.usb_tree import UsbTree

IDS = {"m0": "12d1:1001", "m1": "2c7c:0125", "m2": "1e0e:9001"}
VOICE = {"m0": 1, "m1": 1, "m2": 4}


def plug(tree: UsbTree, place: str, modem: str, emulator: Path, *, first_tty: int) -> None:
    ports = {2: f"{emulator}/{modem}-at", VOICE[modem]: f"{emulator}/{modem}-voice"}
    tree.plug(place, IDS[modem], {number: f"ttyUSB{first_tty + number}" for number in range(5)}, targets=ports)


async def courier_answers(stack: House) -> None:
    courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.2)
    async with stack.phone() as phone:
        await phone.register()
        call = phone.call("2001")
        async with asyncio.timeout(15):
            await call.answered()
        mobile = await courier.next_call(within=5)
        call.hang_up()
        await mobile.ended(within=5)


@pytest.mark.real_time
@pytest.mark.timeout(120)
async def test_modems_are_found_lost_and_found_again(tmp_path: Path) -> None:
    tree = UsbTree(tmp_path)
    site = tmp_path / "site"
    emulator = site / "emulator"
    for number, modem in enumerate(IDS):
        plug(tree, f"1-1.{number}", modem, emulator, first_tty=5 * number)

    def found_not_named(config: str) -> str:
        text = re.sub(r"\[\[modems\]\]\n(?:\w+ = .*\n)+", "", config)
        return re.sub(
            r"enabled = false.*", f'enabled = true\nsysfs = "{tree.root}"\ndevices = "{tree.dev}"', text, count=1
        )

    def by_socket(shop: str) -> str:
        return re.sub(r'modem = "m(\d)"', r'modem = "usb-1-1.\1"', shop)

    async with house(site, config=found_not_named, shop=by_socket) as stack:
        for number in range(3):
            row = await stack.until_modem(f"usb-1-1.{number}", "ready", within=30)
            assert (row["usb_path"], row["voice"], row["sim"]) == (f"1-1.{number}", True, "ready")
            assert row["line"] is not None
        await courier_answers(stack)

        stick = await stack.emulator.modem("m0")
        tree.unplug("1-1.0")
        await stick.unplug()
        await stack.until_modem("usb-1-1.0", "lost", within=10)
        await stick.replug()
        plug(tree, "1-1.0", "m0", emulator, first_tty=20)
        row = await stack.until_modem("usb-1-1.0", "ready", within=15)
        assert row["port"] == str(tree.dev / "ttyUSB22")
        assert row["last_fault"]["code"] == "modem-lost"
        await courier_answers(stack)
        log = (stack.site.directory / "logs" / "daemon.log").read_text()
        rows = (await stack.api.get("/snapshot"))["modems"]
        for secret in [row[name] for row in rows for name in ("imei", "imsi", "iccid")]:
            assert secret
            assert secret not in log
