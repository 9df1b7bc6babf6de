"""Messages as one: the outbox, USSD, balances and stored jobs, running from entry to exit."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable
from typing import Protocol, Self

from gateway.clock import CERTAIN, Dating, WallClock
from gateway.errors import GatewayError
from gateway.events import ModemChanged, Publish, Published
from gateway.jobs import BoundJob, JobLedger, JobRunner
from gateway.messaging.balance import BalanceDesk
from gateway.messaging.outbox import SmsOutbox
from gateway.messaging.phone_texts import TextsOfPhones, TextsToPhones, send_sms, text_to_phone
from gateway.messaging.ussd import UssdDesk
from gateway.telephony.ledger import Balances, Outbox
from gateway.telephony.messages import CountParts, PhoneTexts, TextLines
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)


class Ledgers(Protocol):
    """What of the store is needed; Store is one."""

    @property
    def outbox(self) -> Outbox:
        """Messages on their way out."""

    @property
    def balances(self) -> Balances:
        """Balances of the SIMs."""

    @property
    def jobs(self) -> JobLedger:
        """Stored jobs."""


class MessageDesk:
    """`async with MessageDesk(...)`: everything is served; leaving lets a message that is on its way come to an end.

    `jobs` are further kinds of stored jobs, of whoever has some.
    """

    def __init__(
        self,
        ledgers: Ledgers,
        lines: TextLines,
        *,
        phones: PhoneTexts,
        shop: ShopView,
        count_parts: CountParts,
        publish: Publish,
        clock: WallClock,
        dating: Dating = CERTAIN,
        jobs: Iterable[BoundJob] = (),
    ) -> None:
        self.outbox = SmsOutbox(
            ledgers.outbox, lines, shop=shop, count_parts=count_parts, publish=publish, clock=clock, dating=dating
        )
        self.ussd = UssdDesk(lines, shop=shop)
        self.balances = BalanceDesk(lines, self.ussd, ledgers.balances, shop=shop, publish=publish, clock=clock)
        self._clock = clock
        self.texts_of_phones = TextsOfPhones(self.outbox, shop=shop)
        self.jobs = JobRunner(
            ledgers.jobs, [text_to_phone.with_tools(phones), send_sms.with_tools(self.outbox), *jobs], clock=clock
        )
        self._texts_to_phones = TextsToPhones(self.jobs, shop=shop)
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[object]] = []

    def follow(self, published: Published) -> None:
        """A subscriber of the bus: SMS that arrive go on to phones, and a line that is ready may have work."""
        self._texts_to_phones(published)
        if isinstance(published.event, ModemChanged):
            self.outbox.lines_changed()

    def promise_text(self, number: str, text: str, by: str) -> None:
        """Have an SMS sent, whatever becomes of who asks for it; `by` is named as its sender. Synchronous (rule 8).

        The same text goes to the same number once in an hour: who calls in vain ten times costs one SMS.
        """
        key = hashlib.sha256(f"{number} {text} {self._clock():%Y-%m-%dT%H}".encode()).hexdigest()
        self.jobs.promise("send-sms", {"number": number, "text": text, "by": by}, key=key)

    def text_past_disk(self, number: str, text: str, by: str) -> None:
        """Have an SMS sent although it cannot be kept; before the entry nothing is sent. Synchronous."""
        if self._tasks:
            self._tasks.append(self._group.create_task(self._send_past_disk(number, text, by)))

    async def __aenter__(self) -> Self:
        """Begin."""
        await self._group.__aenter__()
        self._tasks = [self._group.create_task(each.run()) for each in (self.outbox, self.balances, self.jobs)]
        return self

    async def __aexit__(self, *fault: object) -> None:
        """End; what has not begun stays stored."""
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    async def _send_past_disk(self, number: str, text: str, by: str) -> None:
        try:
            went_out = await self.outbox.send_past_disk(number, text, by=by)
        except GatewayError as fault:
            log.warning("An SMS that cannot be kept cannot be sent either: %s", fault)
        else:
            log.warning("An SMS was sent past the disk." if went_out else "No SMS went out past the disk.")
