"""A modem that says what a transcript says, on ports in memory: the hardware below a real session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"


@dataclass(frozen=True)
class Step:
    """One line: `kind` is `>`, `<`, `<!`, `<<`, `@`, `=` or `~`."""

    kind: str
    text: str
    line: int


def stories_of(path: Path) -> dict[str, list[Step]]:
    """The stories of a transcript by name; its head must say model, firmware and where it comes from."""
    text = path.read_text(encoding="utf-8")
    head = text.partition("##")[0]
    assert "# model:" in head, path
    assert "# firmware:" in head, path
    assert "# recorded" in head or "# written from documentation" in head, path
    stories: dict[str, list[Step]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("## "):
            stories[line[3:]] = story = []
        elif line and not line.startswith("#"):
            kind, _, rest = line.partition(" ")
            assert kind in {">", "<", "<!", "<<", "@", "=", "~"}, f"{path}:{number}"
            story.append(Step(kind, rest, number))
    return stories


def voice_of(path: Path) -> str:
    """By which voice port the modem of a transcript is served: a serial one, unless its head names another."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# voice: "):
            return line.removeprefix("# voice: ")
    return "/dev/null"


@dataclass
class TranscriptModem:
    """Answers from the story where the host says the next line of it, and from `known` otherwise."""

    known: list[Step]
    """What is answered at any time."""
    chunk: int
    unexpected: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    port: TranscriptPort | None = None
    is_hung: bool = False
    """It takes everything and says nothing."""
    reactions: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What else happens when the host says a line."""
    opened_at: list[float] = field(default_factory=list)
    """Loop times of every opening of the AT port."""
    _awaited: str | None = None
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._once: dict[str, list[str]] = {}
        # Asked whenever a result might be a stray one; not part of any story.
        self._answers: dict[str, list[str]] = {"AT+CMEE?": ["+CMEE: 1", "OK"]}
        for step in self.known:
            if step.kind == ">":
                self._answers[step.text] = answer = []
                answer_to = step.text
            elif step.kind == "<":
                answer.append(step.text)
            elif step.kind == "<!":
                self._once.setdefault(answer_to, []).append(step.text)

    def open(self, path: str, on_data: Callable[[bytes], None], on_lost: Callable[[], None]) -> TranscriptPort:
        """In place of SerialPort, for the AT port."""
        del path, on_lost
        self.opened_at.append(asyncio.get_running_loop().time())
        self.port = TranscriptPort(on_data, self._host_said)
        return self.port

    def answer(self, command: str, *lines: str) -> None:
        """From now on it answers that command so."""
        self._answers[command] = list(lines)

    def expect(self, text: str | None) -> None:
        """The next line of the story that the host will say."""
        self._awaited = text
        self._heard.clear()

    async def heard(self, within: float = 20.0) -> None:
        """Wait until the host has said it."""
        try:
            async with asyncio.timeout(within):
                await self._heard.wait()
        except TimeoutError:
            raise AssertionError(f"the host never said {self._awaited!r}; it said {self.said[-8:]}") from None

    def say(self, *lines: str) -> None:
        """Say lines, in pieces of the chosen size."""
        self.say_raw("".join(f"\r\n{line}\r\n" for line in lines))

    def say_raw(self, text: str) -> None:
        data = text.encode("latin-1")
        assert self.port is not None
        for start in range(0, len(data), self.chunk):
            self.port.on_data(data[start : start + self.chunk])

    def _host_said(self, line: str) -> None:
        self.said.append(line)
        if self.is_hung:
            return
        if line in self.reactions:
            self.reactions[line]()
        if line == self._awaited and not self._heard.is_set():
            self._heard.set()
        elif line in self._answers:
            lines = self._once.pop(line, []) + self._answers[line]
            asyncio.get_running_loop().call_soon(lambda: self.say(*lines))
        else:
            self.unexpected.append(line)


class TranscriptPort:
    """The host's end."""

    def __init__(self, on_data: Callable[[bytes], None], host_said: Callable[[str], None]) -> None:
        self.on_data = on_data
        self.is_open = True
        self._host_said = host_said
        self._line = bytearray()

    def write(self, data: bytes) -> None:
        for octet in data if self.is_open else b"":
            if octet in b"\r\x1a":
                line, self._line = self._line.decode("ascii"), bytearray()
                if line:
                    self._host_said(line)
            elif octet != 0x1B:
                self._line.append(octet)

    def close(self, *, drop_output: bool = True) -> None:
        del drop_output
        self.is_open = False


class SilentPort:
    """A voice port from which nothing comes."""

    def __init__(
        self,
        path: str,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[], None],
        *,
        carries_voice: bool = False,
    ) -> None:
        del path, on_data, on_lost, carries_voice
        self.is_open = True

    def write_or_drop(self, data: bytes) -> int:
        return len(data)

    def flush_input(self) -> None:
        """Nothing is there."""

    def close(self, *, drop_output: bool = True) -> None:
        del drop_output
        self.is_open = False
