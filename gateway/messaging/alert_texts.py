"""Alerts by SMS, when the network is gone and no other word can get out, or always: modems are a way of their own.

Each is an SMS like any other: it waits on disk, goes by the rules for numbers and by the limits of the lines. What
it may cost is bounded here as well: the same alert once an hour, and so many in a day. Only while the disk takes
nothing, and every other way out would wait for it, an SMS goes past the disk (X-P5).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from gateway.errors import StoreError
from gateway.events import AlertCleared, AlertRaised, Published
from gateway.messages import error_title
from gateway.messaging.alert_targets import AlertTargetsView
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

NETWORK_GONE = "network-gone"
HOUR_SECONDS, DAY_SECONDS = 3600.0, 86_400.0
MOST_IN_A_DAY = 10
LONGEST_TEXT = 134
"""Two SMS in Cyrillic letters (3GPP TS 23.040: 67 in each part), one in Latin."""

SendText: TypeAlias = Callable[[str, str, str], None]
"""number, text, who asks for it; synchronous."""


class AlertTexts:
    """A subscriber of the bus. While the network is gone every alert goes out, and that it is gone goes first.

    That the disk takes nothing goes out in any case.
    """

    def __init__(self, targets: AlertTargetsView, send: SendText, *, past_disk: SendText, shop: ShopView) -> None:
        """The numbers of `targets` get each SMS; none: nothing is sent. `past_disk` sends while nothing can be kept."""
        self._targets = targets
        self._send = send
        self._past_disk = past_disk
        self._shop = shop
        self._is_cut_off = False
        self._disk_is_away = False
        self._sent: deque[tuple[float, str, str]] = deque()
        """The moments of the last day, with code and subject."""

    def __call__(self, published: Published) -> None:
        """Send what is to be sent; synchronous."""
        match published.event:
            case AlertCleared(code=code) if code == NETWORK_GONE:
                self._is_cut_off = False
            case AlertCleared(code=code) if code == StoreError.code:
                self._disk_is_away = False
            case AlertRaised(code=code, subject=subject):
                self._is_cut_off = self._is_cut_off or code == NETWORK_GONE
                self._disk_is_away = self._disk_is_away or code == StoreError.code
                targets = self._targets()
                is_wanted = self._is_cut_off or targets.sms_always or code == StoreError.code
                if is_wanted and targets.sms and self._may_cost(code, subject):
                    self._tell(targets.sms, code, subject)

    def _tell(self, numbers: tuple[str, ...], code: str, subject: str) -> None:
        shop = self._shop()
        text = f"{shop.name}: {error_title(code, shop.language)} ({subject})"[:LONGEST_TEXT]
        send = self._past_disk if self._disk_is_away else self._send
        for number in numbers:
            send(number, text, "alerts")

    def _may_cost(self, code: str, subject: str) -> bool:
        now = asyncio.get_running_loop().time()
        while self._sent and self._sent[0][0] <= now - DAY_SECONDS:
            self._sent.popleft()
        is_repeated = any(
            (code, subject) == (other, whose) and moment > now - HOUR_SECONDS for moment, other, whose in self._sent
        )
        if is_repeated:
            return False
        if len(self._sent) >= MOST_IN_A_DAY:
            log.warning("The alert %s (%s) is not sent by SMS: there were %d in a day.", code, subject, MOST_IN_A_DAY)
            return False
        self._sent.append((now, code, subject))
        return True
