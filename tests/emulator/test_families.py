"""What each family says, in which order: the transcripts of firmware-notes, played against the emulator."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.emulator.misbehaviour import MISBEHAVIOURS
from gateway.emulator.mobile_call import EndedBy
from gateway.emulator.network import Network
from gateway.emulator.progress import CallState
from gateway.emulator.registration import Registration
from gateway.emulator.subscriber import Habits, Subscriber, WhenCalled
from tests.emulator.host import one_modem

pytestmark = pytest.mark.real_time

FRIEND = "+79161234567"


def people(network: Network, when_called: WhenCalled = WhenCalled.ANSWER) -> Subscriber:
    return network.add(Subscriber(FRIEND, Habits(when_called=when_called, ring_seconds=0.05)))


async def test_huawei_outgoing_call_and_its_end_from_far(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, _, host):
        friend = people(emulator.network)
        assert await host.ask(f"ATD{FRIEND};") == ["OK"]
        assert await host.until("^CONN") == ["^ORIG:1,0", "^CONF:1", "^CONN:1,0"]
        assert await host.ask("AT^DDSETEX=2") == ["OK"]
        assert await host.ask("AT+CLCC") == [f'+CLCC: 1,0,0,0,0,"{FRIEND}",145', "OK"]
        assert await host.ask("AT^DTMF=1,5") == ["OK"]
        call = friend.last_call
        assert [digit for _, digit in call.keys] == ["5"]
        emulator_end(friend)
        assert await host.until("^CEND") == ["^CEND:1,0,25,16"]
        assert await host.ask("AT+CLCC") == ["OK"]


def emulator_end(friend: Subscriber, cause: int = 16) -> None:
    friend.last_call.end(EndedBy.SUBSCRIBER, cause)


async def test_huawei_host_hangs_up(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, _, host):
        people(emulator.network)
        await host.ask(f"ATD{FRIEND};")
        await host.until("^CONN")
        host.write(b"AT+CHUP\r")
        assert await host.until("^CEND") == ["OK", "^CEND:1,0,29,16"]


@pytest.mark.parametrize(
    ("when_called", "cend"),
    [
        (WhenCalled.BUSY, "^CEND:1,0,104,17"),
        (WhenCalled.NO_ANSWER, "^CEND:1,0,104,19"),
        (WhenCalled.REJECT, "^CEND:1,0,104,21"),
        (WhenCalled.OFF, "^CEND:1,0,104,20"),
    ],
)
async def test_huawei_calls_that_come_to_nothing(tmp_path: Path, when_called: WhenCalled, cend: str) -> None:
    async with one_modem(tmp_path) as (emulator, _, host):
        people(emulator.network, when_called)
        await host.ask(f"ATD{FRIEND};")
        assert (await host.until("^CEND"))[-1] == cend


async def test_huawei_incoming_call(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, modem, host):
        people(emulator.network)
        await host.ask("AT+CLIP=1")
        call = emulator.network.call_modem(FRIEND, modem.number)
        assert await host.until("+CLIP") == ["RING", f'+CLIP: "{FRIEND}",145,,,,0']
        assert await host.ask("AT+CLCC") == [f'+CLCC: 1,1,4,0,0,"{FRIEND}",145', "OK"]
        host.write(b"ATA\r")
        assert await host.until("^CONN") == ["OK", "^CONN:1,0"]
        assert call.progress.answered is not None


async def test_a_withheld_number_is_not_told(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, modem, host):
        people(emulator.network)
        await host.ask("AT+CLIP=1")
        emulator.network.call_modem(FRIEND, modem.number, shows_number=False)
        assert (await host.until("+CLIP"))[-1] == '+CLIP: "",128,,,,1'
        assert (await host.ask("AT+CLCC"))[0] == '+CLCC: 1,1,4,0,0,"",128'


async def test_quectel_outgoing_call_by_ccinfo_and_dsci(tmp_path: Path) -> None:
    async with one_modem(tmp_path, "quectel") as (emulator, _, host):
        friend = people(emulator.network)
        await host.ask('AT+QINDCFG="ccinfo",1,0')
        await host.ask("AT^DSCI=1")
        await host.ask(f"ATD{FRIEND};")
        said = await host.until("^DSCI: 2,0,3")
        assert said == [
            f'+QIND: "ccinfo",2,0,2,0,0,"{FRIEND}",145', f"^DSCI: 2,0,2,0,{FRIEND},145",
            f'+QIND: "ccinfo",2,0,3,0,0,"{FRIEND}",145', f"^DSCI: 2,0,7,0,{FRIEND},145",
            f'+QIND: "ccinfo",2,0,0,0,0,"{FRIEND}",145', f"^DSCI: 2,0,3,0,{FRIEND},145",
        ]  # fmt: skip
        assert await host.ask("AT+CLCC") == ['+CLCC: 1,0,0,1,0,"",128', f'+CLCC: 2,0,0,0,0,"{FRIEND}",145', "OK"]
        emulator_end(friend)
        ended = await host.until("NO CARRIER")
        assert ended[0] == f'+QIND: "ccinfo",2,0,-1,0,0,"{FRIEND}",145'
        assert ended[1] == f"^DSCI: 2,0,6,0,{FRIEND},145"


async def test_quectel_says_busy(tmp_path: Path) -> None:
    async with one_modem(tmp_path, "quectel") as (emulator, _, host):
        people(emulator.network, WhenCalled.BUSY)
        await host.ask(f"ATD{FRIEND};")
        await host.until("BUSY")
        assert await host.ask("AT+CEER") == ["+CEER: User busy", "OK"]


async def test_quectel_tells_keys(tmp_path: Path) -> None:
    async with one_modem(tmp_path, "quectel") as (emulator, _, host):
        friend = people(emulator.network)
        await host.ask("AT+QTONEDET=1")
        await host.ask(f"ATD{FRIEND};")
        await friend_answers(friend)
        friend.press("8*#", tone_seconds=0.04, gap_seconds=0.02)
        assert [line for line in await host.quiet(0.4) if "QTONEDET" in line] == [
            "+QTONEDET: 56", "+QTONEDET: 42", "+QTONEDET: 35",
        ]  # fmt: skip


async def friend_answers(friend: Subscriber) -> None:
    async with asyncio.timeout(3):
        while not friend.calls:
            await friend.changed()
        await friend.last_call.progress.reached(CallState.ACTIVE)


async def test_simcom_outgoing_call_starts_before_its_ok(tmp_path: Path) -> None:
    async with one_modem(tmp_path, "simcom") as (emulator, _, host):
        friend = people(emulator.network)
        await host.ask("AT+CLCC=1")
        assert await host.ask("AT+CPCMREG=1") == ["ERROR"]
        assert await host.ask(f"ATD{FRIEND};") == [f'+CLCC: 1,0,2,0,0,"{FRIEND}",145,""', "OK"]
        assert await host.until("+CLCC: 1,0,0") == [
            f'+CLCC: 1,0,3,0,0,"{FRIEND}",145,""', "VOICE CALL: BEGIN", f'+CLCC: 1,0,0,0,0,"{FRIEND}",145,""',
        ]  # fmt: skip
        assert await host.ask("AT+CPCMREG=1") == ["OK"]
        assert await host.ask("AT+CPCMREG?") == ["+CPCMREG: 1", "OK"]
        emulator_end(friend)
        assert await host.until("NO CARRIER") == [
            "VOICE CALL: END: 000000", f'+CLCC: 1,0,6,0,0,"{FRIEND}",145,""', "NO CARRIER",
        ]  # fmt: skip
        assert await host.ask("AT+CPCMREG=1") == ["ERROR"]


async def test_simcom_ath_does_not_hang_up_until_cvhu_is_0(tmp_path: Path) -> None:
    async with one_modem(tmp_path, "simcom") as (emulator, _, host):
        friend = people(emulator.network)
        await host.ask(f"ATD{FRIEND};")
        await friend_answers(friend)
        await host.until("VOICE CALL: BEGIN")
        assert await host.ask("ATH") == ["OK"]
        assert friend.call is not None
        await host.ask("AT+CVHU=0")
        await host.ask("ATH")
        await host.quiet(0.05)
        assert friend.call is None


async def test_simcom_missed_call_and_key(tmp_path: Path) -> None:
    async with one_modem(tmp_path, "simcom") as (emulator, modem, host):
        people(emulator.network)
        await host.ask("AT+CLCC=1;+CLIP=1;+DDET=1")
        call = emulator.network.call_modem(FRIEND, modem.number)
        assert await host.until("+CLIP") == [
            f'+CLCC: 1,1,4,0,0,"{FRIEND}",145,""', "RING", f'+CLIP: "{FRIEND}",145,,,,0',
        ]  # fmt: skip
        call.end(EndedBy.SUBSCRIBER)
        missed = await host.until("MISSED_CALL")
        assert missed[-1].endswith(FRIEND)


async def test_generic_knows_only_the_standard(tmp_path: Path) -> None:
    async with one_modem(tmp_path, "generic") as (emulator, _, host):
        friend = people(emulator.network)
        assert await host.ask(f"ATD{FRIEND};") == ["OK"]
        await friend_answers(friend)
        emulator_end(friend)
        assert await host.until("NO CARRIER") == ["NO CARRIER"]


@pytest.mark.parametrize("family", ["huawei", "quectel", "simcom", "generic"])
async def test_everybody_is_identified(tmp_path: Path, family: str) -> None:
    async with one_modem(tmp_path, family) as (_, modem, host):
        assert await host.ask("AT+CGSN") == [modem.imei, "OK"]
        assert await host.ask("AT+CIMI") == [modem.sim.imsi, "OK"]
        assert await host.ask("AT+CPIN?") == ["+CPIN: READY", "OK"]
        assert (await host.ask("AT+CGMM"))[0] == modem.personality.model
        by_file = (await host.ask("AT+CRSM=176,12258,0,0,10"))[0].split('"')[1]
        assert "".join(pair[::-1] for pair in (by_file[at : at + 2] for at in range(0, 20, 2))).startswith(
            modem.sim.iccid
        )
        assert (await host.ask("AT+NONSENSE"))[-1] == "ERROR"


@pytest.mark.parametrize(
    ("family", "command", "form"),
    [
        ("huawei", "AT^ICCID?", "^ICCID: {}"),
        ("quectel", "AT+QCCID", "+QCCID: {}"),
        ("simcom", "AT+CCID", "+CCID: {}"),
        ("simcom", "AT+CICCID", "+ICCID: {}"),
    ],
)
async def test_the_card_is_told_in_the_words_of_the_family(
    tmp_path: Path, family: str, command: str, form: str
) -> None:
    async with one_modem(tmp_path, family) as (_, modem, host):
        assert await host.ask(command) == [form.format(modem.sim.iccid), "OK"]


async def test_pin_tries_run_out_and_the_puk_gives_them_back(tmp_path: Path) -> None:
    async with one_modem(tmp_path, pin="1234") as (_, modem, host):
        await host.ask("AT+CMEE=1")
        assert await host.ask("AT+CPIN?") == ["+CPIN: SIM PIN", "OK"]
        assert await host.ask("AT+CIMI") == ["+CME ERROR: 11"]
        assert await host.ask("AT+CPIN=1111") == ["+CME ERROR: 16"]
        assert await host.ask("AT^CPIN?") == ["^CPIN: SIM PIN,,10,2,10,3", "OK"]
        assert await host.ask("AT+CPIN=1111") == ["+CME ERROR: 16"]
        assert await host.ask("AT+CPIN=1111") == ["+CME ERROR: 12"]
        assert await host.ask("AT+CPIN?") == ["+CPIN: SIM PUK", "OK"]
        assert await host.ask('AT+CPIN="12345678","4321"') == ["OK"]
        assert await host.ask("AT+CIMI") == [modem.sim.imsi, "OK"]
        modem.power_off()
        assert modem.sim.lock == "SIM PIN"


async def test_registration_is_told_as_asked(tmp_path: Path) -> None:
    async with one_modem(tmp_path, "quectel") as (_, modem, host):
        await host.ask("AT+CREG=2;+CEREG=1")
        assert await host.ask("AT+CREG?") == ['+CREG: 2,1,"5A1E","0B28A55A",7', "OK"]
        modem.radio.registration = Registration.SEARCHING
        modem.registration_changed()
        assert await host.until("+CEREG") == ["+CREG: 2", "+CEREG: 2"]
        assert await host.ask(f"ATD{FRIEND};") == ["NO CARRIER"]
        assert await host.ask("AT+COPS?") == ["+COPS: 0", "OK"]


async def test_unregistered_or_busy_modems_cannot_be_called(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, modem, host):
        people(emulator.network)
        first = emulator.network.call_modem(FRIEND, modem.number)
        await host.until("RING")
        second = emulator.network.call_modem(FRIEND, modem.number)
        await second.progress.reached(CallState.ENDED)
        assert second.cause == 17
        assert first.state is CallState.RINGING
        modem.power_off()
        assert first.cause == 27
        third = emulator.network.call_modem(FRIEND, modem.number)
        await third.progress.reached(CallState.ENDED)
        assert third.cause == 20


async def test_ussd_in_the_coding_of_the_family(tmp_path: Path) -> None:
    async with one_modem(tmp_path / "a") as (_, _, host):
        await host.ask('AT+CUSD=1,"AA180C3602",15')  # *100# packed
        assert await host.until("+CUSD") == [
            '+CUSD: 0,"04110430043B0430043D04410020003100320033002E0034003500200440002E",72'
        ]
    async with one_modem(tmp_path / "b", "quectel") as (_, _, host):
        await host.ask('AT+CUSD=1,"*111#",15')
        assert await host.until("+CUSD") == ['+CUSD: 0,"Balance: 123.45 RUB",15']
        await host.ask('AT+CUSD=1,"*999#",15')
        assert await host.until("+CUSD") == ["+CUSD: 4"]


async def test_it_starts_anew_with_its_noise(tmp_path: Path) -> None:
    async with one_modem(tmp_path, "quectel", is_noisy=True) as (_, _, host):
        assert "+QIND: PB DONE" in await host.until("+QIND: PB DONE")


def test_every_misbehaviour_says_what_it_is() -> None:
    assert all(each.meaning.endswith(".") and each.name == name for name, each in MISBEHAVIOURS.items())


async def test_a_second_call_waits_if_the_subscription_has_it(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, modem, host):
        friend = people(emulator.network)
        await host.ask("AT+CCWA=1,1,1")
        assert await host.ask("AT+CCWA=1,2") == ["+CCWA: 1,1", "OK"]
        await host.ask(f"ATD{FRIEND};")
        await host.until("^CONN")
        other = emulator.network.add(Subscriber("+79160000077"))
        second = emulator.network.call_modem(other.number, modem.number)
        assert await host.until("+CCWA") == ['+CCWA: "+79160000077",145,1']
        assert (await host.ask("AT+CLCC"))[1] == '+CLCC: 2,1,5,0,0,"+79160000077",145'
        emulator_end(friend)
        await host.until("RING")
        assert second.state is CallState.RINGING
        await host.ask("ATA")
        await host.until("^CONN")
        host.write(b"AT+CHUP;+CCWA=0,0,1\r")
        await host.until("^CEND")
        assert await host.ask("AT+CCWA=1,2") == ["+CCWA: 0,1", "OK"]
