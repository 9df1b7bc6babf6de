"""The grammar of AT dialogues, without I/O: bytes in, lines out, and what a line means.

Sources: ITU-T V.250 section 5 (result codes), 3GPP TS 27.007 section 9 (+CME ERROR), TS 27.005
section 3 (+CMS ERROR, the `> ` prompt). Modems garble, echo, glue and pad; the parser gives up one
line at most and goes on with the next.
"""

from __future__ import annotations

import re
from enum import Enum

LINE_LIMIT_BYTES = 8 * 1024
"""A longer line is noise; everything up to the next line break is dropped."""

PROMPT = ">"
"""What `feed` gives for the prompt; no other line is or begins like this."""

_BREAKS = re.compile(rb"[\r\n]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Some firmwares forget the line break after a result: `ERROR+CNUM:` (Huawei), `OK^RSSI:19`.
_GLUED = re.compile(r"(OK|ERROR|COMMAND NOT SUPPORT|NO CARRIER|BUSY|NO ANSWER)(?=[+^*][A-Z]|RING$)(.*)")
_REFUSED = re.compile(r"ERROR|COMMAND NOT SUPPORT|TOO MANY PARAMETERS|ABORTED|\+CM[ES] ERROR: ?.*")
_CALL_RESULT = re.compile(r"NO CARRIER|BUSY|NO ANSWER|NO DIAL ?TONE")
_NAMED = re.compile(r"([+^*][A-Z][A-Z0-9_]*) ?(?::|$)")
_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){5,}")
# Unsolicited words without a sign in front; they never belong to the answer of a command.
_WORDS = re.compile(
    r"RING|RDY|NO CARRIER|BUSY|NO ANSWER|NO DIAL ?TONE|VOICE CALL: ?.*|MISSED_CALL: ?.*|(?:SMS|PB|CALL) (?:DONE|READY)"
    r"|Call Ready|SMS Ready|POWERED DOWN|NORMAL POWER DOWN|DST: ?.*|%DBG.*"
)


class AtParser:
    """Cuts the byte stream of an AT port into lines.

    Line breaks are CR, LF or both; empty lines, NUL and other control bytes are dropped; bytes above
    0x7F are kept as Latin-1. Set `awaits_prompt` after a command that asks for a body: the `> ` that
    comes without a line break is then given as PROMPT, once.
    """

    def __init__(self) -> None:
        self.awaits_prompt = False
        self.discarded_bytes = 0
        self._partial = bytearray()
        self._overlong = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes, in order."""
        lines: list[str] = []
        head, *rest = _BREAKS.split(data)
        self._extend(head)
        if rest:
            self._finish_partial(lines)
            for raw in rest[:-1]:
                if len(raw) > LINE_LIMIT_BYTES:
                    self.discarded_bytes += len(raw)
                else:
                    self._finish_line(raw, lines)
            self._extend(rest[-1])
        if self.awaits_prompt and self._partial.lstrip(b"\0 ").startswith(b">"):
            self._partial.clear()
            self.awaits_prompt = False
            lines.append(PROMPT)
        return lines

    def _extend(self, part: bytes) -> None:
        if self._overlong or len(self._partial) + len(part) > LINE_LIMIT_BYTES:
            self.discarded_bytes += len(self._partial) + len(part)
            self._partial.clear()
            self._overlong = True
        else:
            self._partial += part

    def _finish_partial(self, lines: list[str]) -> None:
        if not self._overlong and self._partial:
            self._finish_line(self._partial, lines)
        self._partial.clear()
        self._overlong = False

    def _finish_line(self, raw: bytes | bytearray, lines: list[str]) -> None:
        """In a storm of news this is most of the work: the common line takes no regular expression but one."""
        text = raw.decode("latin-1")
        if not text.isprintable():
            text = _CONTROL.sub("", text)
        text = text.strip()
        if text.startswith(">"):
            if self.awaits_prompt:
                self.awaits_prompt = False
                lines.append(PROMPT)
            text = text.lstrip("> ")
        while glued := _GLUED.fullmatch(text):
            lines.append(glued[1])
            text = glued[2]
        if text:
            lines.append(text)


class Final(Enum):
    """How a line ends a command."""

    OK = "ok"
    REFUSED = "refused"
    CALL_RESULT = "call-result"
    """NO CARRIER, BUSY, NO ANSWER, NO DIALTONE: ends ATD and ATA; at any other time it is news of a call."""


def final_of(line: str) -> Final | None:
    """What the line means as a result code; None: it is none. Strict: `OKEY DOKEY` ends nothing."""
    if line == "OK":
        return Final.OK
    if _REFUSED.fullmatch(line):
        return Final.REFUSED
    if _CALL_RESULT.fullmatch(line):
        return Final.CALL_RESULT
    return None


def name_of(line: str) -> str | None:
    """`+CSQ` of `+CSQ: 20,99`; None for a line without a name in front."""
    match = _NAMED.match(line)
    return match[1] if match else None


def is_word(line: str) -> bool:
    """Whether the line is news without a sign in front (RING, RDY, VOICE CALL: ...)."""
    return _WORDS.fullmatch(line) is not None


def is_hex(line: str) -> bool:
    """Whether the line can be an SMS PDU in hex: the shortest has five octets."""
    return _HEX.fullmatch(line) is not None


def fields_of(line: str) -> list[str]:
    """The values behind the name, unquoted: `+CLCC: 1,1,4,0,0,"+7",145` gives seven.

    A comma in quotes does not separate; an unclosed quote reaches to the end of the line.
    """
    _, _, values = line.partition(":")
    if '"' not in values:
        return [value.strip() for value in values.split(",")]
    fields: list[str] = []
    current: list[str] = []
    quoted = False
    for character in values.strip():
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            fields.append("".join(current).strip())
            current.clear()
        else:
            current.append(character)
    fields.append("".join(current).strip())
    return fields


def number_in(fields: list[str], position: int) -> int | None:
    """The whole number at that position; None where there is none."""
    if position >= len(fields):
        return None
    text = fields[position]
    return int(text) if _NUMBER.fullmatch(text) else None
