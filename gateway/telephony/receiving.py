"""How the shop receives a caller at some moment: which branch, open or closed, the ladder or ringing alone.

Pure functions of the shop and the moment, before anybody is rung: the flows follow them, and so does the route test.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.telephony.branches import Choice, choose
from gateway.telephony.destinations import Receive
from gateway.telephony.forwarding import Plan, plan_ringing
from gateway.telephony.hours_prompts import opens_prompts
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.numbers import Dialable, NumberPolicy, Verdict
from gateway.telephony.queue_rules import QueueRules
from gateway.telephony.queues import own_prompt, queue_named
from gateway.telephony.russian_regions import Region
from gateway.telephony.schedule import Opening, Schedule
from gateway.telephony.shop import Shop

UNANSWERED_SECONDS = 90.0
"""How long it rings where nobody but a person may answer."""


class Manner(StrEnum):
    """How a caller is received."""

    CLOSED = "closed"
    """Nobody of the staff is rung."""
    AS_PHONES_SAY = "as-phones-say"
    """Nobody wants to be rung, or a phone alone says by itself where its calls go."""
    RINGING = "ringing"
    """A toll-free number: the shop pays from the answer on, so it rings until a person answers (E5)."""
    LADDER = "ladder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What is done with a caller. `rings` are those of `extensions` who are rung."""

    manner: Manner
    opening: Opening
    schedule: Schedule
    """Whose hours these are."""
    extensions: tuple[str, ...]
    rings: tuple[str, ...]
    choice: Choice | None = None
    """Of a branch; None: the shop has none to choose from."""
    queue: str = ""
    """The name of the queue that the caller waits in; empty: the shop's own."""
    rules: QueueRules
    """Those of that queue."""
    whose: str = ""
    """Whose prompts the caller hears (`own_prompt`); empty: the shop's."""
    passed: tuple[str, ...] = ()
    """The phones and queues that have sent the caller on so far, this queue the last of them."""


def received(shop: Shop, way: str | None, settings: Receive, region: Region | None, now: datetime) -> Received:
    """How a caller is received who has called the number of `way` at that aware moment.

    `region` is that of the caller's number, None where it is not known.
    """
    choice = choose(shop.branches, region, now) if settings.of_branches else None
    schedule = shop.schedule if choice is None else choice.branch.schedule
    queue = queue_named(shop, settings.queue if choice is None else choice.branch.queue or "")
    of_way = settings.extensions if choice is None else choice.branch.phones
    extensions = of_way if queue is None else queue.phones
    opening = schedule.state_at(now)
    plan = plan_ringing(shop, extensions)
    if not opening.is_open:
        manner = Manner.CLOSED
    elif _say_where(shop, extensions, plan):
        manner = Manner.AS_PHONES_SAY
    elif kind_of_way(shop, way) is NumberKind.TOLL_FREE:
        manner = Manner.RINGING
    else:
        manner = Manner.LADDER
    return Received(
        manner=manner,
        opening=opening,
        schedule=schedule,
        extensions=extensions,
        rings=plan.rings,
        choice=choice,
        queue=queue.name if queue is not None else "",
        rules=queue.rules if queue is not None else shop.queue,
        whose=(choice.branch.greeting if choice is not None else "") or (queue.name if queue is not None else ""),
        passed=(*settings.forwarded_by, *((queue.extension,) if queue is not None and queue.extension else ())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What callers of the closed shop meet."""

    duty_phone: str | None
    """The extension that rings first."""
    duty_number: Dialable | None
    """The number outside that rings first."""
    duty_barred: Verdict | None
    """There is one that may not be dialled."""
    is_answered: bool
    """Otherwise, as on a toll-free number, it is over after that."""
    offers: bool
    """Who presses the key is called when the shop opens."""
    prompts: tuple[str, ...]
    takes_message: bool


def when_closed(shop: Shop, way: str | None, found: Received, now: datetime, *, can_promise: bool) -> Closed:
    """What a caller meets who is received as closed; `can_promise`: the caller's number can be called back."""
    rules = shop.reception
    phone = shop.phone(rules.night_to) if rules.night_to else None
    number = NumberPolicy(shop.numbers).check(rules.night_to) if rules.night_to and phone is None else None
    opens = opens_prompts(found.opening, now, ZoneInfo(found.schedule.time_zone)) if rules.night_hours else ()
    offers = found.opening.opens_at is not None and rules.offers_call_back and can_promise
    return Closed(
        duty_phone=phone.extension if phone is not None else None,
        duty_number=number if isinstance(number, Dialable) else None,
        duty_barred=number if isinstance(number, Verdict) else None,
        is_answered=kind_of_way(shop, way) is not NumberKind.TOLL_FREE,
        offers=offers,
        prompts=(own_prompt("after-hours", found.whose), *opens, *(("press-1-when-open",) if offers else ())),
        takes_message=rules.night_message,
    )


def _say_where(shop: Shop, extensions: tuple[str, ...], plan: Plan) -> bool:
    alone = shop.phone(extensions[0]) if len(extensions) == 1 else None
    has_wishes = alone is not None and (alone.forward_busy or alone.forward_no_answer)
    return bool(has_wishes) or not plan.rings
