"""The short message service centre: stores, splits, joins, repeats, reports."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from gateway.emulator import sms_pdu
from gateway.emulator.sms_pdu import Concatenation, Submitted
from gateway.emulator.subscriber import Message

if TYPE_CHECKING:
    from gateway.emulator.network import Network, NetworkModem

CENTRE_NUMBER = "+79168999100"
_ZONE = timezone(timedelta(hours=3))
_RETRY_SECONDS = 0.5


@dataclass(slots=True)
class _Waiting:
    sim_number: str
    pdus: list[str] = field(default_factory=list)


class SmsCentre:
    """Messages between SIMs and subscribers. What cannot be delivered now waits and is tried again."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._references = itertools.count(1)
        self._parts: dict[tuple[str, str, int, int], dict[int, str]] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._trying: set[str] = set()
        self.refuses_with: int | None = None
        """While set: every SUBMIT is refused with this CMS error."""

    def send(
        self,
        sender: str,
        sim_number: str,
        text: str,
        *,
        wide_reference: bool = False,
        order: Sequence[int] | None = None,
        copies: int = 1,
        ucs2: bool | None = None,
        reference: int | None = None,
    ) -> list[str]:
        """Send `text` from `sender` (any number or name) to a SIM; the hex PDUs in the order of sending.

        It goes in as many parts as it needs. `order` names the parts by number, 1 to n, in the order in
        which they are sent, so `(3, 1, 2)` turns them and `(1, 3)` leaves one out; each is sent `copies` times.
        """
        if ucs2 and sms_pdu.is_gsm7(text):
            pieces = _ucs2_pieces(text, wide_reference=wide_reference)
        else:
            pieces = sms_pdu.split(text, wide_reference=wide_reference)
        number = next(self._references) * 257 if reference is None else reference
        number &= 0xFFFF if wide_reference else 0xFF
        when = datetime.now(UTC).astimezone(_ZONE)
        pdus = []
        for part, piece in enumerate(pieces, 1):
            which = Concatenation(number, len(pieces), part, wide_reference) if len(pieces) > 1 else None
            wide = None if sms_pdu.is_gsm7(text) and not ucs2 else True
            pdus.append(sms_pdu.deliver(piece, sender, when, CENTRE_NUMBER, which, ucs2=wide))
        chosen = [pdus[part - 1] for part in (order or range(1, len(pdus) + 1)) for _ in range(copies)]
        self.send_raw(sim_number, chosen)
        return chosen

    def send_raw(self, sim_number: str, pdus: Sequence[str]) -> None:
        """Deliver hex PDUs as they are."""
        waiting = self._waiting.setdefault(sim_number, _Waiting(sim_number))
        waiting.pdus += pdus
        self._try_later(waiting, self._network.pace.message)

    def submit(self, modem: NetworkModem, pdu: str) -> int:
        """Take an SMS-SUBMIT from a modem; its TP-MR. ValueError when it cannot be read."""
        submitted = sms_pdu.read_submit(bytes.fromhex(pdu))
        text, parts = self._join(modem.number, submitted)
        reference = next(self._references) & 0xFF
        if text is not None:
            self._network.later(
                self._network.pace.message,
                lambda: self._hand_over(modem.number, submitted.recipient, text, parts),
            )
        if submitted.wants_report:
            self._report(modem.number, submitted.recipient, reference)
        return reference

    def _join(self, sender: str, submitted: Submitted) -> tuple[str | None, int]:
        text = submitted.text if submitted.text is not None else submitted.data.hex()
        which = submitted.concatenation
        if which is None:
            return text, 1
        key = (sender, submitted.recipient, which.reference, which.parts)
        known = self._parts.setdefault(key, {})
        known[which.part] = text
        if len(known) < which.parts:
            return None, which.parts
        del self._parts[key]
        return "".join(known[part] for part in sorted(known)), which.parts

    def _hand_over(self, sender: str, recipient: str, text: str, parts: int) -> None:
        subscriber = self._network.subscribers.get(recipient)
        if subscriber is not None:
            subscriber.receive(Message(sender=sender, text=text, parts=parts, at=time.monotonic()))
        elif self._network.modem_with(recipient) is not None:
            self.send(sender, recipient, text)

    def _report(self, sim_number: str, recipient: str, reference: int) -> None:
        now = datetime.now(UTC).astimezone(_ZONE)
        known = recipient in self._network.subscribers or self._network.modem_with(recipient) is not None
        pdu = sms_pdu.status_report(reference, recipient, now, 0 if known else 0x41, CENTRE_NUMBER)
        self._network.later(self._network.pace.message * 2, lambda: self.send_raw(sim_number, [pdu]))

    def _try_later(self, waiting: _Waiting, seconds: float) -> None:
        if waiting.sim_number not in self._trying:
            self._trying.add(waiting.sim_number)
            self._network.later(seconds, lambda: self._try(waiting))

    def _try(self, waiting: _Waiting) -> None:
        self._trying.discard(waiting.sim_number)
        modem = self._network.modem_with(waiting.sim_number)
        while waiting.pdus and modem is not None and modem.is_registered:
            if not modem.take_message(waiting.pdus[0]):
                break
            waiting.pdus.pop(0)
        if waiting.pdus:
            self._try_later(waiting, _RETRY_SECONDS)


def _ucs2_pieces(text: str, *, wide_reference: bool) -> list[str]:
    if len(text.encode("utf-16-be")) <= 140:
        return [text]
    size = (140 - (7 if wide_reference else 6)) // 2
    return [text[at : at + size] for at in range(0, len(text), size)]
