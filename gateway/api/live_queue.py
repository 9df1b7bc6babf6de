"""The queue as it is now: who waits, who takes calls, and how many messages nobody has heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Protocol

from gateway.clock import wire_time
from gateway.telephony.on_duty import Standing
from gateway.telephony.shop import Shop, ShopView
from gateway.telephony.waiting_line import Waiting


class Standings(Protocol):
    """Who takes calls."""

    def standing(self, extension: str) -> Standing:
        """How it is with a phone."""


class LiveQueue:
    """The schema `LiveQueue`."""

    def __init__(
        self,
        shop: ShopView,
        duty: Standings,
        waiting: Callable[[], Sequence[Waiting]],
        unheard: Callable[[], int],
    ) -> None:
        self._shop = shop
        self._duty = duty
        self._waiting = waiting
        self._unheard = unheard

    def wire(self) -> dict[str, object]:
        """The JSON form."""
        shop, waiting = self._shop(), self._waiting()
        return {
            "waiting": [{**asdict(each), "extensions": list(each.extensions)} for each in waiting],
            "queues": _queues(shop, Counter(each.queue for each in waiting)),
            "staff": [self._staff(shop, phone.extension) for phone in shop.phones],
            "unheard": self._unheard(),
        }

    def _staff(self, shop: Shop, extension: str) -> dict[str, object]:
        phone, standing = shop.phone(extension), self._duty.standing(extension)
        return {
            "extension": extension,
            "name": phone.name if phone is not None else "",
            "state": str(standing.state),
            "reason": standing.reason,
            "since": wire_time(standing.since) if standing.since is not None else None,
            "until": wire_time(standing.until) if standing.until is not None else None,
        }


def nothing_waits() -> dict[str, object]:
    """Of a gateway without a queue."""
    return {"waiting": [], "queues": [], "staff": [], "unheard": 0}


def _queues(shop: Shop, waiting: Counter[str]) -> list[dict[str, object]]:
    """All of them, the shop's own first; none in a shop that has no other."""
    named = [
        {"name": each.name, "title": each.title or each.name, "extension": each.extension, "phones": list(each.phones)}
        for each in shop.queues
    ]
    own = [{"name": "", "title": "", "extension": "", "phones": list[str]()}] if named else []
    return [{**each, "waiting": waiting[str(each["name"])]} for each in (*own, *named)]
