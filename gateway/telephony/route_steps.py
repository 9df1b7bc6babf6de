"""What the route test answers: the steps of a call that is only thought of, in order, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class StepCode(StrEnum):
    """What happens, or why something else does not; the sentences are in words.json, section "route"."""

    # Where the call comes from.
    COMES_BY = "comes-by"
    COMES_WITHHELD = "comes-withheld"
    DIALS = "dials"
    KIND_CITY = "kind-city"
    KIND_MOBILE = "kind-mobile"
    KIND_TOLL_FREE = "kind-toll-free"
    KIND_INTERNAL = "kind-internal"
    KIND_OTHER = "kind-other"
    # The guard of toll-free numbers.
    GUARD_KNOWN = "guard-known"
    GUARD_PASSES = "guard-passes"
    GUARD_BUDGET = "guard-budget"
    BLOCKED = "blocked"
    GUARD_BLOCKED = "guard-blocked"
    GUARD_CALLER = "guard-caller"
    GUARD_PREFIX = "guard-prefix"
    GUARD_NUMBER = "guard-number"
    GUARD_AT_ONCE = "guard-at-once"
    # Who the caller is.
    AT_PBX = "at-pbx"
    COURIER_CALLED_BACK = "courier-called-back"
    COURIER_ASKED_FOR_PIN = "courier-asked-for-pin"
    OF_ORDER = "of-order"
    NO_ORDER = "no-order"
    REGULAR = "regular"
    NOT_REGULAR = "not-regular"
    ASKED_FOR_EXTENSION = "asked-for-extension"
    ORDER_STATUS = "order-status"
    # Which branch.
    FROM_REGION = "from-region"
    FROM_NOWHERE = "from-nowhere"
    BRANCH = "branch"
    BRANCH_CLOSED = "branch-closed"
    BRANCH_FIRST_OPEN = "branch-first-open"
    # When.
    OPEN_ALWAYS = "open-always"
    OPEN_HOURS = "open-hours"
    OPEN_EXCEPTION = "open-exception"
    OPEN_HOLIDAY = "open-holiday"
    CLOSED_HOURS = "closed-hours"
    CLOSED_EXCEPTION = "closed-exception"
    CLOSED_HOLIDAY = "closed-holiday"
    # Who rings.
    RINGS = "rings"
    RINGS_OWN_APP = "rings-own-app"
    RINGS_UNTIL_ANSWERED = "rings-until-answered"
    ONE_MORE_RINGS = "one-more-rings"
    PHONE_SILENT = "phone-silent"
    PHONE_AWAY = "phone-away"
    PHONE_PAUSES = "phone-pauses"
    PHONE_LATER = "phone-later"
    NOBODY_TO_RING = "nobody-to-ring"
    FORWARDED = "forwarded"
    FORWARDED_IN_CIRCLE = "forwarded-in-circle"
    COURIER = "courier"
    COURIER_OFF_SHIFT = "courier-off-shift"
    COURIER_TOLD = "courier-told"
    # What the caller hears.
    ANSWERED = "answered"
    GREETING = "greeting"
    MUSIC = "music"
    OFFER = "offer"
    OFFERS_AGAIN = "offers-again"
    QUEUE_NEWS = "queue-news"
    OVERFLOW = "overflow"
    OVERFLOW_PHONES = "overflow-phones"
    OVERFLOW_CALL_BACK = "overflow-call-back"
    SAYS = "says"
    SAYS_CLOSED = "says-closed"
    WAITS_FOR_KEY = "waits-for-key"
    TAKES_MESSAGE = "takes-message"
    # When the shop is closed.
    DUTY = "duty"
    DUTY_BARRED = "duty-barred"
    # Outside.
    NUMBER_PASSES = "number-passes"
    NUMBER_BARRED = "number-barred"
    EMERGENCY = "emergency"
    CALLS_OUT = "calls-out"
    WAY_REFUSED = "way-refused"
    WAY_NEXT = "way-next"
    PASSED_OWN = "passed-own"
    PASSED_NO_VOICE = "passed-no-voice"
    PASSED_NOT_READY = "passed-not-ready"
    PASSED_AWAY = "passed-away"
    PASSED_FULL = "passed-full"
    SHOWN = "shown"
    SHOWN_WITHHELD = "shown-withheld"
    SHOWN_UNKNOWN = "shown-unknown"
    COST = "cost"
    COST_UNKNOWN = "cost-unknown"
    LEFT = "left"
    LEFT_OF_EXTENSION = "left-of-extension"
    # The end.
    FEATURE_CODE = "feature-code"
    ENDS = "ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`at`: seconds after the call's begin, if nobody answers and no key is pressed. `values` fill the sentence."""

    code: StepCode
    at: float
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteQuestion:
    """`caller` calls `called` at that aware moment; `language` is that in which holidays are named.

    A phone of the shop is named by its extension, a way in (`called`) by its name or its number.
    """

    caller: str
    called: str
    at: datetime
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAnswer:
    """All steps, in order."""

    question: RouteQuestion
    steps: tuple[Step, ...]
