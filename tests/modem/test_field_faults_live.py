"""Faults of the field on emulated modems that have them, at work in calls; the table is in test_field_faults.py."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.audio.level import LevelMeter
from gateway.emulator.client import EmulatorClient, RemoteModem
from gateway.errors import NoFreeLine
from gateway.modem.voice_health import MODEM_SILENT
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.shop import KeysBy, Loudness
from tests.fakes.numbers import dialable
from tests.modem.fleet_room import ready, served, until

COURIER = "+79161234567"


@pytest.mark.real_time
async def test_a_silent_modem_is_told_in_seconds(tmp_path: Path) -> None:
    """Fault 2: nothing comes from the voice port of a call that is up."""
    async with served(tmp_path, "huawei") as (room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        await emulator.subscriber(COURIER, ring_seconds=0.1)
        await modem.misbehave("voice_port_stalls")
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=10)
        await until(lambda: MODEM_SILENT in room.alerts, within=6)
        await modem.behave("voice_port_stalls")
        await until(lambda: MODEM_SILENT in room.cleared, within=8)
        leg.hangup()


@pytest.mark.real_time
async def test_nothing_of_the_last_call_is_heard(tmp_path: Path) -> None:
    """Fault 4: a loud rest of the first call lies in the port when the second is answered."""
    async with served(tmp_path, "huawei") as (room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        person = await emulator.subscriber("+79031112233")
        await modem.misbehave("stale_voice", ms=300)
        for _ in range(3):
            await person.call_in(modem.number)
            leg = await asyncio.wait_for(room.legs.get(), 10)
            meter = LevelMeter()
            leg.port.listen(lambda frame, _position, meter=meter: meter.feed(frame, 0.0))  # type: ignore[misc]  # bound early
            leg.answer()
            assert await leg.up(within=10)
            await until(lambda meter=meter: meter.frames >= 20)  # type: ignore[misc]  # bound early
            assert meter.loud_frames == 0
            leg.hangup()
            await ready(fleet, "l0")


@pytest.mark.real_time
async def test_levels_keys_and_number_as_the_owner_wants(tmp_path: Path) -> None:
    """Faults 7, 31, 38: levels in each call, keys as tones where commands are not heard, the number withheld."""
    wishes: dict[str, Any] = {
        "from_mobile": Loudness.QUIET,
        "to_mobile": Loudness.LOUD,
        "keys": KeysBy.TONES,
        "hide_number": True,
    }
    async with served(tmp_path, "simcom", **wishes) as (_room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        courier = await emulator.subscriber(COURIER, ring_seconds=0.1)
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=10)
        call = await courier.next_call(within=5)
        await asyncio.sleep(0.6)
        leg.send_key("5")
        await asyncio.sleep(0.8)
        leg.hangup()
        said = [line for _, line in await modem.commands()]
        assert {"AT+CLIR=1", "AT+COUTGAIN=4", "AT+CMICGAIN=5"} <= set(said)
        assert said.index("AT+CLIR=1") < said.index(f"ATD{COURIER};")
        assert not [line for line in said if line.startswith("AT+VTS")]
        heard = np.frombuffer((await call.heard()).data, dtype="<i2")
        assert power_at(heard, 770) > 100 * power_at(heard, 500)
        assert power_at(heard, 1336) > 100 * power_at(heard, 500)


def power_at(samples: np.ndarray[tuple[int], np.dtype[np.int16]], hertz: float) -> float:
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / 8000)
    return float(np.abs(np.dot(np.asarray(samples, dtype=float), wave)) ** 2)


@pytest.mark.real_time
async def test_keys_are_found_in_the_sound_where_no_news_of_them_come(tmp_path: Path) -> None:
    """The modem takes AT+DDET=1 and tells of no key; where it does tell, a key counts once."""
    async with served(tmp_path, "simcom") as (_room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        courier = await emulator.subscriber(COURIER, ring_seconds=0.1)
        for tells in (False, True):
            await (modem.behave("no_key_news") if tells else modem.misbehave("no_key_news"))
            leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
            assert await leg.up(within=10)
            call = await courier.next_call(within=5)
            await asyncio.sleep(0.5)
            await call.press("115", tone_seconds=0.12, gap_seconds=0.12)
            assert [await leg.next_key(within=2) for _ in range(3)] == ["1", "1", "5"]
            assert await leg.next_key(within=0.4) is None
            leg.hangup()
            await ready(fleet, "l0")


@pytest.mark.real_time
async def test_an_offline_line_refuses_at_once(tmp_path: Path) -> None:
    """Fault 12: in under 200 ms, with a sentence, as long as the modem is away."""
    async with served(tmp_path, "quectel") as (_room, fleet, _emulator, (modem,)):
        await ready(fleet, "l0")
        await modem.unplug()
        await until(lambda: fleet.lines["l0"].state is LineState.ABSENT)
        for _ in range(20):
            began = time.monotonic()
            with pytest.raises(NoFreeLine, match=r"The line l0 cannot call: .*\."):
                fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
            assert time.monotonic() - began < 0.2
        assert [line for _, line in await modem.commands() if line.startswith("ATD")] == []


@pytest.mark.real_time
async def test_unplugged_again_and_again(tmp_path: Path) -> None:
    """Fault 13: healed after each of several losses, not after the first only."""
    async with served(tmp_path, "huawei") as (_room, fleet, _emulator, (modem,)):
        for _ in range(3):
            await ready(fleet, "l0")
            await modem.unplug()
            await until(lambda: fleet.lines["l0"].state is LineState.ABSENT)
            await modem.replug()
        await ready(fleet, "l0")


@pytest.mark.real_time
@pytest.mark.parametrize("family", ["huawei", "simcom"])
async def test_a_waiting_call_confuses_nobody(tmp_path: Path, family: str) -> None:
    """Fault 15: the operator keeps call waiting on. The second caller waits in vain, the first call goes on."""

    async def prepare(_emulator: EmulatorClient, modems: list[RemoteModem]) -> None:
        await modems[0].misbehave("refuses", command="AT+CCWA")
        await modems[0].sim(call_waiting=True)

    async with served(tmp_path, family, prepare=prepare) as (room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        await emulator.subscriber(COURIER, ring_seconds=0.1)
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=10)
        second = await (await emulator.subscriber("+79031112233")).call_in(modem.number)
        await asyncio.sleep(2.0)
        assert leg.state is LegState.UP
        assert room.legs.empty()
        await second.hang_up()
        await asyncio.sleep(1.5)
        assert leg.state is LegState.UP
        leg.hangup()
        await ready(fleet, "l0")


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("family", "command"),
    [("huawei", "AT+CNUM"), ("quectel", 'AT+QINDCFG="CCINFO"'), ("simcom", "AT+CLCC=1"), ("generic", "AT+CNMI")],
)
async def test_refused_comforts_stop_nothing(tmp_path: Path, family: str, command: str) -> None:
    """Faults 17 and 37: a modem that refuses an optional command is served all the same, calls included."""

    async def prepare(_emulator: EmulatorClient, modems: list[RemoteModem]) -> None:
        await modems[0].misbehave("refuses", command=command)

    async with served(tmp_path, family, prepare=prepare) as (_room, fleet, emulator, _modems):
        await ready(fleet, "l0")
        await emulator.subscriber(COURIER, ring_seconds=0.1, hangs_up_after_seconds=0.5)
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=10)
        assert await leg.ended(within=10) is Cause.HUNG_UP


@pytest.mark.real_time
async def test_one_ring_however_it_is_told(tmp_path: Path) -> None:
    """Fault 24: RING, +CLIP, ccinfo, ^DSCI and the polled list of one call are one call."""
    async with served(tmp_path, "quectel") as (room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        person = await emulator.subscriber("+79031112233")
        call = await person.call_in(modem.number)
        leg = await asyncio.wait_for(room.legs.get(), 10)
        assert leg.peer == "+79031112233"
        await asyncio.sleep(2.5)
        assert room.legs.empty()
        await call.hang_up()
        assert await leg.ended(within=10) is Cause.CANCELLED


@pytest.mark.real_time
async def test_an_end_without_a_word_is_found(tmp_path: Path) -> None:
    """Fault 25."""
    async with served(tmp_path, "simcom") as (_room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        await modem.misbehave("silent_end")
        await emulator.subscriber(COURIER, ring_seconds=0.1, hangs_up_after_seconds=1.0)
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=10)
        assert await leg.ended(within=12) is Cause.HUNG_UP
        await ready(fleet, "l0")


@pytest.mark.real_time
async def test_a_voice_that_went_bad_is_mended_when_idle(tmp_path: Path) -> None:
    """Fault 28: the first call is good; in the second the sound is refused at first: AT+CRESET after it, not in it."""
    async with served(tmp_path, "simcom") as (room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        await modem.misbehave("voice_degrades")
        await emulator.subscriber(COURIER, ring_seconds=0.1)
        for number in range(2):
            leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
            assert await leg.up(within=10)
            await asyncio.sleep(1.5)
            assert leg.state is LegState.UP
            assert "AT+CRESET" not in [line for _, line in await modem.commands()]
            leg.hangup()
            if number == 0:
                await ready(fleet, "l0")
        await until(lambda: "voice-broken" in room.alerts, within=8)
        await until(lambda: fleet.lines["l0"].state is LineState.ABSENT, within=8)
        await ready(fleet, "l0", within=20)
        assert "AT+CRESET" in [line for _, line in await modem.commands()]
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=10)
        await until(lambda: leg.port.counters.frames_in > 10)
        leg.hangup()
