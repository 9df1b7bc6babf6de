"""What the panel asks about a queue and a branch: the names of shop.toml, and words for people."""

from __future__ import annotations

from web.part_fields import Choices, Field, Kind, PartForm
from web.translation import gettext as _  # as in templates: every second word here is one for people

_QUEUE = "[a-z0-9](?:[a-z0-9\\-]{0,18}[a-z0-9])?"
_BRANCH = "[^/]{1,32}"


def queues_form() -> PartForm:
    """A queue of some of the staff."""
    return PartForm(
        "queues",
        "name",
        _("Queues"),
        _("New queue"),
        _("Name"),
        _("Lower-case Latin letters, digits and hyphens, such as sales."),
        _QUEUE,
        (
            Field("title", _("Name as people say it")),
            Field(
                "phones",
                _("Its staff"),
                Kind.LIST,
                _("Extensions, separated by spaces."),
                required=True,
            ),
            Field(
                "extension",
                _("Extension"),
                help=_("Dialled to join the queue: by phones, by couriers, or by callers after a prompt."),
            ),
            Field("strategy", _("Whom a call rings first"), Kind.CHOICE, choices=_strategies()),
            Field("step_seconds", _("Seconds until one more phone rings too"), Kind.COUNT),
            Field("wrap_up_seconds", _("Seconds of rest after a call"), Kind.COUNT),
            Field("announce_seconds", _("Seconds between announcements of the place and the wait"), Kind.COUNT),
            Field("overflow", _("When too many are waiting"), Kind.CHOICE, choices=_overflows()),
            Field(
                "overflow_callers",
                _("When so many are waiting ahead of the caller"),
                Kind.COUNT,
                _("0: no limit."),
            ),
            Field("overflow_seconds", _("Or after so many seconds"), Kind.COUNT, _("0: never.")),
            Field("overflow_phones", _("Phones that ring too"), Kind.LIST, extra=True),
            Field(
                "overflow_number",
                _("Number or extension to send the caller to"),
                help=_("Also the extension of another queue."),
                extra=True,
            ),
            Field(
                "message_phones",
                _("Phones whose lamps show its messages"),
                Kind.LIST,
                _("Extensions, separated by spaces."),
                extra=True,
            ),
        ),
        _("Its own staff for its own callers. A line, a provider, a branch or its extension leads there."),
        ("title", "extension", "phones"),
    )


def branches_form() -> PartForm:
    """A place with phones and hours of its own."""
    return PartForm(
        "branches",
        "name",
        _("Branches"),
        _("New branch"),
        _("Name"),
        _("Such as the name of its town."),
        _BRANCH,
        (
            Field("address", _("Address")),
            Field(
                "region",
                _("Region"),
                Kind.CHOICE,
                _("Callers whose numbers are from nearby are put through here."),
                choices=(("", "–"),),
            ),
            Field("phones", _("Phones"), Kind.LIST, _("Extensions, separated by spaces.")),
            Field("queue", _("Or wait in the queue"), help=_("The queue's name. Empty: the phones above ring.")),
            Field(
                "greeting",
                _("Greeting of its own"),
                help=_("A word such as sakhalin: the page Prompts then has greetings for it. Empty: the shop's."),
            ),
            Field(
                "schedule.monday", _("Monday"), Kind.HOURS, _("For example 9-13, 14-18. All days empty: always open.")
            ),
            Field("schedule.tuesday", _("Tuesday"), Kind.HOURS),
            Field("schedule.wednesday", _("Wednesday"), Kind.HOURS),
            Field("schedule.thursday", _("Thursday"), Kind.HOURS),
            Field("schedule.friday", _("Friday"), Kind.HOURS),
            Field("schedule.saturday", _("Saturday"), Kind.HOURS),
            Field("schedule.sunday", _("Sunday"), Kind.HOURS),
            Field(
                "schedule.holidays",
                _("Observes the public holidays of"),
                help=_("A country, such as RU. Empty: none."),
                extra=True,
            ),
            Field("schedule.holiday_hours", _("Hours on public holidays"), Kind.HOURS, _("Empty: closed."), extra=True),
            Field(
                "time_zone",
                _("Time zone"),
                help=_("Such as Asia/Omsk. Empty: that of the region."),
                extra=True,
            ),
            Field(
                "place",
                _("Place"),
                help=_("Degrees north and east, such as 46.96, 142.73. Empty: the main city of the region."),
                extra=True,
            ),
        ),
        _("With two or more a stranger is put through to the nearest one that is open."),
        ("region", "phones", "queue"),
    )


def _strategies() -> Choices:
    return (
        ("all", _("Everybody at once")), ("round-robin", _("In turn: next after whoever was first for the last call")),
        ("least-recent", _("Whoever answered longest ago")),
        ("fewest-calls", _("Whoever has answered the fewest calls today")), ("in-order", _("In the order of the list")),
    )  # fmt: skip


def _overflows() -> Choices:
    return (
        ("stay", _("Stays in the queue")), ("phones", _("More phones ring too")),
        ("number", _("Is sent on to a number")),
        ("voicemail", _("Leaves a message")), ("call-back", _("Is promised a call-back")),
    )  # fmt: skip
