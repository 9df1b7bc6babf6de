"""The widget: a button on the shop's own web site, by which a visitor asks to be called (C1 to C4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.telephony.schedule import Schedule

SLOT = timedelta(minutes=30)
MOST_SLOTS = 48
DAYS_AHEAD = 7
"""So far ahead a visitor may wish to be called."""
LONGEST_MARK = 200
LONGEST_URL = 2_000
MARKS = {
    **dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"), re.compile(".+")),
    **dict.fromkeys(("yclid", "ymclid", "ym_client_id"), re.compile("[0-9]{1,32}", re.ASCII)),
    "gclid": re.compile(r"[\w.-]+", re.ASCII),
    "ga_client_id": re.compile(r"[0-9]{1,20}\.[0-9]{1,20}", re.ASCII),
}
"""What is kept of where a visitor came from, by what advertising systems call it, and the form that each has."""
CONSENT = {
    "en": "I agree that my number is used to call me back.",
    "ru": "Я согласен на обработку моего номера для обратного звонка.",
}
"""What a visitor agrees to when the owner has written nothing else."""
_URL = re.compile(r"https?://[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetRules:
    """[widget] of shop.toml. Off until the owner names the own site."""

    on: bool = False
    origins: tuple[str, ...] = ()
    """The sites that may show it, such as "https://shop.example"."""
    title: str = ""
    """Above the form; empty: the usual words."""
    consent: str = ""
    """What the visitor agrees to; empty: the usual sentence, in the visitor's language."""
    policy_url: str = ""
    """The page that says how the shop treats personal data."""
    rings: tuple[str, ...] = ()
    """Who calls visitors; none: every phone."""
    address_per_hour: int = 3
    """Wishes from one address of the internet."""
    number_per_day: int = 2
    """Wishes for one number."""
    per_day: int = 50
    """Wishes in all."""
    kept_days: int = 90
    """So long it is kept where a visitor came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteVisit:
    """A visitor who wants to be called, and where from. Times are aware UTC; `number` is E.164."""

    id: str
    number: str
    name: str
    origin: str
    asked_at: datetime
    due_at: datetime
    page_url: str = ""
    landing_url: str = ""
    """The first page of the visit."""
    referrer: str = ""
    consent: str = ""
    """The sentence that was agreed to."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """Out of MARKS, those that are known."""


def known_marks(said: Mapping[str, object]) -> dict[str, str]:
    """Those of MARKS that have their form; anybody can write anything there, so that nothing else is kept."""
    return {
        name: text
        for name, form in MARKS.items()
        if isinstance(text := said.get(name), str)
        and len(text) <= LONGEST_MARK
        and text.isprintable()
        and form.fullmatch(text)
    }


def known_url(said: object) -> str:
    """A page of the web; what is none, and no address could be, is empty."""
    return said if isinstance(said, str) and len(said) <= LONGEST_URL and _URL.fullmatch(said) else ""


def slots(schedule: Schedule, now: datetime) -> Iterator[datetime]:
    """The half hours at which the shop is open, after `now` and in the days ahead, in UTC."""
    moment, end, left = _next_half_hour(now), now + timedelta(days=DAYS_AHEAD), MOST_SLOTS
    while left and moment < end:
        opening = schedule.state_at(moment)
        if not opening.is_open:
            if opening.opens_at is None:
                return
            moment = max(_next_half_hour(opening.opens_at - timedelta(microseconds=1)), moment + SLOT)
            continue
        yield moment
        left -= 1
        moment += SLOT


def _next_half_hour(moment: datetime) -> datetime:
    """The first one after it, by the clock of UTC; every zone of Russia is whole hours off it."""
    passed = (moment - datetime(2000, 1, 1, tzinfo=UTC)) % SLOT
    return moment - passed + SLOT
