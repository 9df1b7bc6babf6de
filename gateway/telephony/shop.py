"""The shop: what the owner configures, as one immutable value. The store loads, checks and keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class RecordCalls(StrEnum):
    """Which calls are recorded."""

    ALL = "all"
    COURIERS = "couriers"
    NONE = "none"


class Notice(StrEnum):
    """How the parties learn of the recording, before anything is kept."""

    ANNOUNCE = "announce"
    BEEP = "beep"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """A SIM. `modem` is the name of a modem; `imei` or `iccid` may be given in its place."""

    name: str
    modem: str | None = None
    imei: str | None = None
    iccid: str | None = None
    number: str | None = None
    rings: tuple[str, ...] = ()
    pin_file: str | None = None
    operator: str | None = None
    contract: str | None = None
    holder: str | None = None
    minutes_per_day: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSettings:
    """A SIP account of ours."""

    extension: str
    name: str = ""
    password: str = field(repr=False)
    minutes_per_day: int = 60
    """What this extension may spend on calls by the SIM lines (goal 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierSettings:
    """A person with an extension, a mobile, and lines that may carry the calls."""

    extension: str
    name: str = ""
    mobile: str
    lines: tuple[str, ...] = ()
    pin: str | None = field(default=None, repr=False)
    minutes_per_day: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkSettings:
    """A SIP provider; `number` is the shop's number, which customers see."""

    name: str
    host: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxSettings:
    """An upstream PBX where each courier is registered as an extension."""

    host: str
    port: int = 5060


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPolicy:
    """What is recorded, how it is announced, how long it is kept."""

    calls: RecordCalls = RecordCalls.NONE
    notice: Notice = Notice.ANNOUNCE
    keep_days: int = 90


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
    recording: RecordingPolicy = RecordingPolicy()
    numbers: NumberRules = NumberRules()

    def line(self, name: str) -> LineSettings | None:
        """The line of that name."""
        return next((line for line in self.lines if line.name == name), None)

    def phone(self, extension: str) -> PhoneSettings | None:
        """The phone with that extension."""
        return next((phone for phone in self.phones if phone.extension == extension), None)

    def courier(self, extension: str) -> CourierSettings | None:
        """The courier with that extension."""
        return next((courier for courier in self.couriers if courier.extension == extension), None)

    def courier_by_mobile(self, number: str) -> CourierSettings | None:
        """The courier whose registered mobile is `number` (E.164)."""
        return next((courier for courier in self.couriers if courier.mobile == number), None)


ShopView: TypeAlias = Callable[[], Shop]
"""Gives the shop as it is now; whoever holds a view sees an edit at the next call."""
