"""What the shop's own program answers for an order, read by the owner's paths and table of words (A19)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.telephony.delivery import read_day, read_hours
from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.order_status import PATHS, OrderStatus, Told
from gateway.telephony.shop import Shop
from gateway.telephony.stage_words import stage_of

LONGEST_VALUE = 200


class SourceTrouble(StrEnum):
    """Why an answer says nothing, or not all. Its sentences: section `order_source` of the words."""

    UNREACHABLE = "unreachable"
    TOO_SLOW = "too-slow"
    PRIVATE_ADDRESS = "private-address"
    """The name leads into a private network, and the owner has not allowed that."""
    REFUSED = "refused"
    """401 or 403: the key is wrong."""
    NOT_FOUND = "not-found"
    """404 or 410, or an empty list or nothing in the place of the order: the program knows no such one."""
    FAILED = "failed"
    """Any other answer than 200; a redirection is not followed."""
    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    NO_STATUS = "no-status"
    """The path of the status leads to nothing."""
    UNKNOWN_WORD = "unknown-word"
    """The table of stages does not know the program's word."""
    DELIVERY_UNCLEAR = "delivery-unclear"
    """The stage is known; the day or the hours of delivery are not understood and not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of it. `found` are the texts at the owner's paths, None where a path leads to nothing."""

    status: OrderStatus | None = None
    trouble: SourceTrouble | None = None
    found: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedOut:
    """What a caller would be told. `reading` is what the shop's program said; None: there is no such program."""

    told: Told
    reading: Reading | None


def read_answer(body: bytes, digits: str, shop: Shop, now: datetime) -> Reading:
    """The order in an answer; `digits` are those that were asked for, `now` is aware."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Reading(trouble=SourceTrouble.NOT_JSON)
    source = shop.order_source
    found = {name: value_at(document, getattr(source, name)) for name in PATHS}
    word = found["stage"]
    if not word:
        is_none = _leads_to_no_order(document, source.stage)
        return Reading(trouble=SourceTrouble.NOT_FOUND if is_none else SourceTrouble.NO_STATUS, found=found)
    stage = stage_of(word, shop.order_words)
    if stage is None:
        return Reading(trouble=SourceTrouble.UNKNOWN_WORD, found=found)
    delivery = _delivery(found, now, ZoneInfo(shop.time_zone))
    on, begins, ends = delivery or (None, None, None)
    phone = NumberPolicy(shop.numbers).check(found["phone"] or "")
    status = OrderStatus(
        number=digits, stage=stage, phone=phone.digits if isinstance(phone, Dialable) else "",
        delivery_on=on, delivery_from=begins, delivery_to=ends,
    )  # fmt: skip
    return Reading(status=status, trouble=None if delivery else SourceTrouble.DELIVERY_UNCLEAR, found=found)


def value_at(document: object, path: str) -> str | None:
    """The text or number at a dotted path; a step is a key, or in a list a place from 0 on. None: there is none."""
    if not path:
        return None
    for step in path.split("."):
        document = _step(document, step)
    if isinstance(document, bool) or not isinstance(document, str | int | float):
        return None
    return str(document).strip()[:LONGEST_VALUE]


def _step(document: object, step: str) -> object:
    """What stands one step further; None: nothing does."""
    if isinstance(document, Mapping):
        return document.get(step)
    if isinstance(document, Sequence) and not isinstance(document, str):
        is_place = step.isascii() and step.isdigit() and len(step) < 6 and int(step) < len(document)
        return document[int(step)] if is_place else None
    return None


def _leads_to_no_order(document: object, path: str) -> bool:
    """There is an empty list on the way, or a null in the place of something: a key that is missing is no such word."""
    for step in path.split("."):
        if document is None or document == []:
            return True
        if isinstance(document, Mapping) and step not in document:
            return False
        document = _step(document, step)
    return False


def _delivery(
    found: Mapping[str, str | None], now: datetime, zone: ZoneInfo
) -> tuple[date | None, time | None, time | None] | None:
    """The day and the hours, as far as they are given; None: one of them is not understood."""
    on, begins, ends = (found[name] or "" for name in ("delivery_on", "delivery_from", "delivery_to"))
    try:
        return (read_day(on, now, zone) if on else None, *read_hours(begins, ends))
    except ValueError:
        return None
