"""Traces: what the wires of a call have said, for whoever must find out why it went as it did.

The SIP ladder of each SIP leg, the AT dialogue of each SIM's modem, and how loud each side was. Nothing secret is
kept: of a SIP message its first line and what was agreed, no credentials, no keys, no bodies; of an AT line no PIN,
no keys, no SMS; and of a number its last three digits. Everything is bounded, the oldest goes first.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]


class WireKind(StrEnum):
    """Which wire a line is of."""

    SIP = "sip"
    AT = "at"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `way` is "in", "out", or empty; `who` the address, the line or the party."""

    at: float
    """The loop's time."""
    kind: WireKind
    way: str
    who: str
    text: str


class Traces:
    """Of all calls of now and of the last minutes; the drivers write, the switchboard reads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ladders: OrderedDict[str, deque[Entry]] = OrderedDict()
        """By the Call-ID of SIP."""
        self._ladders_of_legs: OrderedDict[str, list[str]] = OrderedDict()
        self._dialogues: dict[str, deque[Entry]] = {}
        """By line."""
        self._open_letters: dict[str, int] = {}
        """Of which line's modem a text goes on, and for how many lines at most."""
        self._levels: OrderedDict[str, deque[Entry]] = OrderedDict()
        """By call."""
        self._followers: tuple[tuple[Collection[str], Callable[[bytes, str, bool], None]], ...] = ()

    # For the drivers.

    def sip(self, data: bytes, remote: str, *, sent: bool) -> None:
        """A message has gone out or come in. Only those of calls are kept."""
        found = _CALL_ID.search(data, 0, _HEAD_BYTES)
        if found is None:
            return
        call_id = found[1].decode("utf-8", "replace")
        ladder = self._ladders.get(call_id)
        if ladder is None:
            if not data.startswith(b"INVITE "):
                return
            ladder = self._ladders[call_id] = deque(maxlen=_MOST_MESSAGES)
            if len(self._ladders) > _MOST_LADDERS:
                self._forget_a_ladder()
        ladder.append(Entry(self._clock(), WireKind.SIP, _way(sent), remote, _sip_text(data)))
        for legs, listener in self._followers:
            if any(call_id in self._ladders_of_legs.get(leg_id, ()) for leg_id in legs):
                listener(data, remote, sent)

    def is_carried_by(self, leg_id: str, sip_call_id: str) -> None:
        """The messages with that Call-ID are of that leg."""
        ladders = self._ladders_of_legs.setdefault(leg_id, [])
        if sip_call_id not in ladders:
            ladders.append(sip_call_id)
            _bound(self._ladders_of_legs, _MOST_LADDERS)

    def at(self, line: str, text: str, *, sent: bool) -> None:
        """A line has gone to the modem of a SIM, or come from it."""
        if line not in self._dialogues and len(self._dialogues) >= _MOST_LINES:
            return
        dialogue = self._dialogues.setdefault(line, deque(maxlen=_MOST_AT_LINES))
        told = _HIDDEN if self._is_rest_of_letter(line, text, sent=sent) else at_text(text)
        dialogue.append(Entry(self._clock(), WireKind.AT, _way(sent), line, told))

    def dialogue(self, line: str) -> list[Entry]:
        """The last lines of a SIM's modem, the oldest first."""
        return list(self._dialogues.get(line, ()))

    def _is_rest_of_letter(self, line: str, text: str, *, sent: bool) -> bool:
        """An operator's answer may have several lines: those after the first have no name in front."""
        if sent:
            return False
        left, quotes_differ = self._open_letters.pop(line, 0), text.count('"') % 2 == 1
        if quotes_differ and text.startswith("+CUSD:"):
            self._open_letters[line] = _LONGEST_LETTER
            return False
        if not left or text in _RESULTS:
            return False
        if left > 1 and not quotes_differ:
            self._open_letters[line] = left - 1
        return True

    def _forget_a_ladder(self) -> None:
        """The oldest one that became no call, while there are many of those: a flood of INVITEs pushes no call out."""
        of_calls = {call_id for call_ids in self._ladders_of_legs.values() for call_id in call_ids}
        strange = [call_id for call_id in self._ladders if call_id not in of_calls]
        del self._ladders[strange[0] if len(strange) > _MOST_STRANGE else next(iter(self._ladders))]

    # For calls.

    def follow(self, leg_ids: Collection[str], listener: Callable[[bytes, str, bool], None]) -> Callable[[], None]:
        """Call `listener` with each SIP message of these legs, the address of the other side, and whether we sent it.

        Until the returned function is called.
        """
        follower = (leg_ids, listener)
        self._followers = (*self._followers, follower)

        def stop() -> None:
            self._followers = tuple(each for each in self._followers if each is not follower)

        return stop

    def heard(self, call_id: str, who: str, text: str) -> None:
        """How a side sounded of late."""
        levels = self._levels.setdefault(call_id, deque(maxlen=_MOST_LEVELS))
        _bound(self._levels, _MOST_LADDERS)
        levels.append(Entry(self._clock(), WireKind.AUDIO, "", masked(who), text))

    def of_call(self, call_id: str, legs: Collection[tuple[str, str | None]], since: float) -> list[Entry]:
        """What is known of a call that began at `since`, in order; `legs` by id, with the line of those by a SIM."""
        found = list(self._levels.get(call_id, ()))
        for leg_id, line in legs:
            for sip_call_id in self._ladders_of_legs.get(leg_id, ()):
                found += self._ladders.get(sip_call_id, ())
            if line is not None:
                found += [each for each in self._dialogues.get(line, ()) if each.at >= since - _BEFORE_SECONDS]
        found.sort(key=lambda each: each.at)
        return found[-_MOST_IN_ALL:]


