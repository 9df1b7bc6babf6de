"""What is to be done with a call: each destination names its flow and is the settings of that flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gateway.telephony.causes import Cause
from gateway.telephony.forwarding import PhoneChange
from gateway.telephony.leg import Leg
from gateway.telephony.orders import Order
from gateway.telephony.reception import CallBackFirst
from gateway.telephony.shop import CourierSettings
from gateway.telephony.trial_call import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class RingPhones:
    """Ring phones of the shop, all at once."""

    extensions: tuple[str, ...]
    ring_seconds: float = 60.0
    forwarded_by: tuple[str, ...] = ()
    """The phones that have forwarded the call so far, and couriers who were not reached, the last one at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """A stranger calls the shop: these phones ring, by the rules of the reception."""

    extensions: tuple[str, ...]
    of_branches: bool = False
    """They are those of all branches: the nearest one that is open receives the caller."""
    queue: str = ""
    """The name of the queue that the caller waits in; empty: the shop's own."""
    forwarded_by: tuple[str, ...] = ()
    """As of RingPhones; also the extensions of queues that have sent the caller on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCall:
    """A promise to call somebody back is kept: the leg is the one that was rung first, `number` the customer's."""

    number: str
    extensions: tuple[str, ...]
    first: CallBackFirst
    visit_id: str = ""
    """The visit of the shop's web site that asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerFirst:
    """A regular customer calls: the phone `manager` rings first; whoever is not reached there goes `otherwise`."""

    manager: str
    otherwise: Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCourier:
    """Reach a courier's mobile by one of the lines that may carry it."""

    courier: CourierSettings
    order: Order | None = None
    """The order that leads there: the courier is told which one."""
    passed: tuple[str, ...] = ()
    """The couriers who were not reached so far, and the phones that have forwarded the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskExtension:
    """A caller from outside may dial an extension of the shop; who does not, goes `usual`."""

    usual: Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class TellOrderStatus:
    """A caller asks how far an order is, by its number; who is not helped by that goes `otherwise`, to the staff."""

    otherwise: Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierMenu:
    """A caller with a courier's number: the PIN proves who it is, then a number may be dialled."""

    courier: CourierSettings
    tries: int = 3
    is_proven: bool = False
    """Who it is was proved in another way: no PIN is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RingBack:
    """A caller with a courier's number, who is turned away and called back."""

    courier: CourierSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBack:
    """The gateway itself has dialled a courier's registered mobile: the order's customer is next, or the prompt."""

    courier: CourierSettings
    order: Order | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToOutside:
    """A phone of ours calls a number of the outside world."""

    text: str
    ring_seconds: float = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoLegs:
    """The gateway itself has rung a phone of ours, for whom it will call `text`: an extension or a number."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCall:
    """The gateway itself has rung a phone of ours, or called a number, to see whether both hear each other."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePhone:
    """A phone of ours dials a code: do not disturb or forwarding, on or off."""

    extension: str
    change: PhoneChange


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeCalls:
    """A phone of ours says whether the queue may ring it; `reason` counts the owner's reasons for a pause from 1 on."""

    extension: str
    pauses: bool
    reason: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HearMessages:
    """A phone of ours listens to the messages that callers have left."""

    extension: str | None
    """Those that this phone may hear; None: of a phone that is asked for, and its PIN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPrompt:
    """A phone of ours says a prompt anew."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Nothing to reach here."""

    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """A prompt before the answer, and no more."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUp:
    """A phone of ours answers a call that rings elsewhere: at `extension`, or wherever one rings."""

    extension: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakePlace:
    """A phone of ours wants the place of another leg: an INVITE with Replaces (RFC 3891)."""

    place: Leg


Destination: TypeAlias = (
    ChangePhone
    | RingPhones
    | Receive
    | ReturnCall
    | ManagerFirst
    | ToCourier
    | AskExtension
    | CourierMenu
    | RingBack
    | CallBack
    | ToOutside
    | TwoLegs
    | TrialCall
    | TellOrderStatus
    | PickUp
    | TakePlace
    | TakeCalls
    | HearMessages
    | RecordPrompt
    | Announce
    | Refuse
)
