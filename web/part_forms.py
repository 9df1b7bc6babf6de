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
        ("", _("As its digits suggest")), ("city", _("A city number")), ("mobile", _("A mobile number")),
        ("toll-free", _("Toll-free: you pay for its callers")), ("internal", _("For your own people")),
    )  # fmt: skip


def _lines() -> PartForm:
    return PartForm(
        "lines",
        "name",
        _("Lines"),
        _("New line"),
        _("Name"),
        _("Your own name for it, in Latin letters, such as red."),
        _NAME,
        (
            Field(
                "imei",
                _("IMEI of the modem"),
                help=_("Fifteen digits, as in the list of modems. The line moves with the modem."),
            ),
            Field(
                "modem",
                _("Or the modem's name"),
                help=_("As in the list of modems, if the line is to stay at that port."),
                extra=True,
            ),
            Field(
                "iccid",
                _("Or the card's number"),
                help=_("The ICCID printed on the SIM card, if the line is to move with the card."),
                extra=True,
            ),
            Field("number", _("Number of the SIM card")),
            Field(
                "rings",
                _("Calls from outside ring at"),
                Kind.LIST,
                _("Extensions, separated by spaces. Empty: every phone."),
            ),
            Field(
                "queue", _("Or wait in the queue"), help=_("The queue's name. Empty: the shop's own queue."), extra=True
            ),
            Field("minutes_per_day", _("Minutes a day"), Kind.COUNT),
        ),
        _("A SIM card in a modem: calls to couriers go out by it, and whoever calls its number reaches the shop."),
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
            Field("name", _("Name"), help=_("Of the place or the person; it is shown to whoever the phone calls.")),
            Field(
                "mobile",
                _("Mobile of the employee"),
                help=_("Regular customers are put through to it if the phone is not answered."),
            ),
            Field("voicemail", _("Takes messages when nobody answers"), Kind.SWITCH),
            Field(
                "voicemail_pin",
                _("PIN of its messages"),
                Kind.SECRET,
                _("At least six digits; with them the messages can be played from any other phone. Empty: unchanged."),
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
                help=_("Then only this phone is given its setup files."),
                extra=True,
            ),
            Field("srtp", _("Encrypt the voice"), Kind.CHOICE, choices=_encryption(), extra=True),
            Field(
                "codecs",
                _("Codecs"),
                Kind.LIST,
                _("pcma pcmu g722 opus, the preferred one first. Empty: all, those that need least computing first."),
                extra=True,
            ),
            Field("calls_at_once", _("Calls at once"), Kind.COUNT, extra=True),
            Field("calls_per_minute", _("New calls a minute"), Kind.COUNT, extra=True),
        ),
        _("A desk phone, an app or this browser. Its password is created for it; set the phone up on the page Phones."),
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
                _("At least six digits that the courier enters after calling a SIM card. Empty: unchanged."),
            ),
            Field(
                "calls_back",
                _("A call to a SIM card is declined and the mobile called back: free for the courier, no PIN needed"),
                Kind.SWITCH,
            ),
            Field(
                "by_sms",
                _("After an SMS with an order number, the mobile is called and then the customer"),
                Kind.SWITCH,
            ),
            Field("confirms", _("Whoever answers must press 1: voicemail never counts as an answer"), Kind.SWITCH),
            Field("on_shift", _("On shift"), Kind.SWITCH),
            Field(
                "lines",
                _("Lines that may carry the calls"),
                Kind.LIST,
                _("Names, separated by spaces. Empty: all."),
            ),
            Field("minutes_per_day", _("Minutes a day"), Kind.COUNT),
            Field("then", _("Who is next when nobody answers"), help=_("An extension."), extra=True),
            Field("texts_missed", _("Missed calls are reported by SMS"), Kind.SWITCH, extra=True),
            Field(
                "ring_seconds",
                _("Seconds of ringing"),
                Kind.COUNT,
                _("Shorter than the operator's delay before voicemail."),
                extra=True,
            ),
            Field("follow", _("With a SIP app of the same extension"), Kind.CHOICE, choices=follow, extra=True),
            Field("app_seconds", _("Seconds the app rings first"), Kind.COUNT, extra=True),
            Field(
                "operator",
                _("Operator of the mobile"),
                help=_("Lines of the same operator are tried first."),
                extra=True,
            ),
            Field(
                "pbx_password",
                _("Password at your PBX"),
                Kind.SECRET,
                _("Empty: unchanged. The PBX itself is set up on the page Your PBX."),
                extra=True,
            ),
            Field("calls_at_once", _("Calls at once"), Kind.COUNT, extra=True),
            Field("calls_per_minute", _("New calls a minute"), Kind.COUNT, extra=True),
        ),
        _("A person with a mobile who has an extension of the shop: a call to 2001 reaches the mobile by a SIM card."),
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
        _("Your own name for it, in Latin letters, such as provider."),
        _NAME,
        (
            Field("host", _("Server"), help=_("As the provider gives it, such as sip.example.org."), required=True),
            Field("user", _("User")),
            Field("password", _("Password"), Kind.SECRET, _("Empty: unchanged.")),
            Field("number", _("The shop's number"), help=_("Customers see it and call it.")),
            Field("kind", _("What the number is"), Kind.CHOICE, choices=_number_kinds()),
            Field("transport", _("Transport"), Kind.CHOICE, choices=_transports(), extra=True),
            Field("srtp", _("Encrypt the voice"), Kind.CHOICE, choices=_encryption(), extra=True),
            Field("presents", _("Where the number is sent"), Kind.CHOICE, choices=presents, extra=True),
            Field("withholds_number", _("Customers see no number"), Kind.SWITCH, extra=True),
            Field(
                "queue",
                _("Callers wait in the queue"),
                help=_("The queue's name. Empty: the shop's own queue."),
                extra=True,
            ),
            Field("asks_extension", _("Callers may dial an extension after a prompt"), Kind.SWITCH, extra=True),
            Field("calls_at_once", _("Calls at once"), Kind.COUNT, extra=True),
            Field("minutes_per_day", _("Minutes a day"), Kind.COUNT, extra=True),
            Field("minutes_per_month", _("Minutes a month"), Kind.COUNT, extra=True),
            Field("money_per_month", _("Money a month"), Kind.COUNT, extra=True),
            Field(
                "codecs",
                _("Codecs"),
                Kind.LIST,
                _("pcma pcmu g722 opus, the preferred one first. Empty: all, those that need least computing first."),
                extra=True,
            ),
        ),
        _("A SIP provider, with the number that customers call and see. Without one everything goes by the SIM lines."),
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
