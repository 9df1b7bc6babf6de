"""SMS and the shop's phones: an extension that a line names in `texts` writes by it, and is given what it receives."""

from __future__ import annotations

from datetime import timedelta

from gateway.errors import OutboxFull, SmsLimitReached, TextNotAllowed, TryLater
from gateway.events import Published, SmsReceived
from gateway.jobs import Promises, Told, job
from gateway.messaging.outbox import SmsOutbox
from gateway.telephony.messages import PhoneTexts
from gateway.telephony.shop import ShopView

PHONE_RETRY_SECONDS = 60.0
LIMIT_RETRY_SECONDS = 3600.0


class TextsOfPhones:
    """Implements telephony.messages.TextMessages."""

    def __init__(self, outbox: SmsOutbox, *, shop: ShopView) -> None:
        self._outbox = outbox
        self._shop = shop

    async def send(self, extension: str, to: str, text: str) -> str:
        """Keep a text of that extension to be sent by the line it owns; its id once it is committed.

        Raises TextNotAllowed, RecipientBarred, PduInvalid, SmsLimitReached, OutboxFull and StoreError.
        """
        for line in self._shop().lines:
            if extension in line.texts:
                return (await self._outbox.send(to, text, by=extension, line=line.name)).id
        raise TextNotAllowed(f"The extension {extension} owns no line that may send messages.", extension=extension)


class TextsToPhones:
    """A subscriber of the bus: each SMS that arrives is promised to the phones of its line."""

    def __init__(self, promises: Promises, *, shop: ShopView) -> None:
        self._promises = promises
        self._shop = shop

    def __call__(self, published: Published) -> None:
        """Promise it; each phone is given it once."""
        event = published.event
        if not isinstance(event, SmsReceived) or event.text is None:
            return
        line = self._shop().line(event.line)
        for extension in line.texts if line is not None else ():
            self._promises.promise(
                "text-to-phone",
                {"extension": extension, "sender": event.sender or "", "text": event.text},
                key=f"{event.message_id} {extension}",
            )


@job("text-to-phone", lasts=timedelta(days=1))
async def text_to_phone(phones: PhoneTexts, told: Told) -> None:
    """Give an SMS to the phones of an extension; one that is off gets it when it is back, within a day."""
    if not await phones.deliver(told.text("extension"), sender=told.text("sender"), text=told.text("text")):
        raise TryLater("No phone of the extension has taken the message.", seconds=PHONE_RETRY_SECONDS)


@job("send-sms", lasts=timedelta(days=1))
async def send_sms(outbox: SmsOutbox, told: Told) -> None:
    """Send an SMS that a flow has promised: `number`, `text`, and `by`, who is named as its sender.

    The message has the job's id, so that a crash between the two cannot make two of it.
    """
    try:
        await outbox.send(told.text("number"), told.text("text"), by=told.text("by"), message_id=told.job_id)
    except (SmsLimitReached, OutboxFull) as fault:
        raise TryLater(str(fault), seconds=LIMIT_RETRY_SECONDS) from fault
