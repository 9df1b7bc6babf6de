"""A fleet of modems on emulated hardware, with everything around it in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.clock import utc_now
from gateway.emulator.client import EmulatorClient, RemoteModem, running_emulator
from gateway.events import AlertCleared, AlertRaised, Event, ModemChanged
from gateway.modem.fleet import ModemFleet
from gateway.modem.pin_files import PinFiles
from gateway.modem.usb_power import UsbPower
from gateway.settings import DiscoverySettings, ModemSettings
from gateway.telephony.leg import Leg
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings, Shop
from gateway.telephony.trace import Traces
from tests.fakes.modem_ledgers import MemoryBudget, MemoryInbox, MemoryPinTries


@dataclass
class Room:
    """What the daemon would have around a fleet."""

    shop: Shop
    budget: MemoryBudget = field(default_factory=MemoryBudget)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    pin_tries: MemoryPinTries = field(default_factory=MemoryPinTries)
    events: list[Event] = field(default_factory=list)
    legs: asyncio.Queue[Leg] = field(default_factory=asyncio.Queue)
    traces: Traces = field(default_factory=lambda: Traces(lambda: asyncio.get_running_loop().time()))

    def fleet(
        self,
        settings: tuple[ModemSettings, ...],
        *,
        discovery: DiscoverySettings = DiscoverySettings(enabled=False),  # noqa: B008  # frozen
        power: UsbPower | None = None,
        pins: PinFiles | None = None,
    ) -> ModemFleet:
        return ModemFleet(
            settings,
            lambda: self.shop,
            self.events.append,
            self.legs.put_nowait,
            self.budget,
            self.inbox,
            self.pin_tries,
            lambda number: number,
            utc_now,
            discovery=discovery,
            power=power,
            traces=self.traces,
            pins=pins,
        )

    def states(self, modem: str) -> list[str]:
        """Every state the modem was in, in order, without repetitions."""
        states = [each.state for each in self.events if isinstance(each, ModemChanged) and each.modem == modem]
        return [state for position, state in enumerate(states) if position == 0 or states[position - 1] != state]

    @property
    def alerts(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, AlertRaised)]

    @property
    def cleared(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, AlertCleared)]


def room_for(*lines: LineSettings) -> Room:
    return Room(Shop(lines=lines))


@contextlib.asynccontextmanager
async def served(
    directory: Path,
    *families: str,
    prepare: Callable[[EmulatorClient, list[RemoteModem]], Awaitable[None]] | None = None,
    **line_settings: Any,
) -> AsyncIterator[tuple[Room, ModemFleet, EmulatorClient, list[RemoteModem]]]:
    """Emulated modems m0, m1 ... with lines l0, l1 ..., served."""
    async with running_emulator(directory, modems=families) as emulator:
        modems = await emulator.modems()
        if prepare is not None:
            await prepare(emulator, modems)
        lines = (LineSettings(name=f"l{number}", modem=each.name) for number, each in enumerate(modems))
        room = room_for(*(replace(line, **line_settings) for line in lines))
        async with room.fleet(settings_of(modems)) as fleet:
            yield room, fleet, emulator, modems


def settings_of(modems: list[RemoteModem]) -> tuple[ModemSettings, ...]:
    return tuple(ModemSettings(name=each.name, at=each.at, voice=each.voice) for each in modems)


async def until(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    """Wait until it holds; an error that says so when it does not come to hold."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event to wait on
            await asyncio.sleep(0.005)


async def ready(fleet: ModemFleet, line: str, *, within: float = 10.0) -> None:
    await until(lambda: fleet.lines[line].state is LineState.READY, within=within)
