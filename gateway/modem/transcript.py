"""A dialogue with a modem as a transcript: what was said, in the form of tests/transcripts, with nobody's data in it.

Numbers, IMEI, IMSI, ICCID, places and texts are replaced: what is written down can be published. The stories are
told so that the tests can play them again on the session as it is: questions that are only looks around are left
out, and PDUs are those that the host will send and read then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.modem import pdu
from gateway.modem.at import final_of, is_hex, is_word, name_of
from gateway.modem.dialect import UssdCoding
from gateway.modem.serial_port import ClosablePort, SerialPort
from gateway.telephony.numbers import Dialable

SMS_TEXT = "hellohello"
SMS_REFERENCE = 1
SMS_RECEIVED = "How are you?"
_SMS_RECEIVED_PDU = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07"
_USSD = {UssdCoding.PLAIN: "Hi", UssdCoding.PACKED: "C834", UssdCoding.UCS2: "00480069"}
_LOOKS = frozenset(
    ("AT", "AT+CSQ", "AT+CREG?", "AT+CEREG?", "AT+COPS?", "AT+CPIN?", "AT+CMEE?", "AT+CLCC", "AT+CEER", 'AT+CPMS="ME"')
)
"""What the host asks to see how things are; when, is not the modem's story."""
_NUMBER = re.compile(r"\+[0-9]{7,15}(?![0-9])|(?<=ATD)[0-9]{7,15}(?![0-9])|(?<![0-9A-Za-z])[0-9]{7,15}(?![0-9A-Za-z])")
_PLACES = re.compile(r'(\+C(?:G|E)?REG: ?(?:[0-9],)?[0-9]),"[0-9A-Fa-f]+","[0-9A-Fa-f]+"')
_LONG_DIGITS = re.compile(r"(?<![0-9A-Fa-f])[0-9]{10,}(?![0-9A-Fa-f])")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a story; `kind` as in tests/transcripts."""

    kind: str
    text: str


class Tap:
    """A serial port that writes down what passes. `open` stands in place of SerialPort."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._heard = bytearray()
        self._said = bytearray()

    def open(self, path: str, on_data: Callable[[bytes], None], on_lost: Callable[[], None]) -> ClosablePort:
        """Open the port; what comes is written down before it is passed on."""

        def listen(data: bytes) -> None:
            self._hear(data)
            on_data(data)

        return _Tapped(SerialPort(path, listen, on_lost), self._say)

    def note(self, kind: str, text: str) -> None:
        """What is done (`@`) or follows (`=`) at this point."""
        self.entries.append(Entry(kind, text))

    def take(self) -> list[Entry]:
        """All since the last time."""
        entries, self.entries = self.entries, []
        return entries

    def _hear(self, data: bytes) -> None:
        self._heard += data
        while (match := re.search(rb"[\r\n]", self._heard)) is not None:
            line = bytes(self._heard[: match.start()]).decode("latin-1").strip("\0")
            del self._heard[: match.end()]
            if line.strip():
                self.entries.append(Entry("<", line))
        if bytes(self._heard).lstrip() == b">" or bytes(self._heard).endswith(b"> "):
            self._heard.clear()
            self.entries.append(Entry("<<", "> "))

    def _say(self, data: bytes) -> None:
        for octet in data:
            if octet in b"\r\x1a":
                line, self._said = self._said.decode("ascii", "replace"), bytearray()
                if line:
                    self.entries.append(Entry(">", line))
            elif octet != 0x1B:
                self._said.append(octet)


class _Tapped:
    """Implements ClosablePort."""

    def __init__(self, port: SerialPort, say: Callable[[bytes], None]) -> None:
        self._port = port
        self._say = say

    @property
    def is_open(self) -> bool:
        return self._port.is_open

    def write(self, data: bytes) -> None:
        self._say(data)
        self._port.write(data)

    def close(self, *, drop_output: bool = True) -> None:
        self._port.close(drop_output=drop_output)


