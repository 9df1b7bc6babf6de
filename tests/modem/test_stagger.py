"""Eight modems that come at once are opened one after the other, and soon enough. In virtual time."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from gateway.modem.stagger import GAP_SECONDS, LONGEST_SECONDS, Stagger
from gateway.settings import ModemSettings
from tests.fakes.transcript import SilentPort
from tests.modem.fleet_room import room_for

MODEMS = 8


async def test_eight_at_once_have_their_turns() -> None:
    began = asyncio.get_running_loop().time()
    assert await turns_of(Stagger(), MODEMS) == pytest.approx([began + place * GAP_SECONDS for place in range(MODEMS)])


async def test_nobody_waits_longer_however_many_there_are() -> None:
    began = asyncio.get_running_loop().time()
    assert max(await turns_of(Stagger(), 100)) <= began + LONGEST_SECONDS + 0.001


async def test_one_that_comes_alone_does_not_wait() -> None:
    stagger = Stagger()
    await turns_of(stagger, MODEMS)
    await asyncio.sleep(60)
    began = asyncio.get_running_loop().time()
    assert await turns_of(stagger, 1) == [began]


async def test_a_fleet_opens_its_modems_so(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[float] = []

    class DeafPort(SilentPort):
        """An AT port at which nobody answers."""

        def __init__(self, *arguments: object) -> None:
            del arguments
            self.is_open = True
            opened.append(asyncio.get_running_loop().time())

        def write(self, data: bytes) -> None:
            """Nobody hears it."""

    monkeypatch.setattr("gateway.modem.session.SerialPort", DeafPort)
    room = room_for()
    settings = tuple(ModemSettings(name=f"m{number}", at="/dev/null") for number in range(MODEMS))
    async with room.fleet(settings):
        first = opened[:MODEMS]
        assert len(first) == MODEMS, "all were opened while the fleet settled"
        gaps = [later - sooner for sooner, later in itertools.pairwise(first)]
        assert min(gaps) >= GAP_SECONDS - 1e-6


async def turns_of(stagger: Stagger, count: int) -> list[float]:
    """When each of so many that come at this moment has its turn."""
    when: list[float] = []

    async def wait() -> None:
        await stagger.turn()
        when.append(asyncio.get_running_loop().time())

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(wait())
    return when
