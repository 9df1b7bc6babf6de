"""The shop: what the owner configures, as one immutable value. The store loads, checks and keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from gateway.audio.codec import Codec
from gateway.telephony.branches import Branch
from gateway.telephony.contacts import ContactRules
from gateway.telephony.feature_codes import FeatureCodes
from gateway.telephony.missed_rules import MissedRules
from gateway.telephony.night import NightLock
from gateway.telephony.number_kinds import NumberKind
from gateway.telephony.order_status import OrderHeader, OrderSource, OrderStatusRules
from gateway.telephony.queue_rules import NamedQueue, QueueRules
from gateway.telephony.reception import Reception
from gateway.telephony.recording_policy import RecordingPolicy
from gateway.telephony.schedule import Schedule
from gateway.telephony.stage_words import StageWord
from gateway.telephony.tariffs import TariffSettings
from gateway.telephony.toll_free import TollFreeRules
from gateway.telephony.widget import WidgetRules

CALLS_PER_MINUTE = 5
"""So many calls to outside may an extension begin in a minute, unless the owner says otherwise (T-F2)."""
CALLS_AT_ONCE = 5
"""So many calls to outside may run for an extension at the same time, unless the owner says otherwise (T-F2)."""


class Loudness(StrEnum):
    """How loud one direction of a line's calls is, beside what its modem does by itself."""

    QUIET = "quiet"
    NORMAL = "normal"
    LOUD = "loud"


class KeysBy(StrEnum):
    """How keys are sent into a line's calls: as its modem does best, by its command, or as tones in the sound."""

    AUTO = "auto"
    COMMAND = "command"
    TONES = "tones"


class Srtp(StrEnum):
    """Whether the media of a phone or trunk is sealed; `required` refuses a call that it cannot be agreed for."""

    OFF = "off"
    PREFERRED = "preferred"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """A SIM. `modem` is the name of a modem; `imei` or `iccid` may be given in its place."""

    name: str
    modem: str | None = None
    imei: str | None = None
    iccid: str | None = None
    number: str | None = None
    rings: tuple[str, ...] = ()
    queue: str | None = None
    """The name of the queue that a stranger waits in who calls the SIM, before `rings`; None: the shop's own."""
    pin_file: str | None = None
    operator: str | None = None
    contract: str | None = None
    """The number of the contract with the operator."""
    holder: str | None = None
    """Who owns the SIM: the company or person that the contract names."""
    kind: NumberKind | None = None
    """What customers take the number for; None: as the numbering plan says."""
    employee: str | None = None
    """Who of the shop uses it, as the operator was told."""
    minutes_per_day: int = 120
    minutes_per_month: int | None = None
    """Beside those of the day; None: no more than the days give."""
    money_per_month: int | None = None
    """In the shop's currency, by its tariffs; None: as much as the minutes cost."""
    from_mobile: Loudness = Loudness.NORMAL
    to_mobile: Loudness = Loudness.NORMAL
    evens_out: bool = False
    """Faint callers are raised and loud ones lowered."""
    reduces_noise: bool = False
    """The noise behind whoever is at the mobile is taken down (libspeexdsp)."""
    cancels_echo: bool = False
    """What the modem gives back of our own voice is taken away (libspeexdsp)."""
    keys: KeysBy = KeysBy.AUTO
    hide_number: bool = False
    """Ask the network not to show the SIM's number to whom it calls (CLIR)."""
    asks_extension: bool = False
    """Whoever calls the SIM may dial an extension of the shop at a prompt."""
    roaming: bool = False
    """Calls may be placed while the SIM is in a foreign network; they cost more."""
    texts: tuple[str, ...] = ()
    """Extensions whose phones may write and are given the SMS of this line; nobody unless named."""
    sms_per_minute: int = 6
    sms_per_day: int = 100
    balance_code: str | None = None
    """Asked for the balance once a day; None: the operator's usual one, and only when somebody asks."""
    balance_pattern: str | None = None
    """A regular expression whose first group is the amount; None: as the operator usually says it."""
    low_balance: int | None = None
    """Below this, in the shop's currency, an alert is raised."""


