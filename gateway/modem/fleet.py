"""ModemFleet: all modems, configured and found, and the shop's lines on top of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn, Self

from gateway.clock import WallClock
from gateway.errors import NoFreeLine
from gateway.events import Publish
from gateway.modem.bus_news import BusNews, kernel_socket
from gateway.modem.discovery import BusWatch, UsbBus, UsbModem
from gateway.modem.discovery_table import hexadecimal
from gateway.modem.gsm_leg import GsmLeg
from gateway.modem.modem import Modem, Outside
from gateway.modem.pin_files import PinFiles
from gateway.modem.place import FixedPlace, Place, UsbPlace
from gateway.modem.supervisor import ModemSupervisor
from gateway.modem.usb_power import UsbPower
from gateway.settings import DiscoverySettings, ModemSettings
from gateway.telephony.causes import Cause
from gateway.telephony.ledger import Budget, Inbox, PinTries
from gateway.telephony.line import Incoming, LineState
from gateway.telephony.numbers import Dialable
from gateway.telephony.shop import ShopView
from gateway.telephony.trace import Traces

log = logging.getLogger(__name__)

SETTLE_SECONDS = 4.0
HANG_UP_SECONDS = 2.0
SECOND_LOOK_SECONDS = 0.5
"""What a driver gets that is late when it is looked at: the whole loop may have stood until now."""


class ModemLine:
    """A line of the shop, on whichever modem carries it now. Implements telephony.line.Line."""

    def __init__(self, name: str, fleet: ModemFleet) -> None:
        self._name = name
        self._fleet = fleet

    @property
    def name(self) -> str:
        """As in shop.toml."""
        return self._name

    @property
    def modem(self) -> Modem | None:
        """The modem that carries the line; None while there is none."""
        return self._fleet.modem_of(self._name)

    @property
    def state(self) -> LineState:
        """READY: a call can be placed now."""
        modem = self.modem
        return modem.line_state if modem is not None else LineState.ABSENT

    @property
    def can_speak(self) -> bool:
        """False when the modem has no voice path; such a line still serves SMS."""
        modem = self.modem
        return modem is not None and bool(modem.facts.voice)

    @property
    def operator(self) -> str:
        """The network that has taken the SIM; empty: none, or not known yet."""
        modem = self.modem
        return (modem.facts.operator if modem is not None else None) or ""

    @property
    def signal_dbm(self) -> int | None:
        """How well the network is received; None: not known."""
        modem = self.modem
        return modem.facts.signal_dbm if modem is not None else None

    def dial(self, number: Dialable, *, call_id: str, extension: str | None) -> GsmLeg:
        """Place a call: returns a NEW leg at once. Raises NoFreeLine when the state is not READY."""
        modem = self.modem
        if modem is None:
            raise NoFreeLine(f"The line {self._name} cannot call: its modem is not plugged in.", line=self._name)
        return modem.dial(number, line=self._name, call_id=call_id, extension=extension)


class _Lines(Mapping[str, ModemLine]):
    """The lines of the shop as it is at the moment of looking."""

    def __init__(self, fleet: ModemFleet, shop: ShopView) -> None:
        self._fleet = fleet
        self._shop = shop
        self._made: dict[str, ModemLine] = {}

    def __getitem__(self, name: str) -> ModemLine:
        if self._shop().line(name) is None:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = ModemLine(name, self._fleet)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return (line.name for line in self._shop().lines)

    def __len__(self) -> int:
        return len(self._shop().lines)


class ModemFleet:
    """The modems of gateway.toml and those at the USB ports, served within `async with`.

    A modem that is plugged in is there a moment later; one that is pulled out is waited for while a line is tied
    to it, and forgotten otherwise. Entering returns once every modem is served or known to be unusable, at the
    latest after SETTLE_SECONDS; leaving ends what calls there are.
    """

    def __init__(  # noqa: PLR0917  # the composition root gives them in this order, each of its own type
        self,
        settings: tuple[ModemSettings, ...],
        shop: ShopView,
        publish: Publish,
        incoming: Incoming,
        budget: Budget,
        inbox: Inbox,
        pin_tries: PinTries,
        normalise: Callable[[str], str],
        clock: WallClock,
        *,
        discovery: DiscoverySettings = DiscoverySettings(enabled=False),  # noqa: B008  # frozen
        power: UsbPower | None = None,
        traces: Traces | None = None,
        pins: PinFiles | None = None,
    ) -> None:
        self._outside = Outside(
            shop=shop,
            publish=publish,
            incoming=incoming,
            budget=budget,
            inbox=inbox,
            pin_tries=pin_tries,
            normalise=normalise,
            clock=clock,
            power=power,
            traces=traces,
            pins=pins,
        )
        self._bus = UsbBus(Path(discovery.sysfs), Path(discovery.devices))
        self._discovery = discovery
        self._fixed = settings
        self._places: dict[str, Place] = {each.name: FixedPlace(each, self._bus) for each in settings}
        self.modems: dict[str, Modem] = {each.name: Modem(each, self._outside) for each in settings}
        """By name; one that was found is called after its place at the bus, "usb-1-1.4"."""
        self.lines: Mapping[str, ModemLine] = _Lines(self, shop)
        """Always as the shop is now: a line that is added or removed comes and goes by itself."""
        self._shop = shop
        self._group = asyncio.TaskGroup()
        self._tasks: dict[str, asyncio.Task[NoReturn]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._news = contextlib.ExitStack()
        self._plugged_in: dict[str, frozenset[str]] = {}
        """What is at the bus by the names that it has here, and the files of its ports."""

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        for name in self.modems:
            self._serve(name)
        try:
            if self._discovery.enabled:
                source = kernel_socket(self._bus.sysfs)
                news = self._news.enter_context(BusNews(source)) if source is not None else None
                watch = BusWatch(self._bus, self._plugged, news)
                await watch.look()
                self._watching = self._group.create_task(self._watch(watch), name="search for modems")
            await self._settle(SETTLE_SECONDS)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *fault: object) -> None:
        try:
            await self.hang_up_all(within=HANG_UP_SECONDS)
        finally:
            await self._stop()

    def modem_of(self, line: str) -> Modem | None:
        """The modem that carries the line of that name; one that is there comes before one that was pulled out."""
        settings = self._shop().line(line)
        if settings is None:
            return None
        candidates = (modem for modem in self.modems.values() if modem.carries(settings))
        return min(candidates, key=lambda modem: modem.is_gone, default=None)

    def add(self, settings: ModemSettings) -> None:
        """Serve one more modem whose ports are given. ValueError when there is one of that name."""
        if settings.name in self.modems:
            raise ValueError(f"there is a modem {settings.name} already")
        self._fixed = (*self._fixed, settings)
        self._places[settings.name] = FixedPlace(settings, self._bus)
        self.modems[settings.name] = Modem(settings, self._outside)
        self._serve(settings.name)

    async def take_away(self, name: str) -> None:
        """Serve a modem of `add` no more: its call is hung up, and it is forgotten. KeyError: there is none."""
        modem = self.modems[name]
        if modem.service is not None:
            modem.service.calls.hang_up(Cause.SHUTDOWN)
            await idle([modem], HANG_UP_SECONDS)
        self._tasks[name].cancel()
        await asyncio.wait([self._tasks[name]])
        self._fixed = tuple(each for each in self._fixed if each.name != name)
        self._forget(name)

    def shop_changed(self) -> None:
        """The owner has edited the shop: say anew which modem carries which line."""
        for modem in self.modems.values():
            modem.shop_changed()

    async def hang_up_all(self, *, within: float) -> None:
        """End all calls, and wait until the modems say that they are over, at most so many seconds."""
        for modem in self.modems.values():
            if modem.service is not None:
                modem.service.calls.hang_up(Cause.SHUTDOWN)
        await idle(list(self.modems.values()), within)

    async def goes_round(self) -> bool:
        """For the watchdog: no driver of a modem has ended or stands still, whatever its modem does or does not."""
        if not self._standing():
            return True
        await asyncio.sleep(SECOND_LOOK_SECONDS)
        standing = self._standing()
        for driver in standing:
            log.error("What drives %s stands still.", driver)
        return not standing

    def _standing(self) -> list[str]:
        """Whose driver has ended, or has not come back when it said that it would."""
        standing = [
            f"the modem {name} ({self.modems[name].rounds.place})"
            for name, task in self._tasks.items()
            if task.done() or self.modems[name].rounds.are_overdue()
        ]
        if self._watching is not None and self._watching.done():
            standing.append("the search for modems")
        return standing

    async def _settle(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                for modem in list(self.modems.values()):
                    await modem.settled.wait()
        except TimeoutError:
            log.info("Not every modem is ready yet; the others work.")

    async def _stop(self) -> None:
        for task in (*self._tasks.values(), *([self._watching] if self._watching is not None else [])):
            task.cancel()
        with self._news:
            await self._group.__aexit__(None, None, None)

    # Plugged in and out.

    def _serve(self, name: str) -> None:
        supervisor = ModemSupervisor(self.modems[name], self._places[name])
        self._tasks[name] = self._group.create_task(supervisor.run(), name=f"modem {name}")

    async def _watch(self, watch: BusWatch) -> None:
        is_told = False
        while True:
            await watch.worth_a_look()
            try:
                await watch.look()
                for name in [name for name, modem in self.modems.items() if self._may_forget(name, modem)]:
                    self._forget(name)
            except Exception:  # one of the few named places (rule 4): a device nobody foresaw must not cost the others
                if not is_told:
                    log.exception("The USB bus could not be looked at.")
                is_told = True
            else:
                is_told = False

    def _plugged(self, found: tuple[UsbModem, ...]) -> None:
        """What is at the bus now: whatever is new there is served."""
        self._plugged_in = {
            f"usb-{usb.path}": frozenset(os.path.realpath(self._bus.device(port.tty)) for port in usb.ports)
            for usb in found
        }
        for usb in found:
            name = f"usb-{usb.path}"
            if name in self.modems or self._is_ours_already(name):
                continue
            if self._discovery.leaves_alone(usb.path, hexadecimal(usb.usb_id)):
                continue
            log.info("Plugged in at %s: %s.", usb.path, usb.shown)
            self._places[name] = UsbPlace(name, usb, self._bus)
            self.modems[name] = Modem(ModemSettings(name=name, at=""), self._outside)
            self._serve(name)

    def _is_ours_already(self, name: str) -> bool:
        """It is the modem of a [[modems]] entry."""
        files = self._plugged_in.get(name, frozenset())
        return any(os.path.realpath(each.at) in files for each in self._fixed)

    def _may_forget(self, name: str, modem: Modem) -> bool:
        """It was found, is gone, and nobody waits for it: no line is tied to it, or it was put into another socket.

        Or it is a modem of the settings after all: the name by which they call its port came a moment later.
        """
        if not isinstance(self._places[name], UsbPlace):
            return False
        if name in self._plugged_in:
            return self._is_ours_already(name)
        if not modem.is_gone:
            return False
        if not modem.is_missed:
            return True
        others = (each for each in self.modems.values() if each is not modem and not each.is_gone)
        return modem.facts.imei is not None and any(each.facts.imei == modem.facts.imei for each in others)

    def _forget(self, name: str) -> None:
        log.info("The modem %s is gone, and forgotten.", name)
        self._tasks.pop(name).cancel()
        del self._places[name]
        self.modems.pop(name).forgotten()


async def idle(modems: list[Modem], within: float) -> None:
    """Wait until these modems say that their calls are over, at most so many seconds."""
    try:
        async with asyncio.timeout(within):
            for modem in modems:
                if modem.service is not None:
                    await modem.service.calls.idle()
    except TimeoutError:
        log.warning("Not every modem has said that its call is over.")
