"""The calls of one modem: one at a time, whoever begins it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from gateway.audio.leveller import Leveller
from gateway.audio.speex import VoiceCleaner, is_installed
from gateway.errors import NoFreeLine
from gateway.modem.gsm_call import CallTools, GsmCall
from gateway.modem.gsm_leg import GsmLeg, KeySource
from gateway.modem.reports import CallReport, Stage
from gateway.modem.voice.tty_pcm import TtyPcmPort
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Direction, LegState
from gateway.telephony.line import Incoming
from gateway.telephony.numbers import Dialable
from gateway.telephony.shop import LineSettings

log = logging.getLogger(__name__)


class ModemCalls:
    """Places and receives the calls of a modem that is being served; its tasks live in `tasks`."""

    def __init__(
        self,
        tools: CallTools,
        tasks: asyncio.TaskGroup,
        *,
        line: Callable[[], str | None],
        incoming: Incoming,
        normalise: Callable[[str], str],
    ) -> None:
        self._tools = tools
        self._tasks = tasks
        self._keys_come_as_news = False
        """The modem has told of a key once: its word suffices from then on."""
        self._line = line
        self._incoming = incoming
        self._normalise = normalise
        self._current: GsmCall | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_busy(self) -> bool:
        """Whether a call is placed, ringing, up or not yet known to be over."""
        return self._current is not None

    async def idle(self) -> None:
        """Wait until there is no call."""
        await self._idle.wait()

    def dial(self, number: Dialable, *, line: str, call_id: str, extension: str | None) -> GsmLeg:
        """Place a call; returns its NEW leg at once. Raises NoFreeLine while there is another call."""
        if self._current is not None:
            raise NoFreeLine(f"The line {line} is in a call.", line=line)
        call = self._new_call(Direction.OUTGOING, peer=number.digits, called=number.digits, line=line)
        self._start(call, partial(call.place, number, call_id=call_id, extension=extension))
        return call.leg

    def take(self, report: CallReport) -> None:
        """News of a call, from a line of the modem."""
        if self._current is not None:
            self._current.take(report)
        elif report.stage is Stage.INCOMING:
            self._receive(report)

    def hear_key(self, key: str) -> None:
        """News of a key."""
        if self._current is not None:
            self._keys_come_as_news = True
            self._current.leg.heard_key(key, KeySource.NEWS)

    def pause_voice(self, *, paused: bool) -> None:
        """News of the modem's voice buffer."""
        if self._current is not None:
            self._current.port.pause(paused)

    def lost(self) -> None:
        """The modem is gone, and its call with it."""
        if self._current is not None:
            self._current.leg.fail(Cause.MODEM_LOST)

    def fallen_silent(self) -> None:
        """The modem owes an answer for long: who waits for a call of his to begin gets another line instead.

        Whatever becomes of the dial is hung up as soon as the modem is heard again.
        """
        call = self._current
        if call is not None and call.leg.direction is Direction.OUTGOING and call.leg.state is LegState.NEW:
            call.leg.fail(Cause.MODEM_LOST)

    def hang_up(self, cause: Cause) -> None:
        """End the call, if there is one."""
        if self._current is not None:
            self._current.leg.hangup(cause)

    def _receive(self, report: CallReport) -> None:
        line = self._line()
        announce: Callable[[GsmLeg], None] | None = self._announce
        if line is None or not self._tools.voice.device.is_open:
            log.info("A call to the modem %s is left ringing: it has no line, or no voice.", self._tools.voice.modem)
            announce = None
        call = self._new_call(
            Direction.INCOMING, peer="", called=line or "", line=line or self._tools.voice.modem, announce=announce
        )
        self._start(call, call.receive)
        call.take(report)

    def _announce(self, leg: GsmLeg) -> None:
        leg.peer = self._normalise(leg.network_number) if leg.network_number else ""
        self._incoming(leg)

    def _new_call(
        self,
        direction: Direction,
        *,
        peer: str,
        called: str,
        line: str,
        announce: Callable[[GsmLeg], None] | None = None,
    ) -> GsmCall:
        settings = self._tools.line()
        port = TtyPcmPort(
            self._tools.voice.device,
            block_frames=self._tools.voice.plan.block_frames,
            leveller=Leveller() if settings is not None and settings.evens_out else None,
            cleaner=None if settings is None else _cleaner_for(settings),
        )
        leg = GsmLeg(direction=direction, peer=peer, called=called, port=port, line=line)
        if not self._keys_come_as_news:
            leg.listen_for_keys()
        return GsmCall(leg, port, self._tools, announce)

    def _start(self, call: GsmCall, work: Callable[[], Awaitable[None]]) -> None:
        self._current = call
        self._idle.clear()
        self._tasks.create_task(self._run(call, work))

    async def _run(self, call: GsmCall, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        finally:
            if self._current is call:
                self._current = None
                self._idle.set()


def _cleaner_for(line: LineSettings) -> VoiceCleaner | None:
    """What takes noise and echo away, where the owner wants that and it is installed."""
    if not (line.reduces_noise or line.cancels_echo):
        return None
    if not is_installed():
        log.warning("The line %s cannot have its noise or echo taken away: install libspeexdsp1.", line.name)
        return None
    return VoiceCleaner(reduces_noise=line.reduces_noise, cancels_echo=line.cancels_echo)