LINE_RULES = (
    "number", "kind", "rings", "queue", "operator", "contract", "holder", "employee",
    "minutes_per_day", "minutes_per_month", "money_per_month", "from_mobile", "to_mobile",
    "evens_out", "reduces_noise", "cancels_echo",
    "keys", "hide_number", "asks_extension", "roaming", "texts", "sms_per_minute", "sms_per_day",
    "balance_code", "balance_pattern", "low_balance",
)  # fmt: skip
"""What of a line is changed by itself. Its name, and what ties it to a modem, a SIM or a file of this machine, are
changed with the whole shop only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSettings:
    """A SIP account of ours."""

    extension: str
    name: str = ""
    password: str = field(repr=False)
    minutes_per_day: int = 60
    """What this extension may spend on calls by the SIM lines (goal 5)."""
    calls_per_minute: int = CALLS_PER_MINUTE
    calls_at_once: int = CALLS_AT_ONCE
    codecs: tuple[Codec, ...] = ()
    """What may be spoken with the phone, the best first; none named: everything, the cheapest first."""
    srtp: Srtp = Srtp.OFF
    mobile: str | None = None
    """Of the person who sits there: regular customers are put through to it when the phone is not answered."""
    mac: str | None = None
    """Of the desk phone, twelve hexadecimal digits: no other one is given the files that set it up."""
    do_not_disturb: bool = False
    forward_always: str | None = None
    """Where calls go instead: an extension, or a number as this phone would dial it."""
    forward_busy: str | None = None
    forward_no_answer: str | None = None
    forward_after_seconds: int = 20
    voicemail: bool = False
    """Who calls this phone alone and is not answered may leave a message; without one where calls are forwarded."""
    voicemail_pin: str | None = field(default=None, repr=False)
    """Opens to any other phone what this one may listen to; None: no other phone hears it."""


class FollowMe(StrEnum):
    """How a courier is reached who also has a SIP phone of the same extension."""

    APP_FIRST = "app-first"
    """The SIP phone, which costs nothing; then the mobile."""
    BOTH = "both"
    MOBILE = "mobile"


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierSettings:
    """A person with an extension, a mobile, and lines that may carry the calls."""

    extension: str
    name: str = ""
    mobile: str
    lines: tuple[str, ...] = ()
    pin: str | None = field(default=None, repr=False)
    minutes_per_day: int = 60
    on_shift: bool = True
    """Off shift the mobile is not rung."""
    confirms: bool = False
    """Whoever answers the mobile must press 1: a voicemail never counts as an answer."""
    ring_seconds: int = 25
    """Shorter than the operator waits before its voicemail answers."""
    follow: FollowMe = FollowMe.APP_FIRST
    app_seconds: int = 12
    """How long the SIP phone rings before the mobile does."""
    then: str | None = None
    """Who is next when the courier is not reached: the extension of another courier or of a phone."""
    calls_back: bool = False
    """A call from the mobile is turned away, free of charge, and the mobile is rung; it needs no PIN."""
    by_sms: bool = False
    """An SMS from the mobile with the number of an own order has the mobile rung, and then the customer."""
    texts_missed: bool = False
    """An SMS tells the courier of a call that was not answered."""
    calls_per_minute: int = CALLS_PER_MINUTE
    calls_at_once: int = CALLS_AT_ONCE
    operator: str | None = None
    """Of the mobile; a line of the same operator is tried first, which often costs less."""
    pbx_password: str | None = field(default=None, repr=False)
    """The password of the extension at the upstream PBX; without one the courier is not registered there."""


class SipTransport(StrEnum):
    """How signalling travels to a provider. AUTO: as the provider's NAPTR records say (RFC 3263)."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    AUTO = "auto"


class Presents(StrEnum):
    """Where a provider wants to be told the number that the customer is to see."""

    BOTH = "both"
    """In From and in P-Asserted-Identity: what most take."""
    FROM = "from"
    ASSERTED = "p-asserted-identity"
    """There alone, and the account in From (RFC 3325)."""
    REMOTE_PARTY = "remote-party-id"
    """There alone, and the account in From (draft-ietf-sip-privacy-04)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkSettings:
    """A SIP provider; `number` is the shop's number, which customers see."""

    name: str
    host: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    number: str | None = None
    kind: NumberKind | None = None
    """As of a line."""
    minutes_per_day: int = 480
    """Of outgoing calls by this provider, all together; it refuses when they are spent."""
    minutes_per_month: int | None = None
    money_per_month: int | None = None
    """As of a line."""
    asks_extension: bool = False
    """Whoever calls the number may dial an extension of the shop at a prompt."""
    queue: str | None = None
    """As of a line."""
    calls_at_once: int | None = None
    """So many calls run by it at most, both ways; the next one leaves another way. None: as many as it takes."""
    transport: SipTransport = SipTransport.UDP
    ca_file: str | None = None
    """With TLS: a PEM file that vouches for the provider's certificate; None: the authorities that the system knows."""
    presents: Presents = Presents.BOTH
    withholds_number: bool = False
    """True: customers see no number (CLIR, RFC 3323)."""
    codecs: tuple[Codec, ...] = ()
    """What may be spoken with the provider, the best first; none named: both laws of G.711."""
    srtp: Srtp = Srtp.OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxSettings:
    """An upstream PBX where each courier is registered as an extension."""

    host: str
    port: int = 5060
    transport: SipTransport = SipTransport.UDP
    ca_file: str | None = None


