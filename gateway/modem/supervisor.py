"""One task per modem, whose loop never ends: wait for the port, serve, recover, again."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import NoReturn

from gateway.errors import AtTimeout, GatewayError, ModemLost, PortBusy
from gateway.modem.modem import Modem, ModemState
from gateway.modem.session import ModemSession

log = logging.getLogger(__name__)

PATH_POLL_SECONDS = 1.0
BUSY_RETRY_SECONDS = 5.0
LEAST_BACK_OFF_SECONDS = 5.0
MOST_BACK_OFF_SECONDS = 300.0


class ModemSupervisor:
    """Keeps one modem in service.

    The ladder for a modem that hangs: within the session two more tries with an escape; then the port
    is opened anew; then the modem is told to restart; then it is left alone for 5 s, and twice as long
    each time up to 5 min. A modem that was in service begins at the bottom again.
    """

    def __init__(self, modem: Modem) -> None:
        self._modem = modem
        self._failures = 0

    async def run(self) -> NoReturn:
        """Until cancelled."""
        while True:
            await self._wait_for_path()
            session = ModemSession(self._modem)
            try:
                await session.run(restart=self._failures == 2)
            except ModemLost as fault:
                self._note(session, fault)
                if self._is_there():
                    # It is there, and cannot be used: rights, or a device in the middle of its restart.
                    self._modem.enter(ModemState.LOST, fault.code)
                    await asyncio.sleep(PATH_POLL_SECONDS)
            except PortBusy as fault:
                log.warning("%s", fault)
                self._modem.enter(ModemState.FAULTY, fault.code)
                await asyncio.sleep(BUSY_RETRY_SECONDS)
            except GatewayError as fault:
                self._note(session, fault)
                await self._recover(fault)
            except Exception:  # one of the few named places (rule 4): a fault of ours must not cost the line
                log.exception("The service of the modem %s broke.", self._modem.name)
                self._note(session, None)
                await self._recover(AtTimeout("", modem=self._modem.name))

    def _note(self, session: ModemSession, fault: GatewayError | None) -> None:
        if fault is not None:
            log.warning("%s", fault)
        if session.was_served:
            self._failures = 0

    async def _recover(self, fault: GatewayError) -> None:
        self._modem.enter(ModemState.FAULTY, fault.code)
        self._failures += 1
        if self._failures >= 3:
            exponent = min(self._failures - 3, 10)
            await asyncio.sleep(min(LEAST_BACK_OFF_SECONDS * 2**exponent, MOST_BACK_OFF_SECONDS))
        else:
            await asyncio.sleep(PATH_POLL_SECONDS)

    async def _wait_for_path(self) -> None:
        """ABSENT for what was never there, LOST for what was."""
        was_there = self._modem.state is not ModemState.ABSENT
        while not self._is_there():
            self._modem.enter(ModemState.LOST if was_there else ModemState.ABSENT, ModemLost.code)
            await asyncio.sleep(PATH_POLL_SECONDS)

    def _is_there(self) -> bool:
        return os.path.exists(self._modem.settings.at)  # noqa: PTH110  # one stat of a device node
