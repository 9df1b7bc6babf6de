"""The modem's side of one call: a task that dials or answers, follows the call and makes sure that it is over.

News of the modem moves the leg at once; what needs a command, a question or a deadline is done here,
in one loop. +CLCC is the truth: news may lie or be lost, and no call that costs money is left up.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import AtRefused, AtTimeout, ModemLost
from gateway.modem import commands
from gateway.modem.call_voice import CallVoice, VoiceTools
from gateway.modem.channel import Priority
from gateway.modem.commands import Command
from gateway.modem.dialect import ModemDialect, call_row, cause_in
from gateway.modem.gsm_leg import GsmLeg
from gateway.modem.reports import CallReport, Stage
from gateway.modem.voice.tty_pcm import TtyPcmPort
from gateway.telephony.call_budget import CallBudget
from gateway.telephony.causes import Cause
from gateway.telephony.ledger import Budget
from gateway.telephony.leg import Direction, Leg, LegState
from gateway.telephony.numbers import Dialable
from gateway.telephony.shop import KeysBy, LineSettings

log = logging.getLogger(__name__)

NUMBER_SECONDS = 1.0
"""So long an incoming call waits for its caller's number."""
ALERTING_SECONDS = 45.0
ANSWER_SECONDS = 150.0
LONGEST_CALL_SECONDS = 3600.0

_EMPTY_LISTS = 2
_LIST_GRACE_SECONDS = 3.0
_LIST_TIMEOUTS = 3
_HANG_UP_ROUNDS = 6
_KEY_GAP_SECONDS = 0.1
_LIMITS_EVERY_SECONDS = 0.5
_NUMBER_EVERY_SECONDS = 0.25

