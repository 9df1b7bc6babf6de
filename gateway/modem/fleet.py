"""ModemFleet: all configured modems, and the shop's lines on top of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn, Self

from gateway.clock import WallClock
from gateway.errors import NoFreeLine
from gateway.events import Publish
from gateway.modem.gsm_leg import GsmLeg
from gateway.modem.modem import Modem, Outside
from gateway.modem.supervisor import ModemSupervisor
from gateway.settings import ModemSettings
from gateway.telephony.causes import Cause
from gateway.telephony.ledger import Budget, Inbox, PinTries
from gateway.telephony.line import Incoming, LineState
from gateway.telephony.numbers import Dialable
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

SETTLE_SECONDS = 4.0
HANG_UP_SECONDS = 2.0


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

    def dial(self, number: Dialable, *, call_id: str, extension: str | None) -> GsmLeg:
        """Place a call: returns a NEW leg at once. Raises NoFreeLine when the state is not READY."""
        modem = self.modem
        if modem is None:
            raise NoFreeLine(f"The line {self._name} has no modem.", line=self._name)
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
    """The modems of gateway.toml, served within `async with`.

    Entering returns once every modem is served or known to be unusable, at the latest after
    SETTLE_SECONDS; leaving ends what calls there are.
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
    ) -> None:
        outside = Outside(
            shop=shop,
            publish=publish,
            incoming=incoming,
            budget=budget,
            inbox=inbox,
            pin_tries=pin_tries,
            normalise=normalise,
            clock=clock,
        )
        self.modems: Mapping[str, Modem] = {each.name: Modem(each, outside) for each in settings}
        self.lines: Mapping[str, ModemLine] = _Lines(self, shop)
        """Always as the shop is now: a line that is added or removed comes and goes by itself."""
        self._shop = shop
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[NoReturn]] = []

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._tasks = [self._group.create_task(ModemSupervisor(modem).run()) for modem in self.modems.values()]
        try:
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
        """The modem that carries the line of that name."""
        settings = self._shop().line(line)
        if settings is None:
            return None
        return next((modem for modem in self.modems.values() if modem.carries(settings)), None)

    def shop_changed(self) -> None:
        """The owner has edited the shop: say anew which modem carries which line."""
        for modem in self.modems.values():
            modem.publish()

    async def hang_up_all(self, *, within: float) -> None:
        """End all calls, and wait until the modems say that they are over, at most so many seconds."""
        for modem in self.modems.values():
            if modem.service is not None:
                modem.service.calls.hang_up(Cause.SHUTDOWN)
        try:
            async with asyncio.timeout(within):
                for modem in self.modems.values():
                    if modem.service is not None:
                        await modem.service.calls.idle()
        except TimeoutError:
            log.warning("Not every modem has said that its call is over.")

    async def _settle(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                for modem in self.modems.values():
                    await modem.settled.wait()
        except TimeoutError:
            log.info("Not every modem is ready yet; the others work.")

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)
