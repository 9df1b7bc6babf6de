"""Test calls that are as far as a test wants them to be."""

from __future__ import annotations

from gateway.errors import NumberBarred, PhoneNotFree
from gateway.telephony.trial_call import Trial


class FakeTrials:
    """102 is away; `trial_now` is what every call has come to."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.trial_now = Trial("101")

    def begin(self, extension: str) -> str:
        if extension == "102":
            raise PhoneNotFree("The phone 102 is away, or in a call.", extension=extension)
        if extension != "101":
            raise LookupError(extension)
        self.rung.append(extension)
        return f"t{len(self.rung)}"

    def has_line(self, name: str) -> bool:
        return name == "red"

    def begin_by_line(self, name: str, number: str) -> str:
        if number == "112":
            raise NumberBarred("The number '112' is called from a phone only.", number=number, reason="kind")
        self.rung.append(f"{name} {number}")
        return f"t{len(self.rung)}"

    def trial(self, call_id: str) -> Trial | None:
        return None if call_id == "unknown" else self.trial_now
