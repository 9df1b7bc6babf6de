"""Programs are told what happens: each what it has chosen, in order, signed, and with numbers where they belong."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.api.contract import contract
from gateway.errors import GatewayError
from gateway.events import (
    CallAnswered,
    CallEnded,
    CallRouted,
    CallStarted,
    Event,
    Published,
    RecordingFinished,
    ShopChanged,
    SmsReceived,
)
from gateway.jobs import JobRunner
from gateway.messaging.event_news import EventNews
from gateway.messaging.event_post import EventPost
from gateway.messaging.outside import AddressBarred, Answer, Question, ServerAway
from gateway.store.orders import StoredOrders
from gateway.telephony.event_hooks import CutOffCall, EventHook, Happening, KnownCall
from gateway.telephony.orders import Order, Stage
from gateway.telephony.shop import CourierSettings, LineSettings, Shop
from gateway.webhook_settings import EVENTS
from tests.api.shapes import assert_fits_schema
from tests.fakes.direct_store import BEGAN, DirectStore, direct_store, loop_clock

SECRET = "a-secret-that-is-shared"
CRM = EventHook(
    id="h1", name="CRM", url="https://crm.example/hook", secret=SECRET, events=tuple(Happening),
    panel="https://simbridge.local:8080",
)  # fmt: skip
PAVEL = CourierSettings(extension="2001", name="Pavel", mobile="+79165550001", lines=("red",))
SHOP = Shop(name="Flowers", lines=(LineSettings(name="red", number="+79160000001"),), couriers=(PAVEL,))
CUSTOMER = "+79161234567"
ORDER = Order(
    id="o1", number="A-1001", phone=CUSTOMER, customer="Anna", courier="2001", stage=Stage.WITH_COURIER,
    created_at=BEGAN, changed_at=BEGAN, expires_at=BEGAN + timedelta(days=9), delivery_on=date(2026, 3, 3),
)  # fmt: skip
STARTED = CallStarted(
    call_id="c1", direction="incoming", caller=CUSTOMER, caller_name="Anna", called="+79160000001", line="red",
    flow="reception",
)  # fmt: skip
ENDED = CallEnded(call_id="c1", cause="hung-up", ended_by="caller", talk_seconds=61.5, total_seconds=70.25)
RECORDED = RecordingFinished(
    call_id="c1", recording_id="r1", path="2026-03-02/r1.wav", seconds=61.0, size_bytes=9, verdict="both-heard"
)


@dataclass
class Program:
    """Answers what it is told to, and keeps what came."""

    answers: list[Answer | GatewayError] = field(default_factory=list)
    came: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> Answer:
        self.came.append(question)
        answer = self.answers.pop(0) if self.answers else Answer(200)
        if isinstance(answer, GatewayError):
            raise answer
        return answer

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(question.body or b"") for question in self.came]

    @property
    def types(self) -> list[str]:
        return [each["type"] for each in self.told]


class Desk:
    """The news and the runner of stored jobs on one store; `shop` and `hooks` may change."""

    def __init__(self, store: DirectStore, program: Program) -> None:
        self.store = store
        self.shop = SHOP
        self.hooks: Sequence[EventHook] = [CRM]
        self.living: Sequence[Order] = [ORDER]
        self.post = EventPost(hooks=lambda: self.hooks, ask=program.ask, clock=loop_clock, shop=lambda: self.shop)
        self.runner = JobRunner(store.jobs, [self.post.job], clock=loop_clock)
        self.news = EventNews(
            lambda: self.hooks, self.runner, shop=lambda: self.shop, orders=lambda: self.living, clock=loop_clock
        )

    def happens(self, *events: Event) -> None:
        for number, event in enumerate(events):
            self.news(Published(number, loop_clock(), event))

    async def runs(self, seconds: float = 5.0) -> None:
        task = asyncio.ensure_future(self.runner.run())
        await asyncio.sleep(seconds)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def told(tmp_path: Path, *events: Event) -> list[dict[str, Any]]:
    program = Program()
    with direct_store(tmp_path) as store:
        desk = Desk(store, program)
        desk.happens(*events)
        await desk.runs()
    return program.told


def test_the_words_are_the_same_everywhere() -> None:
    schema = contract()["components"]["schemas"]["Webhook"]["properties"]["events"]["items"]["enum"]
    assert tuple(EVENTS) == tuple(schema) == tuple(str(each) for each in Happening)
    assert set(contract()["webhooks"]) == {*EVENTS, "webhook.test"}


@pytest.mark.parametrize("name", [*EVENTS, "webhook.test"])
def test_every_example_of_the_contract_is_as_the_contract_says(name: str) -> None:
    content = contract()["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]
    assert_fits_schema(content["example"], content["schema"])


async def test_a_call_is_told_from_its_beginning_to_its_recording_as_the_contract_says(tmp_path: Path) -> None:
    found = await told(
        tmp_path, STARTED, CallAnswered(call_id="c1", answered_by="101"), ENDED, RECORDED,
        SmsReceived(message_id="m1", line="red", sender=CUSTOMER, text="Where?", parts=1),
    )  # fmt: skip
    assert [each["type"] for each in found] == [
        "call.started", "call.answered", "call.ended", "recording.ready", "sms.received",
    ]  # fmt: skip
    for each in found:
        hook = contract()["webhooks"][each["type"]]["post"]["requestBody"]["content"]["application/json"]
        assert_fits_schema(each, hook["schema"])
    started, answered, ended, ready, text = (each["data"] for each in found)
    assert (started["caller"], started["called"], started["answered_by"]) == (CUSTOMER, "+79160000001", None)
    assert answered["answered_by"] == "101"
    assert (ended["cause"], ended["talk_seconds"], ended["line"]) == ("hung-up", 61.5, "red")
    assert ready["page"] == "https://simbridge.local:8080/calls/c1"
    assert ready["sound"] == "https://simbridge.local:8080/api/v1/recordings/r1"
    assert "2026-03-02/r1.wav" not in str(found)
    assert (text["sender"], text["text"]) == (CUSTOMER, "Where?")
    assert [each["id"] for each in found] == sorted(each["id"] for each in found), "ids sort as things happened"


async def test_it_is_signed_and_the_attempt_is_counted(tmp_path: Path) -> None:
    program = Program(answers=[Answer(503), ServerAway("nobody", is_slow=True)])
    with direct_store(tmp_path) as store:
        desk = Desk(store, program)
        desk.happens(STARTED)
        await desk.runs(60)
    assert [question.headers["X-Simbridge-Attempt"] for question in program.came] == ["1", "2", "3"]
    assert len({question.headers["X-Simbridge-Delivery"] for question in program.came}) == 1
    last = program.came[-1]
    assert last.body == program.came[0].body, "what is sent again is the same"
    assert last.headers["X-Simbridge-Event"] == "call.started"
    seconds, _, value = last.headers["X-Simbridge-Signature"].partition(",v1=")
    signed = f"{seconds.removeprefix('t=')}.".encode() + (last.body or b"")
    assert hmac.compare_digest(value, hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest())
    assert (last.may_be_private, last.address) == (False, "https://crm.example/hook")


async def test_each_program_is_told_what_it_has_chosen(tmp_path: Path) -> None:
    program = Program()
    with direct_store(tmp_path) as store:
        desk = Desk(store, program)
        desk.hooks = [
            replace(CRM, events=(Happening.CALL_MISSED,)),
            replace(CRM, id="h2", url="http://10.0.0.5/", events=(Happening.CALL_ENDED,), panel="", of_file=True),
            replace(CRM, id="h3", events=(Happening.SMS_RECEIVED,)),
        ]
        desk.happens(STARTED, ENDED, RECORDED)
        await desk.runs()
    assert sorted((question.address, question.may_be_private) for question in program.came) == [
        ("http://10.0.0.5/", True), ("https://crm.example/hook", False),
    ]  # fmt: skip
    assert sorted(program.types) == ["call.ended", "call.missed"]


@pytest.mark.parametrize(
    ("changes", "is_missed"),
    [
        ({}, True),
        ({"caller": ""}, True),
        ({"caller": PAVEL.mobile}, False),
        ({"direction": "outgoing"}, False),
        ({"line": "pbx 2001", "caller": "204"}, False),
        ({"flow": "order-status", "order": "A-1001"}, False),
    ],
)
async def test_who_is_missed_is_who_stands_on_the_list(
    tmp_path: Path,
    changes: dict[str, Any],
    is_missed: bool,
) -> None:
    found = await told(tmp_path, replace(STARTED, **changes), replace(ENDED, talk_seconds=0.0))
    assert [each["type"] for each in found if each["type"] == "call.missed"] == ["call.missed"] * is_missed


async def test_the_two_people_of_an_order_stay_strangers(tmp_path: Path) -> None:
    """A courier is an extension, and a customer whom a courier calls is the number of the order (B1, B2)."""
    by_courier = await told(
        tmp_path,
        replace(STARTED, caller=PAVEL.mobile, caller_name="", courier="2001", flow="courier-menu"),
        CallRouted(call_id="c1", called="A-1001", flow="courier-menu", courier="2001", order="A-1001"),
        CallAnswered(call_id="c1", answered_by=CUSTOMER), ENDED, RECORDED,
        SmsReceived(message_id="m1", line="red", sender=PAVEL.mobile, text="1001", parts=1),
    )  # fmt: skip
    assert PAVEL.mobile not in str(by_courier)
    assert CUSTOMER not in str(by_courier)
    assert (by_courier[-2]["data"]["caller"], by_courier[-2]["data"]["answered_by"]) == ("2001", "A-1001")
    (tmp_path / "other").mkdir()
    by_customer = await told(
        tmp_path / "other", replace(STARTED, courier="2001", order="A-1001", flow="to-courier"),
        CallAnswered(call_id="c1", answered_by=PAVEL.mobile), ENDED,
    )  # fmt: skip
    assert PAVEL.mobile not in str(by_customer)
    assert by_customer[-1]["data"]["answered_by"] == "2001"


async def test_who_asks_for_an_order_and_every_change_of_one_is_told(tmp_path: Path) -> None:
    program = Program()
    with direct_store(tmp_path) as store:
        desk = Desk(store, program)
        desk.happens(
            replace(STARTED, flow="order-status"),
            CallRouted(call_id="c1", called="A-1001", flow="order-status", order="A-1001"),
        )
        orders = StoredOrders(
            store.writer, gateway_id="g", shop=lambda: SHOP, clock=loop_clock, publish=store.events.append
        )
        orders.tell(desk.news.orders_changed)
        rows = "".join(f"B-{number};+7916000{number:04}\n" for number in range(60))
        await orders.import_text("number;phone\n" + rows, by="anna")
        await orders.change("B-7", {"stage": "delivered", "courier": "2001"}, by="Courier 2001")
        await desk.runs()
    asked = program.told[1]
    assert (asked["type"], asked["data"]["order"], asked["data"]["stage"]) == ("order.asked", "A-1001", "with-courier")
    assert_fits_schema(asked, contract()["webhooks"]["order.asked"]["post"]["requestBody"]["content"][
        "application/json"]["schema"])  # fmt: skip
    changes = [each["data"] for each in program.told if each["type"] == "order.changed"]
    assert len(changes) == 61, "also of very many at once none is left out"
    assert changes[-1] == {
        "order": "B-7", "stage": "delivered", "courier": "2001", "delivery_on": None, "closed": False,
        "by": "Courier 2001",
    }  # fmt: skip
    assert "+7916" not in str(changes)


async def test_a_courier_s_shift_is_told_however_it_was_changed(tmp_path: Path) -> None:
    program = Program()
    with direct_store(tmp_path) as store:
        desk = Desk(store, program)
        desk.happens(ShopChanged(by="anna"))
        for on_shift, by in ((False, "anna"), (True, "import")):
            desk.shop = replace(SHOP, couriers=(replace(PAVEL, on_shift=on_shift), replace(PAVEL, extension="2002")))
            desk.happens(ShopChanged(by=by))
        await desk.runs()
    assert [(each["type"], each["data"]) for each in program.told] == [
        ("courier.off_shift", {"courier": "2001", "name": "Pavel", "by": "anna"}),
        ("courier.on_shift", {"courier": "2001", "name": "Pavel", "by": "import"}),
    ]


async def test_what_was_promised_goes_out_after_a_restart_and_what_a_crash_cut_off_is_told(tmp_path: Path) -> None:
    away, there = Program(answers=[ServerAway("nobody", is_slow=False)] * 9), Program()
    with direct_store(tmp_path) as store:
        desk = Desk(store, away)
        desk.happens(STARTED)
        await desk.runs(30)
    with direct_store(tmp_path) as store:
        desk = Desk(store, there)
        known = KnownCall(call_id="c1", started_at=BEGAN, caller=CUSTOMER, called="+79160000001", line="red")
        desk.news.cut_off([CutOffCall(call=known, talk_seconds=0.0, total_seconds=12.0)], [RECORDED])
        await desk.runs()
        assert {state for (state,) in store.rows("SELECT state FROM jobs")} == {"done"}
    assert there.types == ["call.started", "call.ended", "call.missed", "recording.ready"]
    assert there.told[1]["data"]["cause"] == "fault"


async def test_what_a_program_does_not_want_is_given_up_and_the_next_goes_on(tmp_path: Path) -> None:
    program = Program(answers=[Answer(422)])
    with direct_store(tmp_path) as store:
        desk = Desk(store, program)
        desk.happens(STARTED, ENDED)
        await desk.runs()
        assert store.rows("SELECT state, last_error FROM jobs ORDER BY id")[:2] == [
            ("failed", "The program answered 422."), ("done", None),
        ]  # fmt: skip
        desk.hooks = [CRM]
        desk.happens(RECORDED)
        desk.hooks = []
        await desk.runs()
        states = [state for (state,) in store.rows("SELECT state FROM jobs ORDER BY id")]
    assert states[-1] == "failed", "who was taken away is told nothing"


async def test_a_test_says_what_the_program_has_answered(tmp_path: Path) -> None:
    program = Program(answers=[Answer(204), Answer(500), AddressBarred("crm.example is private.")])
    with direct_store(tmp_path) as store:
        post = Desk(store, program).post
        tried = [await post.try_out("h1") for _ in range(3)]
        assert await post.try_out("nobody") is None
        assert store.rows("SELECT count(*) FROM jobs") == [(0,)]
    assert [each.code for each in tried if each] == [None, "receiver-busy", "address-barred"]
    assert {each.place for each in tried if each} == {"crm.example"}
    for each in program.told:
        hook = contract()["webhooks"]["webhook.test"]["post"]["requestBody"]["content"]["application/json"]
        assert_fits_schema(each, hook["schema"])


async def test_of_calls_that_are_over_only_some_are_remembered(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        desk = Desk(store, Program())
        desk.hooks = []
        for number in range(500):
            desk.happens(replace(STARTED, call_id=f"c{number}"), replace(ENDED, call_id=f"c{number}"))
        assert len(desk.news._calls) == 200


def _page() -> str:
    return (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


async def test_the_page_for_those_who_write_such_a_program_is_right(tmp_path: Path) -> None:
    """Its Python is run on a real message; its examples are those of the contract."""
    program = Program()
    with direct_store(tmp_path) as store:
        desk = Desk(store, program)
        desk.happens(STARTED)
        await desk.runs()
    (message,) = program.came
    names: dict[str, Any] = {}
    exec(_page().partition("```python\n")[2].partition("```")[0], names)  # noqa: S102  # the page is ours
    names["time"] = SimpleNamespace(time=lambda: loop_clock().timestamp())
    signature, body = message.headers["X-Simbridge-Signature"], message.body or b""
    assert names["is_genuine"](SECRET.encode(), signature, body)
    assert not names["is_genuine"](SECRET.encode(), signature, body + b" ")
    assert not names["is_genuine"](b"another", signature, body)
    names["time"] = SimpleNamespace(time=lambda: loop_clock().timestamp() + 301)
    assert not names["is_genuine"](SECRET.encode(), signature, body), "an old one may be a thief's"
    examples = [json.loads(part.partition("```")[0]) for part in _page().split("```json\n")[1:]]
    hooks = contract()["webhooks"].values()
    assert examples == [hook["post"]["requestBody"]["content"]["application/json"]["example"] for hook in hooks]