def masked(text: str) -> str:
    """Numbers by their last three digits."""
    return _DIGITS.sub("…", text)


def at_text(text: str) -> str:
    """A line of an AT dialogue without PINs, keys, texts and names, and of numbers the last three digits."""
    text = text.strip()
    if _HEXADECIMAL.match(text):
        return _HIDDEN
    for secret in (_SECRET_COMMANDS, _KEYS):
        found = secret.match(text)
        if found is not None:
            return f"{found[1]}{_HIDDEN}"
    found = _LETTERS.match(text)
    if found is not None:
        return f"{found[1]}: {_HIDDEN}"
    if _PEOPLE.match(text):
        text = _NAME.sub('"…"', text)
    return masked(text)[:_LONGEST_TEXT]


_HEAD_BYTES = 4_096
_MOST_LADDERS = 128
_MOST_STRANGE = 32
_MOST_MESSAGES = 60
_MOST_LINES = 64
_MOST_AT_LINES = 300
_MOST_LEVELS = 200
_MOST_IN_ALL = 400
_BEFORE_SECONDS = 2.0
"""What a modem says before the call is known to be one: RING, +CLIP."""
_LONGEST_TEXT = 160

_CALL_ID = re.compile(rb"\r\n(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]{1,200})", re.IGNORECASE)
_METHOD = re.compile(rb"\r\nCSeq[ \t]*:[ \t]*(\d+)[ \t]+([A-Z]+)", re.IGNORECASE)
_REASON = re.compile(rb"\r\nReason[ \t]*:[ \t]*([^\r\n]{1,60})", re.IGNORECASE)
_MEDIA = re.compile(rb"\r\nm=audio (\d+) (\S+) ([\d ]+)")
_HOST = re.compile(rb"\r\nc=IN IP[46] (\S+)")
_MODE = re.compile(rb"\r\na=(sendonly|recvonly|inactive)\r\n")
_PASSWORD = re.compile(r"(sips?:[^@\s:;]*):[^@\s]*@")
_DIGITS = re.compile(r"\d{4,}(?=\d{3}(?!\d))")
_SECRET_COMMANDS = re.compile(r"^(AT[+^]?(?:CPIN2?|CLCK|CPWD|CUSD)=).*", re.IGNORECASE)
_KEYS = re.compile(r"^(AT[+^]?(?:VTS|DTMF)=|[+^](?:RX)?DTMF: ?|\^DDTMF: ?|\+QTONEDET: ?).*", re.IGNORECASE)
_LETTERS = re.compile(r"^([+^](?:CMT|CMGR|CMGL|CDS|CBM|CUSD|CLASS0)): ?.*", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"^[0-9A-F]{16,}$", re.IGNORECASE)
_LONGEST_LETTER = 20
_RESULTS = ("OK", "ERROR")
_HIDDEN = "***"
_PEOPLE = re.compile(r"^[+^](?:CLIP|CLCC|CCWA|CNUM|COLP|CPBR|CNAP):", re.IGNORECASE)
_NAME = re.compile(r'"[^"]*[^\W\d][^"]*"')


def _way(sent: bool) -> str:
    return "out" if sent else "in"


def _bound(
    kept: OrderedDict[str, object] | OrderedDict[str, deque[Entry]] | OrderedDict[str, list[str]], most: int
) -> None:
    while len(kept) > most:
        kept.popitem(last=False)


def _sip_text(data: bytes) -> str:
    """The first line, and what the description in it agrees to."""
    first = data.split(b"\r\n", 1)[0].decode("ascii", "replace").removeprefix("SIP/2.0 ").removesuffix(" SIP/2.0")
    parts = [masked(_PASSWORD.sub(r"\1:***@", first))]
    cseq = _METHOD.search(data, 0, _HEAD_BYTES)
    if cseq is not None:
        parts.append(f"[{_ascii(cseq[1])} {_ascii(cseq[2])}]")
    reason = _REASON.search(data, 0, _HEAD_BYTES)
    if reason is not None:
        parts.append(_ascii(reason[1]))
    media = _MEDIA.search(data)
    if media is not None:
        host = _HOST.search(data)
        where = f"{_ascii(host[1]) if host is not None else '?'}:{_ascii(media[1])}"
        mode = _MODE.search(data)
        parts.append(
            f"{_ascii(media[2])} {where} ({_ascii(media[3]).strip()})" + (f" {_ascii(mode[1])}" if mode else "")
        )
    return " ".join(parts)[:_LONGEST_TEXT]


def _ascii(data: bytes) -> str:
    return data.decode("ascii", "replace")
