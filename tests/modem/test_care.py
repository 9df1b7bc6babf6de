"""A person looks after a modem: restart, PIN, dialogue, questions. In virtual time, with a modem of a transcript."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.clock import utc_now
from gateway.errors import (
    AtTimeout,
    LastPinTry,
    ModemInCall,
    ModemLost,
    NoFreeLine,
    PinNotWanted,
    PinTriedBefore,
    PinWrong,
    TextRefused,
)
from gateway.modem.care import QUESTIONS, FleetCare
from gateway.modem.dialects.quectel import Quectel
from gateway.modem.pin_files import PinFiles
from gateway.settings import DiscoverySettings, ModemSettings
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.modem_care import RestartStep
from gateway.telephony.shop import LineSettings
from tests.fakes.transcript import TranscriptModem
from tests.fakes.usb_tree import UsbTree
from tests.modem.fleet_room import ready, room_for, until
from tests.modem.fleet_room import served as emulated
from tests.modem.test_recovery import slowly
from tests.modem.test_service import Scene, hardware, served

__all__ = ["hardware"]

SIM = "89701012345678901234"
RIGHT, WRONG = "4829", "1111"


@pytest.fixture
def pins(tmp_path: Path) -> PinFiles:
    return PinFiles(tmp_path / "sim-pins")


def care_of(scene: Scene, pins: PinFiles) -> FleetCare:
    return FleetCare(scene.fleet, scene.room.traces, pins, utc_now)


def lock(hardware: TranscriptModem, *, tries: int = 3) -> None:
    """The SIM asks for its PIN, which is RIGHT, and counts the tries."""
    left = [tries]

    def count() -> None:
        left[0] -= 1
        hardware.answer("AT^CPIN?", f"^CPIN: SIM {'PIN' if left[0] else 'PUK'},,10,{left[0]},10,3", "OK")
        if not left[0]:
            hardware.answer("AT+CPIN?", "+CPIN: SIM PUK", "OK")

    hardware.answer("AT+CPIN?", "+CPIN: SIM PIN", "OK")
    hardware.answer("AT^CPIN?", f"^CPIN: SIM PIN,,10,{tries},10,3", "OK")
    hardware.answer(f'AT+CPIN="{WRONG}"', "+CME ERROR: 16")
    hardware.answer(f'AT+CPIN="{RIGHT}"', "OK")
    hardware.reactions[f'AT+CPIN="{WRONG}"'] = count
    hardware.reactions[f'AT+CPIN="{RIGHT}"'] = lambda: hardware.answer("AT+CPIN?", "+CPIN: READY", "OK")


def sent_pins(hardware: TranscriptModem) -> list[str]:
    return [line for line in hardware.said if line.startswith("AT+CPIN=")]


async def locked(scene: Scene) -> None:
    await scene.until(lambda: scene.fleet.lines["l0"].state is LineState.LOCKED)


async def test_a_restart_begins_with_the_port(hardware: TranscriptModem, pins: PinFiles) -> None:
    async with served(hardware) as s:
        care = care_of(s, pins)
        assert care.condition("m0").steps == (RestartStep.REOPEN, RestartStep.RESTART)
        openings = len(hardware.opened_at)
        await care.restart("m0", RestartStep.REOPEN, ends_call=False)
        assert s.modem.reason == "modem-restarting"
        with pytest.raises(NoFreeLine):
            s.dial()
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)
        assert len(hardware.opened_at) == openings + 1
        assert "AT+CFUN=1,1" not in hardware.said
        assert s.room.alerts == [], "nobody is woken by what somebody has asked for"
        with pytest.raises(LookupError):
            care.condition("m7")
        with pytest.raises(ValueError, match="power"):
            await care.restart("m0", RestartStep.POWER, ends_call=False)


async def test_a_modem_that_is_told_to_start_anew_and_does_not_is_given_the_next_step(
    hardware: TranscriptModem, pins: PinFiles
) -> None:
    async with served(hardware) as s:
        hardware.reactions["AT+CFUN=1,1"] = lambda: setattr(hardware, "is_hung", True)
        await care_of(s, pins).restart("m0", RestartStep.RESTART, ends_call=False)
        await slowly(lambda: "AT^RESET" in hardware.said)
        assert hardware.said.index("AT+CFUN=1,1") < hardware.said.index("AT^RESET")
        hardware.is_hung = False
        await slowly(lambda: s.fleet.lines["l0"].state is LineState.READY)


@pytest.mark.real_time
async def test_a_modem_that_leaves_the_bus_by_a_wish_is_no_alert(tmp_path: Path, pins: PinFiles) -> None:
    async with emulated(tmp_path, "huawei") as (room, fleet, _emulator, _modems):
        await ready(fleet, "l0")
        care = FleetCare(fleet, room.traces, pins, utc_now)
        assert (await care.ask("m0", "ATI")).result == "OK"
        await care.restart("m0", RestartStep.RESTART, ends_call=False)
        await until(lambda: "lost" in room.states("m0"), within=30)
        await ready(fleet, "l0", within=30)
        assert room.alerts == []


async def test_a_call_is_ended_only_when_somebody_says_so(hardware: TranscriptModem, pins: PinFiles) -> None:
    async with served(hardware) as s:
        care, leg = care_of(s, pins), await s.talking()
        assert care.condition("m0").in_call
        with pytest.raises(ModemInCall):
            await care.restart("m0", RestartStep.REOPEN, ends_call=False)
        await asyncio.sleep(1)
        assert leg.state is LegState.UP
        openings = len(hardware.opened_at)
        hardware.reactions["AT+CHUP"] = s.will_let_go
        await care.restart("m0", RestartStep.REOPEN, ends_call=True)
        assert leg.cause is Cause.MODEM_LOST
        assert "AT+CHUP" in hardware.said, "it is hung up before the port is closed"
        assert len(hardware.opened_at) == openings
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)


async def test_who_waits_for_a_hung_modem_need_not(hardware: TranscriptModem, pins: PinFiles) -> None:
    """The ladder has come to its long pauses; a person begins anew at once."""
    async with served(hardware) as s:
        hardware.is_hung = True
        await slowly(lambda: s.modem.reason == "modem-faulty")
        await asyncio.sleep(120)
        hardware.is_hung = False
        began = s.now
        await care_of(s, pins).restart("m0", RestartStep.REOPEN, ends_call=False)
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)
        assert s.now - began < 5


class Hub:
    """A hub that can, or cannot."""

    def __init__(self, *, can: bool) -> None:
        self.can = can
        self.switched: list[str] = []

    def can_cycle(self, place: str) -> bool:
        assert place == "1-1.4"
        return self.can

    async def cycle(self, place: str) -> bool:
        self.switched.append(place)
        return True


@pytest.mark.parametrize("can", [True, False])
async def test_power_is_offered_where_a_hub_can(
    hardware: TranscriptModem, pins: PinFiles, tmp_path: Path, *, can: bool
) -> None:
    tree = UsbTree(tmp_path)
    (tmp_path / "port").touch()
    tree.plug("1-1.4", "12d1:1001", {2: "ttyUSB2"}, targets={2: str(tmp_path / "port")})
    room, hub = room_for(LineSettings(name="l0", modem="m0")), Hub(can=can)
    fixed = ModemSettings(name="m0", at=str(tmp_path / "port"), voice="/dev/null")
    discovery = DiscoverySettings(enabled=False, sysfs=str(tree.root), devices=str(tree.dev))
    async with room.fleet((fixed,), discovery=discovery, power=hub) as fleet:
        care = FleetCare(fleet, room.traces, pins, utc_now)
        await slowly(lambda: fleet.lines["l0"].state is LineState.READY)
        assert (RestartStep.POWER in care.condition("m0").steps) is can
        if can:
            await care.restart("m0", RestartStep.POWER, ends_call=False)
            await slowly(lambda: bool(hub.switched) and fleet.lines["l0"].state is LineState.READY)
    assert hub.switched == (["1-1.4"] if can else [])


async def test_a_wrong_pin_is_never_sent_twice(hardware: TranscriptModem, pins: PinFiles) -> None:
    async with served(hardware) as s:
        care = care_of(s, pins)
        with pytest.raises(PinNotWanted):
            await care.enter_pin("m0", RIGHT, keeps=False, last_try=False)
        lock(hardware)
        await locked(s)
        assert (care.condition("m0").wants_pin, care.condition("m0").pin_tries) == (True, 3)
        with pytest.raises(PinWrong) as wrong:
            await care.enter_pin("m0", WRONG, keeps=True, last_try=False)
        assert wrong.value.values == {"tries": 2}
        for _ in range(3):
            with pytest.raises(PinTriedBefore):
                await care.enter_pin("m0", WRONG, keeps=True, last_try=True)
        await care.restart("m0", RestartStep.REOPEN, ends_call=False)
        await locked(s)
        await s.until(lambda: s.modem.access is not None)
        with pytest.raises(PinTriedBefore):
            await care.enter_pin("m0", WRONG, keeps=True, last_try=True)
        for text in ("12a4", "123456789", '1";D', ""):
            with pytest.raises(TextRefused):
                await care.enter_pin("m0", text, keeps=False, last_try=False)
        assert sent_pins(hardware) == [f'AT+CPIN="{WRONG}"']
        assert not care.condition("m0").keeps_pin, "a wrong one is not kept"
        await care.enter_pin("m0", RIGHT, keeps=False, last_try=False)
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)
        assert not care.condition("m0").keeps_pin
        assert s.room.pin_tries.tried == {}


async def test_the_last_try_is_a_persons_who_says_so(hardware: TranscriptModem, pins: PinFiles) -> None:
    async with served(hardware) as s:
        care = care_of(s, pins)
        lock(hardware, tries=1)
        await locked(s)
        with pytest.raises(LastPinTry):
            await care.enter_pin("m0", RIGHT, keeps=False, last_try=False)
        assert sent_pins(hardware) == []
        await care.enter_pin("m0", RIGHT, keeps=False, last_try=True)
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)


async def test_a_pin_whose_answer_is_lost_counts_as_tried(hardware: TranscriptModem, pins: PinFiles) -> None:
    async with served(hardware) as s:
        care = care_of(s, pins)
        lock(hardware)
        await locked(s)
        hardware.reactions[f'AT+CPIN="{RIGHT}"'] = lambda: setattr(hardware, "is_hung", True)
        hardware.answer(f'AT+CPIN="{RIGHT}"')
        with pytest.raises((AtTimeout, ModemLost)):
            await care.enter_pin("m0", RIGHT, keeps=True, last_try=False)
        hardware.is_hung = False
        await s.until(lambda: s.modem.access is None)
        await slowly(lambda: s.modem.access is not None and s.fleet.lines["l0"].state is LineState.LOCKED)
        with pytest.raises(PinTriedBefore):
            await care.enter_pin("m0", RIGHT, keeps=True, last_try=False)
        assert len(sent_pins(hardware)) == 1


async def test_a_fleet_that_stops_while_a_modem_fails_does_stop(hardware: TranscriptModem, pins: PinFiles) -> None:
    async with served(hardware) as s:
        lock(hardware)
        await locked(s)
        hardware.is_hung = True
        failing = asyncio.create_task(care_of(s, pins).ask("m0", "AT+CSQ"))
        with pytest.raises((AtTimeout, ModemLost)):
            await failing
        # The session is about to end with a fault of its own when the fleet's end cancels it.
        await s.until(lambda: s.modem.access is None)
    assert s.modem.access is None


async def test_a_pin_that_is_kept_opens_the_sim_at_the_next_start(
    hardware: TranscriptModem, pins: PinFiles, tmp_path: Path
) -> None:
    async with served(hardware, pins=pins) as s:
        care = care_of(s, pins)
        lock(hardware)
        await locked(s)
        await care.enter_pin("m0", RIGHT, keeps=True, last_try=False)
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)
        assert care.condition("m0").keeps_pin
        (file,) = (tmp_path / "sim-pins").iterdir()
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert SIM not in file.name
        hardware.said.clear()
        lock(hardware)
        await care.restart("m0", RestartStep.REOPEN, ends_call=False)
        await s.until(lambda: bool(sent_pins(hardware)) and s.fleet.lines["l0"].state is LineState.READY)
        assert await care.forget_pin("m0")
        assert not await care.forget_pin("m0")
        hardware.said.clear()
        lock(hardware)
        await care.restart("m0", RestartStep.REOPEN, ends_call=False)
        await locked(s)
        await asyncio.sleep(30)
        assert sent_pins(hardware) == []


async def test_only_harmless_questions_reach_a_modem(hardware: TranscriptModem, pins: PinFiles) -> None:
    assert set(QUESTIONS) == {
        "ATI", "AT+CGMR", "AT+CFUN?", "AT+CPIN?", "AT+CSQ", "AT+COPS?", "AT+CREG?", "AT+CEREG?", "AT+CPMS?",
    }  # fmt: skip
    async with served(hardware) as s:
        care = care_of(s, pins)
        hardware.answer("ATI", "Manufacturer: huawei", "Model: E1550", "IMEI: 490154203237518", "+GCAP: +CGSM", "OK")
        reply = await care.ask("m0", "ATI")
        assert reply.lines == ("Manufacturer: huawei", "Model: E1550", "IMEI: …518", "+GCAP: +CGSM")
        hardware.answer("AT+CPMS?", "+CMS ERROR: 302")
        assert (await care.ask("m0", "AT+CPMS?")).result == "+CMS ERROR: 302"
        for text in ("ATD112;", "AT+CSQ\rATD112;", "at+csq", "AT+CMGL=4", ""):
            with pytest.raises(ValueError, match=r".*"):
                await care.ask("m0", text)
        assert not [line for line in hardware.said if line.startswith("ATD")]
        assert set(care.condition("m0").questions) == set(QUESTIONS)


async def test_the_dialogue_is_told_without_secrets(hardware: TranscriptModem, pins: PinFiles) -> None:
    async with served(hardware) as s:
        care = care_of(s, pins)
        lock(hardware)
        await locked(s)
        await care.enter_pin("m0", RIGHT, keeps=False, last_try=False)
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)
        hardware.say('+CUSD: 0,"Ваш баланс'.encode().decode("latin-1"), "12.34 RUB", 'Bonus 7",15', "+CSQ: 20,99")
        leg = await s.dialled()
        hardware.say('+CLIP: "+79031112233",145,,,"Ivan"')
        s.will_let_go()
        leg.hangup()
        told = [line.text for line in care.dialogue("m0")]
        whole = "\n".join(told)
        for secret in (RIGHT, "79161234567", "79031112233", "12.34", "Bonus", "Ivan", SIM, "250010123456789"):
            assert secret not in whole, secret
        for said in ("ATD+…567;", "AT+CPIN?", "+CUSD: ***", "+CSQ: 20,99"):
            assert said in told, said
        times = [line.time for line in care.dialogue("m0")]
        assert times == sorted(times)
        assert (utc_now() - times[-1]).total_seconds() < 60


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("quectel", (34, "LTE BAND 3")),
        ("simcom", (31, "EUTRAN-BAND3")),
        ("huawei", (None, None)),
        ("generic", (None, None)),
    ],
)
async def test_a_modem_says_how_it_is_as_far_as_its_family_tells(
    family: str, expected: tuple[int | None, str | None], tmp_path: Path, pins: PinFiles
) -> None:
    async with emulated(tmp_path, family) as (room, fleet, _emulator, _modems):
        await ready(fleet, "l0")
        care = FleetCare(fleet, room.traces, pins, utc_now)
        vitals = await care.vitals("m0")
        assert (vitals.celsius, vitals.band) == expected
        assert vitals.message_centre is not None
        assert vitals.message_centre.startswith("+7")
        assert vitals.restarts == 0


async def test_how_often_a_modem_came_back_is_counted(hardware: TranscriptModem, pins: PinFiles) -> None:
    hardware.answer("AT+CSCA?", '+CSCA: "+79168999100",145', "OK")
    async with served(hardware) as s:
        care = care_of(s, pins)
        for number in (1, 2):
            await care.restart("m0", RestartStep.REOPEN, ends_call=False)
            await s.until(lambda: s.fleet.lines["l0"].state is not LineState.READY)
            await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)
            assert (await care.vitals("m0")).restarts == number


@pytest.mark.parametrize(
    ("answer", "celsius"),
    [(("+QTEMP: 34,31,30",), 34), (("+QTEMP: 255,-5,0",), 0), (("+QTEMP: x",), None), ((), None)],
)
def test_of_several_sensors_the_warmest_that_can_be(answer: tuple[str, ...], celsius: int | None) -> None:
    assert Quectel().celsius(answer) == celsius
