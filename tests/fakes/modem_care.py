"""One modem, m0, that a person looks after, and what was asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from gateway.api.modem_routes import ModemDoor
from gateway.errors import GatewayError, LastPinTry, ModemInCall, PinTriedBefore, PinWrong
from gateway.telephony.modem_care import DialogueLine, ModemCondition, ModemReply, ModemVitals, RestartStep


class FakeModemCare:
    """The PIN of its SIM is 2580; `done` and `noted` are what happened, in order."""

    def __init__(self) -> None:
        self.now = ModemCondition(
            name="m0", line="red", state="ready", in_call=False, steps=(RestartStep.REOPEN, RestartStep.RESTART),
            questions=("ATI", "AT+CSQ"), wants_pin=False, pin_tries=None, keeps_pin=False,
        )  # fmt: skip
        self.says = ModemVitals(celsius=34, band="LTE BAND 3", message_centre="+79168999100", restarts=2)
        self.gone: GatewayError | None = None
        """What a question fails with."""
        self.lines = [DialogueLine(time=datetime(2027, 1, 29, 9, tzinfo=UTC), way="out", text="AT+CSQ")]
        self.done: list[str] = []
        self.noted: list[tuple[str, str, str]] = []
        self.tried: set[str] = set()
        self.door = ModemDoor(care=self, note=self.note)

    async def note(self, by: str, action: str, subject: str) -> None:
        self.noted.append((by, action, subject))

    def lock(self, *, tries: int | None = 3) -> None:
        """Its SIM asks for its PIN."""
        self.now = replace(self.now, state="locked", wants_pin=True, pin_tries=tries)

    def condition(self, modem: str) -> ModemCondition:
        if modem != self.now.name:
            raise LookupError(modem)
        return self.now

    async def vitals(self, modem: str) -> ModemVitals:
        self.condition(modem)
        if self.gone is not None:
            raise self.gone
        return self.says

    def dialogue(self, modem: str) -> Sequence[DialogueLine]:
        self.condition(modem)
        return self.lines

    async def ask(self, modem: str, question: str) -> ModemReply:
        self.condition(modem)
        self.done.append(question)
        return ModemReply(lines=("+CSQ: 20,99",), result="OK")

    async def restart(self, modem: str, step: RestartStep, *, ends_call: bool) -> None:
        if self.condition(modem).in_call and not ends_call:
            raise ModemInCall("The modem m0 is in a call.", modem=modem)
        self.done.append(step)

    async def enter_pin(self, modem: str, pin: str, *, keeps: bool, last_try: bool) -> None:
        tries = self.condition(modem).pin_tries
        if pin in self.tried:
            raise PinTriedBefore("This PIN was tried on this SIM before; it is not sent again.", modem=modem)
        if tries == 1 and not last_try:
            raise LastPinTry("One more wrong PIN locks the SIM.", tries=tries)
        self.tried.add(pin)
        if pin != "2580":
            self.now = replace(self.now, pin_tries=None if tries is None else tries - 1)
            raise PinWrong("The SIM has refused the PIN.", tries=self.now.pin_tries)
        self.now = replace(self.now, state="ready", wants_pin=False, keeps_pin=keeps)

    async def forget_pin(self, modem: str) -> bool:
        kept = self.condition(modem).keeps_pin
        self.now = replace(self.now, keeps_pin=False)
        return kept
