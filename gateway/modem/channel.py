"""AtChannel: one command at a time, every answer to its own command, all news in order.

A line belongs to the running command only if the command asked for its name (or for lines without
one); everything else is news, also in the middle of an answer. After a time-out the channel does not
know what the modem still has to say: before the next command it asks for something that nobody else
asks for, and drops every result that comes before that answer. A late OK thus never answers the
wrong command.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from gateway.errors import AtRefused, AtTimeout, ModemLost
from gateway.modem import commands
from gateway.modem.at import PROMPT, AtParser, Final, final_of, is_hex, is_word, name_of
from gateway.modem.commands import Command
from gateway.modem.rounds import Rounds
from gateway.modem.serial_port import BytePort
from gateway.modem.silence import SilenceWatch
from gateway.modem.storm import without_the_outdated

log = logging.getLogger(__name__)

_ESCAPE = b"\x1b"
_TWO_LINE_NEWS = frozenset({"+CMT", "+CDS", "+CBM"})
_END_OF_BODY = b"\x1a"
_LEFTOVER_GRACE_SECONDS = 0.5
_LONGEST_NEWS = 2048
_SUSPICION_SECONDS = 12.0


class Priority(IntEnum):
    """Which waiting command goes first: calls before ordinary questions before SMS and polls."""

    CALL = 0
    ORDINARY = 1
    BACKGROUND = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command brought: its own lines, in order, and the result line."""

    lines: tuple[str, ...]
    result: str

    @property
    def first(self) -> str:
        """The first line; empty where there is none."""
        return self.lines[0] if self.lines else ""


@dataclass(order=True, slots=True)
class _Waiting:
    priority: Priority
    turn: int
    command: Command = field(compare=False)
    answered: asyncio.Future[Answer] = field(compare=False)
    on_body: Callable[[], None] | None = field(compare=False, default=None)


@dataclass(slots=True)
class _Running:
    """The command that the modem is at."""

    command: Command
    finished: asyncio.Future[tuple[Final, str]]
    prompted: asyncio.Future[None]
    lines: list[str] = field(default_factory=list)
    leftovers: list[tuple[Final, str]] = field(default_factory=list)
    """Further results: before any answer line, where there must be one, or after the one that counted."""


