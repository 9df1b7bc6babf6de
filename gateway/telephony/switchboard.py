"""Switchboard: takes each incoming leg, starts its flow, and leaves nothing behind when it is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from gateway.errors import GatewayError, LegEnded
from gateway.events import CallEnded, CallStarted, CallTraced, TracedLine
from gateway.ids import new_id
from gateway.telephony.blocked import when_blocked
from gateway.telephony.call import Call
from gateway.telephony.call_backs import CallBacks
from gateway.telephony.causes import Cause
from gateway.telephony.company import Role
from gateway.telephony.destinations import (
    CallBack,
    CourierMenu,
    Destination,
    Refuse,
    ReturnCall,
    RingBack,
    RingPhones,
    ToCourier,
    ToOutside,
    TrialCall,
    TwoLegs,
)
from gateway.telephony.exchange import Exchange
from gateway.telephony.faults import cause_of_fault
from gateway.telephony.flow import flow_for
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.numbers import Dialable
from gateway.telephony.orders import Order
from gateway.telephony.routing import route, to_dialled
from gateway.telephony.shop import CourierSettings
from gateway.telephony.toll_free_door import at_the_door
from gateway.telephony.transfer import Silent, TransferWish

log = logging.getLogger(__name__)

TRACE_SECONDS = 1.5
"""So long after its end the wires of a call may have something to say that belongs to it: the answer to a BYE."""
DRAIN_SECONDS = 20.0
"""How long running calls may go on after the daemon was told to stop (X-D5)."""


class Switchboard:
    """All calls that run.

    The drivers are given `incoming`; `connect` gives it the exchange that holds the drivers. Until it is
    entered, and from the moment it is left, every leg is refused.
    """

    def __init__(
        self, is_overloaded: Callable[[], bool] = lambda: False, *, drain_seconds: float = DRAIN_SECONDS
    ) -> None:
        """While `is_overloaded` says so, the machine has no time for one more call."""
        self._exchange: Exchange | None = None
        self._drain_seconds = drain_seconds
        self._is_overloaded = is_overloaded
        self._calls: dict[str, Call] = {}
        self._call_backs = CallBacks()
        self._untraced: dict[str, asyncio.TimerHandle] = {}
        """Calls that are over and whose trace is not told yet."""
        self._is_open = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks = asyncio.TaskGroup()

    def connect(self, exchange: Exchange) -> None:
        """Serve calls with these surroundings."""
        self._exchange = exchange

    async def __aenter__(self) -> Self:
        """Ready for calls."""
        await self._tasks.__aenter__()
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no new calls, give the running ones time, then end them all."""
        self._is_open = False
        try:
            async with asyncio.timeout(self._drain_seconds if kind is None else 0):
                await self._idle.wait()
        except TimeoutError:
            log.info("%d calls are ended by the stop.", len(self._calls))
        for call in list(self._calls.values()):
            call.caller.hangup(Cause.SHUTDOWN)
        await self._tasks.__aexit__(kind, error, trace)
        while self._untraced:
            _, timer = self._untraced.popitem()
            timer.cancel()

    def traced(self, call_id: str) -> tuple[TracedLine, ...]:
        """What the wires of a running call have said so far. Raises LookupError when there is no such call."""
        return _traced(self._calls[call_id])

    def legs_of(self, call_id: str) -> list[Leg]:
        """The legs of a running call, those that are over among them. Raises LookupError when there is no such call."""
        return list(self._calls[call_id].legs)

    def incoming(self, leg: Leg) -> None:
        """A driver has a new incoming leg. Returns at once."""
        if self._exchange is None or not self._is_open:
            leg.hangup(Cause.SHUTDOWN)
            return
        self._tasks.create_task(self._serve(leg, self._exchange), name=f"call from {leg.peer or 'unknown'}")

    def calls(self) -> list[Call]:
        """The calls that run now, oldest first."""
        return list(self._calls.values())

    def hang_up(self, call_id: str) -> bool:
        """End a call on a person's order; False when there is no such call."""
        call = self._calls.get(call_id)
        if call is None:
            return False
        call.caller.hangup(Cause.HUNG_UP)
        return True

    def transfer(self, call_id: str, target: str) -> Cause | None:
        """Connect whoever talks to a phone of ours with `target`, on a person's order: as if that phone had asked.

        Of two phones the one that was called leaves. None: it is being tried; else why not. Raises LookupError
        when there is no such call.
        """
        call = self._calls[call_id]
        talking = [leg for leg in (call.talking_to, call.caller) if leg is not None and leg.line is None]
        if call.talking_to is None or not talking:
            return Cause.REJECTED
        by = talking[0]
        return by.on_transfer(TransferWish(by=by, target=target, report=Silent()))

    def bring_in(self, call_id: str, extension: str, role: Role, *, by: str) -> Cause | None:
        """Ring a phone of ours that shall join those who talk; one that has joined does `role` from now on.

        None: it is being rung; else why not. Raises LookupError when there is no such call.
        """
        call = self._calls[call_id]
        company = call.company
        refusal = company.refusal(role)
        if refusal is not None:
            return refusal
        known = next((leg for leg in company.guests if leg.peer == extension), None)
        if known is not None:
            company.seat(known, role, by=by)
            return None
        if call.exchange.shop().phone(extension) is None:
            return Cause.NO_SUCH_NUMBER
        leg = call.invite(extension)
        if leg is None:
            return Cause.REJECTED
        if leg.state is LegState.ENDED:
            return leg.cause or Cause.UNREACHABLE
        self._tasks.create_task(company.receive(leg, role, by=by), name=f"{extension} joins")
        return None

    def hand_over(self, call_id: str, leg_id: str) -> bool:
        """Let a guest who is being consulted have the place of whoever asked; False: nobody consults that one.

        Raises LookupError: no such call.
        """
        company = self._calls[call_id].company
        guest = next((each for each in company.guests if each.id == leg_id), None)
        host = company.host_of(guest) if guest is not None and guest is company.consulted else None
        if host is None:
            return False
        host.hangup(Cause.TRANSFERRED)
        return True

    def drop(self, call_id: str, leg_id: str) -> bool:
        """End one leg of a call that goes on without it; False when it would not. Raises LookupError: no such call."""
        call = self._calls[call_id]
        leg = next((each for each in call.legs if each.id == leg_id), None)
        if leg is None or leg.state is LegState.ENDED:
            return False
        is_of_the_two = leg in (call.caller, call.talking_to)
        if is_of_the_two and Role.SPEAKS not in call.company.guests.values():
            return False
        leg.hangup()
        return True

    def pause_recording(self, call_id: str, *, paused: bool) -> bool:
        """Keep silence in the recording of a call, or what is said again; False when it is not being recorded.

        Raises LookupError when there is no such call.
        """
        return self._calls[call_id].recorder.pause_for_card(paused=paused)

    def call_back(self, extension: str, order: Order | None = None, after: float = 0.0) -> Cause | None:
        """Ring a courier's registered mobile; then the customer of `order`, or the prompt. None: it is being done.

        Otherwise why not: BUSY, as a courier is called back once at a time, and not while talking; NO_FREE_LINE;
        with `after` seconds, which is for a wish that only a caller's number stands for, CONGESTION when it comes
        too often.
        """
        exchange, now = self._exchange, asyncio.get_running_loop().time()
        courier = exchange.shop().courier(extension) if exchange is not None and self._is_open else None
        if exchange is None or courier is None:
            return Cause.UNREACHABLE
        talks = any(call.courier == extension and call.caller.cause is None for call in self._calls.values())
        if talks or self._call_backs.is_under_way(extension):
            return Cause.BUSY
        if after and not self._call_backs.may_ring_again(extension, now):
            log.warning("Courier %s was called back too often in this hour: the mobile is left alone.", extension)
            return Cause.CONGESTION
        if (
            not after
            and next(exchange.free_lines(courier.lines, besides=None, operator=courier.operator), None) is None
        ):
            return Cause.NO_FREE_LINE
        self._call_backs.begin(extension)
        self._tasks.create_task(self._ring_back(courier, order, exchange, after), name=f"call back {extension}")
        return None

    def place(self, leg: Leg, destination: Destination, call_id: str) -> bool:
        """Let a leg that we have dialled be the caller of a new call of that id; False: no calls are taken now."""
        if self._exchange is None or not self._is_open:
            return False
        self._tasks.create_task(self._serve(leg, self._exchange, destination, call_id), name=f"call {call_id}")
        return True

    async def _ring_back(self, courier: CourierSettings, order: Order | None, exchange: Exchange, after: float) -> None:
        with self._call_backs.until_done(courier.extension):
            await asyncio.sleep(after)
            line = next(exchange.free_lines(courier.lines, besides=None, operator=courier.operator), None)
            if line is None or not self._is_open:
                log.info("Courier %s cannot be called back: no line is free.", courier.extension)
                return
            call_id = new_id()
            try:
                number = exchange.policy().require(courier.mobile)
                leg = line.dial(number, call_id=call_id, extension=courier.extension)
            except GatewayError as fault:
                log.info("Courier %s cannot be called back: %s", courier.extension, fault)
                return
            await self._serve(leg, exchange, CallBack(courier=courier, order=order), call_id)

    async def _serve(
        self, leg: Leg, exchange: Exchange, destination: Destination | None = None, call_id: str | None = None
    ) -> None:
        call = Call(leg, exchange, call_id=call_id)
        try:
            destination = destination or await self._destination(exchange, call.id, leg)
        except Exception:  # nor does one on the way there (rule 4)
            log.exception("Where a call from %s goes cannot be found out", leg.peer or "a withheld number")
            destination = Refuse(cause=Cause.FAULT)
        call.flow, flow = flow_for(destination)
        call.courier = _courier_of(destination)
        self._calls[call.id] = call
        self._idle.clear()
        self._publish_start(call, destination)
        try:
            async with call.while_caller_up():
                try:
                    await flow(call, destination)
                except LegEnded:
                    pass  # the verb met a caller who had just gone; the record says so
                except GatewayError as fault:
                    log.info("Call from %s to %s: %s", leg.peer or "a withheld number", call.called, fault)
                    await call.refuse(cause_of_fault(fault))
        except Exception:  # a flow's bug ends its own call and no other (rule 4)
            log.exception("The flow %s failed", call.flow)
            call.caller.hangup(Cause.FAULT)
        finally:
            self._finish(call)

    async def _destination(self, exchange: Exchange, call_id: str, leg: Leg) -> Destination:
        """Where a leg that came in goes."""
        turned_away = (
            self._shed(exchange, leg) or when_blocked(exchange, leg) or await at_the_door(exchange, call_id, leg)
        )
        if turned_away is not None:
            return turned_away
        manager = exchange.people.manager_of(leg.peer) if leg.line is not None else None
        return route(exchange.shop(), leg, exchange.orders(), manager)

    def _shed(self, exchange: Exchange, leg: Leg) -> Destination | None:
        """Where a call ends that would cost the running ones their sound; never one for help, or part of one (X-C1)."""
        if not self._is_overloaded() or leg.replaces is not None:
            return None
        dialled = exchange.policy().check(leg.called) if leg.line is None else None
        if isinstance(dialled, Dialable) and dialled.emergency:
            return None
        return Refuse(cause=Cause.CONGESTION)

    def _publish_start(self, call: Call, destination: Destination) -> None:
        leg = call.caller
        match destination:
            case CallBack(order=order):
                direction = "outgoing"
                call.called = order.number if order is not None else ""
            case ReturnCall(number=number, extensions=extensions):
                direction = "outgoing"
                call.called = number if leg.line is None else extensions[0]
            case TwoLegs(text=text):
                inside = isinstance(to_dialled(call.exchange.shop(), text), RingPhones)
                direction = "internal" if inside else "outgoing"
                call.called = text
            case TrialCall():
                direction = "internal" if leg.line is None else "outgoing"
            case _ if leg.line is not None:
                direction = "incoming"
            case ToCourier() | ToOutside():
                direction = "outgoing"
            case _:
                direction = "internal"
        log.info("Call from %s to %s (%s).", leg.peer or "a withheld number", call.called, call.flow)
        call.exchange.publish(
            CallStarted(
                call_id=call.id,
                direction=direction,
                caller=leg.peer,
                caller_name=call.shown.name,
                called=call.called,
                line=leg.line,
                flow=call.flow,
                courier=call.courier,
                order=_order_of(destination),
                visit_id=(destination.visit_id or None) if isinstance(destination, ReturnCall) else None,
            )
        )

    def _finish(self, call: Call) -> None:
        """Whatever the flow did: no leg is left, and the record is complete."""
        for leg in call.legs:
            leg.hangup()
        self._calls.pop(call.id, None)
        if not self._calls:
            self._idle.set()
        now = asyncio.get_running_loop().time()
        cause, ended_by = _how_it_ended(call)
        call.exchange.publish(
            CallEnded(
                call_id=call.id,
                cause=cause,
                ended_by=ended_by,
                talk_seconds=round(now - call.answered_at, 3) if call.answered_at is not None else 0.0,
                total_seconds=round(now - call.started_at, 3),
                verdict=call.sound.verdict,
                caller_mos=call.sound.caller_mos,
                callee_mos=call.sound.callee_mos,
            )
        )
        self._untraced[call.id] = asyncio.get_running_loop().call_later(TRACE_SECONDS, self._trace, call)

    def _trace(self, call: Call) -> None:
        self._untraced.pop(call.id, None)
        lines = _traced(call)
        if lines:
            call.exchange.publish(CallTraced(call_id=call.id, lines=lines))


