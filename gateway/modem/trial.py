"""One modem served alone, without a shop and a store: for the acceptance of a new stick and for recordings of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.clock import utc_now
from gateway.errors import GatewayError, ModemLost, NumberBarred, PortBusy
from gateway.events import Event
from gateway.ids import new_id
from gateway.modem.commands import Command
from gateway.modem.faults import raise_the_reason
from gateway.modem.modem import Modem, ModemState, Outside
from gateway.modem.port_owner import owner_of
from gateway.modem.serial_port import OpenPort
from gateway.modem.session import ModemSession
from gateway.settings import ModemSettings
from gateway.telephony.causes import Cause
from gateway.telephony.ledger import DeliveryReport, Reservation, StoredPart
from gateway.telephony.leg import Leg
from gateway.telephony.numbers import Dialable, NumberPolicy, country_of
from gateway.telephony.shop import LineSettings, NumberRules, Shop

LINE = "trial"
_HOUR_SECONDS = 3600
_OWNERS = {
    "ModemManager": "Stop it: sudo systemctl disable --now ModemManager",
    "simbridge": "Stop the daemon: sudo systemctl stop simbridge",
}


class _FreeMinutes:
    """Implements Budget: whoever tries a modem by hand pays for it."""

    async def open(self, *, call_id: str, leg_id: str, line: str, extension: str | None, number: str) -> Reservation:
        del call_id, extension, number
        return Reservation(id=leg_id, line=line, granted_seconds=_HOUR_SECONDS)

    async def extend(self, reservation: Reservation) -> Reservation:
        return reservation

    async def close(self, reservation: Reservation, *, talk_seconds: int) -> None:
        """Nothing was set aside."""


@dataclass
class _Letters:
    """Implements Inbox, and tells whoever waits."""

    arrived: asyncio.Queue[StoredPart] = field(default_factory=asyncio.Queue)
    reports: asyncio.Queue[DeliveryReport] = field(default_factory=asyncio.Queue)

    async def keep(self, part: StoredPart) -> str | None:
        self.arrived.put_nowait(part)
        return new_id()

    async def report(self, report: DeliveryReport) -> None:
        self.reports.put_nowait(report)


class _OneTry:
    """Implements PinTries: one try in all."""

    def __init__(self) -> None:
        self._tried = False

    async def may_try(self, iccid: str, pin_digest: str) -> bool:
        del iccid, pin_digest
        first, self._tried = not self._tried, True
        return first

    async def was_right(self, iccid: str) -> None:
        """It will not be asked again."""


class Trial:
    """A modem on trial: `modem` is served, calls come to `legs`, SMS to `letters`."""

    def __init__(self, settings: ModemSettings, pin_file: str | None, open_port: OpenPort | None) -> None:
        line = LineSettings(name=LINE, modem=settings.name, pin_file=pin_file, roaming=True)
        shop = Shop(lines=(line,))
        self.events: list[Event] = []
        self.legs: asyncio.Queue[Leg] = asyncio.Queue()
        self.letters = _Letters()
        self.modem = Modem(
            settings,
            Outside(
                shop=lambda: shop,
                publish=self.events.append,
                incoming=self.legs.put_nowait,
                budget=_FreeMinutes(),
                inbox=self.letters,
                pin_tries=_OneTry(),
                normalise=str,
                clock=utc_now,
            ),
        )
        self.session = ModemSession(self.modem, open_port)

    async def ready(self, *, within: float) -> bool:
        """Wait until the network has taken the SIM; False when it has not by then."""
        try:
            async with asyncio.timeout(within):
                while self.modem.state is not ModemState.READY:  # noqa: ASYNC110  # its states have no event
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return False
        return True

    async def ask(self, question: Command) -> tuple[str, ...]:
        """The lines of the modem's answer; none where it refuses."""
        answer = await self.session.accepts(question)
        return answer.lines if answer is not None else ()

    def dial(self, number: Dialable) -> Leg:
        """Place a call. Raises NoFreeLine."""
        return self.modem.dial(number, line=LINE, call_id=new_id(), extension=None)


@asynccontextmanager
async def on_trial(
    settings: ModemSettings, *, pin_file: str | None = None, open_port: OpenPort | None = None
) -> AsyncIterator[Trial]:
    """Serve the modem within the block. Raises PortBusy, ModemLost, AtTimeout with what a person can do about it."""
    trial = Trial(settings, pin_file, open_port)
    try:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(trial.session.run())
            try:
                yield trial
            finally:
                if trial.modem.service is not None:
                    trial.modem.service.calls.hang_up(Cause.SHUTDOWN)
                    await trial.modem.service.calls.idle()
                serving.cancel()
    except BaseExceptionGroup as group:
        try:
            raise_the_reason(group)
        except (PortBusy, ModemLost) as fault:
            raise type(fault)(f"{fault} {await asyncio.to_thread(advice, fault, settings.at)}".strip()) from None


def advice(fault: GatewayError, path: str) -> str:
    """What a person can do about a port that cannot be opened; empty where nothing is known."""
    if isinstance(fault, PortBusy):
        owner = owner_of(path)
        if owner is None:
            return f"Find it with: sudo fuser -v {path}"
        known = next((text for name, text in _OWNERS.items() if owner.startswith(name)), "Stop it first.")
        return f"It is {owner}. {known}"
    if "Permission denied" in str(fault):
        return "Your user must be in the group dialout: sudo usermod -aG dialout $USER, then log in again."
    if "No such file" in str(fault):
        return "Look with: ls /dev/serial/by-id"
    return ""


def number_to_try(text: str) -> Dialable:
    """A number in international form, in whatever country. Raises NumberBarred."""
    country = country_of(text)
    if country is None:
        raise NumberBarred(f"The number {text!r} must be in international form, like +79161234567.", number=text)
    return NumberPolicy(NumberRules(country=country)).require(text)