_REFUSED_DIALS = {
    "BUSY": Cause.BUSY,
    "NO ANSWER": Cause.NO_ANSWER,
    "NO CARRIER": Cause.UNREACHABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTools:
    """What a call needs of its modem."""

    voice: VoiceTools
    dialect: ModemDialect
    budget: Budget
    line: Callable[[], LineSettings | None]
    """The line that the modem carries now."""
    report_stuck: Callable[[AtTimeout], None]
    """Called when the modem does not let go of a call."""


class GsmCall:
    """One call of one modem. `place` or `receive` is run as a task; `take` is told every news of a call."""

    def __init__(
        self, leg: GsmLeg, port: TtyPcmPort, tools: CallTools, announce: Callable[[GsmLeg], None] | None = None
    ) -> None:
        """`announce` is called with an incoming leg once its number is known; None: with nobody."""
        self.leg = leg
        self.port = port
        self._tools = tools
        self._modem = tools.voice.modem
        self._channel = tools.voice.channel
        self._line = tools.line()
        self._voice = CallVoice(leg, port, tools.voice, self._line)
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._answered: float | None = None
        self._ended: float | None = None
        self._index: int | None = None
        self._stage: Stage | None = None
        self._is_commanded = leg.direction is Direction.INCOMING
        self._is_over = False
        self._cause: Cause | None = None
        self._is_confirmed = False
        self._announce = announce
        self._empty_lists = 0
        self._list_timeouts = 0
        self._answer_sent = False
        self._budget = CallBudget(tools.budget, leg, leg.fail)
        leg.on_change(self._leg_changed)

    # News.

    def take(self, report: CallReport) -> None:
        """News of a call, perhaps of this one."""
        is_outgoing = self.leg.direction is Direction.OUTGOING
        if report.stage is Stage.OTHER or (report.outgoing is not None and report.outgoing is not is_outgoing):
            return
        if not self._is_commanded or (report.index is not None and self._index not in (None, report.index)):
            return
        if report.index is not None:
            self._index = report.index
        if report.stage is Stage.ENDED:
            self._is_over = True
            self._cause = self._cause or report.cause
            if not is_outgoing or self.leg.state is LegState.UP or self._cause is not None:
                self.leg.is_over(self._cause)
        else:
            self._empty_lists = 0
            self._stage = report.stage
            self._learn(report)
            self.leg.has_reached(report.stage)
        self.leg.wanted.set()

    def _learn(self, report: CallReport) -> None:
        """What news says of an incoming call's number; only +CLIP says for certain that there is none."""
        self._is_confirmed = self._is_confirmed or report.index is not None or report.number is not None
        if report.number or (report.number == "" and report.index is None):
            self._present(report.number)

    def _present(self, number: str) -> None:
        announce, self._announce = self._announce, None
        if announce is not None and not self.leg.has_ended:
            self.leg.peer = self.leg.network_number = number
            announce(self.leg)

    def _leg_changed(self, leg: Leg) -> None:
        if leg.state is LegState.UP:
            self._answered = self._loop.time()
        elif leg.state is LegState.ENDED:
            self._ended = self._loop.time()

    # An outgoing call.

    async def place(self, number: Dialable, *, call_id: str, extension: str | None) -> None:
        """Reserve the budget, dial, follow, clear. Raises ModemLost and AtTimeout when the modem is gone or stuck."""
        try:
            async with asyncio.TaskGroup() as preparations:
                preparations.create_task(self._budget.reserve(number, call_id=call_id, extension=extension))
                preparations.create_task(self._voice.prepare())
            if self._budget.is_open and not self.leg.has_ended:
                await self._dial(number)
                await self._follow()
        finally:
            await self._finish()

    async def _dial(self, number: Dialable) -> None:
        if self._line is not None and self._line.hide_number and not number.emergency:
            await self._try(commands.HIDE_NUMBER)
        elif self._tools.dialect.hides_number:
            await self._try(commands.SHOW_NUMBER)
        self._tools.dialect.hides_number = self._line is not None and self._line.hide_number and not number.emergency
        if self.leg.has_ended:  # meanwhile: no phone rings for nothing
            return
        self._is_commanded = True
        self._started = self._loop.time()
        try:
            await self._send(commands.dial(number))
        except AtRefused as refused:
            result = str(refused.values["result"])
            log.info("The modem %s does not dial: %s.", self._modem, result)
            self._is_over = True
            if result in _REFUSED_DIALS:
                self.leg.is_over(_REFUSED_DIALS[result])
            else:
                self.leg.fail(Cause.CONGESTION)
            return
        except AtTimeout:
            log.warning("The modem %s is slow to say whether it dials.", self._modem)
        await self._voice.commanded()

    # An incoming call.

    async def receive(self) -> None:
        """Learn who calls, announce the leg, follow it, clear."""
        try:
            await self._learn_number()
            await self._follow()
        finally:
            await self._finish()

    async def _learn_number(self) -> None:
        """Ask until the number is known; after a second the call is announced without, if it is real."""
        while self._announce is not None and not self._is_over and not self.leg.has_ended:
            listed = await self._list()
            if self._loop.time() >= self._started + NUMBER_SECONDS:
                if self._is_confirmed or not listed:
                    self._present("")
                self._is_over = self._announce is not None
                return
            # What the list has just told is no reason to ask at once again.
            self.leg.wanted.clear()
            await self._pause(_NUMBER_EVERY_SECONDS)

    async def _answer(self) -> None:
        self._answer_sent = True
        await self._voice.prepare()
        try:
            await self._send(commands.ANSWER)
        except AtRefused as refused:
            log.info("The modem %s cannot answer: %s.", self._modem, refused.values["result"])
            self._is_over = True
            return
        except AtTimeout:
            return
        if not self._is_over:
            self.leg.has_reached(Stage.ACTIVE)
        await self._voice.commanded()

    # The running call.

    async def _follow(self) -> None:
        next_list = self._loop.time() + self._list_every()
        while not self._is_over and not self.leg.has_ended:
            await self._do_what_is_wanted()
            now = self._loop.time()
            if now >= next_list:
                await self._list()
                next_list = self._loop.time() + self._list_every()
            await self._keep_limits()
            await self._pause(min(next_list - self._loop.time(), _LIMITS_EVERY_SECONDS))
        if not self.leg.has_ended:
            await self._settle()
            self.leg.is_over(self._cause)

    def _list_every(self) -> float:
        if self._tools.dialect.reports_calls:
            return 2.0 if self.leg.state is LegState.UP else 1.0
        return 1.0 if self.leg.state is LegState.UP else 0.4

    async def _do_what_is_wanted(self) -> None:
        if self.leg.wants_answer and not self._answer_sent:
            await self._answer()
        while self.leg.keys_to_send and self.leg.state is LegState.UP:
            key = self.leg.keys_to_send.popleft()
            command = None if self._keys_are_tones() else self._tools.dialect.key_command(self._index or 1, key)
            if command is None or not await self._try(command):
                self.port.play_key(key)
            await asyncio.sleep(_KEY_GAP_SECONDS)

    def _keys_are_tones(self) -> bool:
        wanted = self._line.keys if self._line is not None else KeysBy.AUTO
        return wanted is KeysBy.TONES or (wanted is KeysBy.AUTO and self._tools.voice.plan.keys_as_tones)

    async def _list(self) -> bool:
        """Ask +CLCC and take its rows; two empty lists in turn end the call. False: the modem does not tell."""
        try:
            answer = await self._channel.send(commands.LIST_CALLS, priority=Priority.CALL)
        except AtRefused:
            return False
        except AtTimeout:
            self._list_timeouts += 1
            if self._list_timeouts >= _LIST_TIMEOUTS:
                raise
            return False
        self._list_timeouts = 0
        rows = [row for row in map(call_row, answer.lines) if row is not None]
        if any(self._is_mine(row) for row in rows):
            for row in rows:
                self.take(row)
        elif self._loop.time() > self._started + _LIST_GRACE_SECONDS:
            self._empty_lists += 1
            if self._empty_lists >= _EMPTY_LISTS:
                log.info("The modem %s has lost its call without a word.", self._modem)
                self._is_over = True
        return True

    def _is_mine(self, row: CallReport) -> bool:
        return (
            row.outgoing is (self.leg.direction is Direction.OUTGOING)
            and self._index in (None, row.index)
            and row.stage not in (Stage.OTHER, Stage.ENDED)
        )

    async def _settle(self) -> None:
        """The word that says why may come after the news of the end, or has to be asked for."""
        if self._cause is None and self.leg.direction is Direction.OUTGOING and self._answered is None:
            answer = await self._channel.accepts(commands.WHY_ENDED, priority=Priority.CALL)
            if self._cause is None and answer is not None:
                self._cause = cause_in(answer.first)

    # Limits.

    async def _keep_limits(self) -> None:
        now = self._loop.time()
        if self.leg.state is LegState.UP and self._answered is not None:
            talked = now - self._answered
            if talked >= LONGEST_CALL_SECONDS:
                self.leg.hangup(Cause.TOO_LONG)
            await self._budget.keep(talked)
            await self._voice.keep(self._answered)
        elif self.leg.direction is Direction.OUTGOING:
            waited = now - self._started
            if waited >= ANSWER_SECONDS:
                self.leg.hangup(Cause.NO_ANSWER)
            elif waited >= ALERTING_SECONDS and self._stage in (None, Stage.DIALLING):
                self.leg.hangup(Cause.UNREACHABLE)

    # The end.

    async def _finish(self) -> None:
        """Whatever happened: no call is left up, the minutes are settled, the leg has ended."""
        try:
            if self._is_commanded:
                await self._clear()
        except AtTimeout as fault:
            self._tools.report_stuck(fault)
        except ModemLost as fault:
            log.debug("%s", fault)  # whoever serves the modem sees the loss himself
        finally:
            self.leg.fail(Cause.MODEM_LOST)  # only where nothing else has ended it
            self.port.close()
            await self._budget.settle(self._talk_seconds())

    def _talk_seconds(self) -> int:
        if self._answered is None:
            return 0
        return max(1, math.ceil((self._ended or self._loop.time()) - self._answered))

    async def _clear(self) -> None:
        """Hang up until +CLCC lists no such call. Raises AtTimeout for a modem that keeps the call."""
        dialect = self._tools.dialect
        for turn in range(_HANG_UP_ROUNDS):
            if not self._is_over or turn > 0:
                await self._voice.try_all(dialect.hang_up + (dialect.hang_up_otherwise if turn >= 2 else ()))
            if await self._is_gone():
                break
            self._is_over = False
            self.leg.wanted.clear()
            await self._pause(0.3 * (turn + 1))
        else:
            raise AtTimeout(f"The modem {self._modem} does not end its call.", modem=self._modem)
        await self._voice.finish()

    async def _is_gone(self) -> bool:
        """Whether the modem lists no call of this direction any more; where it lists none at all, its word counts.

        Once this one was answered, whatever rings or waits is the next caller's, who must not be hung up with it.
        """
        answer = await self._channel.accepts(commands.LIST_CALLS, priority=Priority.CALL)
        if answer is None:
            return True
        outgoing, over = self.leg.direction is Direction.OUTGOING, {Stage.ENDED}
        if not outgoing and self._answered is not None:
            over |= {Stage.INCOMING, Stage.OTHER}
        rows = [row for row in map(call_row, answer.lines) if row is not None]
        return not any(row.outgoing is outgoing and row.stage not in over for row in rows)

    # Small things.

    async def _pause(self, seconds: float) -> None:
        """Wait until something is wanted or reported, at most so long; not at all once the call is over."""
        if self.leg.has_ended:
            return
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self.leg.wanted.wait()
        except TimeoutError:
            return
        self.leg.wanted.clear()

    async def _send(self, command: Command) -> None:
        await self._channel.send(command, priority=Priority.CALL)

    async def _try(self, command: Command) -> bool:
        return await self._channel.accepts(command, priority=Priority.CALL) is not None
