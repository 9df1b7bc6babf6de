"""The shop's queues by their names: the one that every shop has is called by an empty one."""

from __future__ import annotations

import re

from gateway.telephony.queue_rules import NamedQueue, QueueRules
from gateway.telephony.shop import Shop
from gateway.telephony.voicemail import QUEUE_BOX, SHOP_BOX

PROMPTS_OF = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,18}[a-z0-9])?", re.ASCII)
"""What a queue, or the prompts of a branch, may be called."""
SPOKEN = ("greeting", "all-busy", "after-hours")
"""Prompts that a queue or a branch may have of its own."""


def queue_named(shop: Shop, name: str) -> NamedQueue | None:
    """The queue of that name; None: there is none, or it is the shop's own."""
    return next((each for each in shop.queues if name and each.name == name), None)


def queue_at(shop: Shop, extension: str) -> NamedQueue | None:
    """The queue that is dialled like that."""
    return next((each for each in shop.queues if extension and each.extension == extension), None)


def rules_of(shop: Shop, name: str) -> QueueRules:
    """By which a queue is run; by the shop's own rules, when there is none of that name any more."""
    queue = queue_named(shop, name)
    return shop.queue if queue is None else queue.rules


def box_of_queue(name: str) -> str:
    """Where messages are kept that callers have left in a queue."""
    return f"{QUEUE_BOX}-{name}" if name else QUEUE_BOX


def shared_boxes(shop: Shop, extension: str) -> tuple[str, ...]:
    """The mailboxes beside its own that a phone listens to, because the owner wants that."""
    of_shop = (QUEUE_BOX, SHOP_BOX) if extension in shop.queue.message_phones else ()
    return of_shop + tuple(box_of_queue(each.name) for each in shop.queues if extension in each.message_phones)


def own_prompt(key: str, whose: str) -> str:
    """The prompt as that queue or branch says it, which stands in for `key` where the owner has recorded it."""
    return f"{key}.{whose}" if whose and key in SPOKEN else key
