"""The dialogue on a modem's AT port: lines and bodies in, answers out in their turn, as badly as it was told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.emulator import command_table
from gateway.emulator.at_command import Command, Prompt, Refused, split_line
from gateway.emulator.at_output import AtOutput
from gateway.emulator.errors_text import cme_text

if TYPE_CHECKING:
    from gateway.emulator.modem import Modem

_MOST_LINE_BYTES = 4_096


class AtDialogue:
    """Takes what the host types, has it executed, and answers through `out`."""

    def __init__(self, modem: Modem, out: AtOutput) -> None:
        self.is_silent = False
        """It hangs: takes everything and says nothing."""
        self.echoes = True
        self._modem = modem
        self._out = out
        self._line = bytearray()
        self._prompt: Prompt | None = None
        self._afterwards: list[Callable[[], None]] = []

    def opened(self) -> None:
        """A program has opened the port."""
        self._line.clear()
        self._prompt = None
        options = self._modem.fault("silent_after")
        if self.is_silent and options is not None and options["until"] == "reopened":
            self._modem.behave("silent_after")

    def forget(self) -> None:
        """The power has gone."""
        self._line.clear()
        self._prompt = None
        self.is_silent = False

    def behaved(self) -> None:
        """A misbehaviour has ended."""
        self.is_silent = self.is_silent and self._modem.fault("silent_after") is not None

    def after_answer(self, action: Callable[[], None]) -> None:
        """Do it once the command that runs now has got its final result."""
        self._afterwards.append(action)

    def receive(self, data: bytes) -> None:
        """The host has sent this."""
        if self.echoes and not self.is_silent:
            self._out.echo(data)
        for byte in data:
            if self._prompt is not None and byte in b"\x1a\x1b":
                self._end_body(send=byte == 0x1A)
            elif self._prompt is None and byte == 0x0D:
                self._end_line()
            elif self._prompt is None and byte in b"\n\x1a\x1b":
                continue
            elif len(self._line) < _MOST_LINE_BYTES:
                self._line.append(byte)
            if not self._modem.is_on:  # the command has taken the ports away
                return

    def _end_line(self) -> None:
        line = self._line.decode("latin-1").strip()
        self._line.clear()
        if line and not self._keeps_silent(line):
            self._run(line)

    def _end_body(self, *, send: bool) -> None:
        prompt, self._prompt = self._prompt, None
        body = self._line.decode("latin-1")
        self._line.clear()
        if prompt is None or self.is_silent:
            return
        refusal: Refused | None = None
        lines: list[str] = []
        try:
            lines = prompt.take(body) if send else []
        except Refused as refused:
            refusal = refused
        slow = self._modem.fault("slow_messages")
        seconds = float(str(slow["seconds"])) if slow is not None and send else 0.0
        if seconds > 0:
            self._modem.later(seconds, lambda: self._finish("", lines, refusal))
        else:
            self._finish("", lines, refusal)

    def _keeps_silent(self, line: str) -> bool:
        options = self._modem.fault("silent_after")
        if options is None:
            return False
        if self._modem.faults.spend("silent_after", "commands") > 0:
            return False
        self.is_silent = True
        if options["until"] == "reset" and line.upper() in ("AT+CFUN=1,1", "AT^RESET", "AT+CRESET"):
            self._modem.restart()
        return True

    def _run(self, line: str) -> None:
        refuses = self._modem.fault("refuses")
        if refuses is not None and line.upper().startswith(str(refuses["command"]).upper()):
            self._out.answer([], str(refuses["with_line"]))
            return
        try:
            commands = split_line(line)
        except ValueError:
            self._out.answer([], "ERROR")
            return
        lines: list[str] = []
        for command in commands:
            try:
                answer = self._execute(command)
            except Refused as refusal:
                self._finish(line, lines, refusal)
                return
            if isinstance(answer, Prompt):
                self._prompt = answer
                self._out.prompt()
                return
            lines += answer
        self._finish(line, lines)

    def _execute(self, command: Command) -> list[str] | Prompt:
        if command.name == "E":
            if self._modem.fault("echo_stays_on") is None:
                self.echoes = command.argument == "1"
            return []
        if command.name in ("Z", "&F"):
            self.echoes = True if command.name == "&F" else self.echoes
            return []
        return command_table.execute(self._modem, command)

    def _finish(self, line: str, lines: list[str], refusal: Refused | None = None) -> None:
        final = "OK" if refusal is None else self._final(refusal)
        afterwards, self._afterwards = self._afterwards, []

        def tell() -> None:
            self._out.answer(lines, final)
            for action in afterwards:
                action()

        late = self._modem.fault("late_ok")
        if late is not None and line.upper().startswith(str(late["command"])):
            if self._modem.faults.spend("late_ok", "times") <= 1:
                self._modem.faults.end("late_ok")
            if late["error_first"]:
                self._out.answer([], "ERROR")
            self._modem.later(float(str(late["seconds"])), tell)
        else:
            tell()

    def _final(self, refusal: Refused) -> str:
        mode = self._modem.settings.get("+CMEE", "0")
        if refusal.cms is not None:
            return f"+CMS ERROR: {refusal.cms}"
        if refusal.cme is None or mode == "0":
            return refusal.final
        return f"+CME ERROR: {refusal.cme if mode == '1' else cme_text(refusal.cme)}"
