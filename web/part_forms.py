"""What the panel asks about a line, a phone, a courier and a provider: the names of shop.toml, and words for people."""

from __future__ import annotations

from collections.abc import Callable

from web.part_fields import Choices, Field, Kind, PartForm
from web.place_forms import branches_form, queues_form
from web.translation import gettext as _  # as in templates: every second word here is one for people

_EXTENSION = "[0-9]{2,6}"
_NAME = "[A-Za-z0-9][A-Za-z0-9_.\\-]{0,31}"


def _transports() -> Choices:
    return (("udp", "UDP"), ("tcp", "TCP"), ("tls", "TLS"), ("auto", _("As the provider's DNS says")))


def _encryption() -> Choices:
    return (("off", _("No")), ("preferred", _("Where the other side can")), ("required", _("Always")))


def _number_kinds() -> Choices:
    return (
        ("", _("As its digits say")), ("city", _("A city number")), ("mobile", _("A mobile number")),
        ("toll-free", _("A toll-free number: you pay for its callers")), ("internal", _("For your own people")),
    )  # fmt: skip


def _lines() -> PartForm:
    return PartForm(
        "lines",
        "name",
        _("Lines"),
        _("New line"),
        _("Name"),
        _("A word of yours, such as red."),
        _NAME,
        (
            Field(
                "imei",
                _("IMEI of the modem"),
                help=_("Fifteen digits, as the list of modems shows. The line moves with the stick."),
            ),
            Field(
                "modem",
                _("Or the modem's name"),
                help=_("As the list of modems shows, when the line is to stay at that port."),
                extra=True,
            ),
            Field(
                "iccid",
                _("Or the card's number"),
                help=_("The ICCID that is printed on the SIM, when the line is to move with the card."),
                extra=True,
            ),
            Field("number", _("Number of the SIM")),
            Field(
                "rings",
                _("Strangers ring at"),
                Kind.LIST,
                _("Extensions, with spaces between them. Empty: every phone."),
            ),
            Field("queue", _("Or wait in the queue"), help=_("Its name. Empty: the shop's own queue."), extra=True),
            Field("minutes_per_day", _("Minutes a day"), Kind.COUNT),
        ),
        _("A SIM in a modem: calls of couriers leave by it, and whoever calls its number reaches the shop."),
        ("number", "imei", "modem"),
    )


def _phones() -> PartForm:
    return PartForm(
        "phones",
        "extension",
        _("Phones"),
        _("New phone"),
        _("Extension"),
        _("Such as 101."),
        _EXTENSION,
        (
            Field("name", _("Name"), help=_("Of the place or the person: it is shown where the phone calls.")),
            Field(
                "mobile",
                _("Mobile of who sits there"),
                help=_("Regular customers are put through to it when the phone is not answered."),
            ),
            Field("voicemail", _("Takes messages when nobody answers"), Kind.SWITCH),
            Field(
                "voicemail_pin",
                _("PIN of its messages"),
                Kind.SECRET,
                _("Six digits or more that open them to any other phone. Empty: as it is."),
                extra=True,
            ),
            Field("minutes_per_day", _("Minutes a day by the SIM lines"), Kind.COUNT),
            Field("do_not_disturb", _("Do not disturb"), Kind.SWITCH, extra=True),
            Field("forward_always", _("Forward every call to"), extra=True),
            Field("forward_busy", _("Forward when busy to"), extra=True),
            Field("forward_no_answer", _("Forward when nobody answers to"), extra=True),
            Field("forward_after_seconds", _("After so many seconds"), Kind.COUNT, extra=True),
            Field(
                "mac",
                _("MAC of the desk phone"),
                help=_("No other phone is given the files that set it up then."),
                extra=True,
            ),
            Field("srtp", _("Encrypt the voice"), Kind.CHOICE, choices=_encryption(), extra=True),
            Field(
                "codecs",
                _("Codecs"),
                Kind.LIST,
                _("pcma pcmu g722 opus, the best first. Empty: all, the cheapest first."),
                extra=True,
            ),
            Field("calls_at_once", _("Calls at once"), Kind.COUNT, extra=True),
            Field("calls_per_minute", _("New calls a minute"), Kind.COUNT, extra=True),
        ),
        _("A desk phone, an app or this browser. It gets a password that nobody knows; the page Phones sets it up."),
        ("name",),
    )