class Anonymiser:
    """Replaces what belongs to somebody; the same by the same, so that a story stays a story."""

    def __init__(self, *, imei: str | None, imsi: str | None, iccid: str | None, ussd: UssdCoding) -> None:
        self._known = {
            found: stand_in[: len(found)]
            for found, stand_in in (
                (imei, "490154203237518"),
                (imsi, "001010123456789"),
                (iccid, "89701012345678901234"),
            )
            if found
        }
        self._numbers: dict[str, str] = {}
        self._ussd = ussd

    def number(self, text: str) -> str:
        """The stand-in of a phone number: `+79160000001`, or the like of a national one."""
        if text in self._numbers.values():
            return text
        if text not in self._numbers:
            count = len(self._numbers) + 1
            self._numbers[text] = f"+7916{count:07d}" if text.startswith("+") else f"8916{count:07d}"
        return self._numbers[text]

    def line(self, text: str) -> str:
        """A line of a dialogue without anything personal; PDUs are not for this."""
        if text.startswith("+CUSD:"):
            return re.sub(r'"[^"]*"?', f'"{_USSD[self._ussd]}"', text, count=1)
        for found, stand_in in self._known.items():
            text = text.replace(found, stand_in)
        text = _PLACES.sub(r'\1,"0001","0001"', text)
        text = re.sub(r'"((?:00[2-3][0-9A-Fa-f]){7,16})"', self._coded_number, text)
        stand_ins = "|".join(map(re.escape, self._known.values())) or "(?!)"
        return "".join(
            part if re.fullmatch(stand_ins, part) else self._without_numbers(part)
            for part in re.split(f"({stand_ins})", text)
        )

    def _without_numbers(self, text: str) -> str:
        replaced = _NUMBER.sub(lambda match: self.number(match[0]), text)
        made = set(self._numbers.values())

        def blank(match: re.Match[str]) -> str:
            plus = match.string[match.start() - 1 : match.start()] == "+"
            return match[0] if ("+" if plus else "") + match[0] in made else "0" * len(match[0])

        return _LONG_DIGITS.sub(blank, replaced)

    def _coded_number(self, match: re.Match[str]) -> str:
        """A number in UCS-2 hexadecimal."""
        decoded = bytes.fromhex(match[1]).decode("utf-16-be")
        return f'"{self.number(decoded).encode("utf-16-be").hex().upper()}"'


