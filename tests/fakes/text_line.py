"""A line that carries messages and USSD, and does with them what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.modem import pdu
from gateway.telephony.messages import PartOutcome, PartTaken, UssdAnswer
from gateway.telephony.numbers import Dialable


@dataclass
class FakeTextLine:
    """Takes every part after `seconds`, unless `outcomes` has others for it, in order."""

    name: str
    can_text: bool = True
    imsi: str = "250020000000001"
    signal_dbm: int | None = -71
    operator: str | None = "MegaFon"
    seconds: float = 3.0
    outcomes: list[PartOutcome] = field(default_factory=list)
    sent: list[tuple[float, str, str]] = field(default_factory=list)
    """When, to whom, and the text of the part."""
    validities: list[timedelta | None] = field(default_factory=list)
    """Of each part that was begun."""
    before: Callable[[], None] = lambda: None
    """Called as a part begins: what must be on disk by then can be looked at."""
    asked: list[str] = field(default_factory=list)
    answers: dict[str, UssdAnswer | Exception] = field(default_factory=dict)
    ended: int = 0
    _reference: int = 0

    async def send_part(
        self, number: Dialable, text: str, *, reference: int, part: int, valid_for: timedelta | None = None
    ) -> PartOutcome:
        self.before()
        self.validities.append(valid_for)
        message = pdu.decode(b"\0" + pdu.submit_parts(number.digits, text, reference=reference)[part - 1])
        assert isinstance(message, pdu.Submit)
        await asyncio.sleep(self.seconds)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None and not isinstance(outcome, PartTaken):
            return outcome
        self.sent.append((asyncio.get_running_loop().time(), number.digits, message.content.text or ""))
        self._reference += 1
        return outcome or PartTaken(self._reference)

    async def ask(self, code: str) -> UssdAnswer:
        self.asked.append(code)
        answer = self.answers[code]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def end_session(self) -> None:
        self.ended += 1
