"""Who is called, by whom, by which way -> what to do: a Destination.

A pure function of the shop and the leg. Caller id chooses a greeting and a menu here; it never
authorises anything (T-F8): what costs money asks for a PIN in the flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from gateway.audio.prompts import KEYS
from gateway.telephony.branches import FEWEST, Branch
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import (
    AskExtension,
    ChangePhone,
    CourierMenu,
    Destination,
    HearMessages,
    ManagerFirst,
    PickUp,
    Receive,
    RecordPrompt,
    Refuse,
    RingBack,
    RingPhones,
    TakeCalls,
    TakePlace,
    TellOrderStatus,
    ToCourier,
    ToOutside,
)
from gateway.telephony.forwarding import Forward, change_by_code
from gateway.telephony.leg import Leg
from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.orders import Order, order_of_customer
from gateway.telephony.queue_rules import NamedQueue
from gateway.telephony.queues import queue_at, queue_named
from gateway.telephony.shop import CourierSettings, LineSettings, Shop


class Arriving(Protocol):
    """What is asked of a call that comes in: a Leg, or a call that is only thought of."""

    @property
    def line(self) -> str | None:
        """The line, provider or PBX account it comes by; None: a phone of the shop calls."""

    @property
    def peer(self) -> str:
        """Who calls."""

    @property
    def called(self) -> str:
        """What was dialled."""

    @property
    def replaces(self) -> Leg | None:
        """Whose place the caller wants."""


def route(shop: Shop, leg: Arriving, orders: Sequence[Order] = (), manager: str | None = None) -> Destination:
    """Where an incoming leg goes; `orders` are those that live, the one that counts most first.

    `manager` is the extension to whom the caller belongs, as a regular customer.
    """
    if leg.line is None:
        change = change_by_code(leg.called)
        if change is not None and shop.phone(leg.peer) is not None:
            return ChangePhone(extension=leg.peer, change=change)
        if leg.replaces is not None:
            return TakePlace(place=leg.replaces)
        code = to_own_code(shop, leg.peer, leg.called)
        return code or to_pick_up(shop, leg.called) or to_dialled(shop, leg.called)
    at_pbx = shop.courier_at_pbx(leg.line)
    if at_pbx is not None:
        return ToCourier(courier=at_pbx)
    line = shop.line(leg.line)
    courier = _courier_of_line(shop, line, leg.peer) if line is not None else None
    if courier is not None:
        return RingBack(courier=courier) if courier.calls_back else CourierMenu(courier=courier)
    # Whatever else comes from outside rings: at the courier of the caller's order, or at phones; it never dials on.
    way = line or shop.trunk(leg.line)
    queue = queue_named(shop, way.queue or "") if way is not None else None
    usual = to_queue(shop, queue) if queue is not None else _ring(shop, line.rings if line is not None else ())
    own = TellOrderStatus(otherwise=usual) if leg.line in shop.order_status.ways else None
    if way is not None and way.asks_extension:
        usual = AskExtension(usual=usual)
    return own or _of_order(shop, leg.peer, orders) or _to_manager(shop, manager, usual) or usual


def to_pick_up(shop: Shop, text: str) -> PickUp | None:
    """What a feature code asks for: `*8` any call that rings, `**101` the one that rings at 101."""
    codes = shop.codes
    if codes.pick_up and text == codes.pick_up:
        return PickUp()
    if codes.pick_up_at and text.startswith(codes.pick_up_at) and len(text) > len(codes.pick_up_at):
        return PickUp(extension=text.removeprefix(codes.pick_up_at))
    return None


def to_own_code(shop: Shop, extension: str, text: str) -> TakeCalls | HearMessages | RecordPrompt | None:
    """What a phone of ours asks for about itself, or a prompt; others have no such codes."""
    codes = shop.codes
    if shop.phone(extension) is None:
        return None
    if codes.messages and text == codes.messages:
        return HearMessages(extension=extension)
    if codes.messages_elsewhere and text == codes.messages_elsewhere:
        return HearMessages(extension=None)
    if codes.resume and text == codes.resume:
        return TakeCalls(extension=extension, pauses=False)
    reason = text.removeprefix(codes.pause) if codes.pause and text.startswith(codes.pause) else None
    if reason is not None and (not reason or (len(reason) == 1 and reason in "123456789")):
        return TakeCalls(extension=extension, pauses=True, reason=int(reason) if reason else None)
    return to_prompt(shop, text)


def to_prompt(shop: Shop, text: str) -> RecordPrompt | None:
    """What the code to record a prompt asks for: by itself the greeting, with two digits the prompt of that number."""
    code = shop.codes.record_prompt
    if not code or not text.startswith(code):
        return None
    number = text.removeprefix(code)
    if not number:
        return RecordPrompt(key="greeting")
    is_known = len(number) == 2 and number.isascii() and number.isdigit() and 1 <= int(number) <= len(KEYS)
    return RecordPrompt(key=KEYS[int(number) - 1]) if is_known else None


def to_dialled(shop: Shop, text: str) -> Destination:
    """Where a person of ours gets by dialling `text`: an extension of the shop first, else the outside world.

    Whether that number may be dialled at all is for the number policy to say, in the flow.
    """
    courier = shop.courier(text)  # before a phone of the same extension, which rings with the mobile
    if courier is not None:
        return ToCourier(courier=courier)
    if shop.phone(text) is not None:
        return RingPhones(extensions=(text,))
    queue = queue_at(shop, text)
    if queue is not None:
        return to_queue(shop, queue)
    if text and text == shop.order_status.extension:
        return TellOrderStatus(otherwise=_ring(shop))
    return ToOutside(text=text)


def may_mean_order(shop: Shop, text: str) -> bool:
    """What a courier dials is neither an extension of the shop nor an emergency number, which go before orders."""
    if not isinstance(to_dialled(shop, text), ToOutside):
        return False
    found = NumberPolicy(shop.numbers).check(text)
    return not (isinstance(found, Dialable) and found.emergency)


def order_dialled_as(shop: Shop, order: Order) -> str:
    """What its courier dials for an order: its digits, after `*` where the digits alone reach something else."""
    return order.digits if may_mean_order(shop, order.digits) else f"*{order.digits}"


def to_queue(shop: Shop, queue: NamedQueue) -> Receive | RingPhones:
    """To wait in that queue; where nobody is received, its phones ring."""
    if shop.reception.on:
        return Receive(extensions=queue.phones, queue=queue.name)
    return RingPhones(extensions=queue.phones)


def forwarded(shop: Shop, forward: Forward, passed: tuple[str, ...]) -> Destination:
    """Where a call goes that a phone forwards, as if that phone had dialled; `passed` had it before.

    A circle, of couriers too, comes to nothing.
    """
    match to_dialled(shop, forward.target):
        case RingPhones() as phones if set(phones.extensions) & set(passed):
            return Refuse(cause=Cause.UNREACHABLE)
        case ToCourier() as courier if courier.courier.extension in passed:
            return Refuse(cause=Cause.UNREACHABLE)
        case ToCourier() as courier:
            return replace(courier, passed=passed)
        case Receive() if forward.target in passed:
            return Refuse(cause=Cause.UNREACHABLE)
        case (RingPhones() | Receive()) as staff:
            return replace(staff, forwarded_by=passed)
        case other:
            return other


def phones_of_branch(shop: Shop, branch: Branch) -> tuple[str, ...]:
    """Who is rung there: the staff of its queue, or its own phones."""
    queue = queue_named(shop, branch.queue or "")
    return branch.phones if queue is None else queue.phones


def _courier_of_line(shop: Shop, line: LineSettings, caller: str) -> CourierSettings | None:
    """The courier of that line who seems to call; one without a PIN cannot prove it, and is a stranger here."""
    courier = shop.courier_by_mobile(caller) if caller else None
    if (
        courier is not None
        and (courier.pin or courier.calls_back)
        and (not courier.lines or line.name in courier.lines)
    ):
        return courier
    return None


def _of_order(shop: Shop, caller: str, orders: Sequence[Order]) -> ToCourier | None:
    """The courier of the caller's order: somebody who agreed to take a customer's call, whoever it is (T-F8).

    Off shift the phones of the shop ring instead.
    """
    if not orders or not caller:
        return None
    order = order_of_customer(orders, NumberPolicy(shop.numbers).normalise(caller) or caller)
    courier = shop.courier(order.courier) if order is not None and order.courier is not None else None
    return ToCourier(courier=courier, order=order) if courier is not None and courier.on_shift else None


def _to_manager(shop: Shop, manager: str | None, usual: Destination) -> ManagerFirst | None:
    """The regular customer's manager, if that phone is of the shop."""
    if manager is None or shop.phone(manager) is None:
        return None
    return ManagerFirst(manager=manager, otherwise=usual)


def _ring(shop: Shop, rings: tuple[str, ...] = ()) -> Destination:
    """Ring those extensions, or all phones of the shop."""
    if not rings and shop.reception.on and len(shop.branches) >= FEWEST:
        of_all = (phone for branch in shop.branches for phone in phones_of_branch(shop, branch))
        return Receive(extensions=tuple(dict.fromkeys(of_all)), of_branches=True)
    # Unless they are named, couriers' own SIP phones are for the couriers' own calls.
    extensions = rings or tuple(each.extension for each in shop.phones if shop.courier(each.extension) is None)
    if not extensions:
        return Refuse(cause=Cause.UNREACHABLE)
    return Receive(extensions=extensions) if shop.reception.on else RingPhones(extensions=extensions)
