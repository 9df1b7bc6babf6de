"""USSD: a code is dialled, a text comes back seconds later, perhaps with a question (3GPP TS 27.007 section 7.15)."""

from __future__ import annotations

import asyncio
import re

from gateway.errors import AtRefused, AtTimeout, PduInvalid
from gateway.modem import commands, gsm7
from gateway.modem.channel import AtChannel, Priority
from gateway.modem.commands import Command
from gateway.modem.dialect import UssdCoding
from gateway.modem.reports import UssdReport
from gateway.telephony.messages import UssdAnswer

ANSWER_SECONDS = 60.0
_UCS2_WITH_LANGUAGE = 0x11
_USUAL_UCS2 = 8
"""Not so by the standard, but what many networks mean by it."""
_WANTS_ANSWER = 1
_FAILURES = {2: "the network ended it", 4: "the network does not support it", 5: "the network did not answer"}


class Ussd:
    """One session at a time on one SIM."""

    def __init__(self, modem: str, channel: AtChannel, coding: UssdCoding) -> None:
        self._modem = modem
        self._channel = channel
        self._coding = coding
        self._turn = asyncio.Lock()
        self._awaited: asyncio.Future[UssdReport] | None = None
        self._is_open = False

    @property
    def is_open(self) -> bool:
        """The network waits for a reply; a new code would be taken for one."""
        return self._is_open

    async def end(self) -> None:
        """End an open session. Raises AtTimeout, ModemLost."""
        async with self._turn:
            if self._is_open:
                self._is_open = False
                await self._channel.accepts(commands.USSD_CANCEL, priority=Priority.BACKGROUND)

    async def ask(self, text: str) -> UssdAnswer:
        """Send a code, or the reply in an open session. Raises TextRefused, AtRefused, AtTimeout, ModemLost."""
        async with self._turn:
            self._awaited = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._channel.send(self._command(text), priority=Priority.BACKGROUND)
                    report = await self._awaited
            except TimeoutError:
                self._is_open = False
                await self._channel.accepts(commands.USSD_CANCEL, priority=Priority.BACKGROUND)
                raise AtTimeout(f"No answer to {text} came on the modem {self._modem}.", modem=self._modem) from None
            finally:
                self._awaited = None
        if report.mode in _FAILURES and not report.text:
            raise AtRefused(
                f"{text} on the modem {self._modem}: {_FAILURES[report.mode]}.",
                result=f"+CUSD: {report.mode}",
                modem=self._modem,
            )
        return UssdAnswer(decode(report.text, report.coding, self._coding), report.mode == _WANTS_ANSWER)

    def take(self, report: UssdReport) -> None:
        """News of a session; the text of one that nobody asked for is dropped."""
        self._is_open = report.mode == _WANTS_ANSWER
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(report)

    def _command(self, text: str) -> Command:
        match self._coding:
            case UssdCoding.PLAIN:
                return commands.ussd_plain(text)
            case UssdCoding.PACKED:
                return commands.ussd_packed(text)
            case UssdCoding.UCS2:
                return commands.ussd_ucs2(text)


def decode(text: str, coding: int | None, family: UssdCoding) -> str:
    """The readable form; `coding` is the CBS data coding scheme (23.038 section 5). What is no hex is readable."""
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text):
        return text
    raw = bytes.fromhex(text)
    # A modem set to UCS-2 gives its strings so, whatever the network used; no USSD code alone looks like that.
    if (_is_ucs2(coding) or family is UssdCoding.UCS2) and len(raw) % 2 == 0:
        text_octets = raw[2:] if coding == _UCS2_WITH_LANGUAGE and family is not UssdCoding.UCS2 else raw
        return text_octets.decode("utf-16-be", errors="replace")
    if family is UssdCoding.PACKED:
        try:
            return gsm7.unpack_ussd(raw)
        except PduInvalid:
            return text
    return text


def _is_ucs2(coding: int | None) -> bool:
    """By 3GPP TS 23.038 section 5: group 0001 with a language in front, and the general groups 01xx and 1001."""
    if coding is None:
        return False
    general = coding >> 6 == 1 or coding >> 4 == 9
    return coding in (_USUAL_UCS2, _UCS2_WITH_LANGUAGE) or (general and coding & 0x0C == 0x08)