class TranscriptWriter:
    """Puts the stories of one modem together."""

    def __init__(self, *, model: str, firmware: str, anonymiser: Anonymiser, reports_calls: bool) -> None:
        """`reports_calls`: the family tells each step of a call; else its answers to +CLCC are the story."""
        self._anonymiser = anonymiser
        self._reports_calls = reports_calls
        self._head = f"# model: {anonymiser.line(model)}\n# firmware: {anonymiser.line(firmware)}\n"
        self._stories: dict[str, list[Entry]] = {}
        self._at_any_time: dict[str, list[str]] = {}

    def add(self, name: str, entries: list[Entry]) -> None:
        """One story; "init" must be the first."""
        cleaned = list(self._cleaned(entries))
        self._stories[name] = _start_of(cleaned) if name == "init" else self._without_looks(cleaned)

    def text(self, *, recorded: str) -> str:
        """The file; `recorded` says when and where."""
        parts = [f"{self._head}# recorded {recorded}; numbers, identities and texts are replaced\n#\n"]
        stories = dict(self._stories)
        init = stories.pop("init", [])
        parts.append(_shown("init", init))
        known = {entry.text for entry in init if entry.kind == ">"}
        rest = [
            entry
            for command, lines in self._at_any_time.items()
            if command not in known
            for entry in (Entry(">", command), *(Entry("<", line) for line in lines))
        ]
        parts.append(_shown("at any time", rest))
        parts += [_shown(name, entries) for name, entries in stories.items()]
        return "\n".join(parts)

    def _cleaned(self, entries: list[Entry]) -> Iterator[Entry]:
        command = ""
        is_answered = True
        awaits_body = False
        for entry in entries:
            text = entry.text
            if entry.kind == ">" and awaits_body:
                awaits_body = False
                yield Entry(">", self._sent_body(command))
                continue
            if entry.kind == ">":
                command, is_answered = text, False
                text = self._sent_command(text)
            elif entry.kind == "<<":
                awaits_body = True
            elif entry.kind == "<" and is_hex(text) and len(text) > 40:
                text = _SMS_RECEIVED_PDU
            elif entry.kind == "<":
                text = re.sub(r"^(\+(?:CMGL|CMGR|CMT|CDS): ?.*,)[0-9]+$", r"\g<1>32", self._anonymiser.line(text))
            else:
                text = self._anonymiser.line(text)
            kind = entry.kind
            if kind == "<" and not is_answered:
                is_answered = final_of(entry.text) is not None
                if not is_answered and not _answers(command, entry.text):
                    kind = "<!"
            yield Entry(kind, text)

    def _sent_command(self, text: str) -> str:
        if text.startswith("AT+CMGS="):
            return f"AT+CMGS={len(self._submit())}"
        return text if text.startswith("AT+CUSD=") else self._anonymiser.line(text)

    def _sent_body(self, command: str) -> str:
        del command
        return "00" + self._submit().hex().upper()

    def _submit(self) -> bytes:
        recipient = self._anonymiser.number("+sms")
        return pdu.submit_parts(recipient, SMS_TEXT, reference=SMS_REFERENCE, wants_report=True)[0]

    def _without_looks(self, entries: list[Entry]) -> list[Entry]:
        """Without questions that are asked at any time; what else was asked is answered at any time, too."""
        kept: list[Entry] = []
        position = 0
        listed: list[str] = []
        is_known = not any(entry.text.startswith("incoming ") for entry in entries if entry.kind == "=")
        while position < len(entries):
            entry = entries[position]
            position += 1
            is_known = is_known or (entry.kind == "=" and entry.text.startswith("incoming "))
            if entry.kind != ">":
                kept.append(Entry("<", entry.text) if entry.kind == "<!" else entry)
                continue
            answer: list[Entry] = []
            meanwhile: list[Entry] = []
            while position < len(entries) and entries[position].kind not in (">", "<<"):
                # What was done or seen while the answer came stands behind it.
                (meanwhile if entries[position].kind in "@=" else answer).append(entries[position])
                position += 1
                if answer and final_of(answer[-1].text) is not None:
                    break
            tells_who = False
            if entry.text == "AT+CLCC":
                rows = [each.text for each in answer if _is_call(each.text)]
                tells_who = bool(rows) and (not is_known or (not self._reports_calls and rows != listed))
                listed = rows
            if entry.text in _LOOKS and not tells_who:
                kept += [*(Entry("<", each.text) for each in answer if each.kind == "<!"), *meanwhile]
                continue
            kept += [entry, *(Entry("<", each.text) for each in answer), *meanwhile]
            if final_of(answer[-1].text if answer else "") is not None and not tells_who:
                self._at_any_time.setdefault(entry.text, [each.text for each in answer if each.kind == "<"])
        return kept


def _start_of(entries: list[Entry]) -> list[Entry]:
    """The dialogue of a start: each question once, with the answer that it got first."""
    seen: set[str] = set()
    kept: list[Entry] = []
    keeps = False
    for entry in entries:
        if entry.kind == ">":
            keeps = entry.text not in seen and entry.text != "AT+CMEE?"
            seen.add(entry.text)
        if keeps or entry.kind == "=":
            kept.append(entry)
        keeps = keeps and not (entry.kind == "<" and final_of(entry.text) is not None)
    return kept


def _answers(command: str, line: str) -> bool:
    """Whether the line can be part of that command's answer, and is no news and no echo."""
    if line == command or is_word(line):
        return False
    name = name_of(line)
    return name is None or name.lstrip("+^*C") in command or name in command


def _is_call(line: str) -> bool:
    return re.match(r"\+CLCC: ?[0-9]+,[01],[0-6],0,", line) is not None


def _shown(name: str, entries: list[Entry]) -> str:
    return f"## {name}\n" + "".join(f"{entry.kind} {entry.text}\n" for entry in entries)


def sms_stand_in(anonymiser: Anonymiser) -> str:
    """To whom the transcript says that the message went."""
    return anonymiser.number("+sms")


def is_private(text: str, numbers: list[Dialable | str | None]) -> list[str]:
    """Which of these still stand in a text: for the last look before it is written."""
    digits = [each.digits if isinstance(each, Dialable) else each for each in numbers]
    return [each for each in digits if each and len(each) >= 7 and each.lstrip("+") in text]
