"""One story at least of every flow: who calls, what is pressed and when, and whether those who are rung pick up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

import numpy as np

from gateway.audio.frame import FRAME_SAMPLES
from gateway.events import MessageLeft
from gateway.telephony.feature_codes import FeatureCodes
from gateway.telephony.leg import Direction
from gateway.telephony.order_status import OrderStatus, OrderStatusRules
from gateway.telephony.orders import Stage
from gateway.telephony.queue_rules import NamedQueue, Overflow, QueueRules, Strategy
from gateway.telephony.reception import CallBackFirst, Reception
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop, TrunkSettings
from gateway.telephony.toll_free import TollFreeRules, WhenSpent
from gateway.telephony.trial_desk import TrialDesk
from gateway.telephony.two_legs import TwoLegDesk
from tests.fakes.exchange import Scene
from tests.fakes.legs import FakeLeg
from tests.flows.test_courier_orders import order

CUSTOMER, STRANGER, COURIER, DUTY = "+79035550001", "+79035550002", "+79161234567", "+79035550009"
SHOP = Shop(
    lines=(
        LineSettings(name="red", modem="m0", number="+79160000001", rings=("101", "102")),
        LineSettings(name="blue", modem="m1", number="+79160000002"),
    ),
    trunks=(
        TrunkSettings(name="provider", host="sip.example.net", number="+74951234567"),
        TrunkSettings(name="free", host="sip.example.org", number="+78001234567"),
    ),
    phones=(
        PhoneSettings(extension="101", name="Front desk", password="a-long-password"),
        PhoneSettings(extension="102", name="Store", password="a-long-password", mobile=DUTY),
        PhoneSettings(extension="103", name="Office", password="a-long-password", voicemail=True),
    ),
    couriers=(CourierSettings(extension="2001", mobile=COURIER, pin="482913", confirms=True, then="101"),),
    codes=FeatureCodes(record_prompt="*77"),
)

Deed: TypeAlias = Callable[[Scene], FakeLeg | None]
"""Something that begins; the leg of whoever does it, when it is a caller."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """`deeds` and `keys` stand with the seconds after the beginning; who hangs up first is of the first deed named."""

    flow: str
    """The destination's name."""
    deeds: tuple[tuple[float, Deed], ...]
    seconds: float
    comes_to: str
    """Whom it is talked to at the end, or else the last prompt."""
    shop: Shop = SHOP
    keys: tuple[tuple[float, str], ...] = ()
    """What the first caller presses."""
    answers_after: float | None = None
    """Whoever is rung picks up then; None: nobody does."""
    rung_press: tuple[tuple[float, str], ...] = ()
    """What those who have picked up press, so long after that."""
    promised_at: float | None = None
    """From then on a call-back stands, whatever happens."""
    set_by: timedelta = timedelta(0)


def _from(extension: str, called: str) -> Deed:
    return lambda s: s.call_from_phone(extension, called)


def _to_line(line: str, caller: str) -> Deed:
    return lambda s: s.call_to_line(line, caller)


def _to_trunk(trunk: str, caller: str) -> Deed:
    return lambda s: s.call_to_trunk(trunk, caller, s.shop.trunk(trunk).number or "")  # type: ignore[union-attr]  # it is there


def _of_an_order(deed: Deed) -> Deed:
    def begin(s: Scene) -> FakeLeg | None:
        s.orders = [order()]
        return deed(s)

    return begin


def _of_a_regular(s: Scene) -> FakeLeg:
    s.people.names[CUSTOMER], s.people.managers[CUSTOMER] = "Olga", "102"
    return s.call_to_trunk("provider", CUSTOMER, "+74951234567")


def _of_a_regular_whose_manager_is_out(s: Scene) -> FakeLeg:
    s.phones.away.add("102")
    return _of_a_regular(s)


def _speaks(s: Scene) -> None:
    """Whoever called first says something for a second."""
    for call in s.switchboard.calls()[:1]:
        assert isinstance(call.caller, FakeLeg)
        for _ in range(50):
            call.caller.fake_port.speak(np.full(FRAME_SAMPLES, 3000, np.int16))


