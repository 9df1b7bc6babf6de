"""What the gateway says about a form that it does not take, by the names that stand beside the form's fields.

The gateway names places in shop.toml, `shop.toml:12: "currency" of [shop] must be a code of three letters`, which is
right for whoever edits that text, and for programs. Somebody before a form has seen neither.
"""

from __future__ import annotations

import re

from web.part_forms import KINDS, form_of
from web.reader import language
from web.translation import gettext as _  # as in templates: every second word here is one for people

_PLACE = re.compile(r"[^\n:«]{1,60}:\d+: ")
_LINE = re.compile(r" (?:in line|в строке) \d+")
_OF_TABLE = re.compile(r"\"([\w.]+)\" (?:of|in|в) \[{1,2}[\w.]+\]{1,2}")
_FIELD = re.compile(r"(?:The field|Поле) '(\w+)'")
_QUOTED = re.compile(r"(?<![\w\d])(['\"])([^'\"\n]*)\1(?!\w)")
_KEY = re.compile(r"\(([a-z_]+)\)")
_QUOTES = {"ru": "«{}»", "en": "“{}”"}


def plain_words(text: str) -> str:
    """The sentences, without files and lines, with the labels of fields; each on a line of its own."""
    labels, quotes = _labels(), _QUOTES[language()]

    def label(found: re.Match[str]) -> str:
        return quotes.format(labels.get(found[1].rpartition(".")[2], found[1]))

    lines = (_LINE.sub("", _PLACE.sub("", line, count=1)) for line in text.split("\n"))
    named = (_FIELD.sub(label, _OF_TABLE.sub(label, line)) for line in lines)
    quoted = (_QUOTED.sub(lambda found: quotes.format(labels.get(found[2], found[2])), line) for line in named)
    return "\n".join(_KEY.sub(lambda found: f"({labels.get(found[1], found[1])})", line) for line in quoted)


def _labels() -> dict[str, str]:
    """What stands beside a field of that name, in whichever form it is."""
    found: dict[str, str] = {}
    for form in filter(None, map(form_of, KINDS)):
        found |= {each.name.rpartition(".")[2]: each.label for each in form.fields}
    return found | {
        "name": _("Name"), "number": _("Number"), "extension": _("Extension"), "mobile": _("Mobile"),
        "phones": _("Phones"), "phone": _("Phone"), "text": _("Text"), "to": _("To"), "note": _("Note"),
        "tags": _("Tags"), "manager": _("Manager"), "role": _("Role"), "password": _("Password"), "pin": _("PIN"),
        "courier": _("Courier"), "customer": _("Customer"), "stage": _("Stage"), "delivery_on": _("Day of delivery"),
        "delivery_from": _("Delivery from"), "delivery_to": _("Delivery until"), "url": _("Address"),
        "time_zone": _("Time zone"), "currency": _("Currency"), "country": _("Country"), "queue": _("Queue"),
        "language": _("Language of greetings and messages"), "calls": _("What is recorded"),
        "notice": _("How people are warned"), "day": _("Day"), "until": _("Until (last day)"), "hours": _("Hours"),
        "holiday_hours": _("Hours on public holidays"), "night_to": _("Calls go to"),
        "night_seconds": _("How many seconds it rings there"), "quiet_rings": _("Rings before the greeting"),
        "greeting_seconds": _("Greeting, seconds at most"), "music_rings": _("Music after it, in rings"),
        "repeat_seconds": _("Music between one offer and the next, in seconds"),
        "patience_minutes": _("Minutes that a caller may wait"), "call_back_first": _("Who is called first"),
        "call_back_tries": _("Calls to a customer who does not answer"),
        "call_back_gap_minutes": _("Minutes between them"),
        "call_back_hours": _("Hours after which the gateway stops trying"),
        "pause_reasons": _("Reasons for pauses, one per line"), "origins": _("Sites that show it, one per line"),
        "title": _("Heading of the form"), "consent": _("What the visitor agrees to"),
        "policy_url": _("Page about personal data"), "tries": _("Wrong numbers before the phones ring"),
        "low_balance": _("Warn below"), "sms_per_day": _("SMS a day, at most"), "holder": _("Owner of the SIM card"),
        "sms_per_minute": _("SMS a minute, at most"), "contract": _("Contract"),
        "employee": _("User of the SIM card"),
        "daily_budget": _("Budget a day for each number"), "per_minute": _("Price of a minute"),
        "modem": _("Modem"),
        "forward_to": _("Extension"),
        "block_hours": _("Hours until a block expires"), "user": _("User"), "port": _("Port"),
    }  # fmt: skip