def _couriers() -> PartForm:
    follow = (
        ("app-first", _("First the app, then the mobile")), ("both", _("Both at once")),
        ("mobile", _("Only the mobile")),
    )  # fmt: skip
    return PartForm(
        "couriers",
        "extension",
        _("Couriers"),
        _("New courier"),
        _("Extension"),
        _("Such as 2001."),
        _EXTENSION,
        (
            Field("name", _("Name")),
            Field("mobile", _("Mobile"), required=True),
            Field(
                "pin",
                _("PIN"),
                Kind.SECRET,
                _("Six digits or more that the courier enters after calling a SIM. Empty: as it is."),
            ),
            Field(
                "calls_back",
                _("A call to a SIM is turned away and the mobile is called back: free for the courier, and no PIN"),
                Kind.SWITCH,
            ),
            Field(
                "by_sms",
                _("An SMS with the number of an order has the mobile rung, and then the customer"),
                Kind.SWITCH,
            ),
            Field("confirms", _("Whoever answers must press 1: voicemail never counts as an answer"), Kind.SWITCH),
            Field("on_shift", _("On shift"), Kind.SWITCH),
            Field(
                "lines",
                _("Lines that may carry the calls"),
                Kind.LIST,
                _("Names, with spaces between them. Empty: all."),
            ),
            Field("minutes_per_day", _("Minutes a day"), Kind.COUNT),
            Field("then", _("Who is next when nobody answers"), help=_("An extension."), extra=True),
            Field("texts_missed", _("Missed calls are told by SMS"), Kind.SWITCH, extra=True),
            Field(
                "ring_seconds",
                _("Seconds of ringing"),
                Kind.COUNT,
                _("Shorter than the operator waits before its voicemail."),
                extra=True,
            ),
            Field("follow", _("With a SIP app of the same extension"), Kind.CHOICE, choices=follow, extra=True),
            Field("app_seconds", _("Seconds the app rings first"), Kind.COUNT, extra=True),
            Field(
                "operator",
                _("Operator of the mobile"),
                help=_("A line of the same operator is tried first."),
                extra=True,
            ),
            Field(
                "pbx_password",
                _("Password at your PBX"),
                Kind.SECRET,
                _("Empty: as it is. The PBX itself stands on the page Your PBX."),
                extra=True,
            ),
            Field("calls_at_once", _("Calls at once"), Kind.COUNT, extra=True),
            Field("calls_per_minute", _("New calls a minute"), Kind.COUNT, extra=True),
        ),
        _("A person with a mobile, who is an extension of the shop: 2001 reaches the mobile by a SIM."),
        ("name", "mobile"),
    )


def _trunks() -> PartForm:
    presents = (
        ("both", _("In both places")),
        ("from", "From"),
        ("p-asserted-identity", "P-Asserted-Identity"),
        ("remote-party-id", "Remote-Party-ID"),
    )
    return PartForm(
        "trunks",
        "name",
        _("Providers"),
        _("New provider"),
        _("Name"),
        _("A word of yours, such as provider."),
        _NAME,
        (
            Field("host", _("Server"), help=_("As the provider says, such as sip.example.org."), required=True),
            Field("user", _("User")),
            Field("password", _("Password"), Kind.SECRET, _("Empty: as it is.")),
            Field("number", _("The shop's number"), help=_("Customers see it, and it is what they call.")),
            Field("kind", _("What the number is"), Kind.CHOICE, choices=_number_kinds()),
            Field("transport", _("Transport"), Kind.CHOICE, choices=_transports(), extra=True),
            Field("srtp", _("Encrypt the voice"), Kind.CHOICE, choices=_encryption(), extra=True),
            Field("presents", _("Where the number is told"), Kind.CHOICE, choices=presents, extra=True),
            Field("withholds_number", _("Customers see no number"), Kind.SWITCH, extra=True),
            Field(
                "queue", _("Callers wait in the queue"), help=_("Its name. Empty: the shop's own queue."), extra=True
            ),
            Field("asks_extension", _("Callers may dial an extension at a prompt"), Kind.SWITCH, extra=True),
            Field("calls_at_once", _("Calls at once"), Kind.COUNT, extra=True),
            Field("minutes_per_day", _("Minutes a day"), Kind.COUNT, extra=True),
            Field("minutes_per_month", _("Minutes a month"), Kind.COUNT, extra=True),
            Field("money_per_month", _("Money a month"), Kind.COUNT, extra=True),
            Field(
                "codecs",
                _("Codecs"),
                Kind.LIST,
                _("pcma pcmu g722 opus, the best first. Empty: all, the cheapest first."),
                extra=True,
            ),
        ),
        _("A SIP provider, with the number that customers call and see. Without one the SIM lines carry everything."),
        ("number", "host"),
    )


_MAKERS: dict[str, Callable[[], PartForm]] = {
    "lines": _lines, "phones": _phones, "couriers": _couriers, "trunks": _trunks,
    "queues": queues_form, "branches": branches_form,
}  # fmt: skip
KINDS = tuple(_MAKERS)


def form_of(kind: str) -> PartForm | None:
    """What is asked about that kind; None: there is no such kind."""
    maker = _MAKERS.get(kind)
    return None if maker is None else maker()
