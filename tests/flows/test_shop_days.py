"""Days of a shop with random callers and staff: everybody is answered, called back or listed as missed, exactly once.

The figures of the statistics are held against a recount by what people have lived through (shop_recount.py).
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from gateway.events import CallBackChanged, CallBackPromised, CallEnded, CallQueued, Published
from gateway.store.days import stretches
from gateway.store.figures import Figures
from gateway.store.journal import Journal
from gateway.store.missed import StoredMissed, read_missed, read_open
from gateway.store.occupancy import all_lines, concurrency, lines_of
from gateway.store.returns import closures_since, returns, steps_of
from gateway.store.schema import calls as calls_table
from gateway.store.schema import legs as legs_table
from gateway.store.statistics import Grouping, Period, by_clock, by_phone, by_queue, by_time, merged, totals
from gateway.telephony.causes import Cause
from gateway.telephony.line import LineState
from gateway.telephony.missed import Closure, Talk
from gateway.telephony.promised import OPEN
from gateway.telephony.queue_rules import NamedQueue, Overflow, QueueRules, Strategy
from gateway.telephony.reception import CallBackFirst, Reception
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import LineSettings, PhoneSettings, Shop, TrunkSettings
from gateway.telephony.toll_free import TollFreeRules
from tests.fakes.direct_store import BEGAN
from tests.fakes.exchange import Scene, scene
from tests.faults import rounds
from tests.flows.shop_people import DUTY, MANAGER_MOBILE, WITHHELD, People, moment
from tests.flows.shop_recount import (
    LivedCall,
    busy_lines,
    by_extension,
    by_way,
    calls_of,
    figures_of,
    local,
    one_more_line,
    peaks_of,
    stories_of,
)

DAYS_EACH = 4
"""Of one shop, one after the other."""
PARTS, SHOPS = rounds(1, 10), rounds(1, 25)
"""Each part has a clock of its own: after two hundred days a float no longer tells moments well apart."""
CALLS_A_DAY = 22
WORKS_A_DAY = 14
CUSTOMERS = tuple(f"+7903555{number:04}" for number in range(12))
REGULARS = {CUSTOMERS[0]: "103", CUSTOMERS[1]: "101"}
EXTENSIONS = ("101", "102", "103")
DAY = 24 * 3600.0
BLINK = timedelta(milliseconds=5)
MOSCOW = ZoneInfo("Europe/Moscow")


def _shop(dice: random.Random) -> Shop:
    """As owners set it: the same numbers and phones, other rules."""
    hours = dice.choice((("09:00-18:00",), ("10:00-13:00", "14:00-19:00"), ("00:00-24:00",), ("12:00-02:00",)))
    night_to = dice.choice(("", "", DUTY, "102"))
    reception = Reception(
        on=dice.random() < 0.9, quiet_rings=dice.choice((1, 2)), music_rings=dice.choice((1, 3)),
        repeat_seconds=dice.choice((10, 30)), patience_minutes=dice.choice((1, 3)),
        offers_call_back=dice.random() < 0.9, call_back_first=dice.choice(tuple(CallBackFirst)),
        call_back_tries=dice.choice((1, 3)), call_back_gap_minutes=dice.choice((1, 5)),
        call_back_hours=dice.choice((1, 24)), night_hours=dice.random() < 0.5,
        night_to=night_to, night_confirms=night_to == DUTY and dice.random() < 0.5,
        night_message=dice.random() < 0.5,
    )  # fmt: skip
    queue = QueueRules(
        strategy=dice.choice(tuple(Strategy)), step_seconds=dice.choice((5, 15)), wrap_up_seconds=dice.choice((0, 20)),
        announce_seconds=dice.choice((0, 30)), overflow=dice.choice(tuple(Overflow)),
        overflow_callers=dice.choice((0, 1)), overflow_seconds=dice.choice((0, 40)),
        overflow_phones=("103",), overflow_number=MANAGER_MOBILE,
    )  # fmt: skip
    sales, workshop = _queues(dice) if dice.random() < 0.4 else (None, None)
    return Shop(
        queues=(sales, workshop) if sales is not None and workshop is not None else (),
        lines=(
            LineSettings(
                name="red", modem="m0", number="+79160000001", rings=("101", "102"),
                queue=sales.name if sales is not None else None,
            ),
            LineSettings(
                name="blue", modem="m1", number="+79160000002", rings=dice.choice(((), ("103",))),
                asks_extension=dice.random() < 0.2,
            ),
        ),
        trunks=(
            TrunkSettings(name="provider", host="sip.example.net", number="+74951234567"),
            TrunkSettings(name="free", host="sip.example.org", number="+78001234567"),
        ),
        phones=(
            PhoneSettings(extension="101", name="Front desk", password="a-long-password"),
            PhoneSettings(
                extension="102", name="Store", password="a-long-password", forward_no_answer=dice.choice((None, "101"))
            ),
            PhoneSettings(
                extension="103", name="Manager", password="a-long-password", mobile=MANAGER_MOBILE,
                voicemail=dice.random() < 0.5,
            ),
        ),
        reception=reception,
        queue=queue,
        toll_free=TollFreeRules(caller_per_hour=3, short_calls=3, block_hours=2),
        schedule=Schedule(monday=hours, tuesday=hours, wednesday=hours, thursday=hours, friday=hours, saturday=hours),
    )  # fmt: skip


def _queues(dice: random.Random) -> tuple[NamedQueue, NamedQueue]:
    """Two that may send their callers to one another, or elsewhere."""
    ends = [dice.choice((Overflow.STAY, Overflow.NUMBER, Overflow.VOICEMAIL, Overflow.CALL_BACK)) for _ in range(2)]
    strategies = [dice.choice(tuple(Strategy)) for _ in range(2)]
    return (
        NamedQueue(
            name="sales", phones=("101", "102"), strategy=strategies[0], wrap_up_seconds=dice.choice((0, 20)),
            overflow=ends[0], overflow_seconds=20, overflow_number="82",
        ),
        NamedQueue(
            name="workshop", extension="82", phones=("103",), strategy=strategies[1],
            overflow=ends[1], overflow_callers=1, overflow_number=MANAGER_MOBILE,
        ),
    )  # fmt: skip


async def _live_through(s: Scene, people: People, missed: StoredMissed, dice: random.Random) -> None:
    """The days, then an hour in which nobody begins anything and no phone is there."""
    s.people.managers |= REGULARS
    s.people.names |= {CUSTOMERS[0]: "Olga"}
    _trouble(s, dice)
    for _ in range(DAYS_EACH):
        rush = dice.uniform(9, 18)
        moments = sorted((_moment(dice, rush), number) for number in range(CALLS_A_DAY + WORKS_A_DAY))
        passed = 0.0
        for at, number in moments:
            await s.after(at - passed)
            passed = at
            if number < CALLS_A_DAY:
                people.customer_calls(dice.choice((*CUSTOMERS, *CUSTOMERS, WITHHELD)))
            else:
                await _somebody_works(s, people, missed, dice)
        await s.after(DAY - passed)
    people.is_over = True
    for extension in EXTENSIONS:
        people.leaves(extension)
    await s.after(3600)


def _trouble(s: Scene, dice: random.Random) -> None:
    """The providers take calls from now on, or do not."""
    for trunk in s.trunks.values():
        trunk.is_usable = dice.random() < 0.4


def _moment(dice: random.Random, rush: float) -> float:
    """Seconds since noon, at which these days begin: any time when people are awake, or about the hour of `rush`."""
    hour = dice.gauss(rush, 0.1) if dice.random() < 0.4 else dice.triangular(7, 23, 13)
    return ((hour - 12) % 24) * 3600.0


async def _somebody_works(s: Scene, people: People, missed: StoredMissed, dice: random.Random) -> None:
    extension = dice.choice(EXTENSIONS)
    listed = await missed.open()
    waiting = [each for each in listed if each.can_be_called]
    match dice.randrange(11):
        case 0 | 1 | 2 | 10 if waiting:
            people.employee_dials(extension, dice.choice(waiting).number)
        case 3:
            people.employee_dials(extension, dice.choice((*EXTENSIONS, *CUSTOMERS)))
        case 4 | 5:
            people.leaves(extension)
        case 6 | 7:
            people.comes(extension)
        case 8 if listed:
            chosen = dice.choice(listed)
            call_id = None if chosen.can_be_called else chosen.tries[0].call_id
            if await missed.close(chosen.number, call_id=call_id, reason="wrong number", by="anna"):
                people.strikes_off(call_id or chosen.number)
        case 9:
            people.employee_dials(extension, dice.choice(("*78", "*79", "*79", "*74", "*75")))
        case _:
            way = dice.choice(list(s.lines.values()))
            if way.state in (LineState.READY, LineState.SEARCHING):
                way.state = dice.choice((LineState.READY, LineState.SEARCHING))
            _trouble(s, dice)


@pytest.mark.timeout(3600)  # for the full count
@pytest.mark.parametrize("part", range(PARTS))
async def test_everybody_is_answered_called_back_or_listed_as_missed(seed: int, part: int) -> None:
    for shop in range(SHOPS):
        dice = random.Random(f"{seed} {part} {shop}")  # a shop, no secret
        async with scene(_shop(dice)) as s:
            s.bus.subscribe(Journal(s.writer, gateway_id="g"))
            missed = StoredMissed(s.writer, gateway_id="g", shop=s.exchange.shop, clock=s.clock, publish=s.bus.publish)
            told: list[Published] = []
            s.bus.subscribe(told.append)
            people = People(s, dice, CUSTOMERS)
            await _live_through(s, people, missed, dice)
            try:
                _judge(s, people, told)
                so_far = len(s.events)
                await s.after(600)
                # All that still comes is the end of a promise's time.
                later = [event for event in s.events[so_far:] if not isinstance(event, CallBackChanged)]
                assert later == [], "nothing happens any more"
            except AssertionError as fault:
                fault.add_note(f"seed {seed}, part {part}, shop {shop}")
                raise


def _judge(s: Scene, people: People, told: list[Published]) -> None:
    calls = calls_of(people.lived)
    assert s.switchboard.calls() == []
    assert [held for held in people.lived.held if held.ended_at is None] == []
    assert [event for event in s.events if isinstance(event, CallEnded) and event.cause == Cause.FAULT] == []
    _judge_records(s, calls)
    _judge_missed(s, people, calls)
    _judge_promises(s, calls, told)
    _judge_figures(s, calls)


def _judge_records(s: Scene, calls: list[LivedCall]) -> None:
    """Every call stands there once, as it was, and no leg of it has outlived it."""
    with s.writer.engine.begin() as connection:
        rows = {row.id: row for row in connection.execute(select(calls_table))}
        ends = connection.execute(select(legs_table.c.call_id, legs_table.c.ended_at)).all()
    assert sorted(rows) == sorted(call.id for call in calls)
    for call in calls:
        row, at, partner = rows[call.id], call.met_at, call.partner
        way = "incoming" if call.is_incoming else "internal" if call.is_inside else "outgoing"
        assert (row.direction, row.line) == (way, call.caller.leg.line), call
        assert row.answered_by == (None if partner is None else partner.who), call
        assert (row.answered_at is None) == (at is None), call
        if at is not None:
            assert abs(row.answered_at - moment(at)) < BLINK, call
        assert abs(row.ended_at - moment(call.ended)) < BLINK, call
        if call.is_incoming and call.caller.leg.line == "free" and call.caller.up_at is not None:
            assert any(each.taken_at is not None for each in call.legs[1:]), "only a person answers, as the shop pays"
    assert all(ended_at is not None and ended_at <= rows[call_id].ended_at for call_id, ended_at in ends)


def _judge_missed(s: Scene, people: People, calls: list[LivedCall]) -> None:
    """Whoever was not talked to is listed, once, with all tries; whoever was, is not."""
    with s.writer.engine.begin() as connection:
        ever = read_missed(connection, s.shop, BEGAN)
        still = read_open(connection, s.shop, s.clock())
    stories = {(story.number, story.tries): story for story in stories_of(calls, people.lived, CUSTOMERS)}
    found = {(each.number, tuple(one.call_id for one in each.tries)): each for each in ever}
    assert len(found) == len(ever)
    assert found.keys() == stories.keys()
    for key, each in found.items():
        story = stories[key]
        assert isinstance(each.ended, Closure) == story.is_closed
        assert isinstance(each.ended, Talk) == (story.talked_at is not None)
        if story.talked_at is not None:
            took = (story.talked_at - story.first_at).total_seconds()
            assert each.seconds_to_return == pytest.approx(took, abs=0.01)
    waiting = [story.number for story in stories.values() if story.talked_at is None and not story.is_closed]
    assert sorted(each.number for each in still) == sorted(waiting)
    known = [number for number in waiting if number]
    assert len(set(known)) == len(known)
    in_vain = [call.id for call in calls if call.is_incoming and call.met is None]
    assert sorted(one.call_id for each in ever for one in each.tries) == sorted(in_vain), "everybody, exactly once"


def _judge_promises(s: Scene, calls: list[LivedCall], told: list[Published]) -> None:
    """Each comes to one end or waits; what was kept was a talk, and nobody is called to whom nothing was promised."""
    spans: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    waiting = {promise.id for promise in s.call_backs.waiting()}
    made = [(each.time, each.event) for each in told if isinstance(each.event, CallBackPromised)]
    changes = [(each.time, each.event) for each in told if isinstance(each.event, CallBackChanged)]
    assert {change.promise_id for _, change in changes} <= {promise.promise_id for _, promise in made}
    for since, promise in made:
        of_it = [(at, change.state) for at, change in changes if change.promise_id == promise.promise_id]
        ends = [(at, state) for at, state in of_it if state not in OPEN]
        assert len(ends) == (promise.promise_id not in waiting), "once, or it waits"
        assert ends == of_it[-1:] or not ends, "nothing comes after the end"
        over, how = ends[0] if ends else (s.clock(), "")
        spans[promise.number].append((since, over))
        talks = [call for call in calls if any(each.who == promise.number for each in call.met or ())]
        now = [call for call in talks if abs(moment(call.met_at or 0.0) - over) < BLINK]
        match how:
            case "kept":
                assert [call.is_returned for call in now] == [True]
            case "dropped":
                assert [call.is_returned for call in now] == [False]
            case "failed":
                rung = [call for call in calls if call.is_returned and any(e.who == promise.number for e in call.legs)]
                in_vain = [call for call in rung if since <= moment(call.began) <= over and call not in talks]
                assert len(in_vain) >= s.shop.reception.call_back_tries
            case "expired":
                assert over - since >= timedelta(hours=s.shop.reception.call_back_hours)
    for call in calls:
        for held in call.legs if call.is_returned else ():
            if held.who in CUSTOMERS:
                at = moment(held.began)
                assert any(since <= at <= over for since, over in spans[held.who]), "nobody has promised that"


def _judge_figures(s: Scene, calls: list[LivedCall]) -> None:
    """Summed day by day, as the reports do it."""
    period = Period(since=BEGAN, until=s.clock(), zone=MOSCOW)
    days = list(stretches(period))
    names = [line.name for line in s.shop.lines]
    with s.writer.engine.begin() as connection:
        sums = [by_clock(connection, day) for day in days]
        by_name = merged(by_queue(connection, day) for day in days)
        lines = [lines_of(connection, day, names) for day in days]
        _alike(merged(by_phone(connection, day) for day in days), by_extension(calls, EXTENSIONS))
        steps, closures = [steps_of(connection, day) for day in days], closures_since(connection, BEGAN)
        listed = read_missed(connection, s.shop, BEGAN)
    _alike({"": totals(sums)}, figures_of(calls, lambda call: ""))
    assert by_name.keys() <= {"", *(queue.name for queue in s.shop.queues)}
    if s.shop.queues and s.shop.reception.on:
        queued = {event.call_id for event in s.events if isinstance(event, CallQueued)}
        waited = [call for call in calls if call.is_incoming and call.id in queued]
        assert sum(each.incoming for each in by_name.values()) == len(waited)
        assert sum(each.answered for each in by_name.values()) == sum(call.met is not None for call in waited)
    for grouping, form in ((Grouping.DAY, "%Y-%m-%d"), (Grouping.HOUR, "%H"), (Grouping.WEEK_HOUR, "%u-%H")):
        found = by_time(sums, period, grouping)
        lived = figures_of(calls, lambda call, form=form: local(call, MOSCOW, form))  # type: ignore[misc]  # a default fixes it
        _alike({key: figures for key, figures in found.items() if figures != Figures()}, lived)
    _alike({way: each.figures for way, each in all_lines(part.by_line for part in lines).items()}, by_way(calls))
    told = returns(steps, closures, period.since, period.until, ours=())
    took = [each.seconds_to_return for each in listed if each.seconds_to_return is not None]
    assert (told.customers, told.closed) == (len(listed), sum(isinstance(each.ended, Closure) for each in listed))
    assert sorted(told.took_seconds) == pytest.approx(sorted(took), abs=0.001)
    busy = concurrency([part.busy for part in lines])
    lived_busy = busy_lines(calls, names)
    seconds: Counter[int] = Counter()
    for each in lived_busy:
        seconds[each.count] += each.until - each.since  # type: ignore[assignment]  # seconds are no whole numbers
    for count in (1, 2):
        assert sum(busy.seconds[count : count + 1]) == pytest.approx(seconds[count], abs=0.1)
    assert list(busy.peaks) == peaks_of(lived_busy, MOSCOW)
    assert (busy.refused, busy.saved) == one_more_line(calls, names)


def _alike(found: dict[str, Figures], lived: dict[str, Figures]) -> None:
    """The same calls; times to a few thousandths of a second for each of them, as each is rounded for itself."""
    assert found.keys() == lived.keys()
    for key, figures in found.items():
        other = lived[key]
        for name in ("incoming", "answered", "outgoing", "reached", "cost"):
            assert getattr(figures, name) == getattr(other, name), (key, name)
        for name in ("talk_ms", "wait_ms"):
            assert abs(getattr(figures, name) - getattr(other, name)) <= 3 * figures.calls, (key, name)
