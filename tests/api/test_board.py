"""The board's picture is the sum of the events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from gateway.api.board import Board
from gateway.events import (
    AlertCleared,
    AlertRaised,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRouted,
    CallStarted,
    CallStepped,
    EventBus,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegRang,
    LegResumed,
    LegStarted,
    ModemChanged,
    ModemRemoved,
    PhoneRegistered,
    PhoneUnregistered,
    RecordingFinished,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    ShopChanged,
    TrunkChanged,
)
from gateway.modem.modem import ModemState
from gateway.telephony.ledger import LineMinutes
from gateway.telephony.shop import CourierSettings, PbxSettings, Shop, TrunkSettings
from gateway.telephony.tariffs import TariffSettings
from tests.api.shapes import assert_fits
from tests.fakes.exchange_view import SHOP

BESIDES: dict[str, Any] = {
    "boot": "b", "ready": True, "emulated": False, "promised": {"waiting": 0, "due_at": None},
}  # fmt: skip
"""What the server adds to a snapshot."""


class Desk:
    """A bus, its board, and a clock that a test turns."""

    def __init__(self) -> None:
        self.now = datetime(2027, 1, 31, 12, 0, tzinfo=UTC)
        self.bus = EventBus(lambda: self.now)
        self.board = Board(bus=self.bus, shop=lambda: SHOP, hang_up=lambda call_id: False, clock=lambda: self.now)

    def picture(self) -> dict[str, Any]:
        snapshot = {**self.board.snapshot(), **BESIDES}
        assert_fits(snapshot, "Snapshot")
        return snapshot

    def start_call(self) -> None:
        self.bus.publish(
            CallStarted(
                call_id="c1", direction="incoming", caller="+79031112233", called="red", line="red", flow="ring_phones"
            )
        )
        self.bus.publish(
            LegStarted(call_id="c1", leg_id="l1", kind="gsm", direction="incoming", peer="+79031112233", line="red")
        )
        self.bus.publish(LegStarted(call_id="c1", leg_id="l2", kind="sip", direction="outgoing", peer="101", line=None))


def _modem_is(desk: Desk, state: str, reason: str | None = None) -> None:
    desk.bus.publish(ModemChanged(modem="m0", line="red", state=state, reason=reason, operator="MTS", signal_dbm=-71))


def test_a_call_is_seen_from_ring_to_end() -> None:
    desk = Desk()
    desk.start_call()
    (call,) = desk.picture()["calls"]
    assert (call["state"], [leg["state"] for leg in call["legs"]]) == ("ringing", ["new", "new"])
    desk.bus.publish(LegRang(call_id="c1", leg_id="l2"))
    assert desk.picture()["calls"][0]["legs"][1]["state"] == "ringing"
    assert desk.picture()["phones"][0]["in_call"] is True
    desk.bus.publish(LegAnswered(call_id="c1", leg_id="l2"))
    desk.now += timedelta(seconds=4)
    desk.bus.publish(CallAnswered(call_id="c1", answered_by="101"))
    desk.bus.publish(RecordingStarted(call_id="c1", recording_id="r1", path="x.wav"))
    (call,) = desk.picture()["calls"]
    assert call["state"] == "talking"
    assert call["answered_at"] == "2027-01-31T12:00:04.000Z"
    assert call["answered_by"] == "101"
    assert call["recording"] is True
    desk.bus.publish(RecordingPaused(call_id="c1", recording_id="r1", seconds=3.5, why="card"))
    assert desk.picture()["calls"][0]["recording_paused"] is True
    desk.bus.publish(RecordingResumed(call_id="c1", recording_id="r1", seconds=9.25))
    assert desk.picture()["calls"][0]["recording_paused"] is False
    desk.bus.publish(
        RecordingFinished(call_id="c1", recording_id="r1", path="x.wav", seconds=1, size_bytes=2, verdict="both-heard")
    )
    assert desk.picture()["calls"][0]["recording"] is False
    desk.bus.publish(
        LegEnded(
            call_id="c1", leg_id="l2", cause="hung-up", ended_by_peer=True, frames_in=1, frames_out=1, lost=0,
            concealed=0,
        )
    )  # fmt: skip
    assert len(desk.picture()["calls"][0]["legs"]) == 1
    desk.bus.publish(CallEnded(call_id="c1", cause="hung-up", ended_by="callee", talk_seconds=1, total_seconds=5))
    assert desk.picture()["calls"] == []
    assert desk.picture()["seq"] == desk.bus.seq == 12


def test_who_holds_and_in_which_queue_a_call_waits_is_shown() -> None:
    desk = Desk()
    desk.start_call()
    assert desk.picture()["calls"][0]["queue"] is None
    desk.bus.publish(CallQueued(call_id="c1", queue="sales"))
    assert desk.picture()["calls"][0]["queue"] == "sales"
    assert (desk.picture()["calls"][0]["step"], desk.picture()["calls"][0]["step_at"]) == (None, None)
    desk.now += timedelta(seconds=9)
    desk.bus.publish(CallStepped(call_id="c1", step="greeting"))
    call = desk.picture()["calls"][0]
    assert (call["step"], call["step_at"]) == ("greeting", "2027-01-31T12:00:09.000Z")
    for event, held in ((LegHeld, [False, True]), (LegResumed, [False, False])):
        desk.bus.publish(event(call_id="c1", leg_id="l2"))
        assert [leg["held"] for leg in desk.picture()["calls"][0]["legs"]] == held
    desk.bus.publish(LegHeld(call_id="c1", leg_id="unknown"))


def test_a_recognised_courier_is_shown() -> None:
    desk = Desk()
    desk.start_call()
    desk.bus.publish(CallRouted(call_id="c1", called="101", flow="courier_menu", courier="2001"))
    picture = desk.picture()
    assert (picture["calls"][0]["called"], picture["calls"][0]["direction"]) == ("101", "incoming")
    assert [courier["in_call"] for courier in picture["couriers"]] == [True, False]


def test_events_of_unknown_calls_change_nothing() -> None:
    desk = Desk()
    desk.bus.publish(CallAnswered(call_id="x", answered_by="101"))
    desk.bus.publish(LegRang(call_id="x", leg_id="y"))
    desk.start_call()
    desk.bus.publish(LegAnswered(call_id="c1", leg_id="unknown"))
    assert len(desk.picture()["calls"]) == 1


def test_a_line_follows_its_modem() -> None:
    desk = Desk()
    states = {}
    for modem_state in ModemState:
        _modem_is(desk, modem_state)
        states[modem_state] = desk.picture()["lines"][0]["state"]
    assert states == {
        "absent": "absent", "opening": "starting", "identifying": "starting", "no-sim": "no-sim", "locked": "locked",
        "searching": "searching", "ready": "ready", "faulty": "faulty", "lost": "absent",
    }  # fmt: skip
    assert desk.picture()["lines"][1]["state"] == "absent"


def test_a_ready_line_with_a_leg_is_busy() -> None:
    desk = Desk()
    _modem_is(desk, "ready")
    desk.start_call()
    assert desk.picture()["lines"][0]["state"] == "busy"


def test_since_is_when_the_state_was_entered() -> None:
    desk = Desk()
    _modem_is(desk, "ready")
    desk.now += timedelta(minutes=5)
    _modem_is(desk, "ready")
    assert desk.picture()["modems"][0]["since"] == "2027-01-31T12:00:00.000Z"
    _modem_is(desk, "faulty", "at-timeout")
    assert desk.picture()["modems"][0]["since"] == "2027-01-31T12:05:00.000Z"
    assert desk.picture()["lines"][0]["reason"] == "at-timeout"


def test_a_registration_lasts_until_its_end_is_told() -> None:
    desk = Desk()
    for contact in ("sip:101@192.168.1.5", "sip:101@192.168.1.6"):
        desk.bus.publish(PhoneRegistered(extension="101", contact=contact, user_agent="baresip", expires_seconds=60))
    desk.now += timedelta(seconds=600)  # refreshed meanwhile, which is no event
    assert len(desk.picture()["phones"][0]["contacts"]) == 2
    for contact in ("sip:101@192.168.1.5", "sip:101@192.168.1.6"):
        assert desk.picture()["phones"][0]["registered"] is True
        desk.bus.publish(PhoneUnregistered(extension="101", contact=contact, reason="expired"))
    assert desk.picture()["phones"][0] == {
        "extension": "101", "name": "Front desk", "registered": False, "in_call": False, "contacts": [],
        "do_not_disturb": False, "forwards": {"always": None, "busy": None, "no_answer": None},
    }  # fmt: skip


def test_an_alert_is_one_until_it_is_cleared() -> None:
    desk = Desk()
    for _ in range(2):
        desk.bus.publish(AlertRaised(code="modem-lost", subject="m0", values={}))
    (alert,) = desk.picture()["alerts"]
    assert desk.board.acknowledge(alert["id"], "anna") is True
    assert desk.board.acknowledge("unknown", "anna") is False
    assert desk.picture()["alerts"][0]["acknowledged_by"] == "anna"
    before = desk.bus.seq
    assert desk.board.acknowledge(alert["id"], "boris") is True
    assert desk.bus.seq == before
    desk.bus.publish(AlertCleared(code="modem-lost", subject="m0"))
    assert desk.picture()["alerts"] == []


def test_secrets_of_the_shop_are_not_in_the_picture() -> None:
    text = repr(Desk().picture())
    assert "not-told-to-anybody" not in text
    assert "482913" not in text


def test_a_trunk_says_how_it_is_and_since_when() -> None:
    moment = datetime(2027, 1, 31, 12, 0, tzinfo=UTC)
    bus = EventBus(lambda: moment)
    shop = Shop(trunks=(TrunkSettings(name="provider", host="sip.example.net", password="x", number="+74951234567"),))
    board = Board(bus=bus, shop=lambda: shop, hang_up=lambda call_id: False, clock=lambda: moment)

    def trunk() -> Any:
        snapshot: dict[str, Any] = {**board.snapshot(), **BESIDES}
        assert_fits(snapshot, "Snapshot")
        (row,) = snapshot["trunks"]
        return row

    assert trunk() == {
        "name": "provider",
        "host": "sip.example.net",
        "number": "+74951234567",
        "state": "starting",
        "reason": None,
        "since": None,
    }
    bus.publish(TrunkChanged(trunk="provider", state="failed", reason="no-answer"))
    began, moment = moment, moment + timedelta(minutes=3)
    bus.publish(TrunkChanged(trunk="provider", state="failed", reason="status-503"))
    assert trunk()["reason"] == "status-503"
    assert trunk()["since"] == began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    bus.publish(TrunkChanged(trunk="provider", state="ready", reason=None))
    assert (trunk()["state"], trunk()["reason"]) == ("ready", None)
    assert trunk()["since"] == "2027-01-31T12:03:00.000Z"


def test_a_modem_keeps_its_signal_and_its_last_fault() -> None:
    desk = Desk()
    for minutes, dbm in enumerate((-90, -80, -80, -70)):
        desk.now = datetime(2027, 1, 31, 12, minutes, tzinfo=UTC)
        desk.bus.publish(ModemChanged(modem="m0", line="red", state="ready", reason=None, signal_dbm=dbm))
    (modem,) = desk.picture()["modems"]
    assert [(sample["time"][14:16], sample["dbm"]) for sample in modem["signal_history"]] == [
        ("00", -90), ("01", -80), ("03", -70)
    ]  # fmt: skip
    assert modem["last_fault"] is None
    desk.bus.publish(ModemChanged(modem="m0", line="red", state="faulty", reason="at-timeout", signal_dbm=-70))
    desk.now += timedelta(minutes=5)
    desk.bus.publish(ModemChanged(modem="m0", line="red", state="ready", reason=None, signal_dbm=-70))
    (modem,) = desk.picture()["modems"]
    assert modem["last_fault"] == {"code": "at-timeout", "time": "2027-01-31T12:03:00.000Z"}
    assert modem["since"] == "2027-01-31T12:08:00.000Z"


def test_the_signal_over_time_is_bounded_and_coalesced() -> None:
    desk = Desk()
    for second in range(0, 4 * 3600, 10):
        desk.now = datetime(2027, 1, 31, 12, tzinfo=UTC) + timedelta(seconds=second)
        desk.bus.publish(
            ModemChanged(modem="m0", line=None, state="ready", reason=None, signal_dbm=-60 - second // 10 % 40)
        )
    history = desk.picture()["modems"][0]["signal_history"]
    assert len(history) == 120
    times = [datetime.fromisoformat(sample["time"]) for sample in history]
    # The last sample is the present value, however young the one before it is.
    assert all(later - earlier >= timedelta(seconds=60) for earlier, later in pairwise(times[:-1]))
    assert history[-1]["dbm"] == -60 - (4 * 3600 - 10) // 10 % 40


def test_a_line_abroad_is_not_ready() -> None:
    desk = Desk()
    _modem_is(desk, "ready", "roaming-barred")
    (line, *_) = desk.picture()["lines"]
    assert (line["state"], line["reason"]) == ("roaming", "roaming-barred")
    desk.start_call()
    assert desk.picture()["lines"][0]["state"] == "busy"


def test_a_forgotten_modem_is_gone_and_one_that_is_there_carries_the_line() -> None:
    desk = Desk()
    desk.bus.publish(ModemChanged(modem="usb-1-1", line="red", state="lost", reason="modem-lost"))
    desk.bus.publish(ModemChanged(modem="usb-1-2", line="red", state="ready", reason=None))
    assert desk.picture()["lines"][0]["modem"] == "usb-1-2"
    desk.bus.publish(ModemRemoved(modem="usb-1-1"))
    desk.bus.publish(ModemRemoved(modem="unknown"))
    assert [modem["name"] for modem in desk.picture()["modems"]] == ["usb-1-2"]


def test_a_couriers_account_at_the_pbx_is_shown_like_a_provider() -> None:
    courier = CourierSettings(extension="2001", mobile="+79161234567", pbx_password="secret")
    shop = Shop(couriers=(courier,), pbx=PbxSettings(host="pbx.example.lan"))
    board = Board(bus=EventBus(), shop=lambda: shop, hang_up=lambda call_id: False)
    snapshot: dict[str, Any] = {**board.snapshot(), **BESIDES}
    assert_fits(snapshot, "Snapshot")
    (row,) = snapshot["trunks"]
    assert (row["name"], row["host"], row["state"]) == ("pbx 2001", "pbx.example.lan:5060", "starting")
    assert "secret" not in repr(snapshot)


def test_what_was_said_of_an_account_that_has_left_the_shop_counts_no_more() -> None:
    courier = CourierSettings(extension="2001", mobile="+79161234567", pbx_password="secret")
    there = Shop(couriers=(courier,), pbx=PbxSettings(host="pbx.example.lan"))
    shop, bus = there, EventBus()
    board = Board(bus=bus, shop=lambda: shop, hang_up=lambda call_id: False)

    def states() -> list[Any]:
        trunks: Any = board.snapshot()["trunks"]
        return [row["state"] for row in trunks]

    bus.publish(TrunkChanged(trunk="pbx 2001", state="ready", reason=None))
    bus.publish(ShopChanged(by="anna"))
    assert states() == ["ready"], "nothing of it was changed"
    for changed in (Shop(), replace(there, pbx=PbxSettings(host="other.example.lan"))):
        shop = changed
        bus.publish(ShopChanged(by="anna"))
        assert states() == ["starting"] * len(changed.pbx_accounts)
        shop = there
        bus.publish(ShopChanged(by="anna"))
        assert states() == ["starting"]
        bus.publish(TrunkChanged(trunk="pbx 2001", state="ready", reason=None))


def test_how_many_customers_can_talk_to_couriers_at_once() -> None:
    desk = Desk()
    assert desk.picture()["together"] == {"by_sim": 0, "by_provider": 0}
    for modem, line in (("m0", "red"), ("m1", "blue")):
        desk.bus.publish(ModemChanged(modem=modem, line=line, state="ready", reason=None, voice=True))
    assert desk.picture()["together"] == {"by_sim": 1, "by_provider": 0}
    desk.start_call()
    assert desk.picture()["together"]["by_sim"] == 1, "a line that is in a call serves"
    desk.bus.publish(ModemChanged(modem="m1", line="blue", state="ready", reason=None, voice=False))
    assert desk.picture()["together"]["by_sim"] == 0


def test_the_minutes_of_a_line_are_shown() -> None:
    """Of the day and of the month, and what they cost where there is a tariff."""
    red, blue = SHOP.lines
    shop = replace(
        SHOP,
        lines=(replace(red, minutes_per_month=600, money_per_month=50), blue),
        tariffs=(TariffSettings(way="red", per_minute="1.50"),),
    )
    board = Board(
        bus=EventBus(),
        shop=lambda: shop,
        hang_up=lambda _call_id: False,
        minutes=lambda line: (
            LineMinutes(used=7, left=5, of_month=31, cost_of_month=4650) if line == "red" else LineMinutes()
        ),
    )
    lines: Any = board.snapshot()["lines"]
    assert [(each["minutes_used"], each["minutes_left"]) for each in lines] == [(7, 5), (0, None)]
    assert [(each["minutes_of_month"], each["cost_of_month"]) for each in lines] == [(31, 46.5), (0, None)]
    assert [(each["minutes_per_month"], each["money_per_month"]) for each in lines] == [(600, 50), (None, None)]
