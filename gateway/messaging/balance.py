"""Balances: asked for once a day where the owner wants it, read, kept, and told of when they run low."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import NoReturn

from gateway.clock import WallClock
from gateway.errors import GatewayError, NoFreeLine
from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.messaging.operators import ANY_OPERATOR_PATTERN, amount_in, operator_of
from gateway.messaging.ussd import UssdDesk
from gateway.telephony.ledger import Balance, Balances
from gateway.telephony.messages import TextLine
from gateway.telephony.shop import LineSettings, ShopView

log = logging.getLogger(__name__)

LOOK_SECONDS = 300.0
RETRY_AFTER = timedelta(hours=1)
"""What could not be learned is asked for again; not sooner, since some networks charge for it."""


class BalanceDesk:
    """Asks the operators for the lines' money. `run` never ends."""

    def __init__(
        self,
        lines: Mapping[str, TextLine],
        ussd: UssdDesk,
        ledger: Balances,
        *,
        shop: ShopView,
        publish: Publish,
        clock: WallClock,
    ) -> None:
        self._lines = lines
        self._ussd = ussd
        self._ledger = ledger
        self._shop = shop
        self._publish = publish
        self._clock = clock
        self._low: set[str] = set()

    def last(self, name: str) -> Balance | None:
        """What was told last of that line."""
        return self._ledger.last(name)

    async def check(self, name: str) -> Balance:
        """Ask now. What the operator or the modem refuses is a Balance with its failure.

        Raises NoFreeLine: there is no such line, or it cannot ask now.
        """
        settings = self._shop().line(name)
        if settings is None:
            raise NoFreeLine(f"There is no line {name}.", line=name)
        balance = await self._ask(settings, self._ussd.line(name))
        await self._ledger.keep(balance)
        self._judge(settings, balance)
        return balance

    async def run(self) -> NoReturn:
        """Ask whenever a line's balance is older than the owner wants, for ever."""
        for settings in self._shop().lines:
            known = self._ledger.last(settings.name)
            if known is not None:
                self._judge(settings, known)
        while True:
            for settings in self._shop().lines:
                if self._is_due(settings):
                    try:
                        await self.check(settings.name)
                    except NoFreeLine:
                        continue
            await asyncio.sleep(LOOK_SECONDS)

    def _is_due(self, settings: LineSettings) -> bool:
        hours = self._shop().ussd.balance_hours
        line = self._lines.get(settings.name)
        if hours == 0 or line is None or not line.can_text:
            return False
        if settings.balance_code is None and settings.low_balance is None:
            return False
        known = self._ledger.last(settings.name)
        if known is None:
            return True
        pause = timedelta(hours=hours) if known.value is not None else min(RETRY_AFTER, timedelta(hours=hours))
        return self._clock() - known.time >= pause

    async def _ask(self, settings: LineSettings, line: TextLine) -> Balance:
        operator = operator_of(settings.operator) or operator_of(line.operator)
        code = settings.balance_code or (operator.balance_code if operator is not None else None)
        text: str | None = None
        value: float | None = None
        failure: str | None = None
        if code is None:
            failure = "balance-no-code"
        else:
            try:
                text = (await self._ussd.ask_code(line, code)).text
            except GatewayError as fault:
                log.warning("The balance of the line %s is not known: %s", settings.name, fault)
                failure = fault.code
            else:
                pattern = settings.balance_pattern or (operator.pattern if operator is not None else None)
                value = amount_in(text, pattern or ANY_OPERATOR_PATTERN)
                failure = "balance-unread" if value is None else None
        return Balance(line=settings.name, time=self._clock(), code=code or "", text=text, value=value, failure=failure)

    def _judge(self, settings: LineSettings, balance: Balance) -> None:
        """Raise or clear the alert; what could not be read changes nothing."""
        if balance.value is None:
            return
        name, least = settings.name, settings.low_balance
        if least is not None and balance.value < least:
            self._low.add(name)
            values = {"line": name, "balance": f"{balance.value:.2f}", "currency": self._shop().currency}
            self._publish(AlertRaised(code="balance-low", subject=name, values=values))
        elif name in self._low:
            self._low.discard(name)
            self._publish(AlertCleared(code="balance-low", subject=name))