def _courier_of(destination: Destination) -> str | None:
    match destination:
        case (
            ToCourier(courier=courier)
            | CourierMenu(courier=courier)
            | RingBack(courier=courier)
            | CallBack(courier=courier)
        ):
            return courier.extension
        case _:
            return None


def _order_of(destination: Destination) -> str | None:
    match destination:
        case ToCourier(order=Order() as order) | CallBack(order=Order() as order):
            return order.number
        case _:
            return None


def _how_it_ended(call: Call) -> tuple[Cause, str]:
    """The cause of the whole call and who ended it: the caller, the callee or the gateway."""
    caller, callee = call.caller, call.ended_with
    if call.was_given_away:
        return Cause.TRANSFERRED, "gateway"
    if callee is not None:
        return callee.cause or Cause.FAULT, "callee" if callee.ended_by_peer else "gateway"
    if caller.ended_by_peer and call.answered_at is None and caller.cause is Cause.HUNG_UP:
        return Cause.CANCELLED, "caller"
    return caller.cause or Cause.FAULT, "caller" if caller.ended_by_peer else "gateway"


def _traced(call: Call) -> tuple[TracedLine, ...]:
    """What the wires of a call have said so far."""
    legs = [(leg.id, leg.line if leg.kind == "gsm" else None) for leg in call.legs]
    return tuple(
        TracedLine(round(each.at - call.started_at, 3), each.kind, each.way, each.who, each.text)
        for each in call.exchange.traces.of_call(call.id, legs, call.started_at)
    )