class AtChannel:
    """Speaks AT on a port. Feed it with `data_received` and `port_lost`; `run()` does the work.

    `on_news` is called with each unsolicited result, `(line, pdu)`; `pdu` is the second line of +CMT,
    +CDS and +CBM, else None. It is called in the order of arrival and must not block.
    """

    def __init__(self, port: BytePort, on_news: Callable[[str, str | None], None], *, name: str) -> None:
        self._port = port
        self._on_news = on_news
        self._name = name
        self._parser = AtParser()
        self._queue: list[_Waiting] = []
        self._turns = itertools.count()
        self._has_work = asyncio.Event()
        self._running: _Running | None = None
        self._news_head: str | None = None
        self._lost = False
        self._suspicious_until = 0.0
        self._can_verify = True
        self.out_of_step = False
        """True after a time-out, until the modem was heard to answer in turn again."""
        self.on_line: Callable[[str, bool], None] = _nobody_looks
        """Called with each line that came, or (True) went out; a secret is not told."""
        self.silence = SilenceWatch()
        """Whether the modem has been silent for long while a command runs."""
        self.rounds = Rounds()
        """Told while a command runs, and who waits for an answer."""

    async def send(
        self,
        command: Command,
        *,
        priority: Priority = Priority.ORDINARY,
        on_body: Callable[[], None] | None = None,
    ) -> Answer:
        """Send the command in its turn and wait for its result; `on_body` is called when its body goes out.

        Raises AtRefused (the modem said so), AtTimeout, ModemLost. A caller that is cancelled while the
        command runs does not cut it: the channel goes on to its end and forgets the answer.
        """
        if self._lost:
            raise self._lost_error()
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(priority, next(self._turns), command, answered, on_body)
        heapq.heappush(self._queue, waiting)
        self._has_work.set()
        with self.rounds.asking():
            return await answered

    async def accepts(self, command: Command, *, priority: Priority = Priority.ORDINARY) -> Answer | None:
        """The same for a command that the modem may refuse: None then. Raises AtTimeout, ModemLost."""
        try:
            return await self.send(command, priority=priority)
        except AtRefused:
            return None

    async def run(self) -> None:
        """Send what waits, one after the other, until the port is lost (raises ModemLost) or we are cancelled."""
        try:
            while not self._lost:
                if not self._queue:
                    self._has_work.clear()
                    await self._has_work.wait()
                    continue
                waiting = heapq.heappop(self._queue)
                if not waiting.answered.done():
                    await self._serve(waiting)
            raise self._lost_error()
        finally:
            self.port_lost()

    def data_received(self, data: bytes) -> None:
        """For the port: these bytes have come from the modem."""
        log.debug("%s < %r", self._name, data)
        self.silence.heard()
        asked = self._running.command.answers if self._running is not None else ()
        for line in without_the_outdated(self._parser.feed(data), asked):
            self.on_line(line, False)
            self._take(line)

    def port_lost(self) -> None:
        """For the port: it is gone. Everyone who waits fails at once."""
        self._lost = True
        self._has_work.set()
        waiting: list[asyncio.Future[Any]] = [each.answered for each in self._queue]
        self._queue.clear()
        if self._running is not None:
            waiting += [self._running.finished, self._running.prompted]
        for future in waiting:
            _fail(future, self._lost_error())

    def say_last(self, command: Command) -> None:
        """Put a command on the wire now, answer or not: the last word before the port is closed."""
        self._write(b"\r" + command.wire)

    async def escape(self) -> None:
        """Get a modem out of a prompt or a half-received line, when it does not answer any more."""
        self._write(_ESCAPE + b"\r")
        self.out_of_step = True
        await asyncio.sleep(0.2)

    # One command at a time.

    async def _serve(self, waiting: _Waiting) -> None:
        try:
            if self.out_of_step:
                await self._resynchronise()
            answer = await self._execute(waiting.command, waiting.on_body)
        except (AtRefused, AtTimeout, ModemLost) as fault:
            _fail(waiting.answered, fault)
        else:
            if not waiting.answered.done():
                waiting.answered.set_result(answer)
        finally:
            _fail(waiting.answered, self._lost_error())

    async def _execute(self, command: Command, on_body: Callable[[], None] | None) -> Answer:
        running = self._begin(command)
        try:
            self._write(command.wire)
            if command.body is not None:
                await self._send_body(command.body, running, on_body)
            async with asyncio.timeout(command.timeout_seconds):
                final, result = await running.finished
        except TimeoutError:
            self.out_of_step = True
            self._suspect()
            raise AtTimeout(f"The modem {self._name} did not answer {command.shown}.", modem=self._name) from None
        finally:
            self._end_of_command()
        if self._is_suspicious() and self._can_verify and not command.must_answer:
            final, result = await self._verified(running, final, result)
        if final is not Final.OK:
            self._suspect()
            raise AtRefused(
                f"The modem {self._name} answered {command.shown} with {result}.", result=result, modem=self._name
            )
        return Answer(tuple(running.lines), result)

    async def _send_body(self, body: str, running: _Running, on_body: Callable[[], None] | None) -> None:
        """Wait for the prompt, then send the body; a result that comes in its place ends the command."""
        self._parser.awaits_prompt = True
        either: list[asyncio.Future[Any]] = [running.prompted, running.finished]
        try:
            async with asyncio.timeout(commands.PROMPT_SECONDS):
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._parser.awaits_prompt = False
        if not running.finished.done():
            if on_body is not None:
                on_body()
            self._write(body.encode("ascii") + _END_OF_BODY)

    async def _resynchronise(self, before: bytes = _ESCAPE + b"\r") -> list[tuple[Final, str]]:
        """Hear the modem answer in turn again; raises AtTimeout when it does not.

        Gives the results that came before the answer: those of earlier commands.
        """
        question = commands.RESYNCHRONISE
        running = self._begin(question)
        try:
            self._write(before + question.wire)
            async with asyncio.timeout(question.timeout_seconds):
                await running.finished
        except TimeoutError:
            # A modem without +CMEE? has answered with some result; that, and silence after it, must do.
            if not running.leftovers:
                raise AtTimeout(f"The modem {self._name} does not answer any more.", modem=self._name) from None
            running.leftovers.pop()
            self._can_verify = False
        finally:
            self._end_of_command()
        self.out_of_step = False
        return running.leftovers

    def _suspect(self) -> None:
        """An OK may still come that belongs to nothing (some firmwares say ERROR, and OK much later)."""
        self._suspicious_until = asyncio.get_running_loop().time() + _SUSPICION_SECONDS

    def _is_suspicious(self) -> bool:
        return asyncio.get_running_loop().time() < self._suspicious_until

    async def _verified(self, running: _Running, final: Final, result: str) -> tuple[Final, str]:
        """Make sure that the result is the command's own. Of two results, the stray one is the OK."""
        try:
            others = await self._resynchronise(b"")
        except AtTimeout:
            self.out_of_step = True
            others = []
        for other in running.leftovers + others:
            if final is Final.OK:
                final, result = other
        return final, result

    def _end_of_command(self) -> None:
        self._running = None
        self.silence.settled()
        self.rounds.channel_busy(0)

    def _begin(self, command: Command) -> _Running:
        loop = asyncio.get_running_loop()
        self._running = _Running(command, loop.create_future(), loop.create_future())
        self.rounds.channel_busy(command.most_seconds)
        if self._lost:
            self.port_lost()
        return self._running

    # What the modem says.

    def _take(self, line: str) -> None:
        running = self._running
        if line == PROMPT:
            if running is not None and not running.prompted.done():
                running.prompted.set_result(None)
        elif running is not None and line in (running.command.text, running.command.body):
            pass  # an echo
        elif self._is_rest_of_news(line):
            pass
        elif (final := final_of(line)) is not None and self._is_result(final):
            self._finish(final, line)
        elif running is not None and _belongs(line, running):
            running.lines.append(line)
        else:
            self._take_news(line)

    def _is_result(self, final: Final) -> bool:
        if final is Final.CALL_RESULT:
            running = self._running
            return running is not None and running.command.dialling and not running.finished.done()
        return True

    def _finish(self, final: Final, line: str) -> None:
        running = self._running
        if running is None:
            log.debug("%s: %s answers nothing that was asked.", self._name, line)
            return
        if running.finished.done():
            running.leftovers.append((final, line))
            return
        resynchronising = running.command is commands.RESYNCHRONISE
        missing = running.command.must_answer and not running.lines
        if missing and (resynchronising or final is Final.OK):
            running.leftovers.append((final, line))
            if not resynchronising:
                asyncio.get_running_loop().call_later(_LEFTOVER_GRACE_SECONDS, self._accept_leftover, running)
            return
        running.finished.set_result((final, line))

    def _accept_leftover(self, running: _Running) -> None:
        """No better result came: the modem has nothing to tell."""
        if not running.finished.done():
            running.finished.set_result(running.leftovers[-1])

    def _is_rest_of_news(self, line: str) -> bool:
        """Take the PDU behind a +CMT, or the further lines of a text in quotes."""
        head = self._news_head
        if head is None:
            return False
        if name_of(head) in _TWO_LINE_NEWS:
            if not is_hex(line):
                return False
            self._news_head = None
            self._on_news(head, line)
            return True
        self._news_head = None
        if final_of(line) is not None or name_of(line) is not None or is_word(line):
            self._on_news(head, None)
            return False
        self._take_news(f"{head}\n{line}")
        return True

    def _take_news(self, line: str) -> None:
        name = name_of(line)
        unclosed = name == "+CUSD" and line.count('"') % 2 == 1 and len(line) < _LONGEST_NEWS
        if name in _TWO_LINE_NEWS or unclosed:
            self._news_head = line
        else:
            self._on_news(line, None)

    def _write(self, data: bytes) -> None:
        secret = self._running is not None and self._running.command.secret
        log.debug("%s > %r", self._name, "..." if secret else data)
        self._port.write(data)
        if self._running is not None:
            self.silence.asked()
        self.on_line("..." if secret else data.decode("ascii", "replace"), True)

    def _lost_error(self) -> ModemLost:
        return ModemLost(f"The port of the modem {self._name} is gone.", modem=self._name)


def _belongs(line: str, running: _Running) -> bool:
    """Whether the line is part of the answer that the running command asked for."""
    command = running.command
    name = name_of(line)
    if name is not None:
        return name in command.answers
    if is_word(line):
        return False
    if command.pdu_lines and is_hex(line):
        return bool(running.lines)
    return command.bare


def _fail(future: asyncio.Future[Any], fault: Exception) -> None:
    """Let whoever awaits the future have the fault; nobody may be left to see it, which is no error."""
    if not future.done():
        future.set_exception(fault)
        future.exception()


def _nobody_looks(line: str, sent: bool) -> None:
    """Nobody follows the dialogue."""
