"""Modems that are served and taken away again while the daemon runs, as emulated ones are."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.emulator.client import running_emulator
from gateway.events import ModemRemoved
from gateway.modem.modem import ModemState
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings
from tests.modem.fleet_room import ready, room_for, settings_of

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(60)]


async def test_a_modem_is_added_carries_its_line_and_is_forgotten(tmp_path: Path) -> None:
    room = room_for(LineSettings(name="red", modem="m0"))
    async with running_emulator(tmp_path, modems=["huawei"]) as emulator, room.fleet(()) as fleet:
        (settings,) = settings_of(await emulator.modems())
        assert fleet.lines["red"].state is LineState.ABSENT
        fleet.add(settings)
        with pytest.raises(ValueError, match="m0"):
            fleet.add(settings)
        await ready(fleet, "red")
        await fleet.take_away("m0")
        assert (fleet.lines["red"].state, fleet.modems) == (LineState.ABSENT, {})
        assert [event.modem for event in room.events if isinstance(event, ModemRemoved)] == ["m0"]
        assert isinstance(room.events[-1], ModemRemoved), "nothing is said of it after that"
        fleet.add(settings)
        await ready(fleet, "red")
        assert room.states("m0").count(ModemState.READY) == 2
