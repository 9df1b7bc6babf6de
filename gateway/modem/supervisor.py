"""One task per modem, whose loop never ends: wait for the ports, serve, recover, again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from math import inf
from typing import NoReturn, TypeVar

from gateway.errors import AtTimeout, GatewayError, ModemLost, PortBusy
from gateway.modem.commands import Command
from gateway.modem.modem import RESTARTING, Modem, ModemState
from gateway.modem.place import Place
from gateway.modem.port_owner import owner_of
from gateway.modem.recovery import Ladder, Rung, Step
from gateway.modem.session import ModemSession
from gateway.modem.stagger import LONGEST_SECONDS
from gateway.settings import ModemSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

PATH_POLL_SECONDS = 1.0
BUSY_RETRY_SECONDS = 5.0
CALM_SECONDS = 60.0
"""So long a modem may stay away that a person has restarted, until that is an alert."""
_GIVEN_UP = "modem-faulty"


class ModemSupervisor:
    """Keeps one modem in service, wherever its ports are.

    The ladder for a modem that hangs: within the session two more tries with an escape; then the steps of
    `recovery.Ladder`. A modem that is gone is waited for. A person may have it begin with any of those steps.
    """

    def __init__(self, modem: Modem, place: Place) -> None:
        self._modem = modem
        self._rounds = modem.rounds
        self._place = place
        self._ladder = Ladder()
        self._reset: tuple[Command, ...] = ()
        """What the modem shall be told when its port is open again."""
        self._calm_until = -inf
        """Until then its going is a person's wish."""

    async def run(self) -> NoReturn:
        """Until cancelled."""
        while True:
            self._rounds.back_within(0)
            wish = self._modem.bell.taken()
            if wish is not None:
                await self._begin_with(wish)
            fault = await self._unless_somebody_rings(self._serve())
            if fault is not None:
                await self._unless_somebody_rings(self._mend(fault))

    async def _unless_somebody_rings(self, work: Coroutine[None, None, T]) -> T | None:
        """The outcome of `work`; None when a person's wish has cut it off.

        A task of its own, because before Python 3.13 a TaskGroup that ends with a fault leaves its task marked as
        cancelled, and swallows a cancellation that comes at that moment: neither must reach the loop above.
        """
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            with self._modem.bell.heard_by(task.cancel):
                await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    async def _serve(self) -> GatewayError:
        """Serve the modem until that ends, and say why. Nothing that takes long may follow: see above."""
        session = ModemSession(self._modem)
        fault: GatewayError
        try:
            self._modem.settings = await self._wait_for_ports()
            self._modem.learn(usb_path=self._place.path, usb_device=self._place.device)
            self._rounds.back_within(LONGEST_SECONDS)
            await self._modem.outside.stagger.turn()
            self._reset, now = (), self._reset
            await session.run(reset=now)
        except GatewayError as reason:
            fault = reason
            if not isinstance(fault, PortBusy):
                log.warning("%s", fault)
        except Exception:  # one of the few named places (rule 4): a fault of ours must not cost the line
            log.exception("The service of the modem %s broke.", self._modem.name)
            fault = AtTimeout("", modem=self._modem.name)
        if session.was_served:
            self._ladder.was_served()
        return fault

    async def _mend(self, fault: GatewayError) -> None:
        """What the ladder says after this fault."""
        match fault:
            case ModemLost():
                await self._back_to_the_bus()
            case PortBusy():
                await self._wait_for_the_holder(fault)
            case _:
                self._reset = await self._recover(fault)

    async def _begin_with(self, rung: Rung) -> None:
        """A person wants that: the ladder goes on from there, if the modem is not served then."""
        power, place = self._modem.outside.power, self._place.path
        step = self._ladder.begin_at(rung, self._modem.facts.family, has_power=power is not None and place is not None)
        log.info("Modem %s, as somebody wishes: %s.", self._modem.name, step.rung.value)
        if not self._modem.is_gone:
            self._calm_until = asyncio.get_running_loop().time() + CALM_SECONDS
            self._modem.enter(ModemState.FAULTY, RESTARTING)
        if step.rung is Rung.POWER_CYCLE and place is not None:
            await self._cycle_power(place, step)
        self._reset = step.reset

    async def _back_to_the_bus(self) -> None:
        """The port has gone. Where it is there all the same: rights, or a device in the middle of its restart."""
        self._modem.enter(ModemState.LOST, self._why_gone())
        self._rounds.back_within(PATH_POLL_SECONDS)
        await asyncio.sleep(PATH_POLL_SECONDS)

    def _why_gone(self) -> str:
        """A modem that a person restarts leaves the bus and comes back: no alert for that."""
        return RESTARTING if asyncio.get_running_loop().time() < self._calm_until else ModemLost.code

    async def _wait_for_the_holder(self, fault: PortBusy) -> None:
        self._rounds.waits_outside()
        holder = await asyncio.to_thread(owner_of, str(fault.values["port"]))
        log.warning("%s It is %s.", fault, holder or "not known which")
        self._modem.learn(port_holder=holder)
        self._modem.enter(ModemState.FAULTY, fault.code)
        self._rounds.back_within(BUSY_RETRY_SECONDS)
        await asyncio.sleep(BUSY_RETRY_SECONDS)

    async def _recover(self, fault: GatewayError) -> tuple[Command, ...]:
        """One rung up; gives what the modem shall be told when its port is open again."""
        # Two programs may share a port, and take each other's answers: whoever locks it not is seen only here.
        self._rounds.waits_outside()
        holder = await asyncio.to_thread(owner_of, self._modem.settings.at)
        self._modem.learn(port_holder=holder)
        power = self._modem.outside.power
        place = self._place.path
        step = self._ladder.climb(self._modem.facts.family, has_power=power is not None and place is not None)
        self._modem.enter(ModemState.FAULTY, _GIVEN_UP if step.rung is Rung.LEFT_ALONE else fault.code)
        log.info("Modem %s: %s.", self._modem.name, step.rung.value)
        self._rounds.back_within(step.pause_seconds)
        await asyncio.sleep(step.pause_seconds)
        if step.rung is Rung.POWER_CYCLE and power is not None and place is not None:
            await self._cycle_power(place, step)
        return step.reset

    async def _cycle_power(self, place: str, step: Step) -> None:
        power = self._modem.outside.power
        self._rounds.waits_outside()
        if power is not None and not await power.cycle(place):
            log.warning("Modem %s: it could not be done that %s.", self._modem.name, step.rung.value)

    async def _wait_for_ports(self) -> ModemSettings:
        """ABSENT for what was never there, LOST for what was. Raises PortBusy."""
        was_there = self._modem.state is not ModemState.ABSENT
        while True:
            self._rounds.waits_outside()
            found = await self._place.locate(ask=self._ladder.failures > 0)
            if found is not None:
                return found
            why = self._place.why_not
            absent = ModemState.LOST if was_there else ModemState.ABSENT
            if why == ModemLost.code:
                self._modem.enter(absent, self._why_gone())
            else:
                self._modem.enter(ModemState.FAULTY, why)
            self._rounds.back_within(PATH_POLL_SECONDS)
            await asyncio.sleep(PATH_POLL_SECONDS)
