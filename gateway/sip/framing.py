"""Messages in a stream of bytes, cut apart by Content-Length (RFC 3261 section 18.3). No input or output."""

from __future__ import annotations

import re

from gateway.sip.grammar import MalformedMessage

LONGEST_HEADER_BYTES = 65_536
LONGEST_BODY_BYTES = 65_536
LONGEST_START_LINE_BYTES = 8_192
MOST_PINGS = 32
"""Between two looks at `pings`: a phone sends one in half a minute."""

_CONTENT_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


class Framer:
    """The bytes of one connection. After MalformedMessage nothing can be read any more: close the connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._has_start = False
        self._needed = 0
        """The length of the message in the buffer; 0 while its header is not complete."""
        self.pings = 0
        """Keep-alives (a double CRLF between messages) that want an answer (RFC 5626 section 4.4.1)."""

    @property
    def is_amid_message(self) -> bool:
        """Part of a message is here."""
        return bool(self._buffer[:4].strip(b"\r\n"))

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now. Raises MalformedMessage when no message can begin like this."""
        self._buffer += data
        messages: list[bytes] = []
        while True:
            if not self._needed:
                self._skip_keep_alives()
                self._needed = self._measure()
            if not self._needed or len(self._buffer) < self._needed:
                return messages
            messages.append(bytes(self._buffer[: self._needed]))
            self._forget(self._needed)

    def _skip_keep_alives(self) -> None:
        while self._buffer[:4] == b"\r\n\r\n":
            self.pings += 1
            if self.pings > MOST_PINGS:
                raise MalformedMessage("Keep-alives come in a flood.")
            self._forget(4)
        while self._buffer[:2] == b"\r\n" and bytes(self._buffer[2:3]) not in (b"", b"\r"):
            self._forget(2)

    def _measure(self) -> int:
        """The length of the message that begins here; 0 while that cannot be known."""
        buffer = self._buffer
        self._check_start()
        end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3), LONGEST_HEADER_BYTES + 4)
        if end < 0:
            self._searched = len(buffer)
            if len(buffer) > LONGEST_HEADER_BYTES:
                raise MalformedMessage("The header of a message is longer than 64 KiB.", status=513)
            return 0
        lengths = {value.strip(b" \t") for value in _CONTENT_LENGTH.findall(bytes(buffer[:end]))}
        if len(lengths) > 1:
            raise MalformedMessage("A message has several lengths.")
        length = lengths.pop() if lengths else b"0"
        if not length.isdigit() or len(length) > 10 or int(length) > LONGEST_BODY_BYTES:
            raise MalformedMessage("The length of a message is no number up to 64 KiB.", status=513)
        return end + 4 + int(length)

    def _check_start(self) -> None:
        """What is no start line of SIP ends the connection, before anything of it is kept for long."""
        if self._has_start:
            return
        line, newline, _ = bytes(self._buffer[:LONGEST_START_LINE_BYTES]).partition(b"\n")
        if newline and line.strip(b"\r"):
            if b"SIP/" not in line:
                raise MalformedMessage("What comes is no SIP.")
            self._has_start = True
        elif not newline and len(self._buffer) >= LONGEST_START_LINE_BYTES:
            raise MalformedMessage("A start line has no end.")

    def _forget(self, count: int) -> None:
        del self._buffer[:count]
        self._searched = self._needed = 0
        self._has_start = False
