"""The exchange as it is now, folded from the events: what a snapshot shows and the stream then changes.

Because the board is itself a subscriber of the bus, its picture holds exactly the events up to its
`seq`: whoever takes a snapshot and follows the stream from there misses nothing and sees nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.devices import Alerts, Modems, Registrations, Trunks, balance_wire, phone_wire
from gateway.api.live_calls import LiveCalls, LiveLeg
from gateway.api.live_queue import nothing_waits
from gateway.clock import WallClock, utc_now, wire_time
from gateway.events import AlertAcknowledged, EventBus, Published, ShopChanged
from gateway.telephony.ledger import Balance, LineMinutes
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings, Shop, ShopView
from gateway.telephony.together import together

_LINE_STATES = {
    "absent": LineState.ABSENT,
    "opening": LineState.STARTING,
    "identifying": LineState.STARTING,
    "no-sim": LineState.NO_SIM,
    "locked": LineState.LOCKED,
    "searching": LineState.SEARCHING,
    "ready": LineState.READY,
    "faulty": LineState.FAULTY,
    "lost": LineState.ABSENT,
}


class Board:
    """The LiveView of the daemon. Make it before anything else publishes: it knows what it has heard."""

    def __init__(
        self,
        *,
        bus: EventBus,
        shop: ShopView,
        hang_up: Callable[[str], bool],
        clock: WallClock = utc_now,
        balance: Callable[[str], Balance | None] = lambda _: None,
        minutes: Callable[[str], LineMinutes] = lambda _: LineMinutes(),
        queue: Callable[[], dict[str, object]] = nothing_waits,
    ) -> None:
        """`balance` gives what an operator said last of a line's money, `minutes` how many of a line's are used.

        `queue` is the schema `LiveQueue`.
        """
        self._bus = bus
        self._shop = shop
        self._hang_up = hang_up
        self._clock = clock
        self._balance = balance
        self._minutes = minutes
        self._queue = queue
        self._calls = LiveCalls()
        self._modems = Modems()
        self._registrations = Registrations()
        self._trunks = Trunks()
        self._alerts = Alerts()
        self._follow_trunks()
        bus.subscribe(self._apply)

    def snapshot(self) -> dict[str, object]:
        """All of it at this moment (schema `Snapshot` without `boot` and `ready`, which the server adds)."""
        shop = self._shop()
        return {
            "seq": self._bus.seq,
            "time": wire_time(self._clock()),
            "shop": {
                "name": shop.name,
                "language": shop.language,
                "time_zone": shop.time_zone,
                "currency": shop.currency,
                "country": shop.numbers.country,
            },
            "calls": self._calls.wire(),
            "lines": [self._line(line) for line in shop.lines],
            "modems": self._modems.wire(),
            "couriers": [
                {
                    "extension": courier.extension,
                    "name": courier.name,
                    "mobile": courier.mobile,
                    "lines": list(courier.lines),
                    "has_pin": courier.pin is not None,
                    "on_shift": courier.on_shift,
                    "in_call": any(call.courier == courier.extension for call in self._calls),
                }
                for courier in shop.couriers
            ],
            "phones": [
                phone_wire(
                    phone,
                    self._registrations.contacts(phone.extension),
                    in_call=any(
                        leg.kind == "sip" and leg.line is None and leg.peer == phone.extension
                        for leg in self._live_legs()
                    ),
                )
                for phone in shop.phones
            ],
            "trunks": [self._trunks.wire(trunk) for trunk in (*shop.trunks, *shop.pbx_accounts)],
            "alerts": self._alerts.wire(),
            "together": self._together(shop),
            "queue": self._queue(),
        }

    def hang_up(self, call_id: str) -> bool:
        """End the call from our side; False when there is no such call now."""
        return self._hang_up(call_id)

    def acknowledge(self, alert_id: str, by: str) -> bool:
        """Note that a person has seen the alert; False when there is no such alert now."""
        alert = self._alerts.by_id(alert_id)
        if alert is None:
            return False
        if alert.acknowledged_at is None:
            self._bus.publish(AlertAcknowledged(code=alert.code, subject=alert.subject, by=by))
        return True

    def _apply(self, published: Published) -> None:
        time = wire_time(published.time)
        self._calls.apply(published.event, time)
        self._modems.apply(published.event, time)
        self._registrations.apply(published.event, time)
        if isinstance(published.event, ShopChanged):
            self._follow_trunks()
        self._trunks.apply(published.event, time)
        self._alerts.apply(published.event, time)

    def _follow_trunks(self) -> None:
        shop = self._shop()
        self._trunks.follow((*shop.trunks, *shop.pbx_accounts))

    def _live_legs(self) -> list[LiveLeg]:
        return [leg for call in self._calls for leg in call.legs]

    def _together(self, shop: Shop) -> dict[str, int]:
        """How many customers can talk to couriers at once, with what is in service now."""
        lines = [
            line.name
            for line in shop.lines
            if (modem := self._modems.of_line(line.name)) is not None
            and modem.voice is not False
            and self._state(line.name) in (LineState.READY, LineState.BUSY)
        ]
        trunks = [trunk for trunk in shop.trunks if self._trunks.wire(trunk)["state"] == "ready"]
        most = together(lines, shop.couriers, trunks)
        return {"by_sim": most.by_sim, "by_provider": most.by_provider}

    def _state(self, line: str) -> LineState:
        modem = self._modems.of_line(line)
        state = _LINE_STATES.get(modem.state, LineState.FAULTY) if modem is not None else LineState.ABSENT
        if state is LineState.READY and modem is not None and modem.reason == "roaming-barred":
            state = LineState.ROAMING
        if state in (LineState.READY, LineState.ROAMING) and any(leg.line == line for leg in self._live_legs()):
            state = LineState.BUSY
        return state

    def _has_tariff(self, way: str) -> bool:
        return any(tariff.way == way for tariff in self._shop().tariffs)

    def _line(self, line: LineSettings) -> dict[str, object]:
        modem, minutes = self._modems.of_line(line.name), self._minutes(line.name)
        return {
            "name": line.name,
            "number": line.number,
            "modem": modem.modem if modem is not None else line.modem,
            "state": self._state(line.name),
            "reason": modem.reason if modem is not None else None,
            "operator": (modem.operator if modem is not None else None) or line.operator,
            "signal_dbm": modem.signal_dbm if modem is not None else None,
            "rings": list(line.rings),
            "minutes_per_day": line.minutes_per_day,
            "minutes_used": minutes.used,
            "minutes_left": minutes.left,
            "minutes_of_month": minutes.of_month,
            "minutes_per_month": line.minutes_per_month,
            "cost_of_month": minutes.cost_of_month / 100 if self._has_tariff(line.name) else None,
            "money_per_month": line.money_per_month,
            "balance": balance_wire(self._balance(line.name)),
        }
