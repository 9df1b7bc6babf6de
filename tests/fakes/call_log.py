"""A made-up log of calls: rows in a database in memory, and the same calls as plain values for a recount."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert

from gateway.store.schema import calls, legs
from tests.fakes.direct_store import memory_writer

PHONES = ("101", "102", "103")
COURIERS = ("2001", "2002")
LINES = ("red", "blue")


@dataclass(frozen=True, kw_only=True)
class LoggedLeg:
    """A party's connection."""

    peer: str
    line: str | None
    incoming: bool
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    cost: int | None = None


@dataclass(frozen=True, kw_only=True)
class LoggedCall:
    """One story."""

    id: str
    direction: str
    caller: str
    called: str
    started_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    ended_at: datetime | None
    line: str | None = None
    courier: str | None = None
    cause: str = "hung-up"
    legs: tuple[LoggedLeg, ...] = field(default=())

    @property
    def talk_ms(self) -> int:
        if self.ended_at is None or self.answered_at is None:
            return 0
        return round((self.ended_at - self.answered_at).total_seconds() * 1000)

    @property
    def total_ms(self) -> int:
        return 0 if self.ended_at is None else round((self.ended_at - self.started_at).total_seconds() * 1000)

    @property
    def cost(self) -> int | None:
        costs = [leg.cost for leg in self.legs if leg.cost is not None]
        return sum(costs) if costs else None


@contextmanager
def stored(log: list[LoggedCall]) -> Iterator[Connection]:
    """The log in a database, with a connection to it."""
    writer = memory_writer()
    with writer.engine.begin() as connection:
        if log:
            connection.execute(insert(calls), [call_row(call) for call in log])
        rows = [leg_row(call, place) for call in log for place in range(len(call.legs))]
        if rows:
            connection.execute(insert(legs), rows)
        yield connection
    writer.engine.dispose()


def random_log(shuffle: random.Random, first: datetime, length: timedelta, count: int) -> list[LoggedCall]:
    """Calls of all kinds; some ring at several phones, try two lines, find no free one, or still run."""
    return [_random_call(shuffle, number, first, length) for number in range(count)]


def _random_call(shuffle: random.Random, number: int, first: datetime, length: timedelta) -> LoggedCall:
    def later(moment: datetime, most_ms: int) -> datetime:
        return moment + timedelta(milliseconds=shuffle.randrange(most_ms))

    started = first + timedelta(milliseconds=shuffle.randrange(int(length.total_seconds() * 1000)))
    direction = shuffle.choice(["incoming", "incoming", "outgoing", "internal"])
    is_answered, is_running = shuffle.random() < 0.6, shuffle.random() < 0.03
    answered = later(started, 40_000) if is_answered else None
    ended = None if is_running else later(answered or started, 900_000)
    customer = f"+7916000000{shuffle.randrange(8)}"
    shown = "" if direction == "incoming" and shuffle.random() < 0.1 else customer
    phone, line = shuffle.choice(PHONES), shuffle.choice(LINES)
    price = shuffle.choice([None, None, shuffle.randrange(500)])
    made: list[LoggedLeg] = []
    if direction == "incoming":
        made.append(LoggedLeg(peer=shown, line=line, incoming=True, started_at=started, answered_at=answered,
                              ended_at=ended))  # fmt: skip
        for rung in shuffle.sample(PHONES, shuffle.randint(0, 3)):
            made.append(LoggedLeg(peer=rung, line=None, incoming=False, started_at=started,
                                  answered_at=answered if rung == phone else None, ended_at=ended))  # fmt: skip
    else:
        made.append(LoggedLeg(peer=phone, line=None, incoming=True, started_at=started, answered_at=answered,
                              ended_at=ended))  # fmt: skip
    if direction == "outgoing":
        for tried in shuffle.sample(LINES, shuffle.randint(0, 2)):
            is_last = tried == line
            made.append(LoggedLeg(peer=customer, line=tried, incoming=False, started_at=started,
                                  answered_at=answered if is_last else None, ended_at=ended,
                                  cost=price if is_last else None))  # fmt: skip
    is_incoming = direction == "incoming"
    return LoggedCall(
        id=f"c{number:04}", direction=direction, caller=shown if is_incoming else phone,
        called=line if is_incoming else customer, started_at=started, answered_at=answered,
        answered_by=None if not is_answered else phone if is_incoming else customer, ended_at=ended,
        line=line if is_incoming else None, courier=shuffle.choice([None, None, *COURIERS]),
        cause="hung-up" if is_answered else shuffle.choice(["no-answer", "no-free-line"]), legs=tuple(made),
    )  # fmt: skip


def call_row(call: LoggedCall) -> dict[str, object]:
    return {
        "id": call.id, "gateway_id": "g", "started_at": call.started_at, "direction": call.direction,
        "caller": call.caller, "caller_name": "", "called": call.called, "line": call.line, "flow": "",
        "courier": call.courier, "answered_at": call.answered_at, "answered_by": call.answered_by,
        "ended_at": call.ended_at, "cause": call.cause if call.ended_at is not None else None, "ended_by": "caller",
        "talk_seconds": call.talk_ms / 1000, "total_seconds": call.total_ms / 1000, "search": "", "cost": call.cost,
    }  # fmt: skip


def leg_row(call: LoggedCall, place: int) -> dict[str, object]:
    leg = call.legs[place]
    return {
        "id": f"{call.id}-{place}", "gateway_id": "g", "call_id": call.id, "kind": "gsm" if leg.line else "sip",
        "direction": "incoming" if leg.incoming else "outgoing", "peer": leg.peer, "line": leg.line,
        "started_at": leg.started_at, "answered_at": leg.answered_at, "ended_at": leg.ended_at, "cost": leg.cost,
    }  # fmt: skip
