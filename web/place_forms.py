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
        _("Small letters, digits and hyphens, such as sales."),
        _QUEUE,
        (
            Field("title", _("What people call it")),
            Field(
                "phones",
                _("Its staff"),
                Kind.LIST,
                _("Extensions, with spaces between them."),
                required=True,
            ),
            Field(
                "extension",
                _("Extension"),
                help=_("What is dialled to wait in it: by phones, by couriers, by callers at the prompt."),
            ),
            Field("strategy", _("Whom a call rings first"), Kind.CHOICE, choices=_strategies()),
            Field("step_seconds", _("Seconds until one more phone rings too"), Kind.COUNT),
            Field("wrap_up_seconds", _("Seconds of rest after a call"), Kind.COUNT),
            Field("announce_seconds", _("Seconds between announcements of the place and the wait"), Kind.COUNT),
            Field("overflow", _("When too many wait"), Kind.CHOICE, choices=_overflows()),
            Field(
                "overflow_callers",
                _("As soon as so many wait before the caller"),
                Kind.COUNT,
                _("0: however many."),
            ),
            Field("overflow_seconds", _("Or after so many seconds"), Kind.COUNT, _("0: never.")),
            Field("overflow_phones", _("Phones that ring too"), Kind.LIST, extra=True),
            Field(
                "overflow_number",
                _("Number or extension to go on to"),
                help=_("Also the extension of another queue."),
                extra=True,
            ),
            Field(
                "message_phones",
                _("Phones whose lamps tell of its messages"),
                Kind.LIST,
                _("Extensions, with spaces between them."),
                extra=True,
            ),
        ),
        _("Staff of its own for callers of its own. A line, a provider or a branch leads there, or its extension."),
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
                _("Callers whose number is from near it are put through here."),
                choices=(("", "–"),),
            ),
            Field("phones", _("Phones"), Kind.LIST, _("Extensions, with spaces between them.")),
            Field("queue", _("Or wait in the queue"), help=_("Its name. Empty: the phones above ring.")),
            Field(
                "greeting",
                _("Greeting of its own"),
                help=_("A word, such as sakhalin: the page Prompts has greetings under it then. Empty: the shop's."),
            ),
            Field("schedule.monday", _("Monday"), Kind.HOURS, _("Like 9-13, 14-18. All days empty: open always.")),
            Field("schedule.tuesday", _("Tuesday"), Kind.HOURS),
            Field("schedule.wednesday", _("Wednesday"), Kind.HOURS),
            Field("schedule.thursday", _("Thursday"), Kind.HOURS),
            Field("schedule.friday", _("Friday"), Kind.HOURS),
            Field("schedule.saturday", _("Saturday"), Kind.HOURS),
            Field("schedule.sunday", _("Sunday"), Kind.HOURS),
            Field(
                "schedule.holidays",
                _("Keeps the public holidays of"),
                help=_("A country, such as RU. Empty: of none."),
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
                help=_("Degrees north and east, such as 46.96, 142.73. Empty: the capital of the region."),
                extra=True,
            ),
        ),
        _("With two or more a stranger is put through to the nearest one that is open."),
        ("region", "phones", "queue"),
    )


def _strategies() -> Choices:
    return (
        ("all", _("Everybody at once")), ("round-robin", _("In turn: after whoever was first for the last call")),
        ("least-recent", _("Whoever has answered longest ago")),
        ("fewest-calls", _("Whoever has answered the fewest calls today")), ("in-order", _("In the order of the list")),
    )  # fmt: skip


def _overflows() -> Choices:
    return (
        ("stay", _("Stays in the queue")), ("phones", _("More phones ring too")), ("number", _("Goes on to a number")),
        ("voicemail", _("Leaves a message")), ("call-back", _("Is promised a call")),
    )  # fmt: skip
