"""The emulated world played by the API: none beside real modems, and the real emulator does what it is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.api.playground import EmulatorAway, Playground, PlayRefused
from gateway.emulator.client import running_emulator
from tests.api.served import serving
from tests.fakes.exchange_view import SHOP

pytestmark = pytest.mark.real_time

CUSTOMER, COURIER = "+79031112233", "+79161234567"


async def test_beside_real_modems_there_is_nothing_to_play() -> None:
    async with serving() as served:
        await served.set_up()
        assert (await served.ask("GET", "/api/v1/playground"))[0] == 404
        assert (await served.ask("POST", "/api/v1/playground", json={"do": "unplug", "modem": "m0"}))[0] == 404
        assert (await served.ask("GET", "/api/v1/snapshot"))[1]["emulated"] is False


async def test_the_emulator_does_what_it_is_asked(tmp_path: Path) -> None:
    world = Playground(tmp_path / "control.sock", shop=lambda: SHOP, registrar=lambda: ("127.0.0.1", 9))
    with pytest.raises(EmulatorAway):
        await world.state()
    async with running_emulator(tmp_path, modems=["huawei"], people=True) as emulator:
        (modem,) = await emulator.modems()
        call = await world.call_in(CUSTOMER, modem.number)
        state = await world.state()
        assert state["calls"] == [
            {"id": call, "who": CUSTOMER, "is_phone": False, "with": modem.number, "is_called": False,
             "state": "dialling", "seconds": 0.0}
        ]  # fmt: skip
        await world.hang_up(call)
        assert (await world.state())["calls"] == []
        await world.plug(modem.name, is_in=False)
        assert (await world.state())["modems"] == [
            {"name": modem.name, "family": "huawei", "sim": modem.number, "plugged_in": False}
        ]
        await world.plug(modem.name, is_in=True)
        await world.signal(modem.name, is_weak=True)
        await world.people(COURIER, "busy")
        await world.text(CUSTOMER, modem.number, "Hello")
        for impossible in (world.call_in(CUSTOMER, "+10000000"), world.hang_up("none"), world.plug("m9", is_in=True)):
            with pytest.raises(PlayRefused):
                await impossible
        assert not await world.put_phone("999")
        assert await asyncio.gather(*(world.state() for _ in range(4)))
