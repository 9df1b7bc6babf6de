"""SMS of one SIM: swept from the SIM into the inbox, and deleted only when they are safe there; and sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

from gateway.errors import AtRefused, AtTimeout, GatewayError, ModemLost, PduInvalid
from gateway.modem import commands, pdu
from gateway.modem.at import fields_of, is_hex, name_of, number_in
from gateway.modem.channel import AtChannel, Priority
from gateway.modem.sms_causes import is_ambiguous, refusal_of
from gateway.telephony.ledger import DeliveryReport, Inbox, StoredPart
from gateway.telephony.messages import PartOutcome, PartRefused, PartTaken, PartUnknown
from gateway.telephony.numbers import Dialable

log = logging.getLogger(__name__)

STORAGES = ("SM", "ME")
SWEEP_SECONDS = 300.0
RETRY_SECONDS = 30.0
_OURS = frozenset({2, 3})
"""`<stat>` of +CMGL for messages that a person has written and stored on the SIM; they stay there."""


class SimMessages:
    """`run()` sweeps at the start, whenever `sweep` was called, and every few minutes."""

    def __init__(
        self,
        modem: str,
        channel: AtChannel,
        inbox: Inbox,
        *,
        line: Callable[[], str],
        imsi: Callable[[], str],
        normalise: Callable[[str], str] = str,
    ) -> None:
        """`normalise` makes E.164 of a number as the network gives it, and leaves what it does not know."""
        self._modem = modem
        self._channel = channel
        self._inbox = inbox
        self._line = line
        self._imsi = imsi
        self._normalise = normalise
        self._storage: str | None = None
        self._wanted: set[str] = set(STORAGES)
        self._direct: list[str] = []
        self._wake = asyncio.Event()

    def sweep(self, storage: str | None = None) -> None:
        """There is, or may be, something in that storage of the SIM (None: in any)."""
        self._wanted |= {storage} if storage else set(STORAGES)
        self._wake.set()

    def take(self, pdu_hex: str) -> None:
        """A message that the modem has stored nowhere (+CMT)."""
        self._direct.append(pdu_hex)
        self._wake.set()

    async def run(self) -> None:
        """Sweep for ever; raises ModemLost only. What cannot be kept or read now is tried again later."""
        while True:
            self._wake.clear()
            delay = SWEEP_SECONDS
            try:
                await self._sweep_all()
            except ModemLost:
                raise
            except GatewayError as fault:
                log.warning("SMS on the modem %s wait: %s", self._modem, fault)
                delay = RETRY_SECONDS
            try:
                async with asyncio.timeout(delay):
                    await self._wake.wait()
            except TimeoutError:
                self._wanted |= set(STORAGES)

    async def send_part(
        self, recipient: Dialable, text: str, *, reference: int, part: int, valid_for: timedelta | None = None
    ) -> PartOutcome:
        """Send one part of a text and ask for a delivery report. Raises PduInvalid for what cannot be a message."""
        tpdus = pdu.submit_parts(recipient.digits, text, reference=reference, wants_report=True, valid_for=valid_for)
        is_out = asyncio.Event()
        try:
            answer = await self._channel.send(
                commands.send_message(tpdus[part - 1]), priority=Priority.BACKGROUND, on_body=is_out.set
            )
        except AtRefused as refused:
            result = str(refused.values["result"])
            log.warning("The modem %s did not send a message: %s", self._modem, result)
            return PartUnknown(refused.code) if is_out.is_set() and is_ambiguous(result) else refusal_of(result)
        except (AtTimeout, ModemLost) as fault:
            # Before the body went out there is no message that the modem could have sent.
            return PartUnknown(fault.code) if is_out.is_set() else PartRefused(fault.code, is_final=False)
        return PartTaken((number_in(fields_of(answer.first), 0) or 0) & 0xFF)

    async def _sweep_all(self) -> None:
        while self._direct:
            await self._keep(self._direct[0])
            self._direct.pop(0)
            # Only a modem that waits for it takes this; what is safe is acknowledged.
            await self._channel.accepts(commands.ACKNOWLEDGE_MESSAGE, priority=Priority.BACKGROUND)
        while self._wanted:
            storage = max(self._wanted)
            self._wanted.discard(storage)
            try:
                await self._sweep(storage)
            except GatewayError:
                self._wanted.add(storage)
                raise

    async def _sweep(self, storage: str) -> None:
        if self._storage != storage:
            if await self._channel.accepts(commands.choose_storage(storage), priority=Priority.BACKGROUND) is None:
                return  # it has no such storage
            self._storage = storage
        try:
            answer = await self._channel.send(commands.LIST_MESSAGES, priority=Priority.BACKGROUND)
        except AtRefused as refused:
            log.debug("The modem %s does not list its messages: %s", self._modem, refused.values["result"])
            return
        except AtTimeout:
            self._storage = None
            raise
        for index, pdu_hex in _stored(answer.lines):
            await self._keep(pdu_hex)
            await self._channel.accepts(commands.delete_message(index), priority=Priority.BACKGROUND)

    async def _keep(self, pdu_hex: str) -> None:
        """Commit one PDU to the inbox; one that nobody can read is kept as it is."""
        raw = bytes.fromhex(pdu_hex)
        try:
            message: pdu.Message | None = pdu.decode(raw)
        except PduInvalid as fault:
            log.warning("An SMS on the modem %s cannot be read (%s); it is kept as it is.", self._modem, fault)
            message = None
        if isinstance(message, pdu.StatusReport):
            await self._inbox.report(
                DeliveryReport(
                    imsi=self._imsi(),
                    reference=message.reference,
                    recipient=self._normalise(message.recipient),
                    status=message.status,
                    sent_at=message.sent_at,
                )
            )
            return
        await self._inbox.keep(self._part(raw, message if isinstance(message, pdu.Deliver) else None))

    def _part(self, raw: bytes, message: pdu.Deliver | None) -> StoredPart:
        if message is None:
            return StoredPart(
                line=self._line(), imsi=self._imsi(), pdu=raw,
                sender=None, sent_at=None, text=None, reference=None, part=1, parts=1,
            )  # fmt: skip
        joined = message.content.concatenation
        return StoredPart(
            line=self._line(),
            imsi=self._imsi(),
            pdu=raw,
            sender=self._normalise(message.sender),
            sent_at=message.sent_at,
            text=message.content.text,
            reference=joined.reference if joined else None,
            part=joined.part if joined else 1,
            parts=joined.parts if joined else 1,
            flash=message.content.message_class == 0,
        )


def _stored(lines: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Index and PDU of each message in an answer to +CMGL that came from outside."""
    index: int | None = None
    for line in lines:
        if name_of(line) == "+CMGL":
            fields = fields_of(line)
            index = number_in(fields, 0) if number_in(fields, 1) not in _OURS else None
        elif index is not None and is_hex(line):
            yield index, line
            index = None