def _asks_for_status(s: Scene) -> FakeLeg:
    s.order_desk.known["1001"] = OrderStatus(number="1001", stage=Stage.WITH_COURIER, phone=CUSTOMER)
    return s.call_to_trunk("provider", CUSTOMER, "+74951234567")


def _taps(s: Scene) -> None:
    s.orders = [order()]
    assert s.switchboard.call_back("2001", s.orders[0]) is None


def _clicks(s: Scene) -> None:
    TwoLegDesk(s.exchange, s.switchboard.place).connect("101", CUSTOMER)


def _is_tried(s: Scene) -> None:
    TrialDesk(s.exchange, s.switchboard.place).begin("101")


def _was_promised(s: Scene) -> None:
    s.call_backs.promise(
        number=CUSTOMER, name="", called="provider", extensions=("101", "102"), call_id="before", due_at=None
    )


def _has_messages(s: Scene) -> FakeLeg:
    s.bus.publish(MessageLeft(call_id="before", mailbox="103", seconds=5.0))
    return s.call_from_phone("103", "*97")


def _takes_the_place(s: Scene) -> FakeLeg:
    """102 picks up what rings at 101, as its lamp does."""
    leg = FakeLeg(direction=Direction.INCOMING, peer="102", called="101")
    leg.replaces = s.phones.legs["101"][0]
    s.switchboard.incoming(leg)
    return leg


def _with(**rules: object) -> Shop:
    return replace(SHOP, reception=replace(Reception(), **rules))  # type: ignore[arg-type]  # names of its fields


def _queue(**rules: object) -> Shop:
    return replace(SHOP, queue=QueueRules(**rules))  # type: ignore[arg-type]  # names of its fields


CLOSED = Schedule(monday=("09:00-18:00",), tuesday=("09:00-18:00",))
NIGHT = timedelta(hours=12)
"""From Monday noon in Moscow to its midnight."""
SPENT = TollFreeRules(per_minute="10", daily_budget=1, bills_ringing=True, when_spent=WhenSpent.ANNOUNCE)
BACK = replace(SHOP, couriers=(replace(SHOP.couriers[0], calls_back=True),))
ASKING = replace(
    SHOP, lines=(replace(SHOP.lines[0], asks_extension=True), SHOP.lines[1]), reception=Reception(on=False)
)
STATUS = replace(SHOP, order_status=OrderStatusRules(extension="700", ways=("provider",)))

OPENED = replace(SHOP, phones=(*SHOP.phones[:2], replace(SHOP.phones[2], voicemail_pin="482913")))
QUEUES = replace(
    SHOP,
    lines=(replace(SHOP.lines[0], queue="sales"), SHOP.lines[1]),
    queues=(
        NamedQueue(
            name="sales", phones=("101", "102"), strategy=Strategy.ROUND_ROBIN, step_seconds=5,
            overflow=Overflow.NUMBER, overflow_seconds=12, overflow_number="82",
        ),
        NamedQueue(
            name="workshop", extension="82", phones=("103",), overflow=Overflow.VOICEMAIL, overflow_seconds=14,
        ),
    ),
)  # fmt: skip

