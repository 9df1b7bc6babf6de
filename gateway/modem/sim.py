"""The SIM at the door: wait until one is there and open, with at most one try of the owner's PIN (T-F13).

A person may give it a PIN too; none that was wrong on this SIM is ever sent to it again, whoever gives it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from pathlib import Path

from gateway.errors import AtRefused, LastPinTry, PinNotWanted, PinTriedBefore, PinWrong, TextRefused
from gateway.modem import commands
from gateway.modem.at import fields_of, name_of
from gateway.modem.channel import AtChannel
from gateway.modem.commands import Command
from gateway.modem.dialect import ModemDialect, dialled_number, nibble_swapped
from gateway.modem.modem import Modem, ModemState

log = logging.getLogger(__name__)

POLL_SECONDS = 3.0
_BUSY_SECONDS = 0.5
_BUSY = ("+CME ERROR: 14", "+CME ERROR: SIM BUSY")
_LEAST_TRIES = 2
_DISK_SECONDS = 120.0
"""A card that is nearly broken may take so long until a try is written down."""


class SimDoor:
    """Opens the SIM of one modem."""

    def __init__(self, modem: Modem, channel: AtChannel, dialect: ModemDialect) -> None:
        self._modem = modem
        self._channel = channel
        self._dialect = dialect
        self._refused: set[str] = set()
        self._trying = asyncio.Lock()

    async def state(self) -> str:
        """READY, SIM PIN, SIM PUK, BUSY, or "" when there is no SIM."""
        try:
            answer = await self._channel.send(commands.PIN_STATE)
        except AtRefused as refused:
            return "BUSY" if str(refused.values["result"]).upper() in _BUSY else ""
        state = fields_of(answer.first)[0].upper()
        return "" if state == "NOT INSERTED" else state

    async def open(self) -> None:
        """Return once the SIM is READY; the modem's state says meanwhile what is missing."""
        known: str | None = None
        while (state := await self.state()) != "READY":
            self._modem.rounds.back_within(POLL_SECONDS)
            if state == "BUSY":
                await asyncio.sleep(_BUSY_SECONDS)
                continue
            if not state:
                self._modem.forget_sim()
            elif state != known:
                await self._has_tries()
            known = state
            self._modem.learn(sim=state.lower() or "absent")
            if not state:
                self._modem.enter(ModemState.NO_SIM, "no-sim")
            elif state != "SIM PIN" or not await self._try_pin():
                self._modem.enter(ModemState.LOCKED, "sim-locked")
            else:
                await asyncio.sleep(_BUSY_SECONDS)
                continue
            await asyncio.sleep(POLL_SECONDS)
        self._modem.learn(sim="ready")

    async def enter(self, pin: str, last_try: bool) -> None:
        """A person's try, once; `last_try`: it may be the one after which the SIM wants its PUK.

        Raises TextRefused, PinNotWanted, PinTriedBefore, LastPinTry, PinWrong, AtTimeout, ModemLost.
        """
        command, name = commands.enter_pin(pin), self._modem.name
        async with self._trying:
            if await self.state() != "SIM PIN":
                raise PinNotWanted(f"The SIM in the modem {name} does not ask for its PIN now.", modem=name)
            await self._know_sim()
            digest = self._digest(pin)
            if digest in self._refused:
                raise self._tried_before()
            if not await self._has_tries() and not last_try:
                raise LastPinTry("One more wrong PIN locks the SIM.", tries=self._modem.facts.pin_tries)
            if not await self._modem.outside.pin_tries.may_try(self._modem.sim_key, digest):
                self._refused.add(digest)
                raise self._tried_before()
            if not await self._send_pin(command, digest):
                raise PinWrong("The SIM has refused the PIN.", tries=self._modem.facts.pin_tries)

    async def read(self) -> None:
        """Learn what the SIM says of itself."""
        imsi = await self._bare(commands.IMSI)
        own_number = None
        answer = await self._channel.accepts(commands.OWN_NUMBER)
        for line in answer.lines if answer else ():
            fields = fields_of(line)
            if len(fields) >= 2:
                own_number = own_number or dialled_number(fields[1], 145 if fields[2:3] == ["145"] else None) or None
        self._modem.learn(imsi=imsi, iccid=await self._iccid(), own_number=own_number)

    async def _try_pin(self) -> bool:
        """Send the PIN of the SIM, if it was never wrong on it; whether the SIM took it."""
        self._modem.rounds.back_within(_DISK_SECONDS)
        async with self._trying:
            await self._know_sim()
            pin = await self._pin()
            if pin is None:
                return False
            digest = self._digest(pin)
            if digest in self._refused or not await self._has_tries():
                return False
            try:
                command = commands.enter_pin(pin)
            except TextRefused as fault:
                log.error("The PIN for the modem %s cannot be used: %s", self._modem.name, fault)
                self._refused.add(digest)
                return False
            if not await self._modem.outside.pin_tries.may_try(self._modem.sim_key, digest):
                self._refused.add(digest)
                log.warning("The PIN for the modem %s was wrong before; it is not tried again.", self._modem.name)
                return False
            return await self._send_pin(command, digest)

    async def _send_pin(self, command: Command, digest: str) -> bool:
        """The try itself, which is on disk already; whether the SIM took the PIN."""
        self._refused.add(digest)
        if await self._channel.accepts(command) is None:
            log.warning("The SIM in the modem %s refused its PIN.", self._modem.name)
            await self._has_tries()
            return False
        await self._modem.outside.pin_tries.was_right(self._modem.sim_key)
        self._refused.discard(digest)
        return True

    async def _know_sim(self) -> None:
        self._modem.learn(iccid=await self._iccid() or self._modem.facts.iccid)

    def _digest(self, pin: str) -> str:
        return hashlib.sha256(f"{self._modem.sim_key}:{pin}".encode()).hexdigest()

    def _tried_before(self) -> PinTriedBefore:
        return PinTriedBefore("This PIN was tried on this SIM before; it is not sent again.", modem=self._modem.name)

    async def _pin(self) -> str | None:
        """What a person gave to be kept for this SIM, or what the line's file holds."""
        pins, line = self._modem.outside.pins, self._modem.line
        if pins is not None and (kept := await pins.of(self._modem.sim_key)) is not None:
            return kept
        if line is None or line.pin_file is None:
            return None
        try:
            return (await asyncio.to_thread(Path(line.pin_file).read_text, encoding="ascii")).strip()
        except (OSError, UnicodeDecodeError) as fault:
            log.error("The PIN file of the line %s cannot be read: %s", line.name, fault)
            return None

    async def _has_tries(self) -> bool:
        """Whether a wrong PIN would leave one more; a modem that does not tell gets the benefit of the doubt."""
        question = self._dialect.pin_tries
        answer = await self._channel.accepts(question) if question is not None else None
        left = self._dialect.tries_left(answer.lines) if answer is not None else None
        self._modem.learn(pin_tries=left)
        return left is None or left >= _LEAST_TRIES

    async def _iccid(self) -> str | None:
        for command in self._dialect.iccid:
            answer = await self._channel.accepts(command)
            if answer is None:
                continue
            for line in answer.lines:
                digits = _iccid_in(line)
                if digits is not None:
                    return digits
        return None

    async def _bare(self, command: Command) -> str | None:
        answer = await self._channel.accepts(command)
        return answer.first.partition(": ")[2] or answer.first or None if answer else None


def _iccid_in(line: str) -> str | None:
    """18 to 20 digits, whatever stands in front; EF-ICCID of +CRSM has its nibbles swapped."""
    value = fields_of(line)[-1] if name_of(line) or ":" in line else line
    if name_of(line) == "+CRSM":
        value = nibble_swapped(value)
    value = value.rstrip("Ff")
    return value if value.isdigit() and 18 <= len(value) <= 20 else None