PBX_PREFIX = "pbx "
"""Begins the name of each courier's account at the PBX, which stands in records and budgets like a provider's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRules:
    """`country` is what a local number means; `countries` are all that may be called (ISO 3166 alpha-2)."""

    country: str = "RU"
    countries: tuple[str, ...] = ()

    @property
    def allowed(self) -> frozenset[str]:
        """The home country and those the owner added."""
        return frozenset((self.country, *self.countries))


@dataclass(frozen=True, slots=True, kw_only=True)
class UssdRules:
    """`codes` may be sent, exactly as they stand there, and `answers` may be given to what they ask; nothing else."""

    codes: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    balance_hours: int = 24
    """How often the balance of a line with a `balance_code` or a `low_balance` is asked for; 0: never by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRules:
    """How long an order ties its customer and its courier together."""

    grace_minutes: int = 120
    """After it is delivered, cancelled or past its time."""
    open_days: int = 7
    """When nobody says how long."""
    alert_after: int = 3
    """So many calls to a customer in vain raise an alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Everything above, as one consistent version."""

    name: str = "Shop"
    language: str = "en"
    time_zone: str = "Europe/Moscow"
    currency: str = "RUB"
    lines: tuple[LineSettings, ...] = ()
    phones: tuple[PhoneSettings, ...] = ()
    couriers: tuple[CourierSettings, ...] = ()
    trunks: tuple[TrunkSettings, ...] = ()
    pbx: PbxSettings | None = None
    recording: RecordingPolicy = field(default_factory=RecordingPolicy)
    numbers: NumberRules = NumberRules()
    codes: FeatureCodes = field(default_factory=FeatureCodes)
    ussd: UssdRules = UssdRules()
    orders: OrderRules = OrderRules()
    order_words: tuple[StageWord, ...] = ()
    """What the shop's own program calls the stages of orders."""
    order_source: OrderSource = field(default_factory=OrderSource)
    order_headers: tuple[OrderHeader, ...] = ()
    order_status: OrderStatusRules = field(default_factory=OrderStatusRules)
    reception: Reception = field(default_factory=Reception)
    queue: QueueRules = field(default_factory=QueueRules)
    queues: tuple[NamedQueue, ...] = ()
    tariffs: tuple[TariffSettings, ...] = ()
    night: NightLock = field(default_factory=NightLock)
    missed: MissedRules = field(default_factory=MissedRules)
    contacts: ContactRules = field(default_factory=ContactRules)
    toll_free: TollFreeRules = field(default_factory=TollFreeRules)
    widget: WidgetRules = field(default_factory=WidgetRules)
    schedule: Schedule = field(default_factory=Schedule)
    branches: tuple[Branch, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedule", self.schedule.in_zone(self.time_zone))
        object.__setattr__(self, "branches", tuple(branch.in_zone(self.time_zone) for branch in self.branches))

    def line(self, name: str) -> LineSettings | None:
        """The line of that name."""
        return next((line for line in self.lines if line.name == name), None)

    def phone(self, extension: str) -> PhoneSettings | None:
        """The phone with that extension."""
        return next((phone for phone in self.phones if phone.extension == extension), None)

    def courier(self, extension: str) -> CourierSettings | None:
        """The courier with that extension."""
        return next((courier for courier in self.couriers if courier.extension == extension), None)

    def trunk(self, name: str) -> TrunkSettings | None:
        """The provider of that name, or the account at the PBX."""
        return next((trunk for trunk in (*self.trunks, *self.pbx_accounts) if trunk.name == name), None)

    @property
    def pbx_accounts(self) -> tuple[TrunkSettings, ...]:
        """The couriers' accounts at the PBX, as if each were a provider of its own."""
        pbx = self.pbx
        if pbx is None:
            return ()
        return tuple(
            TrunkSettings(
                name=PBX_PREFIX + courier.extension,
                host=f"{pbx.host}:{pbx.port}",
                user=courier.extension,
                password=courier.pbx_password,
                minutes_per_day=courier.minutes_per_day,
                transport=pbx.transport,
                ca_file=pbx.ca_file,
                presents=Presents.FROM,
            )
            for courier in self.couriers
            if courier.pbx_password is not None
        )

    def courier_at_pbx(self, account: str) -> CourierSettings | None:
        """Whose account at the PBX has that name."""
        return self.courier(account.removeprefix(PBX_PREFIX)) if account.startswith(PBX_PREFIX) else None

    def courier_by_mobile(self, number: str) -> CourierSettings | None:
        """The courier whose registered mobile is `number` (E.164)."""
        return next((courier for courier in self.couriers if courier.mobile == number), None)


ShopView: TypeAlias = Callable[[], Shop]
"""Gives the shop as it is now; whoever holds a view sees an edit at the next call."""