STORIES: dict[str, Story] = {
    "nobody picks up, and the caller presses 1": Story(
        flow="Receive",
        deeds=((0, _to_trunk("provider", CUSTOMER)),),
        keys=((24.5, "1"),),
        promised_at=24.5,
        comes_to="we-will-call-you",
        seconds=30,
    ),
    "somebody picks up late": Story(
        flow="Receive", deeds=((0, _to_line("red", CUSTOMER)),), answers_after=23, comes_to="101", seconds=26
    ),
    "a toll-free number rings": Story(
        flow="Receive", deeds=((0, _to_trunk("free", CUSTOMER)),), answers_after=9, comes_to="101", seconds=12
    ),
    "at night duty rings, and a message is left": Story(
        flow="Receive",
        shop=replace(_with(night_to=DUTY, night_seconds=5, night_message=True), schedule=CLOSED),
        set_by=NIGHT,
        deeds=((0, _to_trunk("provider", CUSTOMER)),),
        comes_to="recording-beep",
        seconds=32,
    ),
    "at night duty takes it by a key": Story(
        flow="Receive",
        shop=replace(_with(night_to=DUTY, night_confirms=True), schedule=CLOSED),
        set_by=NIGHT,
        deeds=((0, _to_trunk("provider", CUSTOMER)),),
        answers_after=3,
        rung_press=((3, "1"),),
        comes_to=DUTY,
        seconds=10,
    ),
    "two wait, hear their places, and are rung for phone by phone": Story(
        flow="Receive",
        shop=_queue(strategy=Strategy.IN_ORDER, step_seconds=5, announce_seconds=5),
        deeds=((1, _to_trunk("provider", CUSTOMER)), (0, _to_trunk("provider", STRANGER))),
        comes_to="place-2",
        seconds=34,
    ),
    "the queue overflows to a message": Story(
        flow="Receive",
        shop=_queue(overflow=Overflow.VOICEMAIL, overflow_seconds=15),
        deeds=((0, _to_line("red", CUSTOMER)),),
        comes_to="recording-beep",
        seconds=22,
    ),
    "the queue overflows to a promise": Story(
        flow="Receive",
        shop=_queue(overflow=Overflow.CALL_BACK, overflow_seconds=15),
        deeds=((0, _to_trunk("provider", CUSTOMER)),),
        comes_to="we-will-call-you",
        promised_at=15,
        seconds=19,
    ),
    "the queue overflows to a number outside": Story(
        flow="Receive",
        shop=_queue(overflow=Overflow.NUMBER, overflow_seconds=8, overflow_number=DUTY),
        deeds=((0, _to_line("red", CUSTOMER)),),
        answers_after=9,
        comes_to=DUTY,
        seconds=20,
    ),
    "a regular customer's manager, her mobile, the greeting": Story(
        flow="ManagerFirst", deeds=((0, _of_a_regular),), comes_to="greeting", seconds=52
    ),
    "the manager's mobile is answered": Story(
        flow="ManagerFirst", deeds=((0, _of_a_regular_whose_manager_is_out),), answers_after=5, comes_to=DUTY, seconds=8
    ),
    "the customer of an order reaches the courier": Story(
        flow="ToCourier",
        deeds=((0, _of_an_order(_to_trunk("provider", CUSTOMER))),),
        answers_after=3,
        rung_press=((7, "1"),),
        comes_to=COURIER,
        seconds=14,
    ),
    "the courier never presses 1, and the front desk rings": Story(
        flow="ToCourier",
        deeds=((0, _of_an_order(_to_trunk("provider", CUSTOMER))),),
        answers_after=3,
        comes_to="101",
        seconds=30,
    ),
    "a caller dials an extension": Story(
        flow="AskExtension",
        shop=ASKING,
        deeds=((0, _to_line("red", CUSTOMER)),),
        keys=((1, "77#"), (4, "102#")),
        answers_after=3,
        comes_to="102",
        seconds=11,
    ),
    "a caller asks for an order, wrongly first": Story(
        flow="TellOrderStatus",
        shop=STATUS,
        deeds=((0, _asks_for_status),),
        keys=((1, "9999#"), (5, "1001#")),
        comes_to="goodbye",
        seconds=18,
    ),
    "a caller knows no order and comes to the staff": Story(
        flow="TellOrderStatus", shop=STATUS, deeds=((0, _asks_for_status),), answers_after=3, comes_to="101", seconds=26
    ),
    "a courier proves it and calls a customer": Story(
        flow="CourierMenu",
        deeds=((0, _of_an_order(_to_line("red", COURIER))),),
        keys=((1, "111111#"), (4, "482913#"), (7, "1001#")),
        answers_after=3,
        comes_to=CUSTOMER,
        seconds=16,
    ),
    "a courier is turned away and called back": Story(
        flow="RingBack",
        shop=BACK,
        deeds=((0, _to_line("red", COURIER)),),
        answers_after=3,
        rung_press=((3, "1"),),
        comes_to="enter-number",
        seconds=14,
    ),
    "a courier has tapped on an order": Story(
        flow="CallBack", deeds=((0, _taps),), answers_after=3, rung_press=((7, "1"),), comes_to=CUSTOMER, seconds=18
    ),
    "a phone calls a customer": Story(
        flow="ToOutside", deeds=((0, _from("101", CUSTOMER)),), answers_after=5, comes_to=CUSTOMER, seconds=9
    ),
    "a phone calls for help": Story(
        flow="ToOutside", deeds=((0, _from("101", "112")),), answers_after=5, comes_to="112", seconds=9
    ),
    "a button calls a customer": Story(
        flow="TwoLegs", deeds=((0, _clicks),), answers_after=3, comes_to=CUSTOMER, seconds=10
    ),
    "a phone is rung to be tried": Story(
        flow="TrialCall", deeds=((0, _is_tried),), answers_after=3, comes_to="goodbye", seconds=20
    ),
    "a phone calls another one, which is silent": Story(
        flow="RingPhones",
        shop=_with(on=False),
        deeds=((0, _from("101", "103")),),
        comes_to="recording-beep",
        seconds=70,
    ),
    "a phone calls another one": Story(
        flow="RingPhones", deeds=((0, _from("101", "102")),), answers_after=4, comes_to="102", seconds=8
    ),
    "a phone is not to be disturbed": Story(
        flow="ChangePhone", deeds=((0, _from("101", "*78")),), comes_to="do-not-disturb-on", seconds=3
    ),
    "a phone says the greeting anew": Story(
        flow="RecordPrompt",
        deeds=((0, _from("101", "*77")), (3, _speaks)),
        keys=((5, "#"),),
        comes_to="greeting",
        seconds=8,
    ),
    "a phone takes no calls of the queue": Story(
        flow="TakeCalls", deeds=((0, _from("101", "*74")),), comes_to="pause-on", seconds=3
    ),
    "a phone hears its messages": Story(
        flow="HearMessages", deeds=((0, _has_messages),), comes_to="no-new-messages", seconds=8
    ),
    "another phone hears them by extension and PIN": Story(
        flow="HearMessages",
        shop=OPENED,
        deeds=((0, _from("101", "*98")),),
        keys=((1, "103#"), (3, "111111#"), (6, "103#"), (8, "482913#")),
        comes_to="no-new-messages",
        seconds=12,
    ),
    "a queue sends its caller on to another one, and that one to a message": Story(
        flow="Receive",
        shop=QUEUES,
        deeds=((0, _to_line("red", CUSTOMER)),),
        comes_to="recording-beep",
        seconds=34,
    ),
    "a caller dials a queue, and its staff pick up": Story(
        flow="AskExtension",
        shop=replace(QUEUES, lines=(replace(SHOP.lines[0], asks_extension=True), SHOP.lines[1])),
        deeds=((0, _to_line("red", CUSTOMER)),),
        keys=((1, "82#"),),
        answers_after=12,
        comes_to="103",
        seconds=20,
    ),
    "a SIM without any phone": Story(
        flow="Refuse",
        shop=replace(SHOP, phones=(), couriers=()),
        deeds=((0, _to_line("blue", CUSTOMER)),),
        comes_to="",
        seconds=2,
    ),
    "the budget of the toll-free number is spent": Story(
        flow="Announce",
        shop=replace(SHOP, toll_free=SPENT),
        deeds=((0.5, _to_trunk("free", CUSTOMER)), (0, _to_trunk("free", STRANGER))),
        answers_after=40,
        comes_to="all-busy",
        seconds=4,
    ),
    "another phone picks up": Story(
        flow="PickUp", deeds=((0, _to_line("red", CUSTOMER)), (2, _from("103", "*8"))), comes_to="103", seconds=6
    ),
    "another phone takes the place of one that rings": Story(
        flow="TakePlace", deeds=((0, _to_line("red", CUSTOMER)), (2, _takes_the_place)), comes_to="102", seconds=6
    ),
    "a promise is kept, the employee first": Story(
        flow="ReturnCall", deeds=((0, _was_promised),), answers_after=3, promised_at=0, comes_to=CUSTOMER, seconds=18
    ),
    "a promise is kept, the customer first": Story(
        flow="ReturnCall",
        shop=_with(call_back_first=CallBackFirst.CUSTOMER),
        deeds=((0, _was_promised),),
        answers_after=3,
        promised_at=0,
        comes_to="101",
        seconds=18,
    ),
}
