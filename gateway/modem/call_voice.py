"""The voice of one call: switched on as the family wants it, set to the owner's levels, watched, and switched off."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from gateway.errors import ModemLost, PortBusy, SoundCardUnusable
from gateway.modem.channel import AtChannel, Priority
from gateway.modem.commands import Command
from gateway.modem.dialect import VoicePlan
from gateway.modem.gsm_leg import GsmLeg
from gateway.modem.voice.device import VoiceDevice
from gateway.modem.voice.tty_pcm import TtyPcmPort
from gateway.modem.voice_health import SILENT_SECONDS, VoiceHealth
from gateway.telephony.causes import Cause
from gateway.telephony.shop import LineSettings

log = logging.getLogger(__name__)

STALL_REOPEN_SECONDS = 5.0
STALL_END_SECONDS = 15.0
_RETRY_SECONDS = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceTools:
    """What the voice of a modem's calls needs."""

    modem: str
    channel: AtChannel
    device: VoiceDevice
    plan: VoicePlan
    health: VoiceHealth


class CallVoice:
    """`prepare` before ATD or ATA, `commanded` after it, `keep` while the call is up, `finish` when it is over."""

    def __init__(self, leg: GsmLeg, port: TtyPcmPort, tools: VoiceTools, line: LineSettings | None) -> None:
        self._leg = leg
        self._port = port
        self._tools = tools
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._is_on = not tools.plan.when_active
        self._tries = 0
        self._tried_at = 0.0
        self._reopened_at: float | None = None

    async def prepare(self) -> None:
        """Drop what is stale, then let the modem's voice come."""
        self._port.open()
        await self.try_all(self._tools.plan.before)

    async def commanded(self) -> None:
        """The modem has taken ATD or ATA. What comes before it is told to give the sound is older than the call."""
        if self._tools.plan.after_command:
            self._port.open()
        await self.try_all(self._tools.plan.after_command)
        if not self._tools.plan.when_active:
            await self._set_levels()

    async def keep(self, answered: float) -> None:
        """The call is up since `answered`: switch on what is not on yet, and see whether sound comes."""
        now = self._loop.time()
        if not self._is_on and now - self._tried_at >= _RETRY_SECONDS:
            await self._switch_on(answered)
        last = max(self._port.last_arrival or 0.0, answered)
        silent = now - last
        if silent >= STALL_END_SECONDS:
            log.warning("The voice port of the modem %s gives nothing; the call is ended.", self._tools.modem)
            self._leg.hangup(Cause.NO_AUDIO)
        elif silent >= STALL_REOPEN_SECONDS and (self._reopened_at is None or self._reopened_at < last):
            self._reopened_at = now
            await self._reopen()
        if silent >= SILENT_SECONDS:
            self._tools.health.is_silent()
        elif self._port.last_arrival is not None:
            self._tools.health.is_heard()

    async def finish(self) -> None:
        """The call is over."""
        await self.try_all(self._tools.plan.after_call)

    async def try_all(self, wanted: tuple[Command, ...]) -> bool:
        """Send them all; whether all were taken."""
        taken = [await self._tools.channel.accepts(each, priority=Priority.CALL) is not None for each in wanted]
        return all(taken)

    async def _switch_on(self, answered: float) -> None:
        """For families that take the command only while the call is up, and not always at once."""
        self._tried_at = self._loop.time()
        self._tries += 1
        if await self.try_all(self._tools.plan.when_active):
            self._is_on = True
            self._tools.health.switched_on(at_once=self._tries == 1)
            await self._set_levels()
        elif self._loop.time() - answered > self._tools.plan.patience_seconds:
            self._is_on = True
            self._tools.health.never_came()

    async def _set_levels(self) -> None:
        """As the owner wants them: some families forget them with every call."""
        line, plan = self._line, self._tools.plan
        if line is not None:
            await self.try_all(plan.from_mobile.get(line.from_mobile, ()) + plan.to_mobile.get(line.to_mobile, ()))

    async def _reopen(self) -> None:
        log.warning("The voice port of the modem %s gives nothing; it is opened anew.", self._tools.modem)
        self._tools.device.close()
        try:
            await self._tools.device.open()
        except (PortBusy, ModemLost, SoundCardUnusable) as fault:
            log.warning("%s", fault)
        await self.prepare()
        await self.try_all(self._tools.plan.after_command)
        self._is_on = not self._tools.plan.when_active
        self._tries += 1
