"""Unplugged, hung, locked, full: what the modems of the field do, and that the line comes back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from gateway.emulator.client import EmulatorClient, RemoteModem, running_emulator
from gateway.errors import NoFreeLine
from gateway.modem.modem import ModemState
from gateway.telephony.causes import Cause
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings, Shop
from tests.fakes.numbers import dialable
from tests.modem.fleet_room import ready, room_for, served, settings_of, until

pytestmark = pytest.mark.timeout(90)
COURIER = "+79161234567"


@pytest.mark.real_time
@pytest.mark.parametrize("family", ["huawei", "quectel", "simcom"])
async def test_unplugged_in_a_call_and_plugged_in_again(tmp_path: Path, family: str) -> None:
    """X-M1, X-M2: the leg ends at once; the line is back soon after the modem, under other devices."""
    async with served(tmp_path, family, "generic") as (room, fleet, emulator, modems):
        await ready(fleet, "l0")
        await emulator.subscriber(COURIER, ring_seconds=0.1)
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=5)
        gone = time.monotonic()
        await modems[0].unplug()
        assert await leg.ended(within=2) is Cause.MODEM_LOST
        assert time.monotonic() - gone < 0.5
        await until(lambda: fleet.modems["m0"].state is ModemState.LOST)
        with pytest.raises(NoFreeLine):
            fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert fleet.lines["l1"].state is LineState.READY
        assert room.alerts == ["modem-lost"]
        await modems[0].replug()
        back = time.monotonic()
        await ready(fleet, "l0")
        assert time.monotonic() - back < 5
        assert room.cleared == ["modem-lost"]
        assert list(room.budget.closed.values()) == [1]


@pytest.mark.real_time
async def test_unplugged_at_any_moment(tmp_path: Path, seed: int) -> None:
    """X-M1 in short: 6 random moments of dialling and ringing; every leg ends, every line returns."""
    import random

    dice = random.Random(seed)
    async with served(tmp_path, "huawei", "quectel", "simcom") as (room, fleet, emulator, modems):
        await emulator.subscriber(COURIER, ring_seconds=0.1)
        for turn in range(6):
            number = turn % 3
            await ready(fleet, f"l{number}")
            leg = fleet.lines[f"l{number}"].dial(dialable(COURIER), call_id="call", extension=None)
            await asyncio.sleep(dice.random() * 0.4)
            await modems[number].unplug()
            assert await leg.ended(within=2) is Cause.MODEM_LOST
            await modems[number].replug()
        for number in range(3):
            await ready(fleet, f"l{number}")
        assert len(room.budget.closed) == len(room.budget.opened)


@pytest.mark.real_time
async def test_a_wrong_pin_is_tried_once_in_all_starts(tmp_path: Path) -> None:
    """T-F13."""
    pin_file = tmp_path / "pin"
    pin_file.write_text("1111\n")
    async with running_emulator(tmp_path / "emulator") as emulator:
        modem = await emulator.add_modem("huawei", pin="4829")
        room = room_for(LineSettings(name="l0", modem=modem.name, pin_file=str(pin_file)))
        for _ in range(5):
            async with room.fleet(settings_of([modem])) as fleet:
                await until(lambda fleet=fleet: fleet.lines["l0"].state is LineState.LOCKED)  # type: ignore[misc]  # bound early
        sent = [line for _, line in await modem.commands() if line.startswith("AT+CPIN=")]
        assert len(sent) == 1
        assert set(room.alerts) == {"sim-locked"}
        pin_file.write_text("4829\n")
        async with room.fleet(settings_of([modem])) as fleet:
            await ready(fleet, "l0")
        assert room.pin_tries.tried == {}


@pytest.mark.real_time
async def test_a_sim_that_comes_and_goes(tmp_path: Path) -> None:
    """X-M6, X-M7: what is missing is said; the line is back when it is not missing any more."""
    async with served(tmp_path, "quectel") as (room, fleet, _emulator, (modem,)):
        await ready(fleet, "l0")
        await modem.radio("searching")
        await until(lambda: fleet.lines["l0"].state is LineState.SEARCHING)
        await modem.radio("denied")
        await until(lambda: fleet.modems["m0"].reason == "registration-denied")
        await modem.radio("roaming")
        await until(lambda: fleet.lines["l0"].state is LineState.ROAMING)
        await modem.radio("home")
        await ready(fleet, "l0")
        await modem.sim(present=False)
        await until(lambda: fleet.lines["l0"].state is LineState.NO_SIM, within=12)
        await modem.sim(present=True)
        await until(lambda: fleet.lines["l0"].state in (LineState.READY, LineState.LOCKED), within=12)
        assert [code for code in room.alerts if code == "no-sim"] == ["no-sim"]


@pytest.mark.real_time
async def test_sms_of_every_kind(tmp_path: Path) -> None:
    async with served(tmp_path, "huawei", "quectel", "simcom") as (room, fleet, emulator, modems):
        for number, modem in enumerate(modems):
            await ready(fleet, f"l{number}")
            room.inbox.parts.clear()
            cyrillic = "Здравствуйте, заказ принят! " * 5
            await emulator.send_sms("+79031112233", modem.number, cyrillic, order=[3, 1, 2])
            await emulator.send_sms("MegaSim", modem.number, "[tariff] {x} €5", copies=2)
            await emulator.send_sms("+79031112244", modem.number, "wide 😀 " * 30, wide_reference=True)
            await until(lambda: len(room.inbox.texts) >= 3 and "😀" in (room.inbox.texts[-1] or ""))
            await until(lambda: len(room.inbox.texts[-1] or "") == 7 * 30)
            assert room.inbox.texts == [cyrillic, "[tariff] {x} €5", "wide 😀 " * 30]
            for burst in range(12):
                await emulator.send_sms("+79031112255", modem.number, f"burst {burst}")
            await emulator.send_pdus(modem.number, ["079197616110F1FFFF00112233"])
            await until(lambda: len(room.inbox.texts) >= 3 + 12 + 1)
            assert {f"burst {burst}" for burst in range(12)} < set(room.inbox.texts)
            assert [part.text for part in room.inbox.parts].count(None) == 1
            await asyncio.sleep(0.2)
            stored = [line for _, line in await modem.commands() if line.startswith("AT+CMGD=")]
            assert len(stored) >= len(room.inbox.parts)


@pytest.mark.real_time
async def test_sms_stay_on_the_sim_while_they_cannot_be_kept(tmp_path: Path) -> None:
    async with served(tmp_path, "huawei") as (room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        room.inbox.broken = True
        await emulator.send_sms("+79031112233", modem.number, "precious")
        await asyncio.sleep(0.5)
        assert not [line for _, line in await modem.commands() if line.startswith("AT+CMGD")]
        room.inbox.broken = False
        await emulator.send_sms("+79031112233", modem.number, "more")
        await until(lambda: sorted(room.inbox.texts, key=str) == ["more", "precious"])


@pytest.mark.real_time
async def test_a_port_that_somebody_else_holds(tmp_path: Path) -> None:
    async with served(tmp_path, "huawei") as (room, fleet, _emulator, modems):
        await ready(fleet, "l0")
        other = room_for(LineSettings(name="l0", modem="m0"))
        async with other.fleet(settings_of(modems)) as second:
            await until(lambda: second.lines["l0"].state is LineState.FAULTY)
            assert second.modems["m0"].reason == "port-busy"
        assert fleet.lines["l0"].state is LineState.READY
        assert room.alerts == []


@pytest.mark.real_time
async def test_a_modem_without_voice_serves_sms(tmp_path: Path) -> None:
    async def prepare(_emulator: EmulatorClient, modems: list[RemoteModem]) -> None:
        await modems[0].misbehave("no_voice")

    async with served(tmp_path, "huawei", prepare=prepare) as (room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        assert not fleet.lines["l0"].can_speak
        assert "no-voice" in room.alerts
        with pytest.raises(NoFreeLine):
            fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        await emulator.send_sms("+79031112233", modem.number, "still here")
        await until(lambda: room.inbox.texts == ["still here"])


@pytest.mark.real_time
async def test_lines_follow_the_shop(tmp_path: Path) -> None:
    async with served(tmp_path, "huawei", "simcom") as (room, fleet, _emulator, modems):
        await ready(fleet, "l0")
        await until(lambda: fleet.modems["m1"].state is ModemState.READY)
        room.shop = Shop(
            lines=(
                LineSettings(name="by-imei", imei=modems[0].imei),
                LineSettings(name="by-sim", iccid=modems[1].iccid),
                LineSettings(name="nowhere", modem="m9"),
            )
        )
        fleet.shop_changed()
        assert list(fleet.lines) == ["by-imei", "by-sim", "nowhere"]
        assert [line.state for line in fleet.lines.values()] == [LineState.READY, LineState.READY, LineState.ABSENT]
        carried = [modem.line.name for modem in fleet.modems.values() if modem.line is not None]
        assert carried == ["by-imei", "by-sim"]
        with pytest.raises(NoFreeLine):
            fleet.lines["nowhere"].dial(dialable(COURIER), call_id="call", extension=None)
        room.shop = Shop()
        assert list(fleet.lines) == []
